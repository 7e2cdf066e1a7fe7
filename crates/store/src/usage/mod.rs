//! A vendor's usage records by UTC day, and what of them is filed in the roll-ups.
//!
//! Days before our own first message are filed whole: they are the vendor's totals, not messages of ours. Of later days
//! only rents are, because nothing else tells what a number was charged. A day is filed under its UTC date. Filing is a
//! function of the records, the day of our first message and the exchange rates: repeating it changes nothing.

mod file;
mod read;

pub use file::{Filed, put, refile};
pub(crate) use file::{filed, first_own_day, lock};
pub use read::{first_message_day, newest_day, records};

use crate::audit::{self, Actor};
use crate::sql::Sql;
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::time::Timestamp;
use dakiya_core::usage::UsageKind;
use rust_decimal::Decimal;

/// One record of one day, as the vendor has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRecord {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// The vendor's word for what it is about.
    pub category: String,
    /// Ours, where it is told apart.
    pub kind: Option<UsageKind>,
    /// How many messages, or numbers; not every category says.
    pub count: Option<i64>,
    /// How many billed units.
    pub usage: Option<Decimal>,
    /// What was charged; below zero is a credit. Unlike a message's price, a charge has no sign here.
    pub price: Decimal,
    /// Its currency, upper case.
    pub price_unit: String,
    /// Until when it counts, as the vendor writes it.
    pub as_of: Option<String>,
}

/// How far reading has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageState {
    /// Whose records were read; empty before the first.
    pub account: String,
    /// The oldest day that was read.
    pub oldest_day: Option<NaiveDate>,
    /// Whether the account's past was read to its end.
    pub backfilled: bool,
    /// When something was read last.
    pub read_at: Option<Timestamp>,
}

/// How far reading has come.
pub async fn state(store: &Store) -> Result<UsageState, StoreError> {
    let row = Sql::new("SELECT account, oldest_day, backfilled, read_at FROM usage_state WHERE id = 1")
        .one(store.read())
        .await?
        .ok_or(StoreError::NotMigrated)?;
    Ok(UsageState {
        account: row.try_get("", "account")?,
        oldest_day: row.try_get("", "oldest_day")?,
        backfilled: row.try_get("", "backfilled")?,
        read_at: row.try_get("", "read_at")?,
    })
}

/// Says that an account's past was read to its end.
pub async fn mark_backfilled(store: &Store, account: &str) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("UPDATE usage_state SET backfilled = TRUE WHERE id = 1 AND account = ")
        .bind(account)
        .execute(&*tx)
        .await?;
    tx.commit().await
}

/// Says in the audit log that records were read.
pub async fn note_reading(
    store: &Store,
    actor: &Actor,
    now: Timestamp,
    detail: &str,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    audit::record(store, &*tx, actor, now, "usage.read", "Twilio's usage records", detail).await?;
    tx.commit().await
}
