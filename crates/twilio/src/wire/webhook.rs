//! The forms that Twilio posts to us. Parameters come and go without notice, so unknown ones are ignored.

use super::{Address, MessageSid, TwilioStatus};
use dakiya_core::encoding::Segments;
use dakiya_core::message::{Channel, Status};
use std::collections::HashMap;

/// A form that lacks what every webhook of its kind has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// A parameter is missing or unusable.
    #[error("the webhook has no usable {0}")]
    Missing(&'static str),
}

/// What a status callback says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusCallback {
    /// Which message.
    pub sid: MessageSid,
    /// Where it is; `None` for a word we do not know.
    pub status: Option<TwilioStatus>,
    /// Why it was not delivered.
    pub error_code: Option<u32>,
    /// What the channel said about a failure.
    pub channel_message: Option<String>,
}

impl StatusCallback {
    /// Reads the decoded parameters.
    pub fn parse(params: &[(String, String)]) -> Result<Self, WebhookError> {
        let form = Form::of(params);
        let word = form
            .get("MessageStatus")
            .or(form.get("SmsStatus"))
            .ok_or(WebhookError::Missing("MessageStatus"))?;
        Ok(Self {
            sid: form.sid()?,
            status: TwilioStatus::parse(word).ok(),
            error_code: form.get("ErrorCode").and_then(|code| code.parse().ok()),
            channel_message: form.get("ChannelStatusMessage").map(str::to_owned),
        })
    }

    /// Our word for where the message is.
    pub fn our_status(&self) -> Option<Status> {
        self.status.and_then(TwilioStatus::status)
    }
}

/// A message that somebody sent to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundMessage {
    /// What Twilio calls it.
    pub sid: MessageSid,
    /// Who wrote. Not always a number.
    pub from: Address,
    /// Which sender of ours they wrote to.
    pub to: Address,
    /// The text; may be empty.
    pub body: String,
    /// Billed parts; 1 on WhatsApp.
    pub segments: Segments,
    /// Pictures and other attachments.
    pub media: u32,
    /// `STOP`, `START` or `HELP`: Advanced Opt-Out understood it and has already answered.
    pub opt_out_type: Option<String>,
    /// The name that a WhatsApp user shows.
    pub profile_name: Option<String>,
    /// What a WhatsApp quick-reply button carries.
    pub button_payload: Option<String>,
    /// Latitude and longitude of a shared location, as written.
    pub location: Option<(String, String)>,
}

impl InboundMessage {
    /// Reads the decoded parameters.
    pub fn parse(params: &[(String, String)]) -> Result<Self, WebhookError> {
        let form = Form::of(params);
        let address = |name| form.get(name).map(Address::parse).ok_or(WebhookError::Missing(name));
        let text = |name| form.get(name).map(str::to_owned);
        Ok(Self {
            sid: form.sid()?,
            from: address("From")?,
            to: address("To")?,
            body: params
                .iter()
                .find(|(name, _)| name == "Body")
                .map(|(_, body)| body.clone())
                .unwrap_or_default(),
            segments: Segments(form.get("NumSegments").and_then(|n| n.parse().ok()).unwrap_or(1)),
            media: form.get("NumMedia").and_then(|n| n.parse().ok()).unwrap_or(0),
            opt_out_type: text("OptOutType"),
            profile_name: text("ProfileName"),
            button_payload: text("ButtonPayload"),
            location: text("Latitude").zip(text("Longitude")),
        })
    }

    /// The channel it came by.
    pub fn channel(&self) -> Channel {
        self.from.channel
    }
}

/// The parameters that have a value, by name.
struct Form<'a>(HashMap<&'a str, &'a str>);

impl<'a> Form<'a> {
    fn of(params: &'a [(String, String)]) -> Self {
        Self(params.iter().filter(|(_, v)| !v.is_empty()).map(|(n, v)| (n.as_str(), v.as_str())).collect())
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).copied()
    }

    fn sid(&self) -> Result<MessageSid, WebhookError> {
        let sid = self.get("MessageSid").or(self.get("SmsSid")).ok_or(WebhookError::Missing("MessageSid"))?;
        MessageSid::parse(sid).map_err(|_| WebhookError::Missing("MessageSid"))
    }
}
