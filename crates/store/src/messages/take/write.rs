//! Writes a round's decisions, a statement per kind of decision rather than per message.

use super::candidates::{LONGEST_SLEEP, Round, next_due};
use super::decide::{Decided, Ended, TakenCost};
use super::senders::{SenderQueue, campaign_pace};
use super::{TakeRequest, TakenMessage};
use crate::budgets::BudgetHold;
use crate::column::Stored;
use crate::costs::{Entry, Key, MessageMoney};
use crate::messages::record::{Event, write_events};
use crate::messages::tally::{Tally, micros};
use crate::sql::Sql;
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::CampaignId;
use dakiya_core::message::{Direction, EventSource, Status, SuppressedReason};
use dakiya_core::pacing::Lane;
use dakiya_core::time::{Month, Timestamp, day_in};
use sea_orm::{ConnectionTrait, Value};
use std::collections::{BTreeMap, HashSet};

/// Writes everything; whether there was anything to write.
pub(super) async fn write<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    round: &Round,
    decided: &Decided,
    request: &TakeRequest,
) -> Result<bool, StoreError> {
    let mut tally = Tally::default();
    rewritten(tx, decided).await?;
    posting(tx, decided, request, &mut tally).await?;
    ended(store, tx, &decided.ended, request.now, &mut tally).await?;
    deferred(tx, decided, request.now).await?;
    held(tx, decided, request).await?;
    let slept = campaigns(tx, round, decided, request.now).await?;
    let changed = slept || decided.moved() || !decided.to_post.is_empty();
    if !decided.to_post.is_empty() {
        paces(tx, round).await?;
    }
    tally.write(tx).await?;
    Ok(changed)
}

/// The promise the whole engine rests on: before a POST, its message says so, durably.
async fn posting<C: ConnectionTrait>(
    tx: &C,
    decided: &Decided,
    request: &TakeRequest,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    if decided.to_post.is_empty() {
        return Ok(());
    }
    let now = request.now;
    let day = day_in(now, request.zone);
    for (message, cost) in decided.to_post.iter().zip(&decided.costs) {
        let estimated = micros(message.estimated_cost)?;
        tally.moved(message.campaign_id, Some(Status::Queued), Status::Posting, estimated);
        let (key, entry) = posted(message, cost, estimated, day);
        tally.costs.changed(key, Entry::default(), entry);
    }
    let changed = Sql::new("UPDATE messages SET status = 1, attempts = attempts + 1, taken_at = ")
        .bind(now)
        .text(", updated_at = ")
        .bind(now)
        .text(", budget_hold = NULL, cost_day = ")
        .bind(day)
        .text(" WHERE status = 0 AND id IN ")
        .list(decided.to_post.iter().map(|message| Stored(message.id)))
        .execute(tx)
        .await?;
    if usize::try_from(changed) != Ok(decided.to_post.len()) {
        // Somebody else has one of them: post none rather than one twice.
        return Err(StoreError::Conflict("a message was taken by somebody else at the same time".to_owned()));
    }
    Ok(())
}

