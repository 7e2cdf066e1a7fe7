//! What is in force for whom, and how we know.

use super::erased_key_in;
use crate::audit::ACTOR_NAME;
use crate::column::Stored;
use crate::search::{after_prefix, phone_beginnings};
use crate::sql::{Row, Sql};
use crate::{Cursor, Page, PhoneKey, Store, StoreError};
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::HashMap;

/// An opt-out in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOut {
    /// Whose; a hash if the person was erased since.
    pub phone: PhoneKey,
    /// What it stops.
    pub scope: OptOutScope,
    /// Since when.
    pub since: Timestamp,
    /// How we learned of it.
    pub source: OptOutSource,
}

/// One entry of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Opted out or in.
    pub action: OptOutAction,
    /// Of what.
    pub scope: OptOutScope,
    /// How we learned of it.
    pub source: OptOutSource,
    /// What proves it.
    pub evidence: String,
    /// Who recorded it, as the audit log names them.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

const BATCH: usize = 10_000;

/// The widest opt-out of each of these numbers; those that have none are not in it.
pub async fn covering(
    store: &Store,
    phones: &[PhoneNumber],
) -> Result<HashMap<PhoneNumber, OptOutScope>, StoreError> {
    covering_in(store, store.read(), phones).await
}

/// As [`covering`], as a transaction sees it.
pub(crate) async fn covering_in<C: ConnectionTrait>(
    store: &Store,
    db: &C,
    phones: &[PhoneNumber],
) -> Result<HashMap<PhoneNumber, OptOutScope>, StoreError> {
    let mut widest: HashMap<PhoneNumber, OptOutScope> = HashMap::new();
    // Hashing every number is worth it only when somebody was erased.
    let erased = "SELECT 1 AS one FROM opt_outs WHERE phone BETWEEN 'h:' AND 'h;' LIMIT 1";
    let any_erased = Sql::new(erased).one(db).await?.is_some();
    for batch in phones.chunks(BATCH) {
        let mut keys: HashMap<PhoneKey, PhoneNumber> = HashMap::with_capacity(batch.len());
        for phone in batch {
            keys.insert(PhoneKey::Number(*phone), *phone);
            if any_erased {
                keys.insert(erased_key_in(store, db, *phone).await?, *phone);
            }
        }
        let query = Sql::new("SELECT phone, scope FROM opt_outs WHERE phone IN ")
            .list(keys.keys().cloned().map(Stored));
        for row in query.all(db).await? {
            let Some(phone) = keys.get(&row.read::<PhoneKey>("phone")?) else { continue };
            let scope: OptOutScope = row.read("scope")?;
            // `All` comes before `Promotional`, so the smaller is the wider.
            widest.entry(*phone).and_modify(|known| *known = scope.min(*known)).or_insert(scope);
        }
    }
    Ok(widest)
}

/// What is in force for a number, the widest first.
pub async fn state(store: &Store, phone: PhoneNumber) -> Result<Vec<OptOut>, StoreError> {
    let erased = erased_key_in(store, store.read(), phone).await?;
    let rows = Sql::new("SELECT phone, scope, since, source FROM opt_outs WHERE phone IN ")
        .list([Stored(PhoneKey::Number(phone)), Stored(erased)])
        .text(" ORDER BY scope, since")
        .all(store.read())
        .await?;
    rows.iter().map(opt_out).collect()
}

/// What a number asked for over time, the newest first; at most `limit` entries.
pub async fn history(store: &Store, phone: PhoneNumber, limit: u64) -> Result<Vec<Entry>, StoreError> {
    let erased = erased_key_in(store, store.read(), phone).await?;
    let rows = Sql::new("SELECT action, scope, source, evidence, at, ")
        .text(ACTOR_NAME)
        .text(" AS actor FROM opt_out_entries WHERE phone IN ")
        .list([Stored(PhoneKey::Number(phone)), Stored(erased)])
        .text(" ORDER BY id DESC LIMIT ")
        .bind(limit)
        .all(store.read())
        .await?;
    let entry = |row: &QueryResult| {
        Ok(Entry {
            action: row.read("action")?,
            scope: row.read("scope")?,
            source: row.read("source")?,
            evidence: row.try_get("", "evidence")?,
            actor: row.try_get("", "actor")?,
            at: row.try_get("", "at")?,
        })
    };
    rows.iter().map(entry).collect()
}

