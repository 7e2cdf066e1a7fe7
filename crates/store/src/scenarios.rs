//! What-if months kept by name. What they cost is reckoned when somebody looks, with the prices of that day.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Cursor, Page, Store, StoreError};
use dakiya_core::scenario::{SHIPPED, Scenario, key_of_name};
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, QueryResult, Value};

/// A scenario under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedScenario {
    /// Its key in API and addresses.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// The card it is meant to be priced with; the one in force when absent.
    pub rate_card: Option<String>,
    /// The month.
    pub scenario: Scenario,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who changed it.
    pub updated_by: String,
}

/// A scenario to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewScenario {
    /// What people call it.
    pub name: String,
    /// The card it is meant to be priced with; the one in force when absent.
    pub rate_card: Option<String>,
    /// The month.
    pub scenario: Scenario,
}

/// Keys tried for one name.
const MOST_ALIKE: u32 = 1_000;

const COLUMNS: &str = "SELECT key, name, rate_card, scenario, updated_at, updated_by FROM scenarios";

/// One scenario.
pub async fn get(store: &Store, key: &str) -> Result<Option<SavedScenario>, StoreError> {
    let row = Sql::new(COLUMNS).text(" WHERE key = ").bind(key.to_owned()).one(store.read()).await?;
    row.map(|row| saved(&row)).transpose()
}

/// Scenarios by key.
pub async fn list(
    store: &Store,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<SavedScenario>, StoreError> {
    let mut query = Sql::new(COLUMNS);
    if let Some(cursor) = cursor {
        query = query.text(" WHERE key > ").bind(cursor.part::<String>()?);
    }
    let rows = query.text(" ORDER BY key LIMIT ").bind(limit + 1).all(store.read()).await?;
    let scenarios = rows.iter().map(saved).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(scenarios, limit, |scenario| Cursor::of([&scenario.key])))
}

/// Keeps a scenario under a key. Whether it is new. The one that ships stays as it is, and no two have one name.
pub async fn put(
    store: &Store,
    key: &str,
    new: &NewScenario,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    own(key)?;
    let tx = store.write().await?;
    unnamed(&*tx, &new.name, key).await?;
    let inserted = insert(&*tx, key, new, actor, now).await?;
    if !inserted {
        Sql::new("UPDATE scenarios SET name = ")
            .bind(new.name.clone())
            .text(", rate_card = ")
            .bind(new.rate_card.clone())
            .text(", scenario = ")
            .bind(Stored(new.scenario))
            .text(", updated_at = ")
            .bind(to_micros(now))
            .text(", updated_by = ")
            .bind(audit::name_of(&*tx, actor).await?)
            .text(" WHERE key = ")
            .bind(key.to_owned())
            .execute(&*tx)
            .await?;
    }
    audit::record(store, &*tx, actor, now, "scenario.changed", key, new.name.clone()).await?;
    tx.commit().await?;
    Ok(inserted)
}

/// Keeps a scenario under a key made of its name that nothing has yet. Returns the key. A name that is kept already is refused.
pub async fn add(
    store: &Store,
    new: &NewScenario,
    actor: &Actor,
    now: Timestamp,
) -> Result<String, StoreError> {
    let tx = store.write().await?;
    let stem = key_of_name(&new.name);
    for n in 1..=MOST_ALIKE {
        let key = if n == 1 { stem.clone() } else { format!("{stem}-{n}") };
        // Each time: whoever has the key before this one may just have taken the name with it.
        unnamed(&*tx, &new.name, "").await?;
        if insert(&*tx, &key, new, actor, now).await? {
            audit::record(store, &*tx, actor, now, "scenario.changed", &key, new.name.clone()).await?;
            tx.commit().await?;
            return Ok(key);
        }
    }
    Err(StoreError::Conflict(format!("there are {MOST_ALIKE} scenarios of this name; choose another")))
}

/// Throws a scenario away. Whether there was one. The one that ships stays.
pub async fn remove(store: &Store, key: &str, actor: &Actor, now: Timestamp) -> Result<bool, StoreError> {
    own(key)?;
    let tx = store.write().await?;
    let removed =
        Sql::new("DELETE FROM scenarios WHERE key = ").bind(key.to_owned()).execute(&*tx).await? > 0;
    if removed {
        audit::record(store, &*tx, actor, now, "scenario.removed", key, "").await?;
    }
    tx.commit().await?;
    Ok(removed)
}

/// Refuses the key of the one that ships.
fn own(key: &str) -> Result<(), StoreError> {
    if key == SHIPPED {
        let told = format!(
            "the scenario \"{SHIPPED}\" ships with Dakiya and stays as it is; keep yours under another name"
        );
        return Err(StoreError::Conflict(told));
    }
    Ok(())
}

/// Refuses a name that another scenario has.
async fn unnamed<C: ConnectionTrait>(tx: &C, name: &str, key: &str) -> Result<(), StoreError> {
    let found = Sql::new("SELECT key FROM scenarios WHERE name = ")
        .bind(name.to_owned())
        .text(" AND key <> ")
        .bind(key.to_owned())
        .text(" LIMIT 1")
        .one(tx)
        .await?;
    match found {
        Some(_) => {
            Err(StoreError::Conflict(format!("there is a scenario \"{name}\" already; choose another name")))
        }
        None => Ok(()),
    }
}

/// Whether the key was free.
async fn insert<C: ConnectionTrait>(
    tx: &C,
    key: &str,
    new: &NewScenario,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let now = to_micros(now);
    let row: [Value; 7] = [
        key.to_owned().into(),
        new.name.clone().into(),
        new.rate_card.clone().into(),
        Stored(new.scenario).into(),
        now.into(),
        now.into(),
        audit::name_of(tx, actor).await?.into(),
    ];
    let inserted = Sql::new(
        "INSERT INTO scenarios (key, name, rate_card, scenario, created_at, updated_at, updated_by) VALUES ",
    )
    .rows([row])
    .text(" ON CONFLICT (key) DO NOTHING")
    .execute(tx)
    .await?;
    Ok(inserted > 0)
}

fn saved(row: &QueryResult) -> Result<SavedScenario, StoreError> {
    Ok(SavedScenario {
        key: row.try_get("", "key")?,
        name: row.try_get("", "name")?,
        rate_card: row.try_get("", "rate_card")?,
        scenario: row.read("scenario")?,
        updated_at: row.try_get("", "updated_at")?,
        updated_by: row.try_get("", "updated_by")?,
    })
}
