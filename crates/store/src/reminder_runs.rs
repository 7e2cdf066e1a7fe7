//! Runs of reminder rules: one row for each time a step reaches the payments of one due date. The row says how far the
//! planner came, so that it can be cut off anywhere, run twice or in two processes, and no occurrence comes twice.

mod batch;
mod moved;
mod results;
mod steering;

pub use batch::{RunBatch, hold, to_plan, write};
pub use moved::{MovedRun, moved, settle_moved};
pub(crate) use moved::{forget_moved, remember_moved};
pub use results::{RunResults, StepResult, results, step_results, texts};
pub use steering::{NewRun, SteerError, begin, restore, send_now, skip};

use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Cursor, Page, Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::ReminderRuleId;
use dakiya_core::message::SuppressedReason;
use dakiya_core::money::Money;
use dakiya_core::reminder::{ReminderRun, RunState};
use dakiya_core::time::Timestamp;
use sea_orm::QueryResult;
use std::collections::{BTreeMap, BTreeSet};

/// People suppressed, by reason.
pub type Suppressed = BTreeMap<SuppressedReason, u64>;

/// A run as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Of which rule.
    pub rule_id: ReminderRuleId,
    /// Which step reaches whom, and when.
    pub run: ReminderRun,
    /// Where it is.
    pub state: RunState,
    /// Why it was skipped or is held, as a word or a sentence.
    pub reason: Option<String>,
    /// When its messages become due, if they were to be sent.
    pub send_at: Option<Timestamp>,
    /// How far through its payments it came: a reference.
    pub after_reference: Option<String>,
    /// A person let it cost more than the rule allows.
    pub unlimited: bool,
    /// People not written to, by reason.
    pub suppressed: Suppressed,
    /// Messages written down to be sent.
    pub will_send: u64,
    /// What they are expected to cost before tax.
    pub cost: Money,
    /// Payments it came upon.
    pub matched: u64,
    /// When it was written down in full, held or skipped.
    pub finished_at: Option<Timestamp>,
}

impl Run {
    /// A run that nothing was done about yet.
    pub fn coming(rule_id: ReminderRuleId, run: ReminderRun) -> Self {
        Self {
            rule_id,
            run,
            state: RunState::Planning,
            reason: None,
            send_at: None,
            after_reference: None,
            unlimited: false,
            suppressed: Suppressed::new(),
            will_send: 0,
            cost: Money::ZERO,
            matched: 0,
            finished_at: None,
        }
    }

    /// Payments that came to no message of a run that is written down, by reason: those that were paid before, and those
    /// whose reminders were suppressed, then or when they were to be sent.
    pub fn suppressed_with(&self, results: &RunResults) -> Suppressed {
        let mut suppressed = results.suppressed.clone();
        if let Some(paid) = self.suppressed.get(&SuppressedReason::Paid) {
            *suppressed.entry(SuppressedReason::Paid).or_default() += paid;
        }
        suppressed
    }
}

pub(super) const COLUMNS: &str = "SELECT rule_id, step, due_on, at, state, reason, send_at, after_reference, unlimited, matched, \
     suppressed, will_send, cost, finished_at FROM reminder_runs";

/// Runs that were begun, held or skipped, of one rule or of all, the latest first. One that is skipped before its time is
/// none until then: it may still be let come.
pub async fn past(
    store: &Store,
    rule: Option<ReminderRuleId>,
    now: Timestamp,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Run>, StoreError> {
    let mut query = Sql::new(COLUMNS).text(" WHERE (state <> 'skipped' OR at <= ").bind(now).text(")");
    if let Some(rule) = rule {
        query = query.text(" AND rule_id = ").bind(Stored(rule));
    }
    if let Some(cursor) = cursor {
        let [at, rule, step, due_on] = cursor.parts::<4>()?;
        let fault = || StoreError::Cursor(cursor.to_string());
        let at: Timestamp = at.parse().map_err(|_| fault())?;
        let rule: ReminderRuleId = rule.parse().map_err(|_| fault())?;
        let step: i32 = step.parse().map_err(|_| fault())?;
        let due_on: NaiveDate = due_on.parse().map_err(|_| fault())?;
        query = query
            .text(" AND (at, rule_id, step, due_on) < (")
            .bind(at)
            .text(", ")
            .bind(Stored(rule))
            .text(", ")
            .bind(step)
            .text(", ")
            .bind(due_on)
            .text(")");
    }
    let query = query.text(" ORDER BY at DESC, rule_id DESC, step DESC, due_on DESC LIMIT ").bind(limit + 1);
    let runs = query.all(store.read()).await?.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(runs, limit, |run| {
        let ReminderRun { at, step, due_on } = run.run;
        Cursor::of([&at.to_rfc3339(), &run.rule_id.to_string(), &step.to_string(), &due_on.to_string()])
    }))
}

