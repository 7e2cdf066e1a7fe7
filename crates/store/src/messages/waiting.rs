//! Ending messages that still wait.

use super::record::{Event, write_events};
use super::renumbered;
use super::tally::Tally;
use crate::column::{PhoneKey, Stored};
use crate::sql::{Row, Sql, for_update, skip_locked};
use crate::{Store, StoreError};
use dakiya_core::ids::{CampaignId, MessageId, PaymentId};
use dakiya_core::message::{Category, EventSource, Status, SuppressedReason};
use dakiya_core::opt_out::OptOutScope;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::{ConnectionTrait, QueryResult};

/// Messages ended in one transaction; between two, whatever is urgent gets its turn.
const BATCH: i64 = 2_000;

/// Suppresses a person's waiting messages that an opt-out covers. `take` would not have sent them anyway; this makes
/// it visible at once. Returns how many there were.
pub async fn suppress_waiting(
    store: &Store,
    phone: PhoneNumber,
    scope: OptOutScope,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let tx = store.write().await?;
    let rows = Sql::new(OF_PHONE)
        .bind(Stored(PhoneKey::Number(phone)))
        .text(" ORDER BY id")
        .text(for_update(&*tx))
        .all(&*tx)
        .await?;
    let waiting = Waiting::read(&rows, |row| Ok(scope.covers(row.read::<Category>("category")?)))?;
    waiting.end(store, &*tx, Ending::Suppressed(SuppressedReason::OptedOut), now).await?;
    tx.commit().await?;
    Ok(waiting.0.len())
}

/// Cancels some of a canceled campaign's waiting messages; 0 when none is left.
pub async fn cancel_queued(store: &Store, campaign: CampaignId, now: Timestamp) -> Result<usize, StoreError> {
    let tx = store.write().await?;
    let rows = Sql::new(
        "SELECT id, campaign_id, category, estimated_cost FROM messages WHERE status = 0 AND campaign_id = ",
    )
    .bind(Stored(campaign))
    .text(" ORDER BY due_at, id LIMIT ")
    .bind(BATCH)
    .text(skip_locked(&*tx))
    .all(&*tx)
    .await?;
    let waiting = Waiting::read(&rows, |_| Ok(true))?;
    waiting.end(store, &*tx, Ending::Canceled, now).await?;
    tx.commit().await?;
    Ok(waiting.0.len())
}

/// Cancels one message, if it still waits.
pub async fn cancel(store: &Store, id: MessageId, now: Timestamp) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let rows =
        Sql::new("SELECT id, campaign_id, category, estimated_cost FROM messages WHERE status = 0 AND id = ")
            .bind(Stored(id))
            .text(for_update(&*tx))
            .all(&*tx)
            .await?;
    let waiting = Waiting::read(&rows, |_| Ok(true))?;
    waiting.end(store, &*tx, Ending::Canceled, now).await?;
    tx.commit().await?;
    Ok(!waiting.0.is_empty())
}

/// Cancels everything that waits for a person who is being erased, in the transaction that erases them.
pub(crate) async fn cancel_of_person<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    person: &PhoneKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = Sql::new(OF_PHONE)
        .bind(Stored(person.clone()))
        .text(" ORDER BY id")
        .text(for_update(tx))
        .all(tx)
        .await?;
    Waiting::read(&rows, |_| Ok(true))?.end(store, tx, Ending::Canceled, now).await
}

/// Cancels the reminders that wait for payments, in the transaction that settles or changes these; `reason` is kept in the
/// history of each message.
pub(crate) async fn cancel_of_payments<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    payments: &[PaymentId],
    reason: &'static str,
    now: Timestamp,
) -> Result<(), StoreError> {
    of_payments(tx, payments).await?.end(store, tx, Ending::Settled(reason), now).await?;
    // What was to be said again by text message is not.
    Sql::new("UPDATE messages SET fallback_at = NULL WHERE fallback_at IS NOT NULL AND payment_id IN ")
        .list(payments.iter().map(|id| Stored(*id)))
        .execute(tx)
        .await?;
    Ok(())
}

/// Takes back the reminders that wait for payments, in the transaction that corrects the numbers of these: each goes to the
/// new number, once it is written for that. A text message that may still follow asks for the number when it does.
pub(crate) async fn renumber_of_payments<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    payments: &[PaymentId],
    now: Timestamp,
) -> Result<(), StoreError> {
    let waiting = of_payments(tx, payments).await?;
    waiting.end(store, tx, Ending::Settled("number changed"), now).await?;
    let ids: Vec<MessageId> = waiting.0.iter().map(|(id, ..)| *id).collect();
    renumbered::remember(tx, &ids).await
}

async fn of_payments<C: ConnectionTrait>(tx: &C, payments: &[PaymentId]) -> Result<Waiting, StoreError> {
    let rows = Sql::new(
        "SELECT id, campaign_id, category, estimated_cost FROM messages WHERE status + 0 = 0 AND payment_id IN ",
    )
    .list(payments.iter().map(|id| Stored(*id)))
    .text(" ORDER BY id")
    .text(for_update(tx))
    .all(tx)
    .await?;
    Waiting::read(&rows, |_| Ok(true))
}

/// `status + 0` keeps SQLite from walking through everything that waits: a person has few messages.
const OF_PHONE: &str =
    "SELECT id, campaign_id, category, estimated_cost FROM messages WHERE status + 0 = 0 AND phone = ";

/// How waiting ends.
#[derive(Clone, Copy)]
enum Ending {
    Suppressed(SuppressedReason),
    Canceled,
    /// What it asked for is settled.
    Settled(&'static str),
}

struct Waiting(Vec<(MessageId, Option<CampaignId>, i64)>);

impl Waiting {
    fn read(
        rows: &[QueryResult],
        keep: impl Fn(&QueryResult) -> Result<bool, StoreError>,
    ) -> Result<Self, StoreError> {
        let mut waiting = Vec::with_capacity(rows.len());
        for row in rows {
            if keep(row)? {
                waiting.push((
                    row.read("id")?,
                    row.maybe("campaign_id")?,
                    row.try_get("", "estimated_cost")?,
                ));
            }
        }
        Ok(Self(waiting))
    }

    async fn end<C: ConnectionTrait>(
        &self,
        store: &Store,
        tx: &C,
        ending: Ending,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (status, source, reason) = match ending {
            Ending::Suppressed(reason) => (Status::Suppressed, EventSource::Dakiya, Some(reason)),
            Ending::Canceled => (Status::Canceled, EventSource::Person, None),
            Ending::Settled(_) => (Status::Canceled, EventSource::Dakiya, None),
        };
        Sql::new("UPDATE messages SET status = ")
            .bind(Stored(status))
            .text(", suppressed_reason = ")
            .bind(reason.map(Stored))
            .text(", updated_at = ")
            .bind(now)
            .text(" WHERE id IN ")
            .list(self.0.iter().map(|(id, ..)| Stored(*id)))
            .execute(tx)
            .await?;
        let mut tally = Tally::default();
        let mut events = Vec::with_capacity(self.0.len());
        for (id, campaign, estimated_cost) in &self.0 {
            tally.moved(*campaign, Some(Status::Queued), status, *estimated_cost);
            tally.released(*campaign, *estimated_cost);
            let note = match ending {
                Ending::Settled(why) => Some(why.to_owned()),
                _ => reason.map(|reason| reason.as_str().to_owned()),
            };
            events.push(Event { message: *id, at: now, status, source, error_code: None, note });
        }
        write_events(store, tx, &events, now).await?;
        tally.write(tx).await
    }
}
