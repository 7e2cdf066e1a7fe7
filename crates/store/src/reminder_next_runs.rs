//! The next runs of reminder rules as they were reckoned last: kept together with what reminders will cost.

use crate::column::Stored;
use crate::reminder_runs::Suppressed;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::ids::ReminderRuleId;
use dakiya_core::money::Money;
use dakiya_core::reminder::ReminderRun;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, QueryResult};

/// A run that was still to come when it was reckoned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextRun {
    /// Of which rule.
    pub rule: ReminderRuleId,
    /// When, which step, whom.
    pub run: ReminderRun,
    /// People not written to, by reason.
    pub suppressed: Suppressed,
    /// Messages that would go out.
    pub will_send: u64,
    /// What they are expected to cost before tax.
    pub cost: Money,
}

/// Those that were kept and are still to come, the earliest first.
pub async fn kept(store: &Store, after: Timestamp) -> Result<Vec<NextRun>, StoreError> {
    let rows = Sql::new(
        "SELECT rule_id, step, due_on, at, suppressed, will_send, cost FROM reminder_next_runs WHERE at > ",
    )
    .bind(after)
    .text(" ORDER BY at, rule_id, step, due_on")
    .all(store.read())
    .await?;
    let run = |row: &QueryResult| {
        Ok(NextRun {
            rule: row.read("rule_id")?,
            run: ReminderRun {
                at: row.try_get("", "at")?,
                step: row.try_get("", "step")?,
                due_on: row.try_get("", "due_on")?,
            },
            suppressed: row.read("suppressed")?,
            will_send: row.try_get::<i64>("", "will_send")?.unsigned_abs(),
            cost: row.read("cost")?,
        })
    };
    rows.iter().map(run).collect()
}

/// Keeps new ones instead of those before.
pub(crate) async fn keep<C: ConnectionTrait>(tx: &C, runs: &[NextRun]) -> Result<(), StoreError> {
    tx.execute_unprepared("DELETE FROM reminder_next_runs").await?;
    for batch in runs.chunks(500) {
        let row = |next: &NextRun| {
            [
                Stored(next.rule).into(),
                next.run.step.into(),
                next.run.due_on.into(),
                to_micros(next.run.at).into(),
                Stored(next.suppressed.clone()).into(),
                i64::try_from(next.will_send).unwrap_or(i64::MAX).into(),
                Stored(next.cost).into(),
            ]
        };
        Sql::new(
            "INSERT INTO reminder_next_runs (rule_id, step, due_on, at, suppressed, will_send, cost) VALUES ",
        )
        .rows(batch.iter().map(row))
        .execute(tx)
        .await?;
    }
    Ok(())
}
