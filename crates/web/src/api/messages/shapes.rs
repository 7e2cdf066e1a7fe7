//! What a message looks like in JSON.

use crate::api::schema;
use dakiya_core::encoding::Encoding;
use dakiya_core::ids::{CampaignId, MessageId};
use dakiya_core::message::{Category, Channel, EventSource, Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use dakiya_store::budgets::Holds;
use dakiya_store::messages::{Message, MessageEvent};
use dakiya_twilio::error::explain;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A message to send: a template with its values, or a text of its own with its category.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    /// The number, in any common Indian spelling or in international form.
    #[schema(example = "98765 43210")]
    pub to: String,
    /// A template's key; instead of `body`.
    #[schema(example = "service_request_received")]
    pub template: Option<String>,
    /// What the template's placeholders stand for. A value may be empty, not missing.
    #[serde(default)]
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub variables: Option<Variables>,
    /// A text; instead of `template`.
    pub body: Option<String>,
    /// Why the text is sent; needed with `body`, a template has its own.
    #[schema(value_type = Option<schema::Category>)]
    pub category: Option<Category>,
    /// How it travels; SMS unless the sender speaks another.
    #[schema(value_type = Option<schema::Channel>)]
    pub channel: Option<Channel>,
    /// Which language variant of the template.
    #[schema(example = "hi")]
    pub language: Option<String>,
    /// Not before this instant; at once when absent.
    #[schema(format = DateTime)]
    pub send_at: Option<String>,
    /// From whom; the first sender of the channel when absent.
    pub sender: Option<String>,
}

/// A message that waits to be sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageAccepted {
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    pub id: MessageId,
    /// Where it is.
    #[schema(value_type = schema::Status)]
    pub status: Status,
    /// The number, in E.164.
    #[schema(value_type = schema::Phone)]
    pub to: Option<PhoneNumber>,
    /// How it travels.
    #[schema(value_type = schema::Channel)]
    pub channel: Channel,
    /// Its alphabet.
    #[schema(value_type = schema::Encoding)]
    pub encoding: Encoding,
    /// Billed parts.
    pub segments: u32,
    /// Expected cost, before tax.
    #[schema(value_type = schema::Money)]
    pub estimated_cost: Money,
}

/// A message as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageSummary {
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    pub id: MessageId,
    /// The number, in E.164; null once the person asked to be erased.
    #[schema(value_type = Option<schema::Phone>, required = true)]
    pub to: Option<PhoneNumber>,
    /// From whom.
    pub sender: String,
    /// How it travels.
    #[schema(value_type = schema::Channel)]
    pub channel: Channel,
    /// Why it is sent.
    #[schema(value_type = schema::Category)]
    pub category: Category,
    /// Where it is.
    #[schema(value_type = schema::Status)]
    pub status: Status,
    /// Why it was deliberately not sent.
    #[schema(value_type = Option<schema::SuppressedReason>, required = true)]
    pub suppressed_reason: Option<SuppressedReason>,
    /// The budget that keeps it waiting: a month's, written `YYYY-MM`, or `campaign`, its campaign's own; null when none does.
    #[schema(required = true, example = "2026-11")]
    pub held_by_budget: Option<String>,
    /// Twilio's id for it.
    #[schema(required = true)]
    pub twilio_sid: Option<String>,
    /// Twilio's error code.
    #[schema(required = true)]
    pub error_code: Option<u32>,
    /// What the code means and what to do, in plain words.
    #[schema(required = true)]
    pub error: Option<String>,
    /// The text, rendered.
    pub body: String,
    /// Its alphabet.
    #[schema(value_type = schema::Encoding)]
    pub encoding: Encoding,
    /// Billed parts, as counted before sending.
    pub segments: u32,
    /// Expected cost, before tax.
    #[schema(value_type = schema::Money)]
    pub estimated_cost: Money,
    /// What Twilio charged, before tax; null until it said so.
    #[schema(value_type = Option<schema::Money>, required = true)]
    pub actual_cost: Option<Money>,
    /// How often it was taken for posting.
    pub attempts: u32,
    /// The campaign it belongs to.
    #[schema(value_type = Option<uuid::Uuid>, required = true)]
    pub campaign: Option<CampaignId>,
    /// Asked for with a test key: validated and priced, never posted.
    pub test: bool,
    /// When it was asked for.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// Not sent before.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub due_at: Timestamp,
    /// When the carrier got it.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    pub sent_at: Option<Timestamp>,
    /// When the phone got it.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    pub delivered_at: Option<Timestamp>,
}

/// A message with all that happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageDetail {
    /// As it stands.
    #[serde(flatten)]
    pub message: MessageSummary,
    /// What happened, oldest first.
    pub events: Vec<Event>,
}

/// One thing that happened to a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessageEvent)]
pub struct Event {
    /// When.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub at: Timestamp,
    /// The status it brought or reported.
    #[schema(value_type = schema::Status)]
    pub status: Status,
    /// Who said so.
    #[schema(value_type = schema::EventSource)]
    pub source: EventSource,
    /// Twilio's error code, if it came with one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<u32>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl From<Message> for MessageAccepted {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            status: message.status,
            to: message.phone.number(),
            channel: message.channel,
            encoding: message.encoding,
            segments: message.segments.0,
            estimated_cost: message.estimated_cost,
        }
    }
}

impl MessageSummary {
    /// As it stands; `holds` are the campaigns that a budget keeps waiting.
    pub fn of(message: Message, holds: &Holds) -> Self {
        Self {
            held_by_budget: holds.of(&message).map(|hold| hold.to_string()),
            id: message.id,
            to: message.phone.number(),
            sender: message.sender.to_string(),
            channel: message.channel,
            category: message.category,
            status: message.status,
            suppressed_reason: message.suppressed_reason,
            twilio_sid: message.twilio_sid,
            error_code: message.error_code,
            error: message.error_code.map(plain_words),
            body: message.body,
            encoding: message.encoding,
            segments: message.segments.0,
            estimated_cost: message.estimated_cost,
            actual_cost: message.actual_cost,
            attempts: message.attempts,
            campaign: message.campaign_id,
            test: message.test,
            created_at: message.created_at,
            due_at: message.due_at,
            sent_at: message.sent_at,
            delivered_at: message.delivered_at,
        }
    }
}

/// A code as a person understands it. What is not in the catalogue is not guessed at.
fn plain_words(code: u32) -> String {
    match explain(code) {
        Some(known) => format!("{}. {}.", known.meaning, known.fix),
        None => format!(
            "Twilio reported {code}, which is not in the catalogue; see twilio.com/docs/api/errors/{code}"
        ),
    }
}

impl From<MessageEvent> for Event {
    fn from(event: MessageEvent) -> Self {
        Self {
            at: event.at,
            status: event.status,
            source: event.source,
            error_code: event.error_code,
            note: event.note,
        }
    }
}
