//! Campaigns: one template to many people, approved once, paused and canceled at any time.

mod audience;
mod committed;
mod draft;
mod expansion;
mod lifecycle;
mod read;

pub use audience::{NewRecipient, add_recipients, from_contact, snapshot_audience};
pub use committed::{Committed, committed};
pub use draft::{create, update};
pub use expansion::{Batch, complete_finished, expand, to_expand};
pub use lifecycle::{Approval, approve, cancel, pause, resume, start_due, to_clear};
pub use read::{Counts, counts, get, list, results};

use crate::StoreError;
use crate::budgets::BudgetHold;
use dakiya_core::audience::Audience;
use dakiya_core::campaign::{CampaignState, InvalidState};
use dakiya_core::ids::{CampaignId, TemplateId};
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::{Month, Timestamp};

/// What a person writes down about a campaign while it is a draft.
#[derive(Clone, Debug, PartialEq)]
pub struct CampaignDraft {
    /// As people call it.
    pub name: String,
    /// The template.
    pub template_id: TemplateId,
    /// Its version, frozen when the draft was written.
    pub template_version: i32,
    /// How it travels.
    pub channel: Channel,
    /// From whom.
    pub sender: SenderAddress,
    /// Stored contacts it goes to; uploaded rows come on top.
    pub audience: Audience,
    /// When it starts; at once when approved, if `None`.
    pub send_at: Option<Timestamp>,
    /// Its own pace, slower than the sender's.
    pub segments_per_second: Option<u32>,
    /// The most it may cost before tax.
    pub budget: Option<Money>,
}

/// A campaign as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// What was written down.
    pub draft: CampaignDraft,
    /// Where it is.
    pub state: CampaignState,
    /// Grows whenever draft or recipients change; approval is bound to it.
    pub revision: i64,
    /// How many recipients are written down.
    pub recipients: u64,
    /// The last recipient, in the order of numbers, whose message is written down.
    pub expanded_through: Option<PhoneNumber>,
    /// Whether every recipient has a message.
    pub expanded: bool,
    /// The quote that was approved.
    pub quote: Option<String>,
    /// When it was approved.
    pub approved_at: Option<Timestamp>,
    /// Who approved it, as people know them.
    pub approved_by: Option<String>,
    /// What it was expected to cost, before tax.
    pub estimated_cost: Money,
    /// What one segment, or one WhatsApp message, was expected to cost then; its messages are written down at it.
    pub unit_price: Option<Money>,
    /// What the messages written down so far are expected to cost.
    pub expanded_cost: Money,
    /// What is still set aside for it.
    pub reserved: Money,
    /// Of that, what is not sent yet; nothing once it is canceled.
    pub waiting_cost: Money,
    /// The month whose budget it is set aside from.
    pub budget_month: Option<Month>,
    /// The budget that keeps it waiting.
    pub budget_hold: Option<BudgetHold>,
    /// What Twilio has charged so far.
    pub actual_cost: Money,
    /// When the first message was expected to go out, as approved.
    pub predicted_start: Option<Timestamp>,
    /// When the last message was expected to go out, as approved.
    pub predicted_finish: Option<Timestamp>,
    /// Why it is paused, when not by a person.
    pub paused_reason: Option<String>,
    /// When it was written down.
    pub created_at: Timestamp,
    /// By whom, as people know them.
    pub created_by: String,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When nothing of it waited any more.
    pub finished_at: Option<Timestamp>,
}

/// Why a campaign was not changed.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// No such campaign.
    #[error("there is no campaign {0}")]
    NotFound(CampaignId),
    /// The action does not fit its state.
    #[error(transparent)]
    InvalidState(#[from] InvalidState),
    /// Only a draft's text and audience can be changed.
    #[error("the campaign is {0}; only a draft can be changed")]
    NotADraft(CampaignState),
    /// Audience, text or cost changed since the quote.
    #[error("the audience, the text or the cost changed since this quote; ask for a new estimate")]
    QuoteChanged,
    /// It would cost more than is left of its month's budget, which stops sending.
    #[error(
        "it is expected to cost {} before tax, more than the {} left of the budget for {month}",
        expected.with_sign(),
        left.with_sign()
    )]
    OverBudget {
        /// Expected cost before tax.
        expected: Money,
        /// What is neither spent nor set aside.
        left: Money,
        /// Of which month.
        month: Month,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
