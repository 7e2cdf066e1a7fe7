//! What is still to come: the next runs of rules, whom they reach and what they cost, before they begin.

use crate::context::Context;
use crate::quoting::QuoteError;
use crate::reminder_texts::{Reckoned, composer_of, reckon};
use chrono::NaiveDate;
use dakiya_core::reminder::{Holidays, ReminderRule, ReminderRun, RunFacts, RunState, SkipReason, overtaken};
use dakiya_core::time::Timestamp;
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, Run};
use dakiya_store::{StoreError, reminder_payments, settings};
use std::collections::BTreeMap;

/// Due dates looked at.
const MOST_DAYS: u64 = 2_000;

/// A run that is still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComingRun {
    /// When, which step, whom.
    pub run: ReminderRun,
    /// Whom it reaches and what it costs, as things stand.
    pub reckoned: Reckoned,
    /// Why it is not sent, if it is not: a person skipped it, or a later step goes at the same time.
    pub skipped: Option<SkipReason>,
}

/// When a run comes, and what is known of it before it is reckoned.
pub(crate) struct Coming {
    pub(crate) run: ReminderRun,
    pub(crate) skipped: Option<SkipReason>,
    /// Steps of the same payments that go before it.
    pub(crate) ahead: u32,
}

/// The next runs of a rule that reach anybody, the earliest first; with the first few texts of each. `stored` is the
/// rule as it is kept, if it is: what was begun early is not to come any more.
pub(crate) async fn coming(
    context: &Context,
    rule: &ReminderRule,
    stored: Option<&StoredRule>,
    limit: usize,
    samples: usize,
) -> Result<Vec<ComingRun>, QuoteError> {
    let now = context.clock.now();
    let after =
        stored.filter(|stored| stored.rule == *rule).map_or(now, |stored| not_begun(context, stored, now));
    let mut found = Vec::new();
    for coming in times(context, rule, stored, after).await? {
        if found.len() >= limit {
            break;
        }
        let run = reckoned(context, rule, coming, samples).await?;
        if run.reckoned.matched() > 0 {
            found.push(run);
        }
    }
    Ok(found)
}

/// One run as things stand, whether it is still to come or not.
pub(crate) async fn one(
    context: &Context,
    stored: &StoredRule,
    run: &ReminderRun,
    samples: usize,
) -> Result<ComingRun, QuoteError> {
    let after = not_begun(context, stored, context.clock.now());
    let mut times = times(context, &stored.rule, Some(stored), after).await?.into_iter();
    let coming = times.find(|coming| coming.run == *run);
    let coming = coming.unwrap_or(Coming { run: *run, skipped: None, ahead: 0 });
    reckoned(context, &stored.rule, coming, samples).await
}

/// Whom a run reaches and what it costs, with the first few texts.
pub(crate) async fn reckoned(
    context: &Context,
    rule: &ReminderRule,
    coming: Coming,
    samples: usize,
) -> Result<ComingRun, QuoteError> {
    let Coming { run, skipped, ahead } = coming;
    let composer = composer_of(context, rule, run.step, rule.channel.first(), run.at).await?;
    let reckoned = reckon(context, &composer, rule, &run, samples, ahead).await?;
    Ok(ComingRun { run, reckoned, skipped })
}

/// From when on a rule's runs have not begun: a run whose time came this moment is still to come, a missed one is not.
pub(crate) fn not_begun(context: &Context, stored: &StoredRule, now: Timestamp) -> Timestamp {
    stored.planned_through.clamp(now - context.on_time_within(), now)
}

/// When a rule's runs come, the earliest first: those whose payments are due on a day on which anything is.
pub(crate) async fn times(
    context: &Context,
    rule: &ReminderRule,
    stored: Option<&StoredRule>,
    after: Timestamp,
) -> Result<Vec<Coming>, StoreError> {
    let store = &context.store;
    let holidays: Holidays = reminder_rules::holidays(store).await?;
    let decided: BTreeMap<(i32, NaiveDate), Run> = match stored {
        Some(stored) => reminder_runs::decided_after(store, stored.id, after).await?,
        None => BTreeMap::new(),
    };
    let days = reminder_payments::due_days(store, rule.first_due_on(after, &holidays), MOST_DAYS).await?;
    let runs = days.iter().flat_map(|due_on| {
        let holidays = &holidays;
        rule.steps.iter().map(move |step| rule.run(step.offset_days, *due_on, holidays))
    });
    let mut runs: Vec<ReminderRun> = runs.filter(|run| run.at > after).collect();
    runs.sort_unstable();
    let window = settings::get(store).await?.reminder_window;
    let hours = rule.hours(&window, context.config.timezone, &holidays);
    let mut coming: Vec<Coming> = Vec::new();
    let mut ahead: BTreeMap<NaiveDate, u32> = BTreeMap::new();
    for run in runs {
        let state = |step: i32| decided.get(&(step, run.due_on)).map(|run| run.state);
        let stopped = rule.steps.iter().map(|step| step.offset_days);
        let stopped =
            stopped.filter(|step| matches!(state(*step), Some(RunState::Held | RunState::Skipped))).collect();
        let on_time_within = context.on_time_within();
        let facts = RunFacts { holidays: &holidays, hours, on_time_within, stopped: &stopped };
        let skipped = match state(run.step) {
            None if overtaken(rule, &run, &facts, hours.opening(run.at)) => Some(SkipReason::Superseded),
            None => None,
            Some(RunState::Skipped) => Some(SkipReason::ByPerson),
            Some(_) => continue,
        };
        let ahead = ahead.entry(run.due_on).or_default();
        coming.push(Coming { run, skipped, ahead: *ahead });
        *ahead += u32::from(skipped.is_none());
    }
    Ok(coming)
}