/// Runs that wait for a person to send or skip them, those of longest ago first.
pub async fn held(store: &Store, limit: u64) -> Result<Vec<Run>, StoreError> {
    let query = Sql::new(COLUMNS).text(" WHERE state = 'held' ORDER BY at, rule_id, step, due_on LIMIT ");
    query.bind(limit).all(store.read()).await?.iter().map(stored).collect()
}

/// One run, if it was begun, held or skipped.
pub async fn get(
    store: &Store,
    rule: ReminderRuleId,
    step: i32,
    due_on: NaiveDate,
) -> Result<Option<Run>, StoreError> {
    let query = of_identity(Sql::new(COLUMNS).text(" WHERE "), rule, step, due_on);
    query.one(store.read()).await?.map(|row| stored(&row)).transpose()
}

/// What became of a rule's runs that come after an instant, by step and due date: those begun early or skipped.
pub async fn decided_after(
    store: &Store,
    rule: ReminderRuleId,
    after: Timestamp,
) -> Result<BTreeMap<(i32, NaiveDate), Run>, StoreError> {
    let rows = Sql::new(COLUMNS)
        .text(" WHERE rule_id = ")
        .bind(Stored(rule))
        .text(" AND at > ")
        .bind(after)
        .text(" ORDER BY at LIMIT 10000")
        .all(store.read())
        .await?;
    let mut decided = BTreeMap::new();
    for row in &rows {
        let run = stored(row)?;
        decided.insert((run.run.step, run.run.due_on), run);
    }
    Ok(decided)
}

/// Which steps of one due date do not go by themselves any more: skipped, or held until a person decides.
pub async fn stopped(
    store: &Store,
    rule: ReminderRuleId,
    due_on: NaiveDate,
) -> Result<BTreeSet<i32>, StoreError> {
    let rows = Sql::new("SELECT step FROM reminder_runs WHERE state IN ('held', 'skipped') AND rule_id = ")
        .bind(Stored(rule))
        .text(" AND due_on = ")
        .bind(due_on)
        .all(store.read())
        .await?;
    rows.iter().map(|row| Ok(row.try_get("", "step")?)).collect()
}

fn of_identity(query: Sql, rule: ReminderRuleId, step: i32, due_on: NaiveDate) -> Sql {
    query
        .text("rule_id = ")
        .bind(Stored(rule))
        .text(" AND step = ")
        .bind(step)
        .text(" AND due_on = ")
        .bind(due_on)
}

fn stored(row: &QueryResult) -> Result<Run, StoreError> {
    let count =
        |column: &str| -> Result<u64, StoreError> { Ok(row.try_get::<i64>("", column)?.unsigned_abs()) };
    Ok(Run {
        rule_id: row.read("rule_id")?,
        run: ReminderRun {
            at: row.try_get("", "at")?,
            step: row.try_get("", "step")?,
            due_on: row.try_get("", "due_on")?,
        },
        state: row.read("state")?,
        reason: row.try_get("", "reason")?,
        send_at: row.try_get("", "send_at")?,
        after_reference: row.try_get("", "after_reference")?,
        unlimited: row.try_get("", "unlimited")?,
        suppressed: row.read("suppressed")?,
        will_send: count("will_send")?,
        cost: row.read("cost")?,
        matched: count("matched")?,
        finished_at: row.try_get("", "finished_at")?,
    })
}
