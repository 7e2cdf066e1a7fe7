//! What is still to come: the next runs of rules, whom they reach and what they cost, before they begin.

use crate::context::Context;
use crate::quoting::QuoteError;
use crate::reminder_texts::{Reckoned, composer_of, reckon};
use chrono::NaiveDate;
use dakiya_core::reminder::{Holidays, ON_TIME_WITHIN, ReminderRule, ReminderRun, RunState};
use dakiya_core::time::Timestamp;
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, Run};
use dakiya_store::{StoreError, reminder_payments};
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
    /// A person skipped it.
    pub skipped: bool,
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
    let after = stored.filter(|stored| stored.rule == *rule).map_or(now, |stored| not_begun(stored, now));
    let mut found = Vec::new();
    for (run, skipped) in times(context, rule, stored, after).await? {
        if found.len() >= limit {
            break;
        }
        let composer = composer_of(context, rule, run.step, rule.channel.first(), run.at).await?;
        let reckoned = reckon(context, &composer, rule, &run, samples).await?;
        if reckoned.matched() > 0 {
            found.push(ComingRun { run, reckoned, skipped });
        }
    }
    Ok(found)
}

/// From when on a rule's runs have not begun: a run whose time came this moment is still to come, a missed one is not.
pub(crate) fn not_begun(stored: &StoredRule, now: Timestamp) -> Timestamp {
    stored.planned_through.clamp(now - ON_TIME_WITHIN, now)
}

/// When a rule's runs come, the earliest first: those whose payments are due on a day on which anything is.
pub(crate) async fn times(
    context: &Context,
    rule: &ReminderRule,
    stored: Option<&StoredRule>,
    after: Timestamp,
) -> Result<Vec<(ReminderRun, bool)>, StoreError> {
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
    let mut runs: Vec<(ReminderRun, bool)> = runs
        .filter(|run| run.at > after)
        .filter_map(|run| match decided.get(&(run.step, run.due_on)).map(|run| run.state) {
            None => Some((run, false)),
            Some(RunState::Skipped) => Some((run, true)),
            Some(_) => None,
        })
        .collect();
    runs.sort_unstable();
    Ok(runs)
}
