//! Beginning runs whose time has come, and what a person may do about one: skip it, send it now.

use super::{Run, of_identity};
use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::reminder_rules::{self, StoredRule};
use crate::sql::Sql;
use crate::{Store, StoreError};
use dakiya_core::ids::ReminderRuleId;
use dakiya_core::message::SuppressedReason;
use dakiya_core::money::Money;
use dakiya_core::reminder::{Holidays, ReminderRun, RunState, SkipReason};
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::Value;

/// A run whose time has come, and what was decided about it.
#[derive(Clone, Copy, Debug)]
pub struct NewRun {
    /// Which.
    pub run: ReminderRun,
    /// When its messages become due, or why it is skipped.
    pub send_at: Result<Timestamp, SkipReason>,
    /// How many payments a skipped run would have reached.
    pub matched: u64,
}

/// Why a run was not moved.
#[derive(Debug, thiserror::Error)]
pub enum SteerError {
    /// It was begun already, or is not held or skipped.
    #[error("this run is {0} already; nothing was changed")]
    State(RunState),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Begins runs of a rule, which was looked at until an instant, if the rule and the holidays still stand as they stood then.
/// `false`: they do not, or somebody else was first, and nothing was written.
///
/// A run that is known stays as it is, unless the rule was moved since, or moved away and back: then it looks once more for payments that have
/// no message of this step, and finds only those that came meanwhile.
pub async fn begin(
    store: &Store,
    rule: &StoredRule,
    runs: &[NewRun],
    holidays: &Holidays,
    through: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let moved = Sql::new("UPDATE reminder_rules SET planned_through = ")
        .bind(to_micros(through))
        .text(" WHERE enabled AND id = ")
        .bind(Stored(rule.id))
        .text(" AND planned_through = ")
        .bind(rule.planned_through)
        .execute(&*tx)
        .await?;
    // Whoever changes the holidays holds the rules: read after that, they are as they will be when this is committed.
    if moved == 0 || reminder_rules::holidays_in(&*tx).await? != *holidays {
        return Ok(false);
    }
    for batch in runs.chunks(500) {
        insert(batch.iter().map(|new| values(rule.id, new, false, through)))
            .text(
                " ON CONFLICT (rule_id, step, due_on) DO UPDATE SET at = excluded.at, state = excluded.state, \
                 reason = NULL, send_at = excluded.send_at, after_reference = NULL \
                 WHERE excluded.state = 'planning' AND (reminder_runs.at <> excluded.at OR excluded.send_at > excluded.at) AND (reminder_runs.state = 'planned' \
                 OR (reminder_runs.state = 'skipped' AND reminder_runs.reason <> 'by_person'))",
            )
            .execute(&*tx)
            .await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Skips a run that has not begun, or is held.
pub async fn skip(
    store: &Store,
    rule: &StoredRule,
    run: ReminderRun,
    matched: u64,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), SteerError> {
    let new = NewRun { run, send_at: Err(SkipReason::ByPerson), matched };
    steer(store, rule, new, &["held"], "reminder_run.skipped", actor, now).await
}

/// Begins a run now: one that is still to come, or one that is held because of its cost.
pub async fn send_now(
    store: &Store,
    rule: &StoredRule,
    run: ReminderRun,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), SteerError> {
    let new = NewRun { run, send_at: Ok(now), matched: 0 };
    steer(store, rule, new, &["held", "skipped"], "reminder_run.sent_now", actor, now).await
}

async fn steer(
    store: &Store,
    rule: &StoredRule,
    new: NewRun,
    from: &[&str],
    action: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), SteerError> {
    let tx = store.write().await?;
    // What a held run would have done is no part of what it does; what was written down before it was held is.
    let figures = ["matched", "suppressed", "cost"].map(|column| {
        format!(", {column} = CASE WHEN reminder_runs.will_send = 0 THEN excluded.{column} ELSE reminder_runs.{column} END")
    });
    let written = insert([values(rule.id, &new, true, now)])
        .text(
            " ON CONFLICT (rule_id, step, due_on) DO UPDATE SET state = excluded.state, reason = excluded.reason, \
             send_at = excluded.send_at, unlimited = excluded.unlimited, after_reference = NULL, \
             finished_at = excluded.finished_at",
        )
        .text(&figures.concat())
        .text(" WHERE reminder_runs.state IN ")
        .list(from.iter().map(|state| (*state).to_owned()))
        .execute(&*tx)
        .await?;
    if written == 0 {
        let known =
            of_identity(Sql::new(super::COLUMNS).text(" WHERE "), rule.id, new.run.step, new.run.due_on);
        let known = known.one(&*tx).await?.map(|row| super::stored(&row)).transpose()?;
        return Err(SteerError::State(known.map_or(RunState::Planning, |run: Run| run.state)));
    }
    let detail = format!("step {} of payments due on {}", new.run.step, new.run.due_on);
    audit::record(store, &*tx, actor, now, action, rule.key.as_str(), detail).await?;
    Ok(tx.commit().await?)
}

/// Takes back that a person skipped a run that is still to come.
pub async fn restore(
    store: &Store,
    rule: &StoredRule,
    run: ReminderRun,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let delete =
        Sql::new("DELETE FROM reminder_runs WHERE state = 'skipped' AND reason = 'by_person' AND at > ")
            .bind(now)
            .text(" AND ");
    let restored = of_identity(delete, rule.id, run.step, run.due_on).execute(&*tx).await? > 0;
    if restored {
        let detail = format!("step {} of payments due on {}", run.step, run.due_on);
        audit::record(store, &*tx, actor, now, "reminder_run.restored", rule.key.as_str(), detail).await?;
    }
    tx.commit().await?;
    Ok(restored)
}

fn insert(rows: impl IntoIterator<Item = [Value; 14]>) -> Sql {
    Sql::new(
        "INSERT INTO reminder_runs (rule_id, step, due_on, at, state, reason, send_at, unlimited, matched, suppressed, \
         will_send, cost, created_at, finished_at) VALUES ",
    )
    .rows(rows)
}

fn values(rule: ReminderRuleId, new: &NewRun, unlimited: bool, now: Timestamp) -> [Value; 14] {
    let state = if new.send_at.is_ok() { RunState::Planning } else { RunState::Skipped };
    let suppressed = std::collections::BTreeMap::<SuppressedReason, u64>::new();
    [
        Stored(rule).into(),
        new.run.step.into(),
        new.run.due_on.into(),
        to_micros(new.run.at).into(),
        Stored(state).into(),
        new.send_at.err().map(|reason| reason.as_str().to_owned()).into(),
        new.send_at.ok().map(to_micros).into(),
        unlimited.into(),
        i64::try_from(new.matched).unwrap_or(i64::MAX).into(),
        Stored(suppressed).into(),
        0i64.into(),
        Stored(Money::ZERO).into(),
        to_micros(now).into(),
        new.send_at.err().map(|_| to_micros(now)).into(),
    ]
}
