//! What Twilio refuses at once, and with which code. Pure, given what the account remembers.

use crate::book::Book;
use crate::config::{AccountKind, SimulatorConfig};
use chrono::{DateTime, Utc};
use dakiya_core::message::Channel;
use dakiya_core::time::Timestamp;
use dakiya_twilio::wire::Address;
use std::collections::BTreeMap;
use std::sync::Arc;
use url::Url;

/// The number that a messaging service sends from.
pub(crate) const SERVICE_NUMBER: &str = "+15005550006";

const LONGEST_BODY: usize = 1_600;
const TRIAL_MESSAGES: u32 = 100;
/// Stands in front of every text of an older trial account, and counts.
pub(crate) const LEGACY_TRIAL_PREFIX: &str = "Sent from your Twilio trial account - ";
const TRIAL_TEXTS: [&str; 10] = [
    "sms_2fa",
    "sms_appointment_reminders",
    "sms_order_confirmation",
    "sms_delivery_updates",
    "sms_customer_support",
    "sms_marketing_promotions",
    "sms_event_notifications",
    "sms_account_alerts",
    "sms_feedback_surveys",
    "sms_internal_alerts",
];

/// The parameters of a POST that matter here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub to: Option<Arc<str>>,
    pub from: Option<Arc<str>>,
    pub service: Option<Arc<str>>,
    pub body: Option<Arc<str>>,
    pub content_sid: Option<Arc<str>>,
    pub content_variables: Option<Arc<str>>,
    pub media: bool,
    pub status_callback: Option<Arc<str>>,
    pub validity: Option<String>,
    pub send_at: Option<String>,
}

impl Request {
    pub(crate) fn parse(body: &[u8]) -> Self {
        let mut request = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            if value.is_empty() {
                continue;
            }
            match name.as_ref() {
                "To" => request.to = Some(value.into()),
                "From" => request.from = Some(value.into()),
                "MessagingServiceSid" => request.service = Some(value.into()),
                "Body" => request.body = Some(value.into()),
                "ContentSid" => request.content_sid = Some(value.into()),
                "ContentVariables" => request.content_variables = Some(value.into()),
                "MediaUrl" => request.media = true,
                "StatusCallback" => request.status_callback = Some(value.into()),
                "ValidityPeriod" => request.validity = Some(value.into()),
                "SendAt" => request.send_at = Some(value.into()),
                _ => {}
            }
        }
        request
    }

    /// The recipient without `whatsapp:`.
    pub(crate) fn number(&self) -> &str {
        let to = self.to.as_deref().unwrap_or_default();
        to.strip_prefix("whatsapp:").unwrap_or(to)
    }

    pub(crate) fn channel(&self) -> Channel {
        Address::parse(self.to.as_deref().unwrap_or_default()).channel
    }

    /// What the recipient sees as the sender, without `whatsapp:`.
    pub(crate) fn sender(&self) -> &str {
        let from = self.from.as_deref().unwrap_or(SERVICE_NUMBER);
        from.strip_prefix("whatsapp:").unwrap_or(from)
    }

    /// What stands for the placeholders of its template; `None`: that is not a flat JSON object of strings.
    pub(crate) fn values(&self) -> Option<BTreeMap<String, String>> {
        self.content_variables
            .as_deref()
            .map_or_else(|| Some(BTreeMap::new()), |json| serde_json::from_str(json).ok())
    }

    pub(crate) fn scheduled_for(&self) -> Option<Timestamp> {
        let text = self.send_at.as_deref()?;
        DateTime::parse_from_rfc3339(text).ok().map(|at| at.with_timezone(&Utc))
    }
}

/// The code with which Twilio refuses the request, if it does.
pub(crate) fn refusal(
    request: &Request,
    config: &SimulatorConfig,
    book: &Book,
    now: Timestamp,
) -> Option<u32> {
    shape(request)
        .or_else(|| magic_recipient(request.number()))
        .or_else(|| sender(request, config))
        .or_else(|| schedule(request, now))
        .or_else(|| opted_out(request, book))
        .or_else(|| trial(request, config, book))
}

