//! Messages: the queue, the log and the account of what was spent, in one table.

mod answers;
mod charged;
mod check;
mod enqueue;
mod fallback;
mod fence;
mod log;
mod people;
mod record;
mod renumbered;
mod status;
mod take;
pub(crate) mod tally;
mod waiting;

pub use answers::{Answer, Answered, FollowUp, record_answers, recover_posting};
pub use charged::{ChargedTo, charged};
pub use check::{
    Check, CheckKind, Finding, due_checks, linked_sids, next_check_at, record_findings, record_not_charged,
};
pub use enqueue::{Enqueued, enqueue};
pub(crate) use enqueue::{enqueue_batch, first_id_at};
pub(crate) use fallback::REMINDERS;
pub use fallback::{ToFollow, follow, following, follows_another, to_follow};
pub use fence::{FenceScope, still_possible};
pub use log::{FailureGroup, MessageFilter, by_phone, events, failure_groups, get, of_payment, page};
pub use people::{People, Person, people};
pub use renumbered::{renumbered, send_renumbered};
pub use status::{Applied, Consequence, StatusReport, apply_status, apply_statuses};
pub use take::{TakeRequest, Taken, TakenMessage, take};
pub use waiting::{cancel, cancel_queued, suppress_waiting};
pub(crate) use waiting::{cancel_of_payments, cancel_of_person, renumber_of_payments};

use crate::PhoneKey;
use chrono::NaiveDate;
use dakiya_core::encoding::{Encoding, Segments};
use dakiya_core::ids::{ApiKeyId, CampaignId, MessageId, PaymentId, ReminderRuleId, TemplateId};
use dakiya_core::message::{Category, Channel, EventSource, Status, SuppressedReason};
use dakiya_core::money::{FxRate, Money, Price};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::{Month, Timestamp};

/// One message to one number, as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id; also carried by Twilio's callbacks.
    pub id: MessageId,
    /// What makes it the same message when asked for twice.
    pub dedupe_key: String,
    /// The campaign it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// The template it was rendered from, and which version.
    pub template: Option<(TemplateId, i32)>,
    /// To whom; a hash once the person asked to be erased.
    pub phone: PhoneKey,
    /// How it travels.
    pub channel: Channel,
    /// Why it is sent.
    pub category: Category,
    /// From whom.
    pub sender: SenderAddress,
    /// The text, rendered. Not that of a one-time password, which only `take` gives out, to be posted.
    pub body: String,
    /// Its alphabet.
    pub encoding: Encoding,
    /// Billed parts as we count them.
    pub segments: Segments,
    /// Expected cost, before tax.
    pub estimated_cost: Money,
    /// The dollar's price it was reckoned with; `None` when no dollars were in it.
    pub estimated_fx: Option<FxRate>,
    /// The business day its cost belongs to, once it was taken for posting.
    pub cost_day: Option<NaiveDate>,
    /// The month whose budget keeps it waiting.
    pub budget_hold: Option<Month>,
    /// What Twilio charged, before tax; `None` until it said so.
    pub actual_cost: Option<Money>,
    /// As Twilio quoted it, and the rate it was converted with.
    pub quoted: Option<(Price, FxRate)>,
    /// Billed parts as Twilio counts them.
    pub twilio_segments: Option<u32>,
    /// Where it is.
    pub status: Status,
    /// Why it was deliberately not sent.
    pub suppressed_reason: Option<SuppressedReason>,
    /// Twilio's id for it.
    pub twilio_sid: Option<String>,
    /// Twilio's error code, when something went wrong.
    pub error_code: Option<u32>,
    /// How often it was taken for posting.
    pub attempts: u32,
    /// Not sent before.
    pub due_at: Timestamp,
    /// Not sent after.
    pub expires_at: Option<Timestamp>,
    /// The payment it reminds of, by which rule and step.
    pub reminder: Option<(PaymentId, ReminderRuleId, i32)>,
    /// The API key that asked for it.
    pub api_key_id: Option<ApiKeyId>,
    /// Asked for with a test key: validated and priced, never posted.
    pub test: bool,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it was last committed to being posted.
    pub taken_at: Option<Timestamp>,
    /// When the carrier got it.
    pub sent_at: Option<Timestamp>,
    /// When the phone got it.
    pub delivered_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A message about to be written down.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// What makes it the same message when asked for twice.
    pub dedupe_key: String,
    /// The campaign it belongs to.
    pub campaign_id: Option<CampaignId>,
    /// The template it was rendered from, and which version.
    pub template: Option<(TemplateId, i32)>,
    /// To whom.
    pub phone: PhoneNumber,
    /// How it travels.
    pub channel: Channel,
    /// Why it is sent.
    pub category: Category,
    /// From whom.
    pub sender: SenderAddress,
    /// The text, rendered.
    pub body: String,
    /// Its alphabet.
    pub encoding: Encoding,
    /// Billed parts.
    pub segments: Segments,
    /// Expected cost, before tax.
    pub estimated_cost: Money,
    /// The dollar's price it was reckoned with; `None` when no dollars were in it.
    pub estimated_fx: Option<FxRate>,
    /// Not sent before.
    pub due_at: Timestamp,
    /// Not sent after.
    pub expires_at: Option<Timestamp>,
    /// The API key that asked for it.
    pub api_key_id: Option<ApiKeyId>,
    /// Asked for with a test key: ends at once, is never posted and costs nothing.
    pub test: bool,
    /// Deliberately not to be sent, and why; written down all the same.
    pub suppressed: Option<SuppressedReason>,
    /// What it reminds of, if it is a reminder.
    pub reminder: Option<NewReminder>,
}

/// What makes a message a reminder.
#[derive(Clone, Debug)]
pub struct NewReminder {
    /// Of which payment.
    pub payment: PaymentId,
    /// By which rule.
    pub rule: ReminderRuleId,
    /// By which of its steps: days after the due date.
    pub step: i32,
    /// When the payment was due, as far as was known then.
    pub due_on: NaiveDate,
    /// What the payment was when the text was made.
    pub revision: i64,
    /// The text with the payment's own placeholders open, so that what is left to pay is filled in when it is sent.
    pub text: String,
    /// When to ask whether a text message has to follow.
    pub fallback_at: Option<Timestamp>,
}

/// One thing that happened to a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEvent {
    /// When.
    pub at: Timestamp,
    /// The status it brought or reported.
    pub status: Status,
    /// Who said so.
    pub source: EventSource,
    /// Twilio's error code, if it came with one.
    pub error_code: Option<u32>,
    /// What else there is to say.
    pub note: Option<String>,
}
