//! The Message resource: as it is spelled, and as we read it.

use super::{Address, MessageSid, TwilioStatus, lenient, parse_rfc2822};
use dakiya_core::encoding::Segments;
use dakiya_core::message::Status;
use dakiya_core::money::{Currency, Price};
use dakiya_core::time::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A message as the 2010 API spells it. Every field may be null or missing, and unknown ones are ignored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MessageResource {
    /// `AC…`.
    #[serde(deserialize_with = "lenient::text")]
    pub account_sid: Option<String>,
    /// `2010-04-01`.
    #[serde(deserialize_with = "lenient::text")]
    pub api_version: Option<String>,
    /// The text; empty after redaction.
    #[serde(deserialize_with = "lenient::text")]
    pub body: Option<String>,
    /// RFC 2822.
    #[serde(deserialize_with = "lenient::text")]
    pub date_created: Option<String>,
    /// RFC 2822; null until it was handed over.
    #[serde(deserialize_with = "lenient::text")]
    pub date_sent: Option<String>,
    /// RFC 2822.
    #[serde(deserialize_with = "lenient::text")]
    pub date_updated: Option<String>,
    /// `inbound`, `outbound-api`, `outbound-call`, `outbound-reply`.
    #[serde(deserialize_with = "lenient::text")]
    pub direction: Option<String>,
    /// Twilio's error code.
    #[serde(deserialize_with = "lenient::integer")]
    pub error_code: Option<u32>,
    /// Its text, which Twilio may change.
    #[serde(deserialize_with = "lenient::text")]
    pub error_message: Option<String>,
    /// The sender; null at first with a messaging service.
    #[serde(deserialize_with = "lenient::text")]
    pub from: Option<String>,
    /// `MG…`.
    #[serde(deserialize_with = "lenient::text")]
    pub messaging_service_sid: Option<String>,
    /// A number in a string.
    #[serde(deserialize_with = "lenient::text")]
    pub num_media: Option<String>,
    /// A number in a string; `"0"` at first with a messaging service.
    #[serde(deserialize_with = "lenient::text")]
    pub num_segments: Option<String>,
    /// A negative decimal in a string; null until rated.
    #[serde(deserialize_with = "lenient::text")]
    pub price: Option<String>,
    /// `USD`.
    #[serde(deserialize_with = "lenient::text")]
    pub price_unit: Option<String>,
    /// `SM…` or `MM…`.
    #[serde(deserialize_with = "lenient::text")]
    pub sid: Option<String>,
    /// One of [`TwilioStatus`], or a word we do not know.
    #[serde(deserialize_with = "lenient::text")]
    pub status: Option<String>,
    /// Paths below this one.
    #[serde(deserialize_with = "ignored_unless_map")]
    pub subresource_uris: BTreeMap<String, String>,
    /// The recipient.
    #[serde(deserialize_with = "lenient::text")]
    pub to: Option<String>,
    /// Its own path.
    #[serde(deserialize_with = "lenient::text")]
    pub uri: Option<String>,
}

fn ignored_unless_map<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Map(BTreeMap<String, String>),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Map(map) => map,
        Either::Other(_) => BTreeMap::new(),
    })
}

/// A message as we read it.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "MessageResource")]
pub struct Message {
    /// What Twilio calls it.
    pub sid: MessageSid,
    /// Where it is; `None` for a word we do not know.
    pub status: Option<TwilioStatus>,
    /// We sent it.
    pub outbound: bool,
    /// The sender, once chosen.
    pub from: Option<Address>,
    /// The recipient.
    pub to: Option<Address>,
    /// The messaging service it went through.
    pub messaging_service_sid: Option<String>,
    /// The text; empty after redaction.
    pub body: String,
    /// What Twilio bills, once it has counted.
    pub segments: Option<Segments>,
    /// What Twilio charges, positive, once it is rated.
    pub price: Option<Decimal>,
    /// The currency of the price, upper case.
    pub price_unit: Option<String>,
    /// Why it was not delivered.
    pub error_code: Option<u32>,
    /// When Twilio got it, to the second.
    pub created_at: Option<Timestamp>,
    /// When it was handed over, to the second.
    pub sent_at: Option<Timestamp>,
}

impl Message {
    /// Our word for where it is. `None` for inbound messages and for words we do not know.
    pub fn our_status(&self) -> Option<Status> {
        self.status.and_then(TwilioStatus::status)
    }

    /// The price in a currency that we can convert, once it is rated.
    pub fn charge(&self) -> Option<Price> {
        let currency = Currency::parse(self.price_unit.as_deref()?).ok()?;
        Some(Price { amount: self.price?, currency })
    }

    /// When it was handed over, else when Twilio got it.
    pub fn at(&self) -> Option<Timestamp> {
        self.sent_at.or(self.created_at)
    }
}

impl TryFrom<MessageResource> for Message {
    type Error = super::NotASid;

    fn try_from(wire: MessageResource) -> Result<Self, Self::Error> {
        let number = |text: Option<String>| text.and_then(|text| Decimal::from_str_exact(&text).ok());
        let instant = |text: Option<String>| text.as_deref().and_then(parse_rfc2822);
        let address =
            |text: Option<String>| text.filter(|text| !text.is_empty()).as_deref().map(Address::parse);
        Ok(Self {
            sid: MessageSid::try_from(wire.sid.unwrap_or_default())?,
            status: wire.status.and_then(|word| TwilioStatus::parse(&word).ok()),
            outbound: wire.direction.is_some_and(|direction| direction.starts_with("outbound")),
            from: address(wire.from),
            to: address(wire.to),
            messaging_service_sid: wire.messaging_service_sid,
            body: wire.body.unwrap_or_default(),
            segments: wire.num_segments.and_then(|n| n.parse().ok()).filter(|n| *n > 0).map(Segments),
            price: number(wire.price).map(|price| price.abs()),
            price_unit: wire.price_unit.map(|unit| unit.to_ascii_uppercase()),
            error_code: wire.error_code,
            created_at: instant(wire.date_created),
            sent_at: instant(wire.date_sent),
        })
    }
}

/// One page of a list of messages, newest first.
#[derive(Clone, Debug, Deserialize)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<Message>,
    /// Where the next page is, to be followed as it stands; `None` on the last one.
    #[serde(default)]
    pub next_page_uri: Option<String>,
}
