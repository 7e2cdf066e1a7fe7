//! The next runs of all rules together: reckoned at once where few payments are due, otherwise as they were kept last.

use crate::commitments;
use crate::context::Context;
use crate::quoting::QuoteError;
use crate::reminder_quotes::{ComingRun, coming, not_begun, reckoned, times};
use crate::reminder_texts::{Reckoned, composer_of};
use dakiya_core::reminder::{RunState, SkipReason};
use dakiya_core::time::Timestamp;
use dakiya_store::reminder_next_runs::{self, NextRun};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::{StoreError, reminder_commitments, reminder_runs};

/// Runs shown of each rule.
pub(crate) const OF_EACH_RULE: usize = 8;

/// Of when figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// Of this moment.
    Now,
    /// Of then: reckoning them takes longer than a page may.
    Then(Timestamp),
    /// There are none yet; they are being made.
    Never,
}

/// What comes next.
#[derive(Debug)]
pub struct NextRuns {
    /// Of when the figures are.
    pub as_of: AsOf,
    /// Each rule that is switched on, with its runs or why there are none.
    pub rules: Vec<(StoredRule, Result<Vec<ComingRun>, QuoteError>)>,
}

/// The next runs of every rule that is switched on.
pub(crate) async fn next(context: &Context) -> Result<NextRuns, StoreError> {
    let rules = reminder_rules::running(&context.store).await?;
    let as_of = as_of(context).await?;
    let mut known = match as_of {
        AsOf::Then(_) => reminder_next_runs::kept(&context.store, context.clock.now()).await?,
        AsOf::Now | AsOf::Never => Vec::new(),
    };
    let mut next = NextRuns { as_of, rules: Vec::with_capacity(rules.len()) };
    for stored in rules {
        let runs = if as_of == AsOf::Now {
            coming(context, &stored.rule, Some(&stored), OF_EACH_RULE, 1).await
        } else {
            let own = known.extract_if(.., |run| run.rule == stored.id).collect();
            let own = undecided(context, &stored, own).await?;
            can_be_written(context, &stored).await.map(|()| own)
        };
        next.rules.push((stored, told(runs)?));
    }
    Ok(next)
}

async fn as_of(context: &Context) -> Result<AsOf, StoreError> {
    if commitments::few(context).await? {
        return Ok(AsOf::Now);
    }
    let kept = reminder_commitments::kept(&context.store).await?;
    Ok(kept.map_or(AsOf::Never, |kept| AsOf::Then(kept.at)))
}

/// The runs that come before an instant.
pub(crate) async fn until(
    context: &Context,
    end: Timestamp,
) -> Result<Vec<(StoredRule, ComingRun)>, StoreError> {
    let rules = reminder_rules::running(&context.store).await?;
    let mut found = Vec::new();
    if as_of(context).await? != AsOf::Now {
        let kept = reminder_next_runs::kept(&context.store, context.clock.now()).await?;
        let mut kept: Vec<NextRun> = kept.into_iter().filter(|next| next.run.at < end).collect();
        for stored in rules {
            let own = kept.extract_if(.., |next| next.rule == stored.id).collect();
            let own = undecided(context, &stored, own).await?;
            found.extend(own.into_iter().map(|coming| (stored.clone(), coming)));
        }
        found.sort_by_key(|(_, coming)| coming.run.at);
        return Ok(found);
    }
    for stored in rules {
        let after = not_begun(context, &stored, context.clock.now());
        for coming in times(context, &stored.rule, Some(&stored), after).await? {
            if coming.run.at >= end {
                break;
            }
            // The page of the rules says why it cannot be written out.
            let Ok(coming) = told(reckoned(context, &stored.rule, coming, 0).await)? else { break };
            if coming.reckoned.matched() > 0 {
                found.push((stored.clone(), coming));
            }
        }
    }
    found.sort_by_key(|(_, coming)| coming.run.at);
    Ok(found)
}

/// What is to be kept, as things stand.
pub(crate) async fn made_now(context: &Context) -> Result<Vec<NextRun>, StoreError> {
    let mut made = Vec::new();
    for stored in reminder_rules::running(&context.store).await? {
        let runs = coming(context, &stored.rule, Some(&stored), OF_EACH_RULE, 0).await;
        let kept = |coming: ComingRun| NextRun {
            rule: stored.id,
            run: coming.run,
            suppressed: coming.reckoned.suppressed,
            will_send: coming.reckoned.will_send,
            cost: coming.reckoned.cost,
        };
        // Instead of which a later step goes is no run of its own.
        let goes = |coming: &ComingRun| coming.skipped != Some(SkipReason::Superseded);
        made.extend(told(runs)?.into_iter().flatten().filter(goes).map(kept));
    }
    Ok(made)
}

/// Whether each step's texts can be composed.
async fn can_be_written(context: &Context, stored: &StoredRule) -> Result<(), QuoteError> {
    let rule = &stored.rule;
    for step in &rule.steps {
        composer_of(context, rule, step.offset_days, rule.channel.first(), context.clock.now()).await?;
    }
    Ok(())
}

/// A rule that cannot be written out is an answer; a database that fails is none.
fn told<T>(result: Result<T, QuoteError>) -> Result<Result<T, QuoteError>, StoreError> {
    match result {
        Err(QuoteError::Store(error)) => Err(error),
        other => Ok(other),
    }
}

/// Kept runs of a rule without those that were begun since; what a person decided is asked anew, it costs little.
async fn undecided(
    context: &Context,
    stored: &StoredRule,
    kept: Vec<NextRun>,
) -> Result<Vec<ComingRun>, StoreError> {
    let decided = reminder_runs::decided_after(&context.store, stored.id, context.clock.now()).await?;
    let coming = |next: NextRun| {
        let NextRun { run, suppressed, will_send, cost, .. } = next;
        let reckoned = Reckoned { suppressed, will_send, cost, samples: Vec::new() };
        match decided.get(&(run.step, run.due_on)).map(|known| known.state) {
            None => Some(ComingRun { run, skipped: None, reckoned }),
            Some(RunState::Skipped) => Some(ComingRun { run, skipped: Some(SkipReason::ByPerson), reckoned }),
            Some(_) => None,
        }
    };
    Ok(kept.into_iter().filter_map(coming).collect())
}
