//! Whole files of opt-outs.

use super::{Change, append};
use crate::audit::Actor;
use crate::column::Stored;
use crate::imports::{self, Import, ImportKind, Imported, Rows};
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, sending};
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::DatabaseTransaction;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// One good row of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOutRow {
    /// Whose number.
    pub phone: PhoneNumber,
    /// What it stops.
    pub scope: OptOutScope,
    /// What proves it, such as the file's name and the row's line.
    pub evidence: String,
}

/// Records the opt-outs of a file. Those in force already stay as they are, so importing a file twice changes nothing.
/// Of a large file some are in force before the others, never none after this returned.
pub async fn import(
    store: &Store,
    rows: impl IntoIterator<Item = OptOutRow, IntoIter: Send>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Imported, StoreError> {
    Ok(imports::run(store, rows, None, actor, now).await?.unwrap_or_default())
}

impl Rows for OptOutRow {
    const KIND: ImportKind = ImportKind::OptOuts;
    type Key = (PhoneNumber, OptOutScope);

    fn key(&self) -> Self::Key {
        (self.phone, self.scope)
    }

    async fn apply(
        store: &Store,
        tx: &DatabaseTransaction,
        import: &Import,
        rows: &[Self],
    ) -> Result<Option<u64>, StoreError> {
        sending::after_takes(tx).await?;
        let values = rows.iter().map(|row| {
            [
                Stored(row.phone).into(),
                Stored(row.scope).into(),
                import.at.into(),
                Stored(OptOutSource::Csv).into(),
            ]
        });
        let inserted = Sql::new("INSERT INTO opt_outs (phone, scope, since, source) VALUES ")
            .rows(values)
            .text(" ON CONFLICT (phone, scope) DO NOTHING RETURNING phone, scope")
            .all(tx)
            .await?;
        let mut new: HashSet<(PhoneNumber, OptOutScope)> = HashSet::with_capacity(inserted.len());
        for row in inserted {
            new.insert((row.read("phone")?, row.read("scope")?));
        }
        let changes = rows.iter().filter(|row| new.contains(&row.key())).map(|row| Change {
            phone: row.phone,
            action: OptOutAction::OptOut,
            scope: row.scope,
            source: OptOutSource::Csv,
            evidence: row.evidence.clone(),
        });
        let changes: Vec<Change> = changes.collect();
        if !changes.is_empty() {
            append(store, tx, &changes.iter().collect::<Vec<_>>(), &import.actor, import.at).await?;
        }
        Ok(Some(rows.len() as u64))
    }
}