fn shape(request: &Request) -> Option<u32> {
    let Some(to) = request.to.as_deref() else { return Some(21604) };
    let body = request.body.as_deref();
    let length = body.map_or(0, |body| body.chars().count());
    let callback_is_bad = |url: &str| {
        Url::parse(url).ok().and_then(|url| url.host_str().map(|host| host.contains('_'))).unwrap_or(true)
    };
    match request {
        Request { from: None, service: None, .. } => Some(21603),
        Request { body: None, content_sid: None, media: false, .. } => Some(21602),
        Request { content_sid: None, content_variables: Some(_), .. } => Some(21654),
        _ if request.values().is_none() => Some(21656),
        _ if length > LONGEST_BODY => Some(21617),
        _ if Address::parse(to).phone().is_none() => Some(21211),
        Request { status_callback: Some(url), .. } if callback_is_bad(url) => Some(21609),
        Request { validity: Some(seconds), .. } if !matches!(seconds.parse(), Ok(1..=36_000)) => Some(21624),
        _ => None,
    }
}

fn magic_recipient(number: &str) -> Option<u32> {
    match number {
        "+15005550001" => Some(21211),
        "+15005550002" => Some(21612),
        "+15005550003" => Some(21408),
        "+15005550004" => Some(21610),
        "+15005550009" => Some(21614),
        _ => None,
    }
}

fn sender(request: &Request, config: &SimulatorConfig) -> Option<u32> {
    if let Some(service) = request.service.as_deref() {
        let shaped = service.len() == 34 && service.starts_with("MG");
        return (!shaped || !owned(config, service)).then_some(21701);
    }
    let from = Address::parse(request.from.as_deref()?);
    match from.bare() {
        _ if from.channel != request.channel() => Some(21910),
        "+15005550001" => Some(21212),
        "+15005550007" => Some(21606),
        "+15005550008" => Some(21611),
        bare if config.account == AccountKind::TestCredentials && bare != SERVICE_NUMBER => Some(21606),
        bare if bare == request.number() => Some(21266),
        bare if owned(config, bare) => None,
        _ => Some(if from.channel == Channel::Whatsapp { 63007 } else { 21606 }),
    }
}

fn owned(config: &SimulatorConfig, sender: &str) -> bool {
    config.senders.is_empty() || config.senders.iter().any(|own| own == sender)
}

fn schedule(request: &Request, now: Timestamp) -> Option<u32> {
    request.send_at.as_ref()?;
    let Some(at) = request.scheduled_for() else { return Some(35114) };
    let wait = (at - now).num_seconds();
    match request.service {
        None => Some(35118),
        Some(_) if !(300..=35 * 86_400).contains(&wait) => Some(35114),
        Some(_) => None,
    }
}

/// A number refuses at once; a service accepts, and the message fails later.
fn opted_out(request: &Request, book: &Book) -> Option<u32> {
    (request.service.is_none() && book.has_opted_out(request.sender(), request.number())).then_some(21610)
}

fn trial(request: &Request, config: &SimulatorConfig, book: &Book) -> Option<u32> {
    let (verified, current) = match &config.account {
        AccountKind::Full | AccountKind::TestCredentials => return None,
        AccountKind::Trial { verified } => (verified, true),
        AccountKind::LegacyTrial { verified } => (verified, false),
    };
    let used = book.accepted_by_channel[usize::from(request.channel() == Channel::Whatsapp)];
    let text = request.body.as_deref().unwrap_or_default();
    match () {
        () if !verified.iter().any(|number| number == request.number()) => Some(21608),
        () if current && request.channel() == Channel::Sms && !TRIAL_TEXTS.contains(&text) => Some(572_006),
        () if current && used >= TRIAL_MESSAGES => Some(63038),
        () => None,
    }
}
