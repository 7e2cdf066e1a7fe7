//! Rate cards: named sets of dated prices.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::{rate_cards, rate_rows};
use crate::sql::{Sql, for_update};
use crate::{Cursor, Page, Store, StoreError, senders, settings};
use chrono::NaiveDate;
use dakiya_core::ids::RateRowId;
use dakiya_core::message::Channel;
use dakiya_core::rate_card::{NoRate, RateCard, RateRow};
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

/// A card with the rows that hold.
pub async fn get(store: &Store, key: &str) -> Result<Option<RateCard>, StoreError> {
    get_in(store.read(), key).await
}

pub(crate) async fn get_in<C: ConnectionTrait>(db: &C, key: &str) -> Result<Option<RateCard>, StoreError> {
    let kept = rate_cards::Entity::find_by_id(key.to_owned()).filter(rate_cards::Column::RemovedAt.is_null());
    let Some(card) = kept.one(db).await? else {
        return Ok(None);
    };
    let rows = rate_rows::Entity::find()
        .filter(rate_rows::Column::CardKey.eq(key))
        .filter(rate_rows::Column::RetiredAt.is_null())
        .order_by_asc(rate_rows::Column::Id)
        .limit(MOST_ROWS)
        .all(db)
        .await?;
    Ok(Some(RateCard { key: card.key, name: card.name, rows: rows.into_iter().map(row).collect() }))
}

/// All cards, by name.
pub async fn list(store: &Store) -> Result<Vec<RateCardName>, StoreError> {
    let cards = rate_cards::Entity::find()
        .filter(rate_cards::Column::RemovedAt.is_null())
        .order_by_asc(rate_cards::Column::Name)
        .limit(MOST_LISTED);
    Ok(cards.all(store.read()).await?.into_iter().map(named).collect())
}

