//! Asking what was found.

use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::{FindingId, MessageId};
use dakiya_core::money::FxRate;
use dakiya_core::reconciliation::{Balance, FindingKind, FindingState};
use dakiya_core::time::{Month, Timestamp};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, QueryResult};

/// A day that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciledDay {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// When it was compared last.
    pub at: Timestamp,
    /// The vendor's currency.
    pub unit: String,
    /// What it is converted with for display.
    pub fx: FxRate,
    /// What it is made of.
    pub balance: Balance,
    /// How many messages the vendor charged.
    pub vendor_messages: i64,
    /// How many of ours it has.
    pub our_messages: i64,
    /// Ours without a price.
    pub unpriced: i64,
    /// Whether the vendor's messages were looked through one by one.
    pub listed: bool,
    /// Whether all of them were.
    pub complete: bool,
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its id.
    pub id: FindingId,
    /// Of which day, in UTC.
    pub day: NaiveDate,
    /// What it is.
    pub kind: FindingKind,
    /// Twilio's id of the message, or the category.
    pub subject: String,
    /// Our message.
    pub message: Option<MessageId>,
    /// What the vendor charged beyond our books.
    pub amount: Decimal,
    /// What became of it.
    pub state: FindingState,
    /// What was said about it.
    pub note: String,
    /// Who said so.
    pub decided_by: Option<String>,
}

/// The days of a month that were compared, the first one first.
pub async fn days(store: &Store, month: Month) -> Result<Vec<ReconciledDay>, StoreError> {
    let rows = Sql::new("SELECT * FROM reconciled_days WHERE day >= ")
        .bind(month.first_day())
        .text(" AND day <= ")
        .bind(month.last_day())
        .text(" ORDER BY day")
        .all(store.read())
        .await?;
    rows.iter().map(day).collect()
}

/// What was found between two days, both included: those that count first, then what is settled; at most `limit`.
pub async fn findings(
    store: &Store,
    (first, last): (NaiveDate, NaiveDate),
    limit: u64,
) -> Result<Vec<Finding>, StoreError> {
    let mut found = Vec::new();
    for state in [FindingState::Open, FindingState::Explained, FindingState::Settled] {
        let left = i64::try_from(limit).unwrap_or(i64::MAX) - i64::try_from(found.len()).unwrap_or(i64::MAX);
        let rows = Sql::new("SELECT * FROM reconciliation_findings WHERE state = ")
            .bind(Stored(state))
            .text(" AND day >= ")
            .bind(first)
            .text(" AND day <= ")
            .bind(last)
            .text(" ORDER BY day, kind, subject LIMIT ")
            .bind(left.max(0))
            .all(store.read())
            .await?;
        for row in &rows {
            found.push(finding(row)?);
        }
    }
    Ok(found)
}

/// One finding.
pub async fn get(store: &Store, id: FindingId) -> Result<Option<Finding>, StoreError> {
    let row = Sql::new("SELECT * FROM reconciliation_findings WHERE id = ").bind(Stored(id));
    row.one(store.read()).await?.as_ref().map(finding).transpose()
}

/// Everything that was found of a day.
pub(super) async fn load<C: ConnectionTrait>(tx: &C, day: NaiveDate) -> Result<Vec<Finding>, StoreError> {
    let rows = Sql::new("SELECT * FROM reconciliation_findings WHERE day = ").bind(day).all(tx).await?;
    rows.iter().map(finding).collect()
}

fn decimal(row: &QueryResult, column: &str) -> Result<Decimal, StoreError> {
    let text: String = row.try_get("", column)?;
    Decimal::from_str_exact(&text)
        .map_err(|_| StoreError::Inconsistent(format!("{text} where an amount was expected")))
}

fn finding(row: &QueryResult) -> Result<Finding, StoreError> {
    Ok(Finding {
        id: row.read("id")?,
        day: row.try_get("", "day")?,
        kind: row.read("kind")?,
        subject: row.try_get("", "subject")?,
        message: row.maybe("message_id")?,
        amount: decimal(row, "amount")?,
        state: row.read("state")?,
        note: row.try_get("", "note")?,
        decided_by: row.try_get("", "decided_by")?,
    })
}

fn day(row: &QueryResult) -> Result<ReconciledDay, StoreError> {
    Ok(ReconciledDay {
        day: row.try_get("", "day")?,
        at: row.try_get("", "at")?,
        unit: row.try_get("", "unit")?,
        fx: row.read("fx_rate")?,
        balance: Balance {
            vendor: decimal(row, "vendor")?,
            ours: decimal(row, "ours")?,
            found: decimal(row, "found")?,
        },
        vendor_messages: row.try_get("", "vendor_messages")?,
        our_messages: row.try_get("", "our_messages")?,
        unpriced: row.try_get("", "unpriced")?,
        listed: row.try_get("", "listed")?,
        complete: row.try_get("", "complete")?,
    })
}
