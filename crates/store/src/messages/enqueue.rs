//! Writing messages down: one asked for by itself, or a batch of a campaign's.

use super::record::{Event, write_events};
use super::tally::{Tally, micros};
use super::{Message, NewMessage};
use crate::column::Stored;
use crate::entities::messages as table;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::TimeDelta;
use dakiya_core::ids::{Id, MessageId};
use dakiya_core::message::{BULK_PRIORITY, Category, EventSource, Status, priority};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Value};
use std::collections::HashSet;

/// What asking for a message did.
#[derive(Clone, Debug, PartialEq)]
pub enum Enqueued {
    /// It is written down and goes out by itself.
    Created(Message),
    /// The same was asked for before; this is what was written down then.
    Existing(Message),
    /// The number has its messages for this hour; one more is let through then.
    RateLimited {
        /// When.
        free_at: Timestamp,
    },
}

/// Writes one message down, unless its `dedupe_key` is known or the number has had `hourly_limit` messages of its
/// kind within the hour. What waits and is due counts as well.
pub async fn enqueue(
    store: &Store,
    new: NewMessage,
    hourly_limit: Option<u32>,
    now: Timestamp,
) -> Result<Enqueued, StoreError> {
    let tx = store.write().await?;
    if let Some(known) = known(&*tx, &new.dedupe_key).await? {
        return Ok(Enqueued::Existing(known));
    }
    if let Some(limit) = hourly_limit.filter(|_| new.due_at <= now && !new.test)
        && let Some(free_at) = free_at(&*tx, new.phone, new.category, limit, now).await?
    {
        return Ok(Enqueued::RateLimited { free_at });
    }
    let id = store.new_id::<MessageId>(now);
    if insert(&*tx, &[(id, &new)], now).await? == 0 {
        // Asked for twice at the same moment; the other was first, and is committed by now.
        let first = known(&*tx, &new.dedupe_key).await?;
        return first.map(Enqueued::Existing).ok_or_else(|| StoreError::not_found("message", new.dedupe_key));
    }
    if new.test {
        let note = Some("test key: not sent".to_owned());
        let event = Event {
            message: id,
            at: now,
            status: Status::Delivered,
            source: EventSource::Dakiya,
            error_code: None,
            note,
        };
        write_events(store, &*tx, &[event], now).await?;
    }
    let mut tally = Tally::default();
    tally.moved(new.campaign_id, None, status_of(&new), micros(new.estimated_cost)?);
    tally.write(&*tx).await?;
    let written = table::Entity::find_by_id(Stored(id)).one(&*tx).await?;
    let written = written.ok_or_else(|| StoreError::not_found("message", id))?;
    tx.commit().await?;
    Ok(Enqueued::Created(written.into()))
}

async fn known<C: ConnectionTrait>(tx: &C, dedupe_key: &str) -> Result<Option<Message>, StoreError> {
    let known = table::Entity::find().filter(table::Column::DedupeKey.eq(dedupe_key)).one(tx).await?;
    Ok(known.map(Message::from))
}

/// Writes a batch of messages down in the caller's transaction. Those whose `dedupe_key` is known are left as they
/// are. Returns the new ones.
pub(crate) async fn enqueue_batch<'m, C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    new: &'m [NewMessage],
    now: Timestamp,
) -> Result<Vec<&'m NewMessage>, StoreError> {
    let with_ids: Vec<_> = new.iter().map(|message| (store.new_id::<MessageId>(now), message)).collect();
    let mut written: HashSet<MessageId> = HashSet::new();
    for batch in with_ids.chunks(1_000) {
        let inserted = insert(tx, batch, now).await?;
        if usize::try_from(inserted) == Ok(batch.len()) {
            written.extend(batch.iter().map(|(id, _)| *id));
        } else {
            let rows = Sql::new("SELECT id FROM messages WHERE id IN ")
                .list(batch.iter().map(|(id, _)| Stored(*id)))
                .all(tx)
                .await?;
            for row in rows {
                written.insert(row.read("id")?);
            }
        }
    }
    let fresh: Vec<_> =
        with_ids.into_iter().filter(|(id, _)| written.contains(id)).map(|(_, message)| message).collect();
    let mut tally = Tally::default();
    for message in &fresh {
        tally.moved(message.campaign_id, None, status_of(message), micros(message.estimated_cost)?);
    }
    tally.write(tx).await?;
    Ok(fresh)
}

