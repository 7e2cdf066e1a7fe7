//! Writing the messages of runs down: a batch of each in turn, so that a long one keeps no other waiting.

use crate::context::Context;
use crate::quoting::QuoteError;
use crate::reminder_texts::{PAGE, Reckoned, RuleComposer, composer_of, message, reckon};
use crate::turn::Turn;
use dakiya_store::messages::{self, NewMessage};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, Run, RunBatch};
use dakiya_store::{StoreError, reminder_payments};
use tokio_util::sync::CancellationToken;

/// A run that would cost more than its rule allows is held for this reason.
const OVER_COST: &str = "over_cost";

/// Writes a batch of each run that was begun, again and again until all are written down or the turn is over.
pub(super) async fn write_out(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    let turn = Turn::begin(context);
    loop {
        let mut more = false;
        for run in reminder_runs::to_plan(&context.store).await? {
            if shutdown.is_cancelled() {
                return Ok(());
            }
            match write_batch(context, &run).await {
                Ok(went_on) => more |= went_on,
                Err(error) => {
                    let (rule, step) = (run.rule_id, run.run.step);
                    tracing::error!(%rule, step, %error, "a run of reminders could not go on; the next look tries again");
                }
            }
        }
        if !more || turn.is_over() {
            return Ok(());
        }
    }
}

/// Writes a run's next batch down. Whether another one may follow now: not after the last, and not when a person has to
/// decide or somebody else was quicker.
async fn write_batch(context: &Context, run: &Run) -> Result<bool, StoreError> {
    let Some(rule) = reminder_rules::by_id(&context.store, run.rule_id).await? else { return Ok(false) };
    if !rule.rule.enabled && !run.unlimited {
        return hold(context, run, "the rule was switched off", None).await;
    }
    let send_at = run.send_at.unwrap_or(run.run.at);
    let composer =
        match composer_of(context, &rule.rule, run.run.step, rule.rule.channel.first(), send_at).await {
            Ok(composer) => composer,
            Err(QuoteError::Store(error)) => return Err(error),
            Err(error) => return hold(context, run, &error.to_string(), None).await,
        };
    if let Some(limit) =
        rule.rule.limits.cost_per_run.filter(|_| !run.unlimited && run.after_reference.is_none())
    {
        let reckoned = reckon(context, &composer, &rule.rule, &run.run, 0, 0).await?;
        if reckoned.cost > limit {
            return hold(context, run, OVER_COST, Some(reckoned)).await;
        }
    }
    let batch = batch(context, &composer, &rule, run).await?;
    let written = reminder_runs::write(&context.store, run, &batch, context.clock.now()).await?;
    if written {
        context.nudge();
    }
    Ok(written && !batch.last)
}

async fn batch(
    context: &Context,
    composer: &RuleComposer,
    rule: &StoredRule,
    run: &Run,
) -> Result<RunBatch, StoreError> {
    let store = &context.store;
    let after = run.after_reference.as_deref();
    let page = reminder_payments::owed_on(store, run.run.due_on, &rule.rule.payments, after, PAGE).await?;
    let last = (page.len() as u64) < PAGE;
    let phones: Vec<_> = page.iter().filter_map(|payment| payment.phone.number()).collect();
    let people = messages::people(store, &phones).await?;
    super::remember_links(context, &composer.composer, &phones).await?;
    let due = composer.due(context, &rule.rule, run.send_at.unwrap_or(run.run.at));
    let messages: Vec<NewMessage> = page
        .iter()
        .filter_map(|payment| message(composer, rule, run.run.step, payment, &people, due))
        .collect();
    let paid =
        if last { reminder_payments::paid_on(store, run.run.due_on, &rule.rule.payments).await? } else { 0 };
    let through = page.last().map(|payment| payment.reference.as_str().to_owned());
    Ok(RunBatch { through, last, messages, paid })
}

/// Holds a run; `false`, for it does not go on now.
async fn hold(
    context: &Context,
    run: &Run,
    reason: &str,
    reckoned: Option<Reckoned>,
) -> Result<bool, StoreError> {
    tracing::warn!(rule = %run.rule_id, step = run.run.step, reason, "a run of reminders is held until a person decides");
    let reckoned = reckoned.map(|reckoned| (reckoned.will_send, reckoned.suppressed, reckoned.cost));
    reminder_runs::hold(&context.store, run, reason, reckoned, context.clock.now()).await?;
    Ok(false)
}
