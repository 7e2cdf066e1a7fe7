//! Files that were imported, and the rows of them that were refused, so that a person can repair those.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::{import_rejections, imports};
use crate::sql::Sql;
use crate::{Store, StoreError};
use dakiya_core::ids::ImportId;
use dakiya_core::time::{Timestamp, to_micros};
use dakiya_core::worded_enum;
use sea_orm::{ActiveModelTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sea_orm::{ColumnTrait, IntoActiveModel};

worded_enum! {
    /// What a file holds.
    ImportKind {
        /// People.
        Contacts = "contacts",
        /// The people of one campaign.
        Recipients = "recipients",
        /// Numbers not to be messaged.
        OptOuts = "opt_outs",
        /// What customers owe.
        Payments = "payments",
    }
}

/// A file that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// What it held.
    pub kind: ImportKind,
    /// What it was called.
    pub file_name: String,
    /// The names of its columns.
    pub header: Vec<String>,
    /// Rows stored.
    pub accepted: u64,
    /// Rows whose key came before.
    pub duplicates: u64,
    /// Rows refused.
    pub rejected: u64,
    /// When.
    pub created_at: Timestamp,
}

/// What came of a file, about to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImport {
    /// What it held.
    pub kind: ImportKind,
    /// What it was called.
    pub file_name: String,
    /// The names of its columns.
    pub header: Vec<String>,
    /// Rows stored.
    pub accepted: u64,
    /// Rows whose key came before.
    pub duplicates: u64,
}

/// A row that was refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The line at which the row starts; the header is line 1.
    pub line: u64,
    /// The column at fault.
    pub column: String,
    /// What stood there.
    pub value: String,
    /// The API's code for the fault.
    pub code: String,
    /// In words.
    pub message: String,
    /// The whole row, to be repaired.
    pub cells: Vec<String>,
}

const BATCH: usize = 2_000;

/// Writes down a file and its refused rows.
pub async fn record(
    store: &Store,
    import: NewImport,
    rejections: impl IntoIterator<Item = Rejection, IntoIter: Send>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Import, StoreError> {
    let id = store.new_id::<ImportId>(now);
    let tx = store.write().await?;
    let mut rejections = rejections.into_iter();
    let mut position = 0_i64;
    loop {
        let batch: Vec<Rejection> = rejections.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let rows = batch.into_iter().map(|rejection| {
            position += 1;
            [
                Stored(id).into(),
                position.into(),
                signed(rejection.line).into(),
                rejection.column.into(),
                rejection.value.into(),
                rejection.code.into(),
                rejection.message.into(),
                Stored(rejection.cells).into(),
            ]
        });
        Sql::new(
            "INSERT INTO import_rejections (import_id, position, line, column_name, value, code, message, cells) VALUES ",
        )
        .rows(rows.collect::<Vec<_>>())
        .execute(&*tx)
        .await?;
    }
    let row = imports::Model {
        id: Stored(id),
        kind: Stored(import.kind),
        file_name: import.file_name,
        header: Stored(import.header),
        accepted: signed(import.accepted),
        duplicates: signed(import.duplicates),
        rejected: position,
        created_at: to_micros(now),
    };
    let row = row.into_active_model().insert(&*tx).await?;
    let detail =
        format!("{} accepted, {} duplicates, {} rejected", row.accepted, row.duplicates, row.rejected);
    audit::record(store, &*tx, actor, now, "file.imported", import.kind.as_str(), detail).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// A file that was imported.
pub async fn get(store: &Store, id: ImportId) -> Result<Option<Import>, StoreError> {
    Ok(imports::Entity::find_by_id(Stored(id)).one(store.read()).await?.map(Import::from))
}

/// The next refused rows of a file, with their positions from 1; `after` is the last position seen, 0 at first.
pub async fn rejections(
    store: &Store,
    id: ImportId,
    after: u64,
    limit: u64,
) -> Result<Vec<(u64, Rejection)>, StoreError> {
    let rows = import_rejections::Entity::find()
        .filter(import_rejections::Column::ImportId.eq(Stored(id)))
        .filter(import_rejections::Column::Position.gt(signed(after)))
        .order_by_asc(import_rejections::Column::Position)
        .limit(limit)
        .all(store.read())
        .await?;
    Ok(rows.into_iter().map(|row| (row.position.unsigned_abs(), row.into())).collect())
}

/// Forgets files imported before a time, with their refused rows: these hold people's numbers. How many files.
pub async fn prune(store: &Store, before: Timestamp) -> Result<u64, StoreError> {
    let before = to_micros(before);
    let tx = store.write().await?;
    Sql::new("DELETE FROM import_rejections WHERE import_id IN (SELECT id FROM imports WHERE created_at < ")
        .bind(before)
        .text(")")
        .execute(&*tx)
        .await?;
    let pruned = Sql::new("DELETE FROM imports WHERE created_at < ").bind(before).execute(&*tx).await?;
    tx.commit().await?;
    Ok(pruned)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl From<imports::Model> for Import {
    fn from(row: imports::Model) -> Self {
        Self {
            id: row.id.0,
            kind: row.kind.0,
            file_name: row.file_name,
            header: row.header.0,
            accepted: row.accepted.unsigned_abs(),
            duplicates: row.duplicates.unsigned_abs(),
            rejected: row.rejected.unsigned_abs(),
            created_at: row.created_at,
        }
    }
}

impl From<import_rejections::Model> for Rejection {
    fn from(row: import_rejections::Model) -> Self {
        Self {
            line: row.line.unsigned_abs(),
            column: row.column_name,
            value: row.value,
            code: row.code,
            message: row.message,
            cells: row.cells.0,
        }
    }
}
