//! A person writes to one of the account's senders: opt-out keywords, the signed webhook, and the answer's replies.

use crate::book::{Book, Direction, Stored};
use crate::faults::{Bill, Fate};
use crate::messages::segments;
use crate::sim::Sim;
use dakiya_core::message::Channel;
use dakiya_twilio::TwilioStatus;
use dakiya_twilio::signature::{SIGNATURE_HEADER, sign};
use dakiya_twilio::wire::Address;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

const STOP: [&str; 8] = ["STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"];
const START: [&str; 3] = ["START", "YES", "UNSTOP"];
const HELP: [&str; 2] = ["HELP", "INFO"];

const STOP_REPLY: &str = "You have successfully been unsubscribed. You will not receive any more messages from this number. Reply START to resubscribe.";
const START_REPLY: &str = "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.";
const HELP_REPLY: &str = "Reply STOP to unsubscribe. Msg&Data Rates May Apply.";

/// Twilio waits this long for the answer to a webhook.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(15);

/// What became of a message that a person sent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct InboundReport {
    /// What Twilio calls it; `None`: it never arrived (India takes no replies by SMS).
    pub sid: Option<String>,
    /// What the webhook answered; `None`: there is none, or it did not answer.
    pub webhook_status: Option<u16>,
    /// What the person got back, Twilio's own answers first.
    pub replies: Vec<String>,
}

/// Lets a person write. `whatsapp:` in front of either address makes it WhatsApp.
pub(crate) async fn receive(sim: &Sim, from: &str, to: &str, text: &str) -> InboundReport {
    let channel = match (Address::parse(from).channel, Address::parse(to).channel) {
        (Channel::Sms, Channel::Sms) => Channel::Sms,
        _ => Channel::Whatsapp,
    };
    let (from, to) = (Address::parse(from), Address::parse(to));
    if sim.config.india && channel == Channel::Sms && from.bare().starts_with("+91") {
        return InboundReport::default();
    }
    let spelled = |address: &Address| match channel {
        Channel::Sms => address.bare().to_owned(),
        Channel::Whatsapp => format!("whatsapp:{}", address.bare()),
    };
    let letter = Letter { channel, from: spelled(&from), to: spelled(&to), text };
    let (sid, own_reply) = {
        let mut book = sim.book();
        let number = letter.store(sim, &mut book);
        if channel == Channel::Whatsapp {
            book.hear(to.bare(), from.bare(), sim.now());
        }
        let own_reply = keyword_reply(&mut book, channel, to.bare(), from.bare(), text);
        (book.sid(number), own_reply)
    };
    let mut replies: Vec<String> = own_reply.map(str::to_owned).into_iter().collect();
    let (webhook_status, answered) = letter.post(sim, &sid).await;
    replies.extend(answered);
    let mut book = sim.book();
    replies.retain(|reply| {
        // Twilio answers STOP itself; whatever else goes to somebody who has opted out fails.
        let blocked = book.has_opted_out(to.bare(), from.bare()) && Some(reply.as_str()) != own_reply;
        letter.store_reply(sim, &mut book, reply, blocked);
        !blocked
    });
    InboundReport { sid: Some(sid), webhook_status, replies }
}

/// Twilio's keywords work on numbers, not on WhatsApp.
fn keyword_reply(
    book: &mut Book,
    channel: Channel,
    sender: &str,
    person: &str,
    text: &str,
) -> Option<&'static str> {
    if channel != Channel::Sms {
        return None;
    }
    let word = text.trim().to_ascii_uppercase();
    let is = |words: &[&str]| words.contains(&word.as_str());
    if is(&STOP) {
        book.opt_out(sender, person);
        Some(STOP_REPLY)
    } else if is(&START) {
        book.opt_in(sender, person);
        Some(START_REPLY)
    } else if is(&HELP) && !book.has_opted_out(sender, person) {
        Some(HELP_REPLY)
    } else {
        None
    }
}

struct Letter<'a> {
    channel: Channel,
    from: String,
    to: String,
    text: &'a str,
}

