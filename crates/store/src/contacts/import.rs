//! Whole files of contacts.

use super::{clean_tags, consent_columns, consent_kept, name_key};
use crate::audit::Actor;
use crate::column::Stored;
use crate::imports::{self, Import, ImportKind, Imported, Rows};
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::consent::Consent;
use dakiya_core::ids::ContactId;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// One good row of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactRow {
    /// Whose row it is.
    pub phone: PhoneNumber,
    /// `None` leaves the name there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `None` leaves the language there is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The file's tags replace those there are; `None`, when the file has no such column, leaves them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Added to the attributes there are.
    #[serde(default, skip_serializing_if = "Variables::is_empty")]
    pub attributes: Variables,
    /// `None` leaves the consent that is on record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

/// Tags written in one statement.
const TAGS: usize = 2_000;

/// Stores the rows of a file. Opt-outs are not touched: nobody is opted in by being imported again.
pub async fn import(
    store: &Store,
    rows: impl IntoIterator<Item = ContactRow, IntoIter: Send>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Imported, StoreError> {
    Ok(imports::run(store, rows, None, actor, now).await?.unwrap_or_default())
}

impl Rows for ContactRow {
    const KIND: ImportKind = ImportKind::Contacts;
    type Key = PhoneNumber;

    fn key(&self) -> PhoneNumber {
        self.phone
    }

    async fn apply(
        store: &Store,
        tx: &DatabaseTransaction,
        import: &Import,
        rows: &[Self],
    ) -> Result<Option<u64>, StoreError> {
        let mut by_consent: BTreeMap<&str, Vec<&ContactRow>> = BTreeMap::new();
        for row in rows {
            by_consent.entry(consent_kept(row.consent.as_ref())).or_default().push(row);
        }
        for (kept, mut alike) in by_consent {
            // Two files that hold the same people lock them in the same order.
            alike.sort_unstable_by_key(|row| row.phone);
            upsert(store, tx, &alike, kept, import.at).await?;
        }
        replace_tags(tx, rows).await?;
        Ok(Some(rows.len() as u64))
    }
}

async fn upsert<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    rows: &[&ContactRow],
    consent_kept: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = rows.iter().map(|row| {
        let (consent_at, consent_evidence) = consent_columns(row.consent.as_ref(), now);
        [
            Stored(store.new_id::<ContactId>(now)).into(),
            Stored(row.phone).into(),
            row.name.clone().into(),
            name_key(row.name.as_deref()).into(),
            row.language.clone().into(),
            Stored(row.attributes.clone()).into(),
            consent_at.into(),
            consent_evidence.into(),
            now.into(),
            now.into(),
        ]
    });
    let merged = match tx.get_database_backend() {
        DbBackend::Postgres => "(contacts.attributes::jsonb || excluded.attributes::jsonb)::text",
        _ => "json_patch(contacts.attributes, excluded.attributes)",
    };
    Sql::new(super::INSERT)
        .rows(values)
        .text(
            " ON CONFLICT (phone) DO UPDATE SET name = COALESCE(excluded.name, contacts.name), \
             name_key = COALESCE(excluded.name_key, contacts.name_key), \
             language = COALESCE(excluded.language, contacts.language), updated_at = excluded.updated_at, attributes = ",
        )
        .text(merged)
        .text(consent_kept)
        .execute(tx)
        .await?;
    Ok(())
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
    for pairs in stale.into_iter().collect::<Vec<_>>().chunks(TAGS) {
        let query = Sql::new("DELETE FROM contact_tags WHERE (tag, phone) IN (VALUES ")
            .rows(pairs.iter().map(values));
        query.text(")").execute(tx).await?;
    }
    for pairs in fresh.chunks(TAGS) {
        Sql::new("INSERT INTO contact_tags (tag, phone) VALUES ")
            .rows(pairs.iter().map(values))
            .execute(tx)
            .await?;
    }
    Ok(())
}
