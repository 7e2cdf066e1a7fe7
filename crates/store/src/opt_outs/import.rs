//! Whole files of opt-outs, in one transaction: all of it or nothing.

use super::{Change, append};
use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::contacts::Imported;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, sending};
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::ConnectionTrait;
use std::collections::HashSet;

/// One good row of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutRow {
    /// Whose number.
    pub phone: PhoneNumber,
    /// What it stops.
    pub scope: OptOutScope,
    /// What proves it, such as the file's name and the row's line.
    pub evidence: String,
}

const BATCH: usize = 2_000;

/// Records the opt-outs of a file. Those in force already stay as they are, so importing a file twice changes nothing.
pub async fn import(
    store: &Store,
    rows: impl IntoIterator<Item = OptOutRow, IntoIter: Send>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Imported, StoreError> {
    let mut imported = Imported::default();
    let mut seen = HashSet::new();
    let mut rows = rows.into_iter();
    let tx = store.write().await?;
    sending::after_takes(&*tx).await?;
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        for row in rows.by_ref() {
            match seen.insert((row.phone, row.scope)) {
                true => batch.push(row),
                false => imported.duplicates += 1,
            }
            if batch.len() == BATCH {
                break;
            }
        }
        if batch.is_empty() {
            break;
        }
        imported.accepted += batch.len() as u64;
        insert(store, &*tx, batch, actor, now).await?;
    }
    if imported.accepted > 0 {
        let detail = format!("{} accepted, {} duplicates", imported.accepted, imported.duplicates);
        audit::record(store, &*tx, actor, now, "opt_outs.imported", "opt-outs", detail).await?;
    }
    tx.commit().await?;
    Ok(imported)
}

async fn insert<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    batch: Vec<OptOutRow>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = batch.iter().map(|row| {
        [
            Stored(row.phone).into(),
            Stored(row.scope).into(),
            to_micros(now).into(),
            Stored(OptOutSource::Csv).into(),
        ]
    });
    let inserted = Sql::new("INSERT INTO opt_outs (phone, scope, since, source) VALUES ")
        .rows(rows)
        .text(" ON CONFLICT (phone, scope) DO NOTHING RETURNING phone, scope")
        .all(tx)
        .await?;
    let mut new: HashSet<(PhoneNumber, OptOutScope)> = HashSet::with_capacity(inserted.len());
    for row in inserted {
        new.insert((row.read("phone")?, row.read("scope")?));
    }
    let changes = batch.into_iter().filter(|row| new.contains(&(row.phone, row.scope))).map(|row| Change {
        phone: row.phone,
        action: OptOutAction::OptOut,
        scope: row.scope,
        source: OptOutSource::Csv,
        evidence: row.evidence,
    });
    let changes: Vec<Change> = changes.collect();
    if changes.is_empty() {
        return Ok(());
    }
    append(store, tx, &changes.iter().collect::<Vec<_>>(), actor, now).await
}
