//! Reminders that waited when the number of their payment was corrected: each is taken back, and goes to the new number
//! under the key of its occurrence, so that it goes once.

use super::NewMessage;
use super::fallback::{ToFollow, enqueue_unchanged, with_days};
use crate::column::Stored;
use crate::sql::Sql;
use crate::{Store, StoreError};
use dakiya_core::ids::MessageId;
use dakiya_core::time::Timestamp;
use sea_orm::ConnectionTrait;

/// Remembers messages that were just taken back, in the same transaction. They give up their keys.
pub(super) async fn remember<C: ConnectionTrait>(tx: &C, taken_back: &[MessageId]) -> Result<(), StoreError> {
    for id in taken_back {
        Sql::new("UPDATE messages SET dedupe_key = dedupe_key || ")
            .bind(format!(":{id}"))
            .text(" WHERE id = ")
            .bind(Stored(*id))
            .execute(tx)
            .await?;
    }
    if !taken_back.is_empty() {
        Sql::new("INSERT INTO renumbered_reminders (message_id) VALUES ")
            .rows(taken_back.iter().map(|id| [Stored(*id).into()]))
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Messages that were taken back and have none to the new number yet.
pub async fn renumbered(store: &Store, limit: u64) -> Result<Vec<ToFollow>, StoreError> {
    let rows = Sql::new("SELECT id, payment_due_on FROM messages WHERE id IN (SELECT message_id FROM renumbered_reminders LIMIT ")
        .bind(limit)
        .text(")")
        .all(store.read())
        .await?;
    with_days(store, &rows).await
}

/// Settles one: with the message to the new number, or with none. `false`: somebody else did, or the payment changed since
/// the message was made, and it has to be made anew.
pub async fn send_renumbered(
    store: &Store,
    taken_back: MessageId,
    instead: Option<&NewMessage>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let settled = Sql::new("DELETE FROM renumbered_reminders WHERE message_id = ").bind(Stored(taken_back));
    if settled.execute(&*tx).await? == 0 {
        return Ok(false);
    }
    if !enqueue_unchanged(store, &*tx, instead, now).await? {
        return Ok(false);
    }
    tx.commit().await?;
    Ok(true)
}