/// What goes out is what is stored: texts that were filled in anew.
async fn rewritten<C: ConnectionTrait>(tx: &C, decided: &Decided) -> Result<(), StoreError> {
    for text in &decided.rewritten {
        Sql::new("UPDATE messages SET body = ")
            .bind(text.body.clone())
            .text(", encoding = ")
            .bind(Stored(text.encoding))
            .text(", segments = ")
            .bind(Stored(text.segments))
            .text(", estimated_cost = ")
            .bind(Stored(text.estimated_cost))
            .text(", payment_revision = ")
            .bind(text.revision)
            .text(" WHERE status = 0 AND id = ")
            .bind(Stored(text.id))
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// What a message adds to its day from now on.
fn posted(message: &TakenMessage, cost: &TakenCost, estimated: i64, day: NaiveDate) -> (Key, Entry) {
    let key = Key {
        day,
        item: message.channel.into(),
        direction: Direction::Outbound,
        category: Some(message.category),
        template: cost.template,
        campaign: message.campaign_id,
        reminder_rule: cost.reminder_rule,
        sender: message.sender.as_str().to_owned(),
    };
    let money = MessageMoney {
        channel: message.channel,
        status: Status::Posting,
        has_sid: false,
        segments: cost.segments,
        twilio_segments: None,
        estimated,
        estimated_fx: None,
        actual: None,
        price: None,
    };
    (key, money.entry())
}

async fn ended<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    ended: &[Ended],
    now: Timestamp,
    tally: &mut Tally,
) -> Result<(), StoreError> {
    let mut groups: BTreeMap<(Status, Option<SuppressedReason>), Vec<&Ended>> = BTreeMap::new();
    for message in ended {
        let cost = micros(message.estimated_cost)?;
        tally.moved(message.campaign, Some(Status::Queued), message.status, cost);
        tally.released(message.campaign, cost);
        groups.entry((message.status, message.reason)).or_default().push(message);
    }
    for ((status, reason), messages) in groups {
        Sql::new("UPDATE messages SET status = ")
            .bind(Stored(status))
            .text(", suppressed_reason = ")
            .bind(reason.map(Stored))
            .text(", updated_at = ")
            .bind(now)
            .text(" WHERE status = 0 AND id IN ")
            .list(messages.iter().map(|message| Stored(message.id)))
            .execute(tx)
            .await?;
    }
    let events: Vec<Event> = ended
        .iter()
        .map(|message| Event {
            message: message.id,
            at: now,
            status: message.status,
            source: EventSource::Dakiya,
            error_code: None,
            note: message.reason.map(|reason| reason.as_str().to_owned()),
        })
        .collect();
    write_events(store, tx, &events, now).await
}

async fn deferred<C: ConnectionTrait>(tx: &C, decided: &Decided, now: Timestamp) -> Result<(), StoreError> {
    if decided.deferred.is_empty() {
        return Ok(());
    }
    let rows =
        decided.deferred.iter().map(|(id, until)| -> [Value; 2] { [Stored(*id).into(), (*until).into()] });
    Sql::new("WITH later (id, due_at) AS (VALUES ")
        .rows(rows)
        .text(") UPDATE messages SET due_at = later.due_at, updated_at = ")
        .bind(now)
        .text(" FROM later WHERE messages.id = later.id")
        .execute(tx)
        .await?;
    Ok(())
}

/// Single messages wait for the next month's budget, or until somebody raises this one's; no longer than they make sense.
async fn held<C: ConnectionTrait>(
    tx: &C,
    decided: &Decided,
    request: &TakeRequest,
) -> Result<(), StoreError> {
    if decided.held.is_empty() {
        return Ok(());
    }
    let month = Month::of(day_in(request.now, request.zone));
    let next_month = month.plus(1).start(request.zone);
    Sql::new("UPDATE messages SET due_at = CASE WHEN expires_at < ")
        .bind(next_month)
        .text(" THEN expires_at ELSE ")
        .bind(next_month)
        .text(" END, budget_hold = ")
        .bind(Stored(month))
        .text(", updated_at = ")
        .bind(request.now)
        .text(" WHERE status = 0 AND id IN ")
        .list(decided.held.iter().map(|id| Stored(*id)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Puts campaigns to sleep that cannot go on, and remembers who was served. Runs after the taken messages were marked,
/// so that only what still waits counts.
async fn campaigns<C: ConnectionTrait>(
    tx: &C,
    round: &Round,
    decided: &Decided,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut changed = false;
    let served: HashSet<CampaignId> =
        decided.to_post.iter().filter_map(|message| message.campaign_id).collect();
    for campaign in round.senders.iter().flat_map(|sender| &sender.campaigns) {
        let sleep = match campaign.sleep {
            Some(sleep) => Some(sleep),
            None if campaign.exhausted => Some(next_due(tx, campaign.id).await?),
            None => None,
        };
        let served = served.contains(&campaign.id);
        let mut query = Sql::new("UPDATE campaigns SET served_at = ");
        query = if served { query.bind(now) } else { query.text("served_at") };
        if let Some(until) = sleep {
            query = query.text(", wake_at = ").bind(until.map(|until| until.min(now + LONGEST_SLEEP)));
        }
        query = query.text(", budget_hold = ").bind(campaign.hold.map(BudgetHold::stored));
        if served || sleep.is_some() {
            query.text(" WHERE id = ").bind(Stored(campaign.id)).execute(tx).await?;
            changed = true;
        }
    }
    Ok(changed)
}

async fn paces<C: ConnectionTrait>(tx: &C, round: &Round) -> Result<(), StoreError> {
    let row = |key: String, lane: &Lane| -> [Value; 2] {
        [key.into(), lane.state.next_slot.timestamp_micros().into()]
    };
    let of_sender = |sender: &SenderQueue| row(sender.key.clone(), &sender.lane);
    let mut rows: Vec<[Value; 2]> = round.senders.iter().map(of_sender).collect();
    for campaign in round.senders.iter().flat_map(|sender| &sender.campaigns) {
        rows.extend(campaign.lane.as_ref().map(|lane| row(campaign_pace(campaign.id), lane)));
    }
    Sql::new("INSERT INTO paces (key, next_slot) VALUES ")
        .rows(rows)
        .text(" ON CONFLICT (key) DO UPDATE SET next_slot = excluded.next_slot")
        .execute(tx)
        .await?;
    Ok(())
}