fn status_of(new: &NewMessage) -> Status {
    match new.suppressed {
        Some(_) => Status::Suppressed,
        None if new.test => Status::Delivered,
        None => Status::Queued,
    }
}

async fn insert<C: ConnectionTrait>(
    tx: &C,
    new: &[(MessageId, &NewMessage)],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let now = to_micros(now);
    let mut rows = Vec::with_capacity(new.len());
    for (id, message) in new {
        let (template_id, version) =
            message.template.map_or((None, None), |(id, version)| (Some(Stored(id)), Some(version)));
        // Reminders come in thousands at a time, so they stand behind single messages as campaigns do.
        let bulk = message.campaign_id.is_some() || message.reminder.is_some();
        let priority = if bulk { BULK_PRIORITY } else { priority(message.category) };
        rows.push([
            Stored(*id).into(),
            message.dedupe_key.clone().into(),
            message.campaign_id.map(Stored).into(),
            template_id.into(),
            version.into(),
            Stored(message.phone).into(),
            Stored(message.channel).into(),
            Stored(message.category).into(),
            Stored(message.sender.clone()).into(),
            message.body.clone().into(),
            Stored(message.encoding).into(),
            Stored(message.segments).into(),
            micros(message.estimated_cost)?.into(),
            message.estimated_fx.map(Stored).into(),
            Stored(status_of(message)).into(),
            message.suppressed.map(Stored).into(),
            Value::from(i16::from(priority)),
            to_micros(message.due_at).into(),
            message.expires_at.map(to_micros).into(),
            message.api_key_id.map(Stored).into(),
            message.test.into(),
            now.into(),
            now.into(),
            0i32.into(),
            0i32.into(),
            message.reminder.as_ref().map(|reminder| Stored(reminder.payment)).into(),
            message.reminder.as_ref().map(|reminder| Stored(reminder.rule)).into(),
            message.reminder.as_ref().map(|reminder| reminder.step).into(),
            message.reminder.as_ref().map(|reminder| reminder.due_on).into(),
            message.reminder.as_ref().map(|reminder| reminder.revision).into(),
            message.reminder.as_ref().map(|reminder| reminder.text.clone()).into(),
            message.reminder.as_ref().and_then(|reminder| reminder.fallback_at).map(to_micros).into(),
        ]);
    }
    let inserted = Sql::new(
        "INSERT INTO messages (id, dedupe_key, campaign_id, template_id, template_version, phone, channel, category, \
         sender, body, encoding, segments, estimated_cost, estimated_fx, status, suppressed_reason, priority, due_at, \
         expires_at, api_key_id, test, created_at, updated_at, attempts, checks, payment_id, reminder_rule_id, reminder_step, \
         payment_due_on, payment_revision, payment_text, fallback_at) VALUES ",
    )
    .rows(rows)
    .text(" ON CONFLICT (dedupe_key) DO NOTHING")
    .execute(tx)
    .await?;
    Ok(inserted)
}

/// When the number is free for one more message of this kind; `None`: now.
async fn free_at<C: ConnectionTrait>(
    tx: &C,
    phone: PhoneNumber,
    category: Category,
    limit: u32,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let hour = TimeDelta::hours(1);
    let rows = Sql::new("SELECT category, COALESCE(taken_at, due_at) AS at FROM messages WHERE phone = ")
        .bind(Stored(phone))
        .text(" AND status BETWEEN 0 AND 8 AND NOT (status = 8 AND twilio_sid IS NULL) AND COALESCE(taken_at, due_at) > ")
        .bind(now - hour)
        .text(" AND COALESCE(taken_at, due_at) <= ")
        .bind(now)
        .text(" AND NOT test ORDER BY at")
        .all(tx)
        .await?;
    let mut at: Vec<Timestamp> = Vec::new();
    for row in rows {
        if (row.read::<Category>("category")? == Category::Otp) == (category == Category::Otp) {
            at.push(row.try_get("", "at")?);
        }
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if at.len() < limit {
        return Ok(None);
    }
    // With a limit of zero nothing is ever free; an hour is as good an answer as any.
    Ok(Some(at.get(at.len() - limit).copied().unwrap_or(now) + hour))
}

/// The smallest id a message written at `at` or later can have: ids sort by the time they were made.
pub(crate) fn first_id_at(at: Timestamp) -> MessageId {
    MessageId::new(at, [0; 10])
}
