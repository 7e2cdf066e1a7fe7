//! What came of runs: how many were delivered, how many were paid soon after, and what that cost.

use super::Run;
use crate::column::Stored;
use crate::messages::first_id_at;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::TimeDelta;
use dakiya_core::ids::ReminderRuleId;
use dakiya_core::message::Status;
use dakiya_core::money::Money;
use dakiya_core::time::Timestamp;
use sea_orm::{DbBackend, QueryResult};
use std::collections::BTreeMap;

/// What became of one run's messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunResults {
    /// Messages by status.
    pub statuses: BTreeMap<Status, u64>,
    /// What they cost, as far as is known; expected where Twilio has not said yet.
    pub cost: Money,
}

impl RunResults {
    /// Messages of a status.
    pub fn of(&self, status: Status) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Messages that left.
    pub fn sent(&self) -> u64 {
        let left = [
            Status::Accepted,
            Status::Sent,
            Status::Delivered,
            Status::Read,
            Status::Undelivered,
            Status::Failed,
        ];
        left.into_iter().map(|status| self.of(status)).sum()
    }
}

/// How one step of one rule did in a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepResult {
    /// The rule.
    pub rule: ReminderRuleId,
    /// Days after the due date.
    pub step: i32,
    /// Reminders sent.
    pub sent: u64,
    /// Payments paid in full within the days asked about, this reminder being the last before.
    pub paid: u64,
    /// What those payments came to.
    pub collected: Money,
    /// What the reminders cost before tax; expected where Twilio has not said yet.
    pub cost: Money,
}

/// What became of a run's messages.
pub async fn results(store: &Store, run: &Run) -> Result<RunResults, StoreError> {
    let rows = Sql::new("SELECT status, count(*) AS messages, CAST(COALESCE(sum(")
        .text(COST)
        .text("), 0) AS BIGINT) AS cost FROM messages WHERE reminder_rule_id = ")
        .bind(Stored(run.rule_id))
        .text(" AND reminder_step = ")
        .bind(run.run.step)
        .text(" AND payment_due_on = ")
        .bind(run.run.due_on)
        .text(" GROUP BY status")
        .all(store.read())
        .await?;
    let mut results = RunResults::default();
    for row in rows {
        results.statuses.insert(row.read("status")?, row.try_get::<i64>("", "messages")?.unsigned_abs());
        results.cost += Money::from_micros(row.try_get("", "cost")?);
    }
    Ok(results)
}

/// What a message costs as far as is known: nothing if it never left.
const COST: &str = "CASE WHEN status BETWEEN 1 AND 8 THEN COALESCE(actual_cost, estimated_cost) ELSE 0 END";

/// How the steps of all rules did between two instants: what was sent then and what it cost, and what was paid in full
/// then. A payment counts for the last reminder before the money came, if that was no more than `within_days` before.
pub async fn step_results(
    store: &Store,
    from: Timestamp,
    until: Timestamp,
    within_days: u32,
) -> Result<Vec<StepResult>, StoreError> {
    let mut steps: BTreeMap<(ReminderRuleId, i32), StepResult> = BTreeMap::new();
    let sent =
        Sql::new("SELECT reminder_rule_id AS rule, reminder_step AS step, count(*) AS messages, CAST(sum(")
            .text(COST)
            .text(") AS BIGINT) AS money FROM messages WHERE payment_id IS NOT NULL AND id >= ")
            .bind(Stored(first_id_at(from - MOST_WAIT)))
            .text(" AND taken_at >= ")
            .bind(from)
            .text(" AND taken_at < ")
            .bind(until)
            .text(" AND status BETWEEN 1 AND 8 GROUP BY reminder_rule_id, reminder_step");
    for row in sent.all(store.read()).await? {
        let step = step_of(&mut steps, &row)?;
        step.sent = row.try_get::<i64>("", "messages")?.unsigned_abs();
        step.cost = Money::from_micros(row.try_get("", "money")?);
    }
    let days = match store.backend() {
        DbBackend::Sqlite => "julianday(p.settled_at) - julianday(m.taken_at)",
        _ => "CAST(extract(epoch FROM p.settled_at - m.taken_at) AS DOUBLE PRECISION) / 86400.0",
    };
    let paid = Sql::new(
        "SELECT m.reminder_rule_id AS rule, m.reminder_step AS step, count(*) AS messages, CAST(sum(p.amount) AS BIGINT) \
         AS money FROM payments p JOIN messages m ON m.id = (SELECT x.id FROM messages x WHERE x.payment_id = p.id AND \
         x.status BETWEEN 2 AND 6 AND x.taken_at <= p.settled_at ORDER BY x.id DESC LIMIT 1) \
         WHERE p.status = 2 AND p.settled_at >= ",
    )
    .bind(from)
    .text(" AND p.settled_at < ")
    .bind(until)
    .text(" AND ")
    .text(days)
    .text(" <= ")
    .bind(f64::from(within_days))
    .text(" GROUP BY m.reminder_rule_id, m.reminder_step");
    for row in paid.all(store.read()).await? {
        let step = step_of(&mut steps, &row)?;
        step.paid = row.try_get::<i64>("", "messages")?.unsigned_abs();
        step.collected = Money::from_micros(row.try_get("", "money")?);
    }
    Ok(steps.into_values().collect())
}

fn step_of<'s>(
    steps: &'s mut BTreeMap<(ReminderRuleId, i32), StepResult>,
    row: &QueryResult,
) -> Result<&'s mut StepResult, StoreError> {
    let (rule, step) = (row.read("rule")?, row.try_get("", "step")?);
    let nothing = StepResult { rule, step, sent: 0, paid: 0, collected: Money::ZERO, cost: Money::ZERO };
    Ok(steps.entry((rule, step)).or_insert(nothing))
}

/// A message waits no longer than this between being written down and being sent.
const MOST_WAIT: TimeDelta = TimeDelta::days(8);
