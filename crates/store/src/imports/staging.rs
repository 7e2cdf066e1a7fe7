//! Where the batches of a large file lie until they are applied.

use super::{Import, Rows, Waiting};
use crate::audit::Actor;
use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::ids::{CampaignId, ImportId};
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};
use serde::de::DeserializeOwned;

/// Some rows of a file.
pub(super) struct Batch<R> {
    pub(super) position: i64,
    pub(super) rows: Vec<R>,
}

/// Batches removed in one transaction.
const SWEPT: u64 = 20;

/// Lays a batch down; with the first one, the file itself.
pub(super) async fn lay_down<R: Rows>(
    store: &Store,
    import: &Import,
    position: i64,
    rows: &[R],
) -> Result<(), StoreError> {
    let content = written(rows)?;
    let tx = store.write().await?;
    if position == 0 {
        let (actor_kind, actor_id, actor_name) = import.actor.clone();
        Sql::new(
            "INSERT INTO imports (id, kind, campaign_id, actor_kind, actor_id, actor_name, started_at, accepted) VALUES ",
        )
        .rows([[
            Stored(import.id).into(),
            Stored(import.kind).into(),
            import.campaign.map(Stored).into(),
            actor_kind.into(),
            actor_id.into(),
            actor_name.into(),
            import.at.into(),
            0_i64.into(),
        ]])
        .execute(&*tx)
        .await?;
    }
    Sql::new("INSERT INTO import_batches (import_id, position, content) VALUES ")
        .rows([[Stored(import.id).into(), position.into(), content.into()]])
        .execute(&*tx)
        .await?;
    tx.commit().await
}

/// A NUL character would only be refused when the file is certain to be stored.
fn written<R: Rows>(rows: &[R]) -> Result<String, StoreError> {
    let content = serde_json::to_string(rows)
        .map_err(|fault| StoreError::Inconsistent(format!("rows of a file: {fault}")))?;
    if content.contains("\\u0000") { Err(StoreError::NulCharacter) } else { Ok(content) }
}

/// From now on the file is certain to be stored.
pub(super) async fn decide(
    store: &Store,
    import: &Import,
    actor: &Actor,
    detail: String,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let decided = Sql::new("UPDATE imports SET decided_at = ").bind(import.at).text(" WHERE id = ");
    if decided.bind(Stored(import.id)).execute(&*tx).await? == 0 {
        let told = "reading the file took so long that it was given up; nothing of it was stored";
        return Err(StoreError::Conflict(told.to_owned()));
    }
    super::record(store, &tx, import, actor, detail).await?;
    tx.commit().await
}

/// The first batch that waits.
pub(super) async fn first<R: DeserializeOwned>(
    store: &Store,
    id: ImportId,
) -> Result<Option<Batch<R>>, StoreError> {
    let query = Sql::new("SELECT position, content FROM import_batches WHERE import_id = ").bind(Stored(id));
    let Some(row) = query.text(" ORDER BY position LIMIT 1").one(store.read()).await? else {
        return Ok(None);
    };
    let content: String = row.try_get("", "content")?;
    let rows = serde_json::from_str(&content)
        .map_err(|fault| StoreError::Inconsistent(format!("rows of the import {id}: {fault}")))?;
    Ok(Some(Batch { position: row.try_get("", "position")?, rows }))
}

/// Takes a batch away. `false`: it is gone.
pub(super) async fn take_away(
    tx: &DatabaseTransaction,
    id: ImportId,
    position: i64,
) -> Result<bool, StoreError> {
    let query = Sql::new("DELETE FROM import_batches WHERE import_id = ").bind(Stored(id));
    Ok(query.text(" AND position = ").bind(position).execute(tx).await? > 0)
}

/// So many rows more were stored.
pub(super) async fn count(tx: &DatabaseTransaction, id: ImportId, accepted: u64) -> Result<(), StoreError> {
    let accepted = i64::try_from(accepted).unwrap_or(i64::MAX);
    Sql::new("UPDATE imports SET accepted = accepted + ")
        .bind(accepted)
        .text(" WHERE id = ")
        .bind(Stored(id))
        .execute(tx)
        .await?;
    Ok(())
}

