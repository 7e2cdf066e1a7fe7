//! From reminder rules to messages: runs whose time has come begin, their payments get their messages, and a text
//! message follows what WhatsApp did not deliver.
//!
//! Each step is idempotent. What is due comes from the database; a run that was begun goes on where it stopped, and the
//! key of a message (payment, rule, step, due date) forbids a second one.

use crate::composing::Composer;
use crate::context::Context;
use crate::quoting::QuoteError;
use crate::reminder_texts::{PAGE, Reckoned, RuleComposer, composer_of, message, reckon};
use dakiya_core::ids::PaymentId;
use dakiya_core::message::{Channel, Status};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::reminder::{RunDecision, RunFacts, decide_run};
use dakiya_core::time::Timestamp;
use dakiya_store::messages::{self, NewMessage};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, NewRun, Run, RunBatch};
use dakiya_store::{StoreError, opt_out_links, reminder_payments, settings};
use tokio_util::sync::CancellationToken;

/// Messages looked at together because a text message may have to follow.
const FOLLOWED: u64 = 500;

/// A run that would cost more than its rule allows is held for this reason.
const OVER_COST: &str = "over_cost";

/// One look at all rules. Harmless to repeat and to interrupt.
pub(crate) async fn tick(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    begin_due(context).await?;
    for run in reminder_runs::to_plan(&context.store).await? {
        write_out(context, run, shutdown).await?;
    }
    follow_up(context, shutdown).await?;
    send_renumbered(context, shutdown).await
}

/// Begins the runs whose time has come since each rule was looked at last. Costs a query when none has.
async fn begin_due(context: &Context) -> Result<(), StoreError> {
    let store = &context.store;
    let rules = reminder_rules::running(store).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let holidays = reminder_rules::holidays(store).await?;
    let window = settings::get(store).await?.reminder_window;
    for rule in rules {
        let now = context.clock.now();
        let due = rule.rule.runs_between(rule.planned_through, now, &holidays);
        let mut runs = Vec::new();
        for run in &due {
            let matched = reminder_payments::count_owed_on(store, run.due_on, &rule.rule.payments).await?;
            if matched == 0 {
                continue;
            }
            let stopped = reminder_runs::stopped(store, rule.id, run.due_on).await?;
            let hours = rule.rule.hours(&window, context.config.timezone, &holidays);
            let on_time_within = context.on_time_within();
            let facts = RunFacts { holidays: &holidays, hours, on_time_within, stopped: &stopped };
            let decision = decide_run(&rule.rule, run, &facts, now);
            let send_at = match decision {
                RunDecision::Send { send_at, .. } => Ok(send_at),
                RunDecision::Skip(reason) => Err(reason),
            };
            runs.push(NewRun { run: *run, send_at, matched });
        }
        if !due.is_empty() {
            reminder_runs::begin(store, &rule, &runs, now, now).await?;
        }
    }
    Ok(())
}

