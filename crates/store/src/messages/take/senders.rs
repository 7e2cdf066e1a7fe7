//! Senders, and where paces stand: locked until the transaction ends, so that a pace holds over all workers.

use super::candidates::{CampaignQueue, Candidate};
use crate::StoreError;
use crate::entities::senders as table;
use crate::sql::{Sql, for_update};
use chrono::TimeDelta;
use dakiya_core::ids::CampaignId;
use dakiya_core::message::Channel;
use dakiya_core::pacing::{Lane, Pace, PaceState};
use dakiya_core::sender::{SenderAddress, SenderKind};
use dakiya_core::time::Timestamp;
use sea_orm::{ConnectionTrait, EntityTrait, QueryOrder, Value};
use std::collections::HashMap;

/// A sender, where its pace stands, and who waits for it.
pub(super) struct SenderQueue {
    pub(super) address: SenderAddress,
    pub(super) channel: Channel,
    pub(super) kind: SenderKind,
    pub(super) promotional: bool,
    pub(super) key: String,
    pub(super) lane: Lane,
    pub(super) direct: Vec<Candidate>,
    pub(super) campaigns: Vec<CampaignQueue>,
}

/// The key under which a campaign's pace is kept.
pub(super) fn campaign_pace(id: CampaignId) -> String {
    format!("campaign:{id}")
}

/// All senders, with their paces locked until the transaction ends.
pub(super) async fn senders<C: ConnectionTrait>(
    tx: &C,
    now: Timestamp,
) -> Result<Vec<SenderQueue>, StoreError> {
    let rows = table::Entity::find().order_by_asc(table::Column::Position).all(tx).await?;
    let keys: Vec<String> =
        rows.iter().map(|row| format!("sender:{}:{}", row.channel.0, row.address.0)).collect();
    let paces = paces(tx, &keys).await?;
    let queues = rows.into_iter().zip(keys).map(|(row, key)| SenderQueue {
        lane: lane(row.segments_per_second.0, paces.get(&key), now),
        address: row.address.0,
        channel: row.channel.0,
        kind: row.kind.0,
        promotional: row.promotional,
        key,
        direct: Vec::new(),
        campaigns: Vec::new(),
    });
    Ok(queues.collect())
}

pub(super) async fn paces<C: ConnectionTrait>(
    tx: &C,
    keys: &[String],
) -> Result<HashMap<String, Timestamp>, StoreError> {
    let paces = locked_paces(tx, keys).await?;
    if paces.len() == keys.len() {
        return Ok(paces);
    }
    // A pace that is not written down yet cannot be locked; once it is, two workers cannot both begin it.
    Sql::new("INSERT INTO paces (key, next_slot) VALUES ")
        .rows(keys.iter().map(|key| -> [Value; 2] { [key.clone().into(), 0i64.into()] }))
        .text(" ON CONFLICT (key) DO NOTHING")
        .execute(tx)
        .await?;
    locked_paces(tx, keys).await
}

async fn locked_paces<C: ConnectionTrait>(
    tx: &C,
    keys: &[String],
) -> Result<HashMap<String, Timestamp>, StoreError> {
    let query = Sql::new("SELECT key, next_slot FROM paces WHERE key IN ")
        .list(keys.iter().cloned())
        .text(" ORDER BY key");
    let mut paces = HashMap::new();
    for row in query.text(for_update(tx)).all(tx).await? {
        let next_slot: i64 = row.try_get("", "next_slot")?;
        paces
            .insert(row.try_get("", "key")?, Timestamp::from_timestamp_micros(next_slot).unwrap_or_default());
    }
    Ok(paces)
}

pub(super) fn lane(segments_per_second: u32, next_slot: Option<&Timestamp>, now: Timestamp) -> Lane {
    Lane {
        pace: Pace { segments_per_second },
        state: PaceState::stored(next_slot.copied().unwrap_or(now), now),
    }
}

/// How many one-segment messages a lane has slots for until the horizon.
pub(super) fn slots_within(lane: &Lane, now: Timestamp, horizon: TimeDelta) -> usize {
    let micros = |delta: TimeDelta| delta.num_microseconds().unwrap_or(0);
    let ahead = micros(now + horizon - lane.ready(now));
    if ahead < 0 {
        0
    } else {
        usize::try_from(ahead / micros(lane.pace.interval()).max(1)).unwrap_or(usize::MAX) + 1
    }
}
