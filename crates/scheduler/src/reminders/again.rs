//! What has to be said again: by text message what WhatsApp did not deliver, and to the new number what waited for the old
//! one.

use super::remember_links;
use crate::context::Context;
use crate::quoting::QuoteError;
use crate::reminder_texts::{composer_of, message, occurrence};
use crate::settling;
use chrono::TimeDelta;
use dakiya_core::encoding::measure;
use dakiya_core::ids::PaymentId;
use dakiya_core::message::{Channel, Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use dakiya_store::messages::{self, Message, NewMessage, NewReminder, ToFollow};
use dakiya_store::reminder_payments::ReminderPayment;
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::{StoreError, reminder_payments};
use futures::{StreamExt as _, TryStreamExt as _};
use tokio_util::sync::CancellationToken;

/// Messages looked at together because a text message may have to follow.
const FOLLOWED: u64 = 500;

/// Questions to Twilio under way at the same time, and how soon one is put again that had no answer.
const IN_FLIGHT: usize = 16;
const ASK_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// Says by text message what WhatsApp did not deliver in time.
pub(super) async fn follow_up(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    let store = &context.store;
    let waiting = messages::to_follow(store, context.clock.now(), FOLLOWED).await?;
    let mut waiting =
        futures::stream::iter(waiting).map(|waiting| with_news(context, waiting)).buffered(IN_FLIGHT);
    while let Some(waiting) = waiting.try_next().await? {
        if shutdown.is_cancelled() {
            return Ok(());
        }
        let now = context.clock.now();
        let (waiting, answered) = waiting;
        let Some((payment, rule, _)) = waiting.message.reminder else { continue };
        if !answered {
            messages::follow(store, waiting.message.id, None, Some(now + ASK_AGAIN), now).await?;
            continue;
        }
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
                let left_at = waiting.message.taken_at.unwrap_or(waiting.message.due_at);
                // How late it may be counts from when it was to follow.
                let send_at = rule.rule.fallback_at(left_at).unwrap_or(now).min(now);
                let text = again(context, &rule, payment, &waiting, Channel::Sms, send_at).await?;
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

/// A message as it stands by now, and whether Twilio could be asked: what was reported while nobody listened is heard
/// before anything is said twice.
async fn with_news(context: &Context, waiting: ToFollow) -> Result<(ToFollow, bool), StoreError> {
    let under_way = matches!(waiting.message.status, Status::Unknown | Status::Accepted | Status::Sent);
    if !under_way {
        return Ok((waiting, true));
    }
    let answered = settling::ask_now(context, &waiting.message).await?;
    let message = messages::get(&context.store, waiting.message.id).await?.unwrap_or(waiting.message);
    Ok((ToFollow { message, ..waiting }, answered))
}

/// Sends to the new number what waited when a payment's number was corrected.
pub(super) async fn send_renumbered(
    context: &Context,
    shutdown: &CancellationToken,
) -> Result<(), StoreError> {
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
    before: &ToFollow,
    channel: Channel,
    send_at: Timestamp,
) -> Result<Option<NewMessage>, StoreError> {
    let Some(payment) = reminder_payments::get(&context.store, payment).await? else { return Ok(None) };
    let step = before.message.reminder.map_or(0, |(_, _, step)| step);
    if !payment.status.is_owed() || payment.due_on != before.due_on {
        return Ok(None);
    }
    let Some(phone) = payment.phone.number() else { return Ok(None) };
    let composer =
        match composer_of(context, &rule.rule, step, channel, send_at.max(context.clock.now())).await {
            Ok(composer) => composer,
            Err(QuoteError::Store(error)) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "a reminder is not sent again, by text message or to the new number");
                let old = &before.message;
                return Ok(Some(not_composed(old, phone, channel, send_at, &payment, rule, step)));
            }
        };
    let people = messages::people(&context.store, &[phone]).await?;
    remember_links(context, &composer.composer, &[phone]).await?;
    let due = composer.due(context, &rule.rule, send_at);
    Ok(message(&composer, rule, step, &payment, &people, due))
}

/// Tells why a reminder that had to be said once more was not.
fn not_composed(
    before: &Message,
    phone: PhoneNumber,
    channel: Channel,
    due_at: Timestamp,
    payment: &ReminderPayment,
    rule: &StoredRule,
    step: i32,
) -> NewMessage {
    let measure = measure("");
    NewMessage {
        dedupe_key: occurrence(payment, rule, step),
        campaign_id: None,
        template: before.template,
        phone,
        channel,
        category: before.category,
        sender: before.sender.clone(),
        body: String::new(),
        encoding: measure.encoding,
        segments: measure.segments,
        estimated_cost: Money::ZERO,
        estimated_fx: None,
        due_at,
        expires_at: None,
        api_key_id: None,
        test: false,
        suppressed: Some(SuppressedReason::NotComposed),
        reminder: Some(NewReminder {
            payment: payment.id,
            rule: rule.id,
            step,
            due_on: payment.due_on,
            revision: payment.revision,
            text: String::new(),
            fallback_at: None,
        }),
    }
}
