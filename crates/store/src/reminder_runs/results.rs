//! What came of runs: how many were delivered, how many were paid soon after, and what that cost.

use super::{Run, Suppressed};
use crate::column::{PhoneKey, Stored};
use crate::messages::{REMINDERS, first_id_at};
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::TimeDelta;
use dakiya_core::ids::ReminderRuleId;
use dakiya_core::message::Status;
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::{DbBackend, QueryResult};
use std::collections::BTreeMap;

/// What became of one run's reminders. A WhatsApp message and the text message that followed it are one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunResults {
    /// Reminders by status: where the better of two messages is.
    pub statuses: BTreeMap<Status, u64>,
    /// Those that were suppressed, by reason: when they were written down, or when they were to be sent.
    pub suppressed: Suppressed,
    /// What all messages cost, as far as is known; expected where Twilio has not said yet, and of those that wait.
    pub cost: Money,
}

impl RunResults {
    /// Reminders of a status.
    pub fn of(&self, status: Status) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Reminders that left.
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

    /// Reminders that were not suppressed: they left, still wait, or ended on the way.
    pub fn to_send(&self) -> u64 {
        self.statuses
            .iter()
            .filter(|(status, _)| **status != Status::Suppressed)
            .map(|(_, count)| count)
            .sum()
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
    let of_payments = Sql::new("SELECT MAX(")
        .text(RANKED)
        .text(
            ") AS ranked, MAX(CASE WHEN status = 10 THEN suppressed_reason END) AS reason, \
             SUM(CASE WHEN status <= 8 THEN COALESCE(actual_cost, estimated_cost) ELSE 0 END) AS cost FROM messages WHERE ",
        );
    let rows = Sql::new(
        "SELECT CAST(ranked % 100 AS SMALLINT) AS status, CASE WHEN ranked = 10 THEN reason END AS reason, count(*) AS reminders, \
         CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS cost FROM (",
    )
    .append(of_run(of_payments, run).text(" GROUP BY payment_id) AS reminders"))
    .text(" GROUP BY ranked, CASE WHEN ranked = 10 THEN reason END")
    .all(store.read())
    .await?;
    let mut results = RunResults::default();
    for row in rows {
        let reminders = row.try_get::<i64>("", "reminders")?.unsigned_abs();
        *results.statuses.entry(row.read("status")?).or_default() += reminders;
        if let Some(reason) = row.maybe("reason")? {
            *results.suppressed.entry(reason).or_default() += reminders;
        }
        results.cost += Money::from_micros(row.try_get("", "cost")?);
    }
    Ok(results)
}

/// The first few texts of a run that went out or will, and to whom.
pub async fn texts(store: &Store, run: &Run, limit: u64) -> Result<Vec<(PhoneNumber, String)>, StoreError> {
    let query = of_run(Sql::new("SELECT phone, body FROM messages WHERE "), run);
    let rows = query.text(" AND status <= 8 ORDER BY id LIMIT ").bind(limit).all(store.read()).await?;
    let mut texts = Vec::with_capacity(rows.len());
    for row in rows {
        let phone: PhoneKey = row.read("phone")?;
        texts.extend(
            phone.number().map(|phone| row.try_get("", "body").map(|body| (phone, body))).transpose()?,
        );
    }
    Ok(texts)
}

fn of_run(query: Sql, run: &Run) -> Sql {
    query
        .text("reminder_rule_id = ")
        .bind(Stored(run.rule_id))
        .text(" AND reminder_step = ")
        .bind(run.run.step)
        .text(" AND payment_due_on = ")
        .bind(run.run.due_on)
}

/// A message's status with how well it did before it, in hundreds: what arrived comes before what is under way, that
/// before what did not arrive, and what was never sent comes last.
const RANKED: &str = "CASE WHEN status IN (5, 6) THEN 800 WHEN status IN (0, 1) THEN 700 WHEN status IN (3, 4) THEN 600 \
    WHEN status = 2 THEN 500 WHEN status IN (7, 8) THEN 400 WHEN status = 9 THEN 300 WHEN status = 11 THEN 200 \
    WHEN status = 12 THEN 100 ELSE 0 END + status";

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
    let sent = Sql::new("SELECT reminder_rule_id AS rule, reminder_step AS step, ")
        .text(REMINDERS)
        .text(" AS messages, CAST(sum(")
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
