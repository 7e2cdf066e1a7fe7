//! Deciding about runs whose time has come: that they go, when, or why they do not. Nothing is written out here, so that
//! it takes a moment however much there is to write, and no run is missed because of another.

use crate::context::Context;
use dakiya_core::reminder::{Holidays, ReminderRun, RunDecision, RunFacts, SkipReason, decide_run};
use dakiya_core::time::Timestamp;
use dakiya_core::window::Window;
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, MovedRun, NewRun};
use dakiya_store::{StoreError, reminder_payments, settings};

/// What one look at all rules goes by.
struct Look {
    /// The same for all rules: how long it takes to look makes no run late.
    now: Timestamp,
    holidays: Holidays,
    window: Window,
    moved: Vec<MovedRun>,
}

/// Begins the runs whose time has come since each rule was looked at last, and those whose time was moved to one that has
/// passed. Costs a few queries when there are none.
pub(crate) async fn begin_due(context: &Context) -> Result<(), StoreError> {
    let (store, now) = (&context.store, context.clock.now());
    let rules = reminder_rules::running(store).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let look = Look {
        now,
        holidays: reminder_rules::holidays(store).await?,
        window: settings::get(store).await?.reminder_window,
        moved: reminder_runs::moved(store).await?,
    };
    for rule in rules {
        match begin_runs(context, &look, &rule).await {
            Ok(true) => context.nudge(),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(rule = rule.key, %error, "the runs of a rule could not be begun; the next look tries again");
            }
        }
    }
    Ok(())
}

/// Begins what is due of one rule; whether anything was.
async fn begin_runs(context: &Context, look: &Look, rule: &StoredRule) -> Result<bool, StoreError> {
    let due = rule.rule.runs_between(rule.planned_through, look.now, &look.holidays);
    let moved: Vec<&MovedRun> = look.moved.iter().filter(|moved| moved.rule == rule.id).collect();
    if due.is_empty() && moved.is_empty() {
        return Ok(false);
    }
    let moved_to = |moved: &&MovedRun| rule.rule.run(moved.step, moved.due_on, &look.holidays);
    // One that was moved once more, to a time that comes, is looked for when that has come.
    let lost = |run: &ReminderRun| run.at <= rule.planned_through && rule.rule.step(run.step).is_some();
    let mut runs = Vec::new();
    for run in due.iter().copied().chain(moved.iter().map(moved_to).filter(lost)) {
        let was_moved = moved.iter().any(|moved| (moved.step, moved.due_on) == (run.step, run.due_on));
        let new = decided(context, look, rule, &run).await?;
        runs.extend(if was_moved { new.map(told_of_the_move) } else { new });
    }
    if !reminder_runs::begin(&context.store, rule, &runs, &look.holidays, look.now).await? {
        return Ok(false);
    }
    if !moved.is_empty() {
        reminder_runs::settle_moved(&context.store, &moved).await?;
    }
    Ok(!runs.is_empty())
}

/// What becomes of a run; `None`: it reaches nobody.
async fn decided(
    context: &Context,
    look: &Look,
    rule: &StoredRule,
    run: &ReminderRun,
) -> Result<Option<NewRun>, StoreError> {
    let store = &context.store;
    let matched = reminder_payments::count_owed_on(store, run.due_on, &rule.rule.payments).await?;
    if matched == 0 {
        return Ok(None);
    }
    let stopped = reminder_runs::stopped(store, rule.id, run.due_on).await?;
    let hours = rule.rule.hours(&look.window, context.config.timezone, &look.holidays);
    let on_time_within = context.on_time_within();
    let facts = RunFacts { holidays: &look.holidays, hours, on_time_within, stopped: &stopped };
    let send_at = match decide_run(&rule.rule, run, &facts, look.now) {
        RunDecision::Send { send_at, .. } => Ok(send_at),
        RunDecision::Skip(reason) => Err(reason),
    };
    Ok(Some(NewRun { run: *run, send_at, matched }))
}

/// It was not missed: somebody moved its time.
fn told_of_the_move(new: NewRun) -> NewRun {
    let reason = |reason| match reason {
        SkipReason::Missed | SkipReason::TooLate => SkipReason::Moved,
        other => other,
    };
    NewRun { send_at: new.send_at.map_err(reason), ..new }
}
