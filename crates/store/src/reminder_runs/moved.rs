//! Runs whose time was moved to one that had passed: remembered where the rule or the holidays change, in the same
//! transaction, until the planner has decided about them.

use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::ReminderRuleId;
use dakiya_core::reminder::ReminderRun;
use sea_orm::ConnectionTrait;

/// Read in one look.
const MOST: u64 = 10_000;

/// A run whose time was moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovedRun {
    /// Of which rule.
    pub rule: ReminderRuleId,
    /// Days after the due date.
    pub step: i32,
    /// Payments that are due on this day.
    pub due_on: NaiveDate,
}

/// All that wait to be decided about.
pub async fn moved(store: &Store) -> Result<Vec<MovedRun>, StoreError> {
    let query = Sql::new("SELECT rule_id, step, due_on FROM moved_reminder_runs LIMIT ").bind(MOST);
    let moved = |row: &sea_orm::QueryResult| {
        Ok(MovedRun {
            rule: row.read("rule_id")?,
            step: row.try_get("", "step")?,
            due_on: row.try_get("", "due_on")?,
        })
    };
    query.all(store.read()).await?.iter().map(moved).collect()
}

/// It was decided about these. After the decisions are stored: to decide once more changes nothing.
pub async fn settle_moved(store: &Store, decided: &[&MovedRun]) -> Result<(), StoreError> {
    let tx = store.write().await?;
    for run in decided {
        Sql::new("DELETE FROM moved_reminder_runs WHERE rule_id = ")
            .bind(Stored(run.rule))
            .text(" AND step = ")
            .bind(run.step)
            .text(" AND due_on = ")
            .bind(run.due_on)
            .execute(&*tx)
            .await?;
    }
    tx.commit().await
}

/// Remembers runs of a rule, in the transaction that moves them.
pub(crate) async fn remember_moved<C: ConnectionTrait>(
    tx: &C,
    rule: ReminderRuleId,
    runs: &[ReminderRun],
) -> Result<(), StoreError> {
    for batch in runs.chunks(1_000) {
        Sql::new("INSERT INTO moved_reminder_runs (rule_id, step, due_on) VALUES ")
            .rows(batch.iter().map(|run| [Stored(rule).into(), run.step.into(), run.due_on.into()]))
            .text(" ON CONFLICT (rule_id, step, due_on) DO NOTHING")
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Forgets those of a rule that was switched off.
pub(crate) async fn forget_moved<C: ConnectionTrait>(tx: &C, rule: ReminderRuleId) -> Result<(), StoreError> {
    Sql::new("DELETE FROM moved_reminder_runs WHERE rule_id = ").bind(Stored(rule)).execute(tx).await?;
    Ok(())
}
