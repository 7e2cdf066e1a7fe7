//! Whole files of contacts, in one transaction: all of it or nothing.

use super::{clean_tags, name_key};
use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::ids::ContactId;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, DbBackend};
use std::collections::HashSet;

/// One good row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRow {
    /// Whose row it is.
    pub phone: PhoneNumber,
    /// `None` leaves the name there is.
    pub name: Option<String>,
    /// `None` leaves the language there is.
    pub language: Option<String>,
    /// The file's tags replace those there are; `None`, when the file has no such column, leaves them.
    pub tags: Option<Vec<String>>,
    /// Added to the attributes there are.
    pub attributes: Variables,
}

/// What came of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// People stored or updated.
    pub accepted: u64,
    /// Rows whose number came before in the file; the first stays.
    pub duplicates: u64,
}

/// Rows per statement: few enough for the limit on bound values, many enough that statements cost nothing.
const BATCH: usize = 2_000;

/// Stores the rows of a file. Reads `rows` as it goes, so that memory stays flat. Opt-outs are not touched: nobody
/// is opted in by being imported again.
pub async fn import(
    store: &Store,
    rows: impl IntoIterator<Item = ContactRow, IntoIter: Send>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Imported, StoreError> {
    let now = to_micros(now);
    let mut imported = Imported::default();
    let mut seen = HashSet::new();
    let mut batch = Vec::with_capacity(BATCH);
    let mut rows = rows.into_iter();
    let tx = store.write().await?;
    loop {
        batch.clear();
        for row in rows.by_ref() {
            if seen.insert(row.phone) {
                batch.push(row);
            } else {
                imported.duplicates += 1;
            }
            if batch.len() == BATCH {
                break;
            }
        }
        if batch.is_empty() {
            break;
        }
        imported.accepted += batch.len() as u64;
        upsert(store, &*tx, &batch, now).await?;
    }
    if imported.accepted > 0 {
        let detail = format!("{} accepted, {} duplicates", imported.accepted, imported.duplicates);
        audit::record(store, &*tx, actor, now, "contacts.imported", "contacts", detail).await?;
    }
    tx.commit().await?;
    Ok(imported)
}

async fn upsert<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    batch: &[ContactRow],
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = batch.iter().map(|row| {
        [
            Stored(store.new_id::<ContactId>(now)).into(),
            Stored(row.phone).into(),
            row.name.clone().into(),
            name_key(row.name.as_deref()).into(),
            row.language.clone().into(),
            Stored(row.attributes.clone()).into(),
            now.into(),
            now.into(),
        ]
    });
    let merged = match tx.get_database_backend() {
        DbBackend::Postgres => "(contacts.attributes::jsonb || excluded.attributes::jsonb)::text",
        _ => "json_patch(contacts.attributes, excluded.attributes)",
    };
    Sql::new("INSERT INTO contacts (id, phone, name, name_key, language, attributes, created_at, updated_at) VALUES ")
        .rows(values)
        .text(
            " ON CONFLICT (phone) DO UPDATE SET name = COALESCE(excluded.name, contacts.name), \
             name_key = COALESCE(excluded.name_key, contacts.name_key), \
             language = COALESCE(excluded.language, contacts.language), updated_at = excluded.updated_at, attributes = ",
        )
        .text(merged)
        .execute(tx)
        .await?;
    replace_tags(tx, batch).await
}

/// Writes only what differs: importing a file twice moves nothing, and a new person needs no deletion.
async fn replace_tags<C: ConnectionTrait>(tx: &C, batch: &[ContactRow]) -> Result<(), StoreError> {
    let tagged: Vec<&ContactRow> = batch.iter().filter(|row| row.tags.is_some()).collect();
    if tagged.is_empty() {
        return Ok(());
    }
    let mut stale: HashSet<(PhoneNumber, String)> = HashSet::new();
    let query = Sql::new("SELECT phone, tag FROM contact_tags WHERE phone IN ");
    for row in query.list(tagged.iter().map(|row| Stored(row.phone))).all(tx).await? {
        stale.insert((row.read("phone")?, row.try_get("", "tag")?));
    }
    let mut fresh = Vec::new();
    for row in tagged {
        for tag in clean_tags(row.tags.as_deref().unwrap_or_default()) {
            let pair = (row.phone, tag);
            if !stale.remove(&pair) {
                fresh.push(pair);
            }
        }
    }
    let values = |pair: &(PhoneNumber, String)| [pair.1.clone().into(), Stored(pair.0).into()];
    for pairs in stale.into_iter().collect::<Vec<_>>().chunks(BATCH) {
        let query = Sql::new("DELETE FROM contact_tags WHERE (tag, phone) IN (VALUES ")
            .rows(pairs.iter().map(values));
        query.text(")").execute(tx).await?;
    }
    for pairs in fresh.chunks(BATCH) {
        Sql::new("INSERT INTO contact_tags (tag, phone) VALUES ")
            .rows(pairs.iter().map(values))
            .execute(tx)
            .await?;
    }
    Ok(())
}
