//! Reminders on WhatsApp that a text message follows if they are not delivered.

use super::{Message, NewMessage, enqueue_batch};
use crate::column::Stored;
use crate::entities::messages as table;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, reminder_payments};
use chrono::NaiveDate;
use dakiya_core::ids::MessageId;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryResult};
use std::collections::HashMap;

/// How many reminders messages are: the text message that follows one on WhatsApp says the same once more.
pub(crate) const REMINDERS: &str = "count(DISTINCT replace(dedupe_key, ':sms', ''))";

/// What the key of a text message has that follows the WhatsApp message of its occurrence.
const FOLLOWS: &str = ":sms";

/// The key of the text message that follows the message of a key.
pub fn following(dedupe_key: &str) -> String {
    format!("{dedupe_key}{FOLLOWS}")
}

/// Whether the message of a key follows another one.
pub fn follows_another(dedupe_key: &str) -> bool {
    dedupe_key.contains(FOLLOWS)
}

/// A message about which it is time to ask.
#[derive(Clone, Debug, PartialEq)]
pub struct ToFollow {
    /// The message.
    pub message: Message,
    /// When the payment it reminds of was due, as far as was known then.
    pub due_on: NaiveDate,
}

/// Messages about which it is time to ask, those of longest ago first.
pub async fn to_follow(store: &Store, now: Timestamp, limit: u64) -> Result<Vec<ToFollow>, StoreError> {
    let rows = Sql::new("SELECT id, payment_due_on FROM messages WHERE fallback_at <= ")
        .bind(now)
        .text(" ORDER BY fallback_at LIMIT ")
        .bind(limit)
        .all(store.read())
        .await?;
    with_days(store, &rows).await
}

/// Messages of rows with their id and due date.
pub(super) async fn with_days(store: &Store, rows: &[QueryResult]) -> Result<Vec<ToFollow>, StoreError> {
    let mut due: HashMap<MessageId, NaiveDate> = HashMap::new();
    for row in rows {
        due.insert(row.read("id")?, row.try_get("", "payment_due_on")?);
    }
    let ids = due.keys().map(|id| Stored(*id));
    let found = table::Entity::find().filter(table::Column::Id.is_in(ids)).all(store.read()).await?;
    let with_day = |row: table::Model| {
        let due_on = due.get(&row.id.0).copied()?;
        Some(ToFollow { message: row.into(), due_on })
    };
    Ok(found.into_iter().filter_map(with_day).collect())
}

/// Settles it: with a message that follows, with nothing, or asked again `later`. `false`: somebody else did, or the
/// payment changed since the message that follows was made.
pub async fn follow(
    store: &Store,
    id: MessageId,
    follows: Option<&NewMessage>,
    later: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let settled = Sql::new("UPDATE messages SET fallback_at = ")
        .bind(later.map(to_micros))
        .text(" WHERE fallback_at <= ")
        .bind(now)
        .text(" AND id = ")
        .bind(Stored(id))
        .execute(&*tx)
        .await?;
    if settled == 0 {
        return Ok(false);
    }
    if !enqueue_unchanged(store, &*tx, follows, now).await? {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}

/// Writes a message down, if there is one; `false`: its payment is another one by now.
pub(super) async fn enqueue_unchanged<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    message: Option<&NewMessage>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let messages = message.map(std::slice::from_ref).unwrap_or_default();
    let unchanged = reminder_payments::unchanged(tx, messages).await?;
    if unchanged {
        enqueue_batch(store, tx, messages, now).await?;
    }
    Ok(unchanged)
}
