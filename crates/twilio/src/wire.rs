//! Twilio's spelling, in one place: statuses, addresses, resources and webhook forms.

mod lenient;
mod message;
mod webhook;

pub use message::{Message, MessagePage, MessageResource};
pub use webhook::{InboundMessage, StatusCallback, WebhookError};

pub(crate) use lenient::{decimal, integer};

use dakiya_core::message::{Channel, Status};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::{SenderAddress, SenderKind};
use dakiya_core::time::Timestamp;
use dakiya_core::worded_enum;
use std::fmt;

const WHATSAPP_PREFIX: &str = "whatsapp:";

/// What Twilio calls a message: `SM` or `MM` and 32 hexadecimal digits. Other Twilio-compatible servers may count
/// differently, so only what could not stand in a URL or a column is refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageSid(String);

/// A text that cannot be a message SID.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message SID is SM or MM and 32 hexadecimal digits")]
pub struct NotASid;

impl MessageSid {
    /// Reads a SID.
    pub fn parse(text: &str) -> Result<Self, NotASid> {
        Self::try_from(text.to_owned())
    }

    /// The SID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MessageSid {
    type Error = NotASid;
    fn try_from(text: String) -> Result<Self, NotASid> {
        let fits = (text.starts_with("SM") || text.starts_with("MM"))
            && (3..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if fits { Ok(Self(text)) } else { Err(NotASid) }
    }
}

impl From<MessageSid> for String {
    fn from(sid: MessageSid) -> String {
        sid.0
    }
}

impl fmt::Display for MessageSid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

worded_enum! {
    /// Where Twilio says a message is.
    TwilioStatus {
        /// A messaging service has it and will choose a sender.
        Accepted = "accepted",
        /// A messaging service will send it later.
        Scheduled = "scheduled",
        /// Waits in the sender's queue.
        Queued = "queued",
        /// Is being handed to the carrier.
        Sending = "sending",
        /// Handed to the carrier.
        Sent = "sent",
        /// On the phone.
        Delivered = "delivered",
        /// The carrier could not deliver it.
        Undelivered = "undelivered",
        /// Not handed over.
        Failed = "failed",
        /// Seen (WhatsApp).
        Read = "read",
        /// A scheduled message that was stopped.
        Canceled = "canceled",
        /// Deprecated: some parts arrived.
        PartiallyDelivered = "partially_delivered",
        /// Inbound, arriving.
        Receiving = "receiving",
        /// Inbound, here.
        Received = "received",
    }
}

impl TwilioStatus {
    /// Our word for it. `None` for inbound messages.
    pub const fn status(self) -> Option<Status> {
        match self {
            Self::Accepted | Self::Scheduled | Self::Queued | Self::Sending => Some(Status::Accepted),
            Self::Sent | Self::PartiallyDelivered => Some(Status::Sent),
            Self::Delivered => Some(Status::Delivered),
            Self::Undelivered => Some(Status::Undelivered),
            Self::Failed => Some(Status::Failed),
            Self::Read => Some(Status::Read),
            Self::Canceled => Some(Status::Canceled),
            Self::Receiving | Self::Received => None,
        }
    }
}

/// An address as Twilio writes it: a number or a header, with `whatsapp:` in front on that channel. It need not be a
/// number: a WhatsApp user may show a business-scoped id instead.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Address {
    /// How messages travel there.
    pub channel: Channel,
    text: String,
}

impl Address {
    /// Reads what Twilio wrote.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix(WHATSAPP_PREFIX) {
            Some(bare) => Self { channel: Channel::Whatsapp, text: bare.to_owned() },
            None => Self { channel: Channel::Sms, text: text.to_owned() },
        }
    }

    /// A person's address on a channel.
    pub fn of(channel: Channel, phone: PhoneNumber) -> Self {
        Self { channel, text: phone.to_string() }
    }

    /// A sender's address.
    pub fn of_sender(kind: SenderKind, address: &SenderAddress) -> Self {
        Self { channel: kind.channel(), text: address.as_str().to_owned() }
    }

    /// The number, when it is one.
    pub fn phone(&self) -> Option<PhoneNumber> {
        PhoneNumber::from_e164(&self.text)
    }

    /// The address without `whatsapp:`, as a [`SenderAddress`] keeps it.
    pub fn bare(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.channel {
            Channel::Sms => f.write_str(&self.text),
            Channel::Whatsapp => write!(f, "{WHATSAPP_PREFIX}{}", self.text),
        }
    }
}

/// Masked, for logs.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.phone() {
            Some(phone) => write!(f, "{}:{phone:?}", self.channel),
            None => write!(f, "{}:…", self.channel),
        }
    }
}

/// Writes an instant as the 2010 API does: `Tue, 15 Sep 2026 10:42:07 +0000`.
pub fn rfc2822(at: Timestamp) -> String {
    at.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// Reads an instant as the 2010 API writes it.
pub fn parse_rfc2822(text: &str) -> Option<Timestamp> {
    chrono::DateTime::parse_from_rfc2822(text).ok().map(|at| at.to_utc())
}
