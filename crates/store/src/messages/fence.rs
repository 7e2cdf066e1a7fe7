//! The acknowledgement rule: whether a POST of some scope can still begin.
//!
//! Whoever stops something commits that first; `take` reads it in its own transaction, so nothing is taken after.
//! What was taken before is `posting`, and may begin until its deadline. Once no such message is left, none can.
//!
//! No clock is asked here: wall clocks jump and differ. What a process that died left `posting` keeps its fence closed
//! until whoever waits sees, by time that only goes forward, that every deadline has passed.

use crate::column::Stored;
use crate::sql::Sql;
use crate::{Store, StoreError};
use dakiya_core::ids::{CampaignId, PaymentId};
use dakiya_core::message::Category;
use dakiya_core::opt_out::OptOutScope;
use dakiya_core::phone::PhoneNumber;

/// What was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FenceScope {
    /// Everything.
    All,
    /// One campaign.
    Campaign(CampaignId),
    /// One number, as far as an opt-out of this scope covers it.
    Phone(PhoneNumber, OptOutScope),
    /// The reminders of one payment.
    Payment(PaymentId),
    /// The reminders of all payments of which nothing is owed.
    SettledPayments,
}

/// Whether a message of this scope that was taken before now may still begin to be posted.
pub async fn still_possible(store: &Store, scope: FenceScope) -> Result<bool, StoreError> {
    let query = Sql::new("SELECT id FROM messages WHERE status = 1");
    let query = match scope {
        FenceScope::All => query,
        FenceScope::Campaign(id) => query.text(" AND campaign_id = ").bind(Stored(id)),
        FenceScope::Payment(id) => query.text(" AND payment_id = ").bind(Stored(id)),
        FenceScope::SettledPayments => {
            query.text(" AND payment_id IN (SELECT id FROM payments WHERE status > 1)")
        }
        FenceScope::Phone(phone, OptOutScope::All) => query.text(" AND phone = ").bind(Stored(phone)),
        FenceScope::Phone(phone, OptOutScope::Promotional) => query
            .text(" AND phone = ")
            .bind(Stored(phone))
            .text(" AND category = ")
            .bind(Stored(Category::Promotional)),
    };
    Ok(query.text(" LIMIT 1").one(store.read()).await?.is_some())
}
