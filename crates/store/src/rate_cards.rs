//! Rate cards: named sets of dated prices.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::{rate_cards, rate_rows};
use crate::sql::Sql;
use crate::{Store, StoreError};
use dakiya_core::ids::RateRowId;
use dakiya_core::rate_card::{RateCard, RateRow};
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// A card in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateCardName {
    /// Its key.
    pub key: String,
    /// As people read it.
    pub name: String,
    /// When its rows last changed.
    pub updated_at: Timestamp,
}

const MOST_LISTED: u64 = 1_000;
const MOST_ROWS: u64 = 10_000;

/// A card with all its rows.
pub async fn get(store: &Store, key: &str) -> Result<Option<RateCard>, StoreError> {
    let Some(card) = rate_cards::Entity::find_by_id(key.to_owned()).one(store.read()).await? else {
        return Ok(None);
    };
    let rows = rate_rows::Entity::find()
        .filter(rate_rows::Column::CardKey.eq(key))
        .order_by_asc(rate_rows::Column::Id)
        .limit(MOST_ROWS)
        .all(store.read())
        .await?;
    Ok(Some(RateCard { key: card.key, name: card.name, rows: rows.into_iter().map(row).collect() }))
}

/// All cards, by name.
pub async fn list(store: &Store) -> Result<Vec<RateCardName>, StoreError> {
    let cards = rate_cards::Entity::find().order_by_asc(rate_cards::Column::Name).limit(MOST_LISTED);
    let name = |card: rate_cards::Model| RateCardName {
        key: card.key,
        name: card.name,
        updated_at: card.updated_at,
    };
    Ok(cards.all(store.read()).await?.into_iter().map(name).collect())
}

/// Stores a card; its rows replace those there were.
pub async fn put(store: &Store, card: &RateCard, actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    write(store, &*tx, card, now).await?;
    audit::record(
        store,
        &*tx,
        actor,
        now,
        "rate_card.changed",
        &card.key,
        format!("{} rows", card.rows.len()),
    )
    .await?;
    tx.commit().await
}

/// Stores a card unless one of that key is there.
pub(crate) async fn ensure<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    card: &RateCard,
    now: Timestamp,
) -> Result<(), StoreError> {
    match rate_cards::Entity::find_by_id(card.key.clone()).one(tx).await? {
        Some(_) => Ok(()),
        None => write(store, tx, card, now).await,
    }
}

async fn write<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    card: &RateCard,
    now: Timestamp,
) -> Result<(), StoreError> {
    Sql::new("INSERT INTO rate_cards (key, name, updated_at) VALUES ")
        .rows([[card.key.clone().into(), card.name.clone().into(), to_micros(now).into()]])
        .text(" ON CONFLICT (key) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at")
        .execute(tx)
        .await?;
    Sql::new("DELETE FROM rate_rows WHERE card_key = ").bind(card.key.clone()).execute(tx).await?;
    let rows = card.rows.iter().map(|row| {
        rate_rows::ActiveModel::from(rate_rows::Model {
            id: Stored(store.new_id::<RateRowId>(now)),
            card_key: card.key.clone(),
            item: Stored(row.item),
            direction: Stored(row.direction),
            category: row.category.map(Stored),
            route: Stored(row.route),
            unit: Stored(row.unit),
            charges: Stored(row.charges.clone()),
            valid_from: row.valid_from,
            source: row.source.clone(),
            confidence: Stored(row.confidence),
        })
    });
    if !card.rows.is_empty() {
        rate_rows::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

fn row(row: rate_rows::Model) -> RateRow {
    RateRow {
        item: row.item.0,
        direction: row.direction.0,
        category: row.category.map(|category| category.0),
        route: row.route.0,
        unit: row.unit.0,
        charges: row.charges.0,
        valid_from: row.valid_from,
        source: row.source,
        confidence: row.confidence.0,
    }
}
