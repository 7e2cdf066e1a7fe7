//! Senders that messages can go out from. One number may speak both channels.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::senders;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::message::Channel;
use dakiya_core::sender::{Sender, SenderAddress};
use dakiya_core::time::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

const MOST_LISTED: u64 = 1_000;

/// All senders, or those of one channel, in the order in which they were added.
pub async fn list(store: &Store, channel: Option<Channel>) -> Result<Vec<Sender>, StoreError> {
    let mut query = senders::Entity::find();
    if let Some(channel) = channel {
        query = query.filter(senders::Column::Channel.eq(Stored(channel)));
    }
    let query = query.order_by_asc(senders::Column::Position).order_by_asc(senders::Column::Address);
    let rows = query.limit(MOST_LISTED).all(store.read()).await?;
    Ok(rows.into_iter().map(sender).collect())
}

/// The channels that something can go out by.
pub(crate) async fn channels<C: ConnectionTrait>(db: &C) -> Result<Vec<Channel>, StoreError> {
    let rows = Sql::new("SELECT DISTINCT channel FROM senders ORDER BY channel").all(db).await?;
    rows.iter().map(|row| row.read("channel")).collect()
}

/// One sender.
pub async fn get(
    store: &Store,
    channel: Channel,
    address: &SenderAddress,
) -> Result<Option<Sender>, StoreError> {
    let row =
        senders::Entity::find_by_id((Stored(channel), Stored(address.clone()))).one(store.read()).await?;
    Ok(row.map(sender))
}

/// The sender that is used when none is named: the first of its channel.
pub async fn first(store: &Store, channel: Channel) -> Result<Option<Sender>, StoreError> {
    Ok(list(store, Some(channel)).await?.into_iter().next())
}

/// Stores a sender, whether it was known or not.
pub async fn put(store: &Store, sender: &Sender, actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    insert(sender)
        .text(
            " ON CONFLICT (channel, address) DO UPDATE SET kind = excluded.kind, \
             segments_per_second = excluded.segments_per_second, promotional = excluded.promotional, \
             monthly_rent = excluded.monthly_rent",
        )
        .execute(&*tx)
        .await?;
    let detail = format!("{}, {} segments per second", sender.kind, sender.segments_per_second);
    audit::record(store, &*tx, actor, now, "sender.changed", sender.address.as_str(), detail).await?;
    tx.commit().await
}

/// Adds those senders that are not stored yet: the ones of the environment, at every start. What the owner set since
/// stays. They come first in their order, so that they are what messages go out from by default; a sender that was
/// in the environment before, such as the simulator's, steps back.
pub async fn ensure(store: &Store, senders: &[Sender]) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("UPDATE senders SET position = position + ")
        .bind(STEPPED_BACK)
        .text(" WHERE position < 0")
        .execute(&*tx)
        .await?;
    for (sender, position) in senders.iter().zip(-ENVIRONMENT_PLACES..) {
        insert(sender).text(" ON CONFLICT (channel, address) DO NOTHING").execute(&*tx).await?;
        Sql::new("UPDATE senders SET position = ")
            .bind(position)
            .text(" WHERE channel = ")
            .bind(Stored(sender.kind.channel()))
            .text(" AND address = ")
            .bind(Stored(sender.address.clone()))
            .execute(&*tx)
            .await?;
    }
    tx.commit().await
}

/// Senders of the environment have the positions below zero.
const ENVIRONMENT_PLACES: i32 = 1_000;
const STEPPED_BACK: i32 = 1_000_000;

fn insert(sender: &Sender) -> Sql {
    Sql::new(
        "INSERT INTO senders (channel, address, kind, segments_per_second, promotional, monthly_rent, position) VALUES (",
    )
    .bind(Stored(sender.kind.channel()))
    .text(", ")
    .bind(Stored(sender.address.clone()))
    .text(", ")
    .bind(Stored(sender.kind))
    .text(", ")
    .bind(Stored(sender.segments_per_second))
    .text(", ")
    .bind(sender.promotional)
    .text(", ")
    .bind(sender.monthly_rent.map(Stored))
    // The next position: the first sender of a channel stays the one that is used by default.
    .text(", (SELECT COALESCE(MAX(position), 0) + 1 FROM senders))")
}

fn sender(row: senders::Model) -> Sender {
    Sender {
        address: row.address.0,
        kind: row.kind.0,
        segments_per_second: row.segments_per_second.0,
        promotional: row.promotional,
        monthly_rent: row.monthly_rent.map(|rent| rent.0),
    }
}
