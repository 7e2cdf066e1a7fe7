//! From recipients to messages, batch by batch in the order of numbers, so that it can go on where it stopped.

use super::Campaign;
use crate::column::Stored;
use crate::entities::campaigns as table;
use crate::messages::{NewMessage, enqueue_batch};
use crate::sql::{Row, Sql, for_update};
use crate::{Store, StoreError, recipients};
use dakiya_core::ids::CampaignId;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

/// Some recipients' messages.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Where the campaign stood when they were read.
    pub after: Option<PhoneNumber>,
    /// The last of them; `None` if there were none.
    pub through: Option<PhoneNumber>,
    /// Whether nobody comes after them.
    pub last: bool,
    /// Their messages.
    pub messages: Vec<NewMessage>,
}

/// Approved campaigns some of whose recipients have no message yet, the oldest first. Paused ones wait for their turn.
pub async fn to_expand(store: &Store) -> Result<Vec<Campaign>, StoreError> {
    let rows = table::Entity::find()
        .filter(table::Column::State.is_in(["scheduled", "sending"]))
        .filter(table::Column::Expanded.eq(false))
        .order_by_asc(table::Column::Id)
        .all(store.read())
        .await?;
    Ok(rows.into_iter().map(Campaign::from).collect())
}

/// Writes a batch down, if the campaign still stands where it stood when the batch was read, and its recipients are
/// still there. `false`: they are not, and nothing was written.
pub async fn expand(
    store: &Store,
    id: CampaignId,
    batch: &Batch,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let cost = batch
        .messages
        .iter()
        .filter(|message| message.suppressed.is_none())
        .map(|message| message.estimated_cost)
        .sum();
    let cost = crate::messages::tally::micros(cost)?;
    let through = batch.through.or(batch.after);
    let tx = store.write().await?;
    // The campaign first, then its messages: the order in which everybody locks them.
    let mut query = Sql::new("UPDATE campaigns SET expanded_through = ")
        .bind(through.map(Stored))
        .text(", expanded = ")
        .bind(batch.last)
        .text(", expanded_cost = expanded_cost + ")
        .bind(cost)
        .text(", wake_at = CASE WHEN state = 'sending' THEN ")
        .bind(now)
        .text(" ELSE wake_at END");
    if batch.last {
        // What was reserved for people who opted out between approval and now is free again.
        query = query
            .text(", reserved = reserved - (estimated_cost - (expanded_cost + ")
            .bind(cost)
            .text("))")
            .text(", waiting_cost = waiting_cost - (estimated_cost - (expanded_cost + ")
            .bind(cost)
            .text("))");
    }
    query = query
        .text(" WHERE NOT expanded AND state IN ('scheduled', 'sending', 'paused') AND id = ")
        .bind(Stored(id));
    query = match batch.after {
        Some(after) => query.text(" AND expanded_through = ").bind(Stored(after)),
        None => query.text(" AND expanded_through IS NULL"),
    };
    if query.execute(&*tx).await? == 0 {
        return Ok(false);
    }
    if recipients::count_between(&*tx, id, batch.after, through).await? != batch.messages.len() as u64 {
        // Somebody was erased since the batch was made.
        return Ok(false);
    }
    enqueue_batch(store, &*tx, &batch.messages, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// Completes campaigns of which nothing waits any more. Returns them.
pub async fn complete_finished(store: &Store, now: Timestamp) -> Result<Vec<CampaignId>, StoreError> {
    let finished = "state = 'sending' AND expanded AND NOT EXISTS (SELECT 1 FROM campaign_counts WHERE \
                    campaign_counts.campaign_id = campaigns.id AND campaign_counts.status IN (0, 1) AND campaign_counts.count > 0)";
    let found =
        Sql::new("SELECT id FROM campaigns WHERE ").text(finished).text(" LIMIT 1").one(store.read()).await?;
    if found.is_none() {
        return Ok(Vec::new());
    }
    let tx = store.write().await?;
    // In the order of the ids, as everybody locks them.
    let rows = Sql::new("UPDATE campaigns SET state = 'completed', wake_at = NULL, finished_at = ")
        .bind(now)
        .text(" WHERE id IN (SELECT id FROM campaigns WHERE ")
        .text(finished)
        .text(" ORDER BY id")
        .text(for_update(&*tx))
        .text(") AND ")
        .text(finished)
        .text(" RETURNING id")
        .all(&*tx)
        .await?;
    tx.commit().await?;
    rows.iter().map(|row| row.read("id")).collect()
}