/// A page of cards, by name.
pub async fn page(
    store: &Store,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Page<RateCardName>, StoreError> {
    let mut query = Sql::new("SELECT * FROM rate_cards WHERE removed_at IS NULL");
    if let Some(after) = after {
        let [key, name] = after.parts()?;
        query = query.text(" AND (name, key) > (").bind(name).text(", ").bind(key).text(")");
    }
    let cards: Vec<rate_cards::Model> =
        query.text(" ORDER BY name, key LIMIT ").bind(limit + 1).models(store.read()).await?;
    let cards = cards.into_iter().map(named).collect();
    Ok(Page::cut(cards, limit, |card: &RateCardName| Cursor::of([&card.key, &card.name])))
}

fn named(card: rate_cards::Model) -> RateCardName {
    RateCardName { key: card.key, name: card.name, updated_at: card.updated_at }
}

/// Refuses a name that another card has. Whoever stores a card takes turns here, so that no two get one name at once.
async fn unnamed<C: ConnectionTrait>(tx: &C, name: &str, key: &str) -> Result<(), StoreError> {
    Sql::new("SELECT key FROM rate_cards ORDER BY key").text(for_update(tx)).all(tx).await?;
    let other = Sql::new("SELECT key FROM rate_cards WHERE removed_at IS NULL AND name = ")
        .bind(name)
        .text(" AND key <> ")
        .bind(key)
        .text(" LIMIT 1");
    match other.one(tx).await? {
        Some(_) => {
            Err(StoreError::Conflict(format!("there is a rate card \"{name}\" already; choose another name")))
        }
        None => Ok(()),
    }
}

/// Stores a card. Rows that are there already stay as they are; those that are not in it any more are retired, not
/// deleted, so that what was reckoned with them can be explained. A conflict when another card has its name, or when it is
/// in force and could not price on the day `today` what goes out.
pub async fn put(
    store: &Store,
    card: &RateCard,
    actor: &Actor,
    now: Timestamp,
    today: NaiveDate,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    unnamed(&*tx, &card.name, &card.key).await?;
    if settings::get_in(&*tx).await?.rate_card == card.key {
        must_price(&*tx, card, today).await?;
    }
    let by = audit::name_of(&*tx, actor).await?;
    let changed = write(store, &*tx, card, &by, now).await?;
    audit::record(
        store,
        &*tx,
        actor,
        now,
        "rate_card.changed",
        &card.key,
        format!("{} rows, {} new, {} retired", card.rows.len(), changed.0, changed.1),
    )
    .await?;
    tx.commit().await
}

/// Stores a new card under a key made of its name, with the rows of another card or none. Returns the key. A conflict when
/// another card has its name.
pub async fn add(
    store: &Store,
    name: &str,
    copied: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<String, StoreError> {
    let tx = store.write().await?;
    unnamed(&*tx, name, "").await?;
    let rows = match copied {
        Some(key) => {
            let card = get_in(&*tx, key).await?.ok_or_else(|| StoreError::not_found("rate card", key))?;
            card.rows
        }
        None => Vec::new(),
    };
    let mut key = None;
    for candidate in RateCard::keys_of_name(name) {
        if rate_cards::Entity::find_by_id(candidate.clone()).one(&*tx).await?.is_none() {
            key = Some(candidate);
            break;
        }
    }
    let Some(key) = key else {
        return Err(StoreError::Conflict(
            "there are too many rate cards of this name; choose another".to_owned(),
        ));
    };
    let by = audit::name_of(&*tx, actor).await?;
    let card = RateCard { key, name: name.to_owned(), rows };
    write(store, &*tx, &card, &by, now).await?;
    let told = match copied {
        Some(from) => format!("{} rows of {from}", card.rows.len()),
        None => "no rows".to_owned(),
    };
    audit::record(store, &*tx, actor, now, "rate_card.added", &card.key, told).await?;
    tx.commit().await?;
    Ok(card.key)
}

/// Removes a card. Its rows are retired and kept, so that what was reckoned with them can be explained. A conflict when
/// it ships with Dakiya, is in force, or a scenario is priced with it.
pub async fn remove(store: &Store, key: &str, actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let card = get_in(&*tx, key).await?.ok_or_else(|| StoreError::not_found("rate card", key))?;
    let conflict = |told: String| Err(StoreError::Conflict(told));
    if RateCard::preset(key).is_some() {
        return conflict(format!("the rate card \"{}\" ships with Dakiya and stays", card.name));
    }
    if settings::get_in(&*tx).await?.rate_card == key {
        return conflict(format!("the rate card \"{}\" is in force; use another one first", card.name));
    }
    let scenario = Sql::new("SELECT name FROM scenarios WHERE rate_card = ").bind(key).text(" LIMIT 1");
    if let Some(row) = scenario.one(&*tx).await? {
        let name: String = row.try_get("", "name")?;
        return conflict(format!(
            "the scenario \"{name}\" is priced with the rate card \"{}\"; change the scenario first",
            card.name
        ));
    }
    let by = audit::name_of(&*tx, actor).await?;
    write(store, &*tx, &RateCard { rows: Vec::new(), ..card }, &by, now).await?;
    Sql::new("UPDATE rate_cards SET removed_at = ")
        .bind(to_micros(now))
        .text(", removed_by = ")
        .bind(by)
        .text(" WHERE key = ")
        .bind(key)
        .execute(&*tx)
        .await?;
    audit::record(store, &*tx, actor, now, "rate_card.removed", key, "its rows are kept").await?;
    tx.commit().await
}

/// Refuses a card that could not price what goes out: in force it would refuse every message, one-time passwords
/// included.
pub(crate) async fn must_price<C: ConnectionTrait>(
    db: &C,
    card: &RateCard,
    today: NaiveDate,
) -> Result<(), StoreError> {
    let mut channels = senders::channels(db).await?;
    // One-time passwords go by SMS before anybody wrote a sender down.
    if !channels.contains(&Channel::Sms) {
        channels.insert(0, Channel::Sms);
    }
    let missing: Vec<String> = card.missing(today, &channels).iter().map(NoRate::what).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(StoreError::Conflict(format!(
        "the rate card \"{}\" would have no price for {}; add one first",
        card.name,
        missing.join(", ")
    )))
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
        None => write(store, tx, card, "Dakiya", now).await.map(|_| ()),
    }
}

/// Returns how many rows are new and how many were retired.
pub(crate) async fn write<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    card: &RateCard,
    by: &str,
    now: Timestamp,
) -> Result<(usize, usize), StoreError> {
    Sql::new("INSERT INTO rate_cards (key, name, updated_at) VALUES ")
        .rows([[card.key.clone().into(), card.name.clone().into(), to_micros(now).into()]])
        .text(
            " ON CONFLICT (key) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at, \
             removed_at = NULL, removed_by = NULL",
        )
        .execute(tx)
        .await?;
    let query = Sql::new("SELECT * FROM rate_rows WHERE retired_at IS NULL AND card_key = ")
        .bind(card.key.clone())
        .text(" ORDER BY id");
    let known: Vec<rate_rows::Model> = query.text(for_update(tx)).models(tx).await?;
    let mut new: Vec<&RateRow> = card.rows.iter().collect();
    let mut retired = Vec::new();
    for model in known {
        let id = model.id;
        let known = row(model);
        match new.iter().position(|row| **row == known) {
            Some(at) => drop(new.swap_remove(at)),
            None => retired.push(id),
        }
    }
    let counts = (new.len(), retired.len());
    if !retired.is_empty() {
        Sql::new("UPDATE rate_rows SET retired_at = ")
            .bind(to_micros(now))
            .text(", retired_by = ")
            .bind(by)
            .text(" WHERE id IN ")
            .list(retired)
            .execute(tx)
            .await?;
    }
    let rows = new.iter().map(|row| {
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
            created_at: Some(to_micros(now)),
            created_by: Some(by.to_owned()),
            retired_at: None,
            retired_by: None,
        })
    });
    if !new.is_empty() {
        rate_rows::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(counts)
}

/// A row as it was kept, with when it came and went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRow {
    /// The row.
    pub row: RateRow,
    /// When it was written down and by whom; unknown for rows from before this was kept.
    pub created: Option<(Timestamp, String)>,
    /// When it was taken out and by whom.
    pub retired: Option<(Timestamp, String)>,
}

/// Every row a card ever had, in the order in which they were written down.
pub async fn history(store: &Store, key: &str) -> Result<Vec<KeptRow>, StoreError> {
    let rows = rate_rows::Entity::find()
        .filter(rate_rows::Column::CardKey.eq(key))
        .order_by_asc(rate_rows::Column::Id)
        .limit(MOST_ROWS)
        .all(store.read())
        .await?;
    let kept = |model: rate_rows::Model| KeptRow {
        created: model.created_at.zip(model.created_by.clone()),
        retired: model.retired_at.zip(model.retired_by.clone()),
        row: row(model),
    };
    Ok(rows.into_iter().map(kept).collect())
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
