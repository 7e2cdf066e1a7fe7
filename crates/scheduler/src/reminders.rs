//! From reminder rules to messages: runs whose time has come begin, their payments get their messages, and a text
//! message follows what WhatsApp did not deliver.
//!
//! Each step is idempotent. What is due comes from the database; a run that was begun goes on where it stopped, and the
//! key of a message (payment, rule, step, due date) forbids a second one.

use crate::composing::Composer;
use crate::context::Context;
use crate::quoting::QuoteError;
use crate::reminder_texts::{PAGE, Reckoned, RuleComposer, composer_of, message, reckon};
use dakiya_core::message::{Channel, Status};
use dakiya_core::reminder::{RunDecision, decide_run};
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
    follow_up(context, shutdown).await
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
            let decision = decide_run(&rule.rule, run, &holidays, &window, context.config.timezone, now);
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
        return hold(context, &run, "the rule was switched off", Reckoned::default()).await;
    }
    let composer =
        match composer_of(context, &rule.rule, run.run.step, rule.rule.channel.first(), run.run.at).await {
            Ok(composer) => composer,
            Err(QuoteError::Store(error)) => return Err(error),
            Err(error) => return hold(context, &run, &error.to_string(), Reckoned::default()).await,
        };
    if let Some(limit) =
        rule.rule.limits.cost_per_run.filter(|_| !run.unlimited && run.after_reference.is_none())
    {
        let reckoned = reckon(context, &composer, &rule.rule, &run.run, 0).await?;
        if reckoned.cost > limit {
            return hold(context, &run, OVER_COST, reckoned).await;
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
    let send_at = run.send_at.unwrap_or(run.run.at);
    let messages: Vec<NewMessage> = page
        .iter()
        .filter_map(|payment| message(context, composer, rule, run, payment, &people, send_at))
        .collect();
    let paid =
        if last { reminder_payments::paid_on(store, run.run.due_on, &rule.rule.payments).await? } else { 0 };
    let through = page.last().map(|payment| payment.reference.as_str().to_owned());
    Ok(RunBatch { through, last, messages, paid })
}

async fn remember_links(
    context: &Context,
    composer: &Composer,
    phones: &[dakiya_core::phone::PhoneNumber],
) -> Result<(), StoreError> {
    if composer.texts.has_opt_out_link() {
        let links: Vec<_> = phones.iter().map(|phone| (composer.links().of(*phone).1, *phone)).collect();
        opt_out_links::upsert(&context.store, &links).await?;
    }
    Ok(())
}

async fn hold(context: &Context, run: &Run, reason: &str, reckoned: Reckoned) -> Result<(), StoreError> {
    tracing::warn!(rule = %run.rule_id, step = run.run.step, reason, "a run of reminders is held until a person decides");
    let Reckoned { will_send, suppressed, cost, .. } = reckoned;
    reminder_runs::hold(&context.store, run, reason, (will_send, suppressed, cost), context.clock.now())
        .await?;
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
            ) => text_message(context, &rule, payment, &waiting).await?,
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

async fn text_message(
    context: &Context,
    rule: &StoredRule,
    payment: dakiya_core::ids::PaymentId,
    waiting: &messages::ToFollow,
) -> Result<Option<NewMessage>, StoreError> {
    let now = context.clock.now();
    let Some(payment) = reminder_payments::get(&context.store, payment).await? else { return Ok(None) };
    let step = waiting.message.reminder.map_or(0, |(_, _, step)| step);
    if !payment.status.is_owed() || payment.due_on != waiting.due_on {
        return Ok(None);
    }
    let composer = match composer_of(context, &rule.rule, step, Channel::Sms, now).await {
        Ok(composer) => composer,
        Err(QuoteError::Store(error)) => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "no text message follows what WhatsApp did not deliver");
            return Ok(None);
        }
    };
    let Some(phone) = payment.phone.number() else { return Ok(None) };
    let people = messages::people(&context.store, &[phone]).await?;
    remember_links(context, &composer.composer, &[phone]).await?;
    let run = rule.rule.run(step, payment.due_on, &reminder_rules::holidays(&context.store).await?);
    let run = Run::coming(rule.id, run);
    let message = message(context, &composer, rule, &run, &payment, &people, now);
    Ok(message.map(|message| NewMessage { dedupe_key: format!("{}:sms", message.dedupe_key), ..message }))
}