impl Letter<'_> {
    fn store(&self, sim: &Sim, book: &mut Book) -> u64 {
        let message = self.message(sim, Direction::Inbound, self.text, TwilioStatus::Received);
        self.add(sim, book, message)
    }

    fn store_reply(&self, sim: &Sim, book: &mut Book, text: &str, blocked: bool) {
        let status = if blocked { TwilioStatus::Failed } else { TwilioStatus::Delivered };
        let mut message = self.message(sim, Direction::OutboundReply, text, status);
        std::mem::swap(&mut message.to, message.from.get_or_insert_default());
        message.error = blocked.then_some(21610);
        self.add(sim, book, message);
    }

    fn add(&self, sim: &Sim, book: &mut Book, message: Stored) -> u64 {
        let charged = message.error.is_none();
        let number = book.add(message);
        if charged {
            crate::progress::begin_rating(sim, number);
        }
        number
    }

    fn message(&self, sim: &Sim, direction: Direction, text: &str, status: TwilioStatus) -> Stored {
        let now = sim.now();
        Stored {
            direction,
            channel: self.channel,
            to: self.to.as_str().into(),
            from: Some(self.from.as_str().into()),
            service: None,
            body: Arc::from(text),
            status,
            segments: segments(self.channel, text),
            counted: true,
            bill: Bill::Usual,
            price: None,
            price_shown_at: None,
            repriced: None,
            error: None,
            fate: Fate::Deliver,
            created: now,
            updated: now,
            sent: Some(now),
            callback: None,
            callbacks_answered: 0,
        }
    }

    /// Posts the webhook. Gives its status and the replies that it asks for.
    async fn post(&self, sim: &Sim, sid: &str) -> (Option<u16>, Vec<String>) {
        let Some(url) = sim.inbound_url() else { return (None, Vec::new()) };
        let params = self.params(sim, sid);
        let body: String =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&params).finish();
        let request = sim
            .http
            .post(url.split('#').next().unwrap_or_default())
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header(SIGNATURE_HEADER, sign(&sim.token, &url, &params))
            .timeout(WEBHOOK_TIMEOUT)
            .body(body);
        let Ok(response) = request.send().await else { return (None, Vec::new()) };
        let status = response.status();
        let replies = match response.text().await {
            Ok(twiml) if status.is_success() => replies(&twiml),
            _ => Vec::new(),
        };
        (Some(status.as_u16()), replies)
    }

    fn params(&self, sim: &Sim, sid: &str) -> Vec<(&'static str, String)> {
        let mut params = vec![
            ("SmsMessageSid", sid.to_owned()),
            ("NumMedia", "0".to_owned()),
            ("SmsSid", sid.to_owned()),
            ("SmsStatus", "received".to_owned()),
            ("Body", self.text.to_owned()),
            ("To", self.to.clone()),
            ("NumSegments", segments(self.channel, self.text).to_string()),
            ("MessageSid", sid.to_owned()),
            ("AccountSid", sim.config.account_sid.clone()),
            ("From", self.from.clone()),
            ("ApiVersion", "2010-04-01".to_owned()),
        ];
        match self.channel {
            Channel::Sms => params.extend([("FromCity", String::new()), ("FromState", String::new())]),
            Channel::Whatsapp => params.extend([
                ("MessageType", "text".to_owned()),
                ("ProfileName", "Simulated".to_owned()),
                ("WaId", self.from.chars().filter(char::is_ascii_digit).collect()),
            ]),
        }
        params
    }
}

/// The texts of the `<Message>`s in a TwiML document.
fn replies(twiml: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = twiml;
    while let Some((_, after)) = rest.split_once("<Message") {
        let Some((_, content)) = after.split_once('>') else { break };
        let Some((content, next)) = content.split_once("</Message>") else { break };
        let text = content.trim().trim_start_matches("<Body>").trim_end_matches("</Body>");
        let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
        found.push(entities.iter().fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c)));
        rest = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twiml_is_read_as_it_is_written() {
        assert_eq!(replies(dakiya_twilio::twiml::EMPTY), Vec::<String>::new());
        assert_eq!(replies(&dakiya_twilio::twiml::reply("a < b & \"c\" &lt;")), ["a < b & \"c\" &lt;"]);
        assert_eq!(
            replies("<Response><Message><Body>one</Body></Message><Message to='x'>two</Message>"),
            ["one", "two"]
        );
    }
}