/// How many rows of a file were stored. `None`: it was discarded.
pub(super) async fn accepted(store: &Store, id: ImportId) -> Result<Option<u64>, StoreError> {
    let row = Sql::new("SELECT accepted FROM imports WHERE id = ").bind(Stored(id)).one(store.read()).await?;
    row.map(|row| Ok(row.try_get::<i64>("", "accepted")?.unsigned_abs())).transpose()
}

/// Decided files of which batches wait, with the first of each.
pub(super) async fn waiting(store: &Store) -> Result<Vec<Waiting>, StoreError> {
    let query = "SELECT id, (SELECT MIN(position) FROM import_batches WHERE import_id = imports.id) AS position FROM imports \
                 WHERE decided_at IS NOT NULL AND EXISTS (SELECT 1 FROM import_batches WHERE import_id = imports.id) ORDER BY id";
    let rows = Sql::new(query).all(store.read()).await?;
    let waiting = |row: &QueryResult| {
        Ok(Waiting {
            id: row.read("id")?,
            position: row.try_get::<Option<i64>>("", "position")?.unwrap_or(0),
        })
    };
    rows.iter().map(waiting).collect()
}

/// A decided file.
pub(super) async fn find(store: &Store, id: ImportId) -> Result<Option<Import>, StoreError> {
    let query = "SELECT kind, campaign_id, actor_kind, actor_id, actor_name, started_at FROM imports \
                 WHERE decided_at IS NOT NULL AND id = ";
    let Some(row) = Sql::new(query).bind(Stored(id)).one(store.read()).await? else { return Ok(None) };
    Ok(Some(Import {
        id,
        kind: row.read("kind")?,
        campaign: row.maybe("campaign_id")?,
        actor: (
            Stored(row.read("actor_kind")?),
            row.try_get("", "actor_id")?,
            row.try_get("", "actor_name")?,
        ),
        at: row.try_get("", "started_at")?,
    }))
}

/// Gives a file up.
pub(super) async fn discard(store: &Store, id: ImportId) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("DELETE FROM imports WHERE id = ").bind(Stored(id)).execute(&*tx).await?;
    tx.commit().await?;
    sweep(store).await
}

/// See [`super::prune`].
pub(super) async fn prune(store: &Store, before: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("DELETE FROM imports WHERE started_at < ")
        .bind(to_micros(before))
        .text(
            " AND (decided_at IS NULL OR NOT EXISTS \
             (SELECT 1 FROM import_batches WHERE import_id = imports.id))",
        )
        .execute(&*tx)
        .await?;
    tx.commit().await?;
    sweep(store).await
}

/// Removes the batches of files that were given up, some at a time.
async fn sweep(store: &Store) -> Result<(), StoreError> {
    loop {
        let orphans = Sql::new(
            "SELECT import_id, position FROM import_batches b WHERE NOT EXISTS \
             (SELECT 1 FROM imports WHERE imports.id = b.import_id) LIMIT ",
        );
        let orphans = orphans.bind(SWEPT).all(store.read()).await?;
        if orphans.is_empty() {
            return Ok(());
        }
        let tx = store.write().await?;
        for orphan in orphans {
            take_away(&tx, orphan.read("import_id")?, orphan.try_get("", "position")?).await?;
        }
        tx.commit().await?;
    }
}

/// Whether a decided file waits to be added to a campaign's recipients.
pub(super) async fn wait_for<C: ConnectionTrait>(tx: &C, campaign: CampaignId) -> Result<bool, StoreError> {
    let query = "SELECT 1 FROM imports WHERE decided_at IS NOT NULL AND EXISTS \
                 (SELECT 1 FROM import_batches WHERE import_id = imports.id) AND campaign_id = ";
    Ok(Sql::new(query).bind(Stored(campaign)).one(tx).await?.is_some())
}