/// Writes a run's messages down, a batch of payments at a time.
async fn write_out(context: &Context, run: Run, shutdown: &CancellationToken) -> Result<(), StoreError> {
    let Some(rule) = reminder_rules::by_id(&context.store, run.rule_id).await? else { return Ok(()) };
    if !rule.rule.enabled && !run.unlimited {
        return hold(context, &run, "the rule was switched off", None).await;
    }
    let composer =
        match composer_of(context, &rule.rule, run.run.step, rule.rule.channel.first(), run.run.at).await {
            Ok(composer) => composer,
            Err(QuoteError::Store(error)) => return Err(error),
            Err(error) => return hold(context, &run, &error.to_string(), None).await,
        };
    if let Some(limit) =
        rule.rule.limits.cost_per_run.filter(|_| !run.unlimited && run.after_reference.is_none())
    {
        let reckoned = reckon(context, &composer, &rule.rule, &run.run, 0, 0).await?;
        if reckoned.cost > limit {
            return hold(context, &run, OVER_COST, Some(reckoned)).await;
        }
    }
    let mut run = run;
    while !shutdown.is_cancelled() {
        let batch = batch(context, &composer, &rule, &run).await?;
        let (last, through) = (batch.last, batch.through.clone());
        if !reminder_runs::write(&context.store, &run, &batch, context.clock.now()).await? {
            // Somebody else works on it, or it was skipped.
            return Ok(());
        }
        context.nudge();
        if last {
            return Ok(());
        }
        let identity = run.run;
        let Some(now) =
            reminder_runs::get(&context.store, run.rule_id, identity.step, identity.due_on).await?
        else {
            return Ok(());
        };
        if now.after_reference != through {
            return Ok(());
        }
        run = now;
    }
    Ok(())
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
    remember_links(context, &composer.composer, &phones).await?;
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

async fn remember_links(
    context: &Context,
    composer: &Composer,
    phones: &[PhoneNumber],
) -> Result<(), StoreError> {
    if composer.texts.has_opt_out_link() {
        let links: Vec<_> = phones.iter().map(|phone| (composer.links().of(*phone).1, *phone)).collect();
        opt_out_links::upsert(&context.store, &links).await?;
    }
    Ok(())
}

async fn hold(
    context: &Context,
    run: &Run,
    reason: &str,
    reckoned: Option<Reckoned>,
) -> Result<(), StoreError> {
    tracing::warn!(rule = %run.rule_id, step = run.run.step, reason, "a run of reminders is held until a person decides");
    let reckoned = reckoned.map(|reckoned| (reckoned.will_send, reckoned.suppressed, reckoned.cost));
    reminder_runs::hold(&context.store, run, reason, reckoned, context.clock.now()).await?;
    Ok(())
}

/// Says by text message what WhatsApp did not deliver in time.
async fn follow_up(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    let store = &context.store;
    for waiting in messages::to_follow(store, context.clock.now(), FOLLOWED).await? {
        if shutdown.is_cancelled() {
            return Ok(());
        }
        let now = context.clock.now();
        let Some((payment, rule, _)) = waiting.message.reminder else { continue };
        let rule = reminder_rules::by_id(store, rule).await?.filter(|rule| rule.rule.enabled);
        let follows = match (waiting.message.status, rule) {
            // It has not left yet, so nobody can say that it was not delivered.
            (Status::Queued | Status::Posting, Some(rule)) => {
                messages::follow(store, waiting.message.id, None, rule.rule.fallback_at(now), now).await?;
                continue;
            }
            (
                Status::Unknown
                | Status::Accepted
                | Status::Sent
                | Status::Undelivered
                | Status::Failed
                | Status::Rejected,
                Some(rule),
            ) => {
                let text = again(context, &rule, payment, &waiting, Channel::Sms, now).await?;
                text.map(|text| NewMessage { dedupe_key: messages::following(&text.dedupe_key), ..text })
            }
            _ => None,
        };
        if messages::follow(store, waiting.message.id, follows.as_ref(), None, now).await?
            && follows.is_some()
        {
            context.nudge();
        }
    }
    Ok(())
}

/// Sends to the new number what waited when a payment's number was corrected.
async fn send_renumbered(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    let store = &context.store;
    for taken_back in messages::renumbered(store, FOLLOWED).await? {
        if shutdown.is_cancelled() {
            return Ok(());
        }
        let (old, now) = (&taken_back.message, context.clock.now());
        let Some((payment, rule, _)) = old.reminder else { continue };
        let instead = match reminder_rules::by_id(store, rule).await?.filter(|rule| rule.rule.enabled) {
            Some(rule) => {
                again(context, &rule, payment, &taken_back, old.channel, old.due_at.max(now)).await?
            }
            None => None,
        };
        let instead = instead.map(|message| NewMessage {
            dedupe_key: if messages::follows_another(&old.dedupe_key) {
                messages::following(&message.dedupe_key)
            } else {
                message.dedupe_key.clone()
            },
            expires_at: old.expires_at,
            ..message
        });
        if messages::send_renumbered(store, old.id, instead.as_ref(), now).await? && instead.is_some() {
            context.nudge();
        }
    }
    Ok(())
}

/// What a message said, to the number that its payment has now; `None`: nobody is to be reminded of it any more.
async fn again(
    context: &Context,
    rule: &StoredRule,
    payment: PaymentId,
    before: &messages::ToFollow,
    channel: Channel,
    send_at: Timestamp,
) -> Result<Option<NewMessage>, StoreError> {
    let Some(payment) = reminder_payments::get(&context.store, payment).await? else { return Ok(None) };
    let step = before.message.reminder.map_or(0, |(_, _, step)| step);
    if !payment.status.is_owed() || payment.due_on != before.due_on {
        return Ok(None);
    }
    let composer = match composer_of(context, &rule.rule, step, channel, send_at).await {
        Ok(composer) => composer,
        Err(QuoteError::Store(error)) => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "a reminder is not sent again, by text message or to the new number");
            return Ok(None);
        }
    };
    let Some(phone) = payment.phone.number() else { return Ok(None) };
    let people = messages::people(&context.store, &[phone]).await?;
    remember_links(context, &composer.composer, &[phone]).await?;
    let due = composer.due(context, &rule.rule, send_at);
    Ok(message(&composer, rule, step, &payment, &people, due))
}
