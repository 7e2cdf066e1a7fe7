//! What the limits of reminder rules count: reminders to one person on one day, and reminders of one payment in all.

use crate::column::Stored;
use crate::messages::REMINDERS;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::ids::PaymentId;
use dakiya_core::message::Status;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::ConnectionTrait;
use std::collections::HashMap;
use std::ops::Range;

/// Reminders to people on a day, sent and waiting.
pub async fn to_people(
    store: &Store,
    phones: &[PhoneNumber],
    day: Range<Timestamp>,
) -> Result<HashMap<PhoneNumber, u32>, StoreError> {
    to_people_in(store.read(), phones, day, Status::Queued).await
}

/// Reminders of payments so far, sent and waiting.
pub async fn of_payments(store: &Store, ids: &[PaymentId]) -> Result<HashMap<PaymentId, u32>, StoreError> {
    of_payments_in(store.read(), ids, Status::Queued).await
}

/// Reminders to people on a day, from a status on.
pub(crate) async fn to_people_in<C: ConnectionTrait>(
    db: &C,
    phones: &[PhoneNumber],
    day: Range<Timestamp>,
    least: Status,
) -> Result<HashMap<PhoneNumber, u32>, StoreError> {
    let rows = Sql::new("SELECT phone, ")
        .text(REMINDERS)
        .text(" AS sent FROM messages WHERE phone IN ")
        .list(phones.iter().copied().map(Stored))
        .text(" AND payment_id IS NOT NULL AND COALESCE(taken_at, due_at) >= ")
        .bind(day.start)
        .text(" AND COALESCE(taken_at, due_at) < ")
        .bind(day.end)
        .text(" AND status >= ")
        .bind(Stored(least))
        .text(" AND status <= 8 GROUP BY phone")
        .all(db)
        .await?;
    rows.iter().map(|row| Ok((row.read("phone")?, count(row)?))).collect()
}

/// Reminders of payments so far, from a status on.
pub(crate) async fn of_payments_in<C: ConnectionTrait>(
    db: &C,
    ids: &[PaymentId],
    least: Status,
) -> Result<HashMap<PaymentId, u32>, StoreError> {
    let rows = Sql::new("SELECT payment_id, ")
        .text(REMINDERS)
        .text(" AS sent FROM messages WHERE payment_id IN ")
        .list(ids.iter().copied().map(Stored))
        .text(" AND status >= ")
        .bind(Stored(least))
        .text(" AND status <= 8 GROUP BY payment_id")
        .all(db)
        .await?;
    rows.iter().map(|row| Ok((row.read("payment_id")?, count(row)?))).collect()
}

fn count(row: &sea_orm::QueryResult) -> Result<u32, StoreError> {
    Ok(u32::try_from(row.try_get::<i64>("", "sent")?).unwrap_or(u32::MAX))
}
