//! What the coming runs of reminders will cost: kept from time to time, because it takes reading every payment that is due.

use crate::column::Stored;
use crate::reminder_next_runs::{self, NextRun};
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::TimeDelta;
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::Money;
use dakiya_core::time::{Month, Timestamp, to_micros};
use sea_orm::{ConnectionTrait, Value};
use std::collections::BTreeMap;

/// Costs before tax, by month, channel and category.
pub type ByMonth = BTreeMap<(Month, Channel, Category), Money>;

/// Figures as they were kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Of when they are.
    pub at: Timestamp,
    /// How long it took to make them.
    pub took: TimeDelta,
    /// The figures.
    pub costs: ByMonth,
}

/// The figures kept last, if any ever were.
pub async fn kept(store: &Store) -> Result<Option<Kept>, StoreError> {
    let row =
        Sql::new("SELECT at, took_seconds FROM reminder_commitments_made WHERE id = 1 AND at IS NOT NULL");
    let Some(row) = row.one(store.read()).await? else { return Ok(None) };
    let rows = Sql::new("SELECT month, channel, category, cost FROM reminder_commitments ORDER BY month");
    let mut costs = ByMonth::new();
    for row in rows.all(store.read()).await? {
        costs.insert((row.read("month")?, row.read("channel")?, row.read("category")?), row.read("cost")?);
    }
    Ok(Some(Kept {
        at: row.try_get("", "at")?,
        took: TimeDelta::seconds(row.try_get("", "took_seconds")?),
        costs,
    }))
}

/// Takes it upon this process to make new figures, if those kept are from before `stale` and no other process is at it.
/// Whoever does not keep any until `until` has given up.
pub async fn claim(
    store: &Store,
    now: Timestamp,
    stale: Timestamp,
    until: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let claimed = Sql::new("UPDATE reminder_commitments_made SET claimed_until = ")
        .bind(to_micros(until))
        .text(" WHERE id = 1 AND (at IS NULL OR at < ")
        .bind(stale)
        .text(") AND (claimed_until IS NULL OR claimed_until < ")
        .bind(now)
        .text(")")
        .execute(&*tx)
        .await?;
    tx.commit().await?;
    Ok(claimed > 0)
}

/// Keeps new figures, and the next runs they were made with, instead of those before.
pub async fn keep(store: &Store, kept: &Kept, next_runs: &[NextRun]) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("UPDATE reminder_commitments_made SET claimed_until = NULL, at = ")
        .bind(to_micros(kept.at))
        .text(", took_seconds = ")
        .bind(kept.took.num_seconds())
        .text(" WHERE id = 1")
        .execute(&*tx)
        .await?;
    tx.execute_unprepared("DELETE FROM reminder_commitments").await?;
    let mut rows: Vec<[Value; 4]> = Vec::new();
    for ((month, channel, category), cost) in &kept.costs {
        let cost = crate::messages::tally::micros(*cost)?;
        rows.push([Stored(*month).into(), Stored(*channel).into(), Stored(*category).into(), cost.into()]);
    }
    if !rows.is_empty() {
        Sql::new("INSERT INTO reminder_commitments (month, channel, category, cost) VALUES ")
            .rows(rows)
            .execute(&*tx)
            .await?;
    }
    reminder_next_runs::keep(&*tx, next_runs).await?;
    tx.commit().await
}

/// Reminders written down and not posted yet that are due before an instant (`true`) or later, by channel and category.
/// They are no coming runs any more, and not spent either. Those that a budget holds until they expire are not certain.
pub async fn waiting(
    store: &Store,
    before: Timestamp,
) -> Result<Vec<(bool, Channel, Category, Money)>, StoreError> {
    let rows = Sql::new(
        "SELECT soon, channel, category, CAST(SUM(estimated_cost) AS BIGINT) AS cost FROM \
         (SELECT channel, category, estimated_cost, CASE WHEN due_at < ",
    )
    .bind(before)
    .text(
        " THEN 1 ELSE 0 END AS soon FROM messages WHERE status = 0 AND campaign_id IS NULL AND reminder_rule_id IS NOT NULL \
         AND (budget_hold IS NULL OR expires_at IS NULL OR expires_at > due_at)) AS waiting GROUP BY soon, channel, category ORDER BY soon, channel, category",
    )
    .all(store.read())
    .await?;
    let waiting = |row: &sea_orm::QueryResult| {
        let soon: i32 = row.try_get("", "soon")?;
        Ok((soon == 1, row.read("channel")?, row.read("category")?, row.read("cost")?))
    };
    rows.iter().map(waiting).collect()
}

/// Whether more messages than this wait that belong to no campaign.
pub async fn more_wait_than(store: &Store, most: u64) -> Result<bool, StoreError> {
    let row = Sql::new(
        "SELECT COUNT(*) AS found FROM (SELECT 1 AS one FROM messages WHERE status = 0 AND campaign_id IS NULL LIMIT ",
    )
    .bind(most + 1)
    .text(") AS waiting")
    .one(store.read())
    .await?;
    let found: i64 = row.map(|row| row.try_get("", "found")).transpose()?.unwrap_or(0);
    Ok(found.unsigned_abs() > most)
}
