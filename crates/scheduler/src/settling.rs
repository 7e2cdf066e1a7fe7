//! Settles what is left: messages nobody knows about, missing final statuses, missing prices.

use crate::context::{Context, consequence_of};
use chrono::TimeDelta;
use dakiya_core::message::{Channel, EventSource};
use dakiya_core::money::FxRate;
use dakiya_core::time::day_in;
use dakiya_store::messages::{self, Check, CheckKind, Finding, StatusReport};
use dakiya_store::{StoreError, fx_rates};
use dakiya_twilio::wire::Address;
use dakiya_twilio::{ListQuery, Message, MessageSid, TwilioError};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

/// Messages asked about in one go.
const BATCH: u64 = 256;

/// Questions to Twilio under way at the same time.
const IN_FLIGHT: usize = 32;

/// Twilio's clock against ours, and how long a POST may have been under way.
const BEFORE: TimeDelta = TimeDelta::minutes(2);
const AFTER: TimeDelta = TimeDelta::minutes(10);

/// Pages of Twilio's list looked through for one message.
const PAGES: usize = 3;

/// Why a question has no good answer.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error(transparent)]
    Twilio(#[from] TwilioError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks about everything that is due to be asked about. Harmless to repeat.
pub(crate) async fn tick(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    while !shutdown.is_cancelled() {
        let checks = messages::due_checks(&context.store, context.clock.now(), BATCH).await?;
        if checks.is_empty() {
            return Ok(());
        }
        let rates = fx_rates::history(&context.store).await?;
        let asked = futures::stream::iter(checks).map(|check| {
            // The dollar's price on the day it was sent, whenever its price arrives.
            let fx = rates.on(day_in(check.taken_at, context.config.timezone));
            ask(context, check, fx)
        });
        let asked = asked.buffer_unordered(IN_FLIGHT);
        let findings: Vec<Finding> = asked.collect().await;
        messages::record_findings(&context.store, &findings, &context.config.unknown_lookups).await?;
        if !findings.iter().any(|finding| finding.answered) {
            // Twilio is away; the next tick tries others.
            return Ok(());
        }
    }
    Ok(())
}

/// Asks about one message at once and records what comes of it. Whether Twilio answered.
pub(crate) async fn ask_now(context: &Context, message: &messages::Message) -> Result<bool, StoreError> {
    let check = Check::of(message);
    let fx = fx_rates::on(&context.store, day_in(check.taken_at, context.config.timezone)).await?;
    let finding = ask(context, check, fx).await;
    let answered = finding.answered;
    messages::record_findings(&context.store, &[finding], &context.config.unknown_lookups).await?;
    Ok(answered)
}

/// Asks about one message. Whatever goes wrong is asked again later.
async fn ask(context: &Context, check: Check, fx: FxRate) -> Finding {
    let sid = check.sid.as_deref().and_then(|sid| MessageSid::try_from(sid.to_owned()).ok());
    let asked = match (check.kind, sid) {
        (CheckKind::Poll | CheckKind::Price, Some(sid)) => {
            context.client.fetch(&sid).await.map(Some).map_err(AskError::from)
        }
        (CheckKind::Lookup, _) => look_up(context, &check).await,
        (CheckKind::Poll | CheckKind::Price, None) => Ok(None),
    };
    let (answered, found) = match asked {
        Ok(found) => (true, found),
        Err(error) => (failed(&error), None),
    };
    let at = context.clock.now();
    let source = if check.kind == CheckKind::Lookup { EventSource::Listing } else { EventSource::Poll };
    let report = found.as_ref().and_then(|message| report(&check, message, source, at));
    Finding {
        id: check.id,
        answered,
        report,
        segments: found.as_ref().and_then(|message| message.segments),
        price: found.as_ref().and_then(Message::charge).map(|price| (price, fx)),
        at,
    }
}

fn report(
    check: &Check,
    message: &Message,
    source: EventSource,
    at: dakiya_core::time::Timestamp,
) -> Option<StatusReport> {
    Some(StatusReport {
        message_id: Some(check.id),
        sid: message.sid.to_string(),
        status: message.our_status()?,
        error_code: message.error_code,
        consequence: message.error_code.and_then(consequence_of),
        at,
        source,
    })
}

/// Looks for a message in Twilio's list. Finding it proves that Twilio has it; not finding it proves nothing.
async fn look_up(context: &Context, check: &Check) -> Result<Option<Message>, AskError> {
    let Some(phone) = check.phone.number() else { return Ok(None) };
    let query = ListQuery {
        to: Some(Address::of(check.channel, phone)),
        since: Some(check.taken_at - BEFORE),
        page_size: Some(100),
        ..ListQuery::default()
    };
    let mut page = context.client.list(&query).await?;
    for _ in 0..PAGES {
        let candidates: Vec<Message> = std::mem::take(&mut page.messages)
            .into_iter()
            .filter(|message| matches(check, message))
            .collect();
        let sids: Vec<String> = candidates.iter().map(|message| message.sid.to_string()).collect();
        let linked = messages::linked_sids(&context.store, &sids).await?;
        let free =
            candidates.into_iter().find(|message| !linked.iter().any(|sid| *sid == message.sid.to_string()));
        if free.is_some() {
            return Ok(free);
        }
        let Some(next) = context.client.next_page(&page).await? else { break };
        page = next;
    }
    Ok(None)
}

/// Whether a message of Twilio's list is the one we posted: ours, from the same sender, the same words, created when
/// we posted. A trial account puts words of its own in front.
pub(crate) fn matches(check: &Check, message: &Message) -> bool {
    let sender = check.sender.as_str();
    let from = message.from.as_ref().map(Address::to_string);
    let from = from.as_deref().map(|from| from.strip_prefix("whatsapp:").unwrap_or(from));
    let same_sender = from == Some(sender) || message.messaging_service_sid.as_deref() == Some(sender);
    let window = check.taken_at - BEFORE..=check.taken_at + AFTER;
    message.outbound
        && same_sender
        && message.body.ends_with(&check.body)
        && message.created_at.is_some_and(|at| window.contains(&at))
        && (check.channel == Channel::Whatsapp)
            == message.to.as_ref().is_some_and(|to| to.to_string().starts_with("whatsapp:"))
}

/// Tells of a question that failed. Whether it was answered all the same: asked again soon, the answer would be the
/// same.
fn failed(error: &AskError) -> bool {
    tracing::warn!(%error, "Twilio could not be asked about a message; asking again later");
    metrics::counter!("dakiya_check_failures_total").increment(1);
    matches!(error, AskError::Twilio(error) if !error.may_pass())
}