/// Which opt-outs in force to show; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptOutFilter {
    /// The beginning of a number. Nothing is found by what is none.
    pub search: Option<String>,
    /// Of this scope.
    pub scope: Option<OptOutScope>,
    /// From this source.
    pub source: Option<OptOutSource>,
}

impl OptOutFilter {
    /// The stretches of numbers to look at: without a search all, numbers and hashes alike.
    fn beginnings(&self) -> Vec<String> {
        match &self.search {
            Some(search) => phone_beginnings(search).unwrap_or_default(),
            None => vec![String::new()],
        }
    }

    /// Scopes and sources, each pair a stretch of one index; none when neither matters.
    fn kinds(&self) -> Vec<Option<(OptOutScope, OptOutSource)>> {
        if self.scope.is_none() && self.source.is_none() {
            return vec![None];
        }
        let scopes = self.scope.map_or_else(|| OptOutScope::ALL.to_vec(), |scope| vec![scope]);
        let sources = self.source.map_or_else(|| OptOutSource::ALL.to_vec(), |source| vec![source]);
        scopes.iter().flat_map(|scope| sources.iter().map(|source| Some((*scope, *source)))).collect()
    }

    /// Each stretch's own condition: together they are a union of which each part is read in order, and cut.
    fn parts(&self) -> Vec<Sql> {
        let mut parts = Vec::new();
        for beginning in self.beginnings() {
            for kind in self.kinds() {
                let mut part = Sql::new("phone BETWEEN ").bind(beginning.clone());
                part = part.text(" AND ").bind(after_prefix(&beginning));
                if let Some((scope, source)) = kind {
                    part = part
                        .text(" AND scope = ")
                        .bind(Stored(scope))
                        .text(" AND source = ")
                        .bind(Stored(source));
                }
                parts.push(part);
            }
        }
        parts
    }
}

/// The opt-outs in force by number, those of erased people last.
pub async fn page(
    store: &Store,
    filter: &OptOutFilter,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<OptOut>, StoreError> {
    let mut query = Sql::new("SELECT phone, scope, since, source FROM (");
    let parts = filter.parts();
    if parts.is_empty() {
        return Ok(Page { items: Vec::new(), next: None });
    }
    for (index, condition) in parts.into_iter().enumerate() {
        let mut part = Sql::new("SELECT * FROM opt_outs WHERE ").append(condition);
        if let Some(cursor) = cursor {
            let [phone, scope] = cursor.parts()?;
            part = part.text(" AND phone >= ").bind(phone.clone());
            part = part.text(" AND (phone, scope) > (").bind(phone).text(", ").bind(scope).text(")");
        }
        part = part.text(" ORDER BY phone, scope LIMIT ").bind(limit + 1);
        let union = if index > 0 { " UNION SELECT * FROM (" } else { "SELECT * FROM (" };
        query = query.text(union).append(part).text(&format!(") AS part_{index}"));
    }
    let query = query.text(") AS found ORDER BY phone, scope LIMIT ").bind(limit + 1);
    let rows = query.all(store.read()).await?;
    let found = rows.iter().map(opt_out).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(found, limit, |last| Cursor::of([&last.phone.stored(), last.scope.as_str()])))
}

/// How many opt-outs a filter finds, counted no further than `most`.
pub async fn count(store: &Store, filter: &OptOutFilter, most: u64) -> Result<u64, StoreError> {
    let mut query = Sql::new("SELECT COUNT(*) AS count FROM (");
    let parts = filter.parts();
    if parts.is_empty() {
        return Ok(0);
    }
    for (index, condition) in parts.into_iter().enumerate() {
        let part = Sql::new("SELECT phone, scope FROM opt_outs WHERE ").append(condition).text(" LIMIT ");
        let union = if index > 0 { " UNION SELECT * FROM (" } else { "SELECT * FROM (" };
        query = query.text(union).append(part.bind(most)).text(&format!(") AS part_{index}"));
    }
    let row = query.text(" LIMIT ").bind(most).text(") AS found").one(store.read()).await?;
    row.map_or(Ok(0), |row| Ok(row.try_get::<i64>("", "count")?.unsigned_abs()))
}

fn opt_out(row: &QueryResult) -> Result<OptOut, StoreError> {
    Ok(OptOut {
        phone: row.read("phone")?,
        scope: row.read("scope")?,
        since: row.try_get("", "since")?,
        source: row.read("source")?,
    })
}
