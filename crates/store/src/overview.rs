//! What was sent since a moment, added up for the dashboard.

use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::ids::{Id, MessageId, TemplateId};
use dakiya_core::message::{Channel, Status};
use dakiya_core::money::Money;
use dakiya_core::opt_out::OptOutAction;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::QueryResult;

/// Messages that have template, channel and status in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentGroup {
    /// The template, when there was one.
    pub template: Option<TemplateId>,
    /// How they travelled.
    pub channel: Channel,
    /// Where they are.
    pub status: Status,
    /// How many.
    pub messages: u64,
    /// What Twilio charged for those with a price.
    pub actual_cost: Money,
    /// What those without one are expected to cost.
    pub unpriced: Money,
}

/// Everything asked for since `from`, in groups. Messages of test keys are not in it.
pub async fn sent_since(store: &Store, from: Timestamp) -> Result<Vec<SentGroup>, StoreError> {
    let rows = Sql::new(
        "SELECT template_id, channel, status, COUNT(*) AS messages, \
         CAST(COALESCE(SUM(actual_cost), 0) AS BIGINT) AS actual_cost, \
         CAST(COALESCE(SUM(CASE WHEN actual_cost IS NULL THEN estimated_cost ELSE 0 END), 0) AS BIGINT) AS unpriced \
         FROM messages WHERE id >= ",
    )
    // Ids begin with their time, so the primary key finds the first one.
    .bind(MessageId::new(from, [0; 10]).uuid())
    .text(" AND test = FALSE GROUP BY template_id, channel, status")
    .all(store.read())
    .await?;
    rows.iter().map(group).collect()
}

fn group(row: &QueryResult) -> Result<SentGroup, StoreError> {
    let messages: i64 = row.try_get("", "messages")?;
    Ok(SentGroup {
        template: row.maybe("template_id")?,
        channel: row.read("channel")?,
        status: row.read("status")?,
        messages: messages.unsigned_abs(),
        actual_cost: row.read("actual_cost")?,
        unpriced: row.read("unpriced")?,
    })
}

/// How often somebody opted out since `from`.
pub async fn opt_outs_since(store: &Store, from: Timestamp) -> Result<u64, StoreError> {
    let row = Sql::new("SELECT COUNT(*) AS entries FROM opt_out_entries WHERE at >= ")
        .bind(to_micros(from))
        .text(" AND action = ")
        .bind(OptOutAction::OptOut.as_str())
        .one(store.read())
        .await?;
    let entries: i64 = row.map_or(Ok(0), |row| row.try_get("", "entries"))?;
    Ok(entries.unsigned_abs())
}
