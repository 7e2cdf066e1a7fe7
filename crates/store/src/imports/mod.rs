//! Files on their way into the database, in short transactions: a million rows never keep others from writing.
//!
//! A file of one batch is stored in one transaction. A larger one is first laid down batch by batch, where nobody reads
//! it. One small commit then decides: before it nothing of the file is there, after it all of it will be, at the next
//! start if need be. Then each batch is applied in the transaction that takes it away, so that none is applied twice,
//! whoever is at it.

mod staging;

use crate::audit::{self, Actor};
use crate::{Store, StoreError};
use dakiya_core::ids::{CampaignId, ImportId};
use dakiya_core::time::{Timestamp, to_micros};
use dakiya_core::worded_enum;
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use staging::Batch;
use std::collections::HashSet;
use std::hash::Hash;

worded_enum! {
    /// What a file holds.
    ImportKind {
        /// People.
        Contacts = "contacts",
        /// The people of one campaign.
        Recipients = "recipients",
        /// Numbers not to be messaged.
        OptOuts = "opt_outs",
    }
}

/// What came of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows stored, whether they are new or say more about what was stored.
    pub accepted: u64,
    /// Rows whose key came before; the first stays.
    pub duplicates: u64,
}

/// A large file of which batches wait to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which file.
    pub id: ImportId,
    /// The first batch that waits. As long as somebody is at work on the file, it grows.
    pub position: i64,
}

/// What the rows of one kind of file do. To add a kind: implement this, and name it in [`resume`].
pub(crate) trait Rows: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind of file.
    const KIND: ImportKind;
    /// What two rows of one file cannot share; the first stays.
    type Key: Hash + Eq + Send;
    /// This row's key.
    fn key(&self) -> Self::Key;
    /// Writes rows down in the transaction that takes them away; how many were stored. `None`: what they are about is
    /// gone or closed, and nothing was written. It must not fail for what stands in a row: that is checked at the door.
    fn apply(
        store: &Store,
        tx: &DatabaseTransaction,
        import: &Import,
        rows: &[Self],
    ) -> impl Future<Output = Result<Option<u64>, StoreError>> + Send;
}

/// A file being imported.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    pub(crate) id: ImportId,
    pub(crate) kind: ImportKind,
    /// Whose recipients it holds.
    pub(crate) campaign: Option<CampaignId>,
    /// Who imports it.
    pub(crate) actor: audit::Columns,
    /// When it was begun; the time of everything it writes.
    pub(crate) at: Timestamp,
}

/// Rows in a transaction: few enough that others hardly wait, many enough that commits cost nothing.
const BATCH: usize = 2_000;

/// Stores the rows of a file. Reads `rows` as it goes; memory grows only with their keys. `None`: what they are about is
/// gone or closed. Dropped while batches are applied, it goes on by itself.
pub(crate) async fn run<R: Rows>(
    store: &Store,
    rows: impl IntoIterator<Item = R, IntoIter: Send>,
    campaign: Option<CampaignId>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Option<Imported>, StoreError> {
    let at = to_micros(now);
    let import = Import { id: store.new_id(at), kind: R::KIND, campaign, actor: actor.columns(), at };
    let mut total = 0;
    let mut seen = HashSet::new();
    let mut rows = rows.into_iter().inspect(|_| total += 1).filter(|row| seen.insert(row.key()));
    let mut batch: Vec<R> = rows.by_ref().take(BATCH).collect();
    let mut next: Vec<R> = rows.by_ref().take(BATCH).collect();
    let accepted = if next.is_empty() {
        drop(rows);
        store_at_once(store, &import, &batch, actor, total).await?
    } else {
        for position in 0.. {
            staging::lay_down(store, &import, position, &batch).await?;
            // The connection goes back in a task of its own, which reading the next rows must not keep waiting.
            tokio::task::yield_now().await;
            batch = std::mem::replace(&mut next, rows.by_ref().take(BATCH).collect());
            if batch.is_empty() {
                break;
            }
        }
        drop(rows);
        let detail = detail(seen.len() as u64, total);
        staging::decide(store, &import, actor, detail).await?;
        let (store, import) = (store.clone(), import.clone());
        let applying = tokio::spawn(async move { apply_all::<R>(&store, &import).await });
        applying.await.map_err(|_| StoreError::Interrupted)??
    };
    Ok(accepted.map(|accepted| Imported { accepted, duplicates: total - accepted }))
}

fn detail(unique: u64, total: u64) -> String {
    format!("{unique} accepted, {} duplicates", total - unique)
}

async fn store_at_once<R: Rows>(
    store: &Store,
    import: &Import,
    rows: &[R],
    actor: &Actor,
    total: u64,
) -> Result<Option<u64>, StoreError> {
    if rows.is_empty() {
        return Ok(Some(0));
    }
    let tx = store.write().await?;
    let accepted = R::apply(store, &tx, import, rows).await?;
    if accepted.is_some() {
        record(store, &tx, import, actor, detail(rows.len() as u64, total)).await?;
        tx.commit().await?;
    }
    Ok(accepted)
}

/// Tells the audit log of a file that is certain to be stored.
async fn record(
    store: &Store,
    tx: &DatabaseTransaction,
    import: &Import,
    actor: &Actor,
    detail: String,
) -> Result<(), StoreError> {
    let subject = import.campaign.map_or_else(|| import.kind.to_string(), |campaign| campaign.to_string());
    audit::record(store, tx, actor, import.at, &format!("{}.imported", import.kind), subject, detail).await
}

/// Applies what waits of a decided file; how many rows of it were stored in all.
async fn apply_all<R: Rows>(store: &Store, import: &Import) -> Result<Option<u64>, StoreError> {
    while let Some(Batch { position, rows }) = staging::first::<R>(store, import.id).await? {
        let tx = store.write().await?;
        // Somebody else may have been faster.
        if staging::take_away(&tx, import.id, position).await? {
            let Some(accepted) = R::apply(store, &tx, import, &rows).await? else {
                drop(tx);
                staging::discard(store, import.id).await?;
                return Ok(None);
            };
            staging::count(&tx, import.id, accepted).await?;
        }
        tx.commit().await?;
    }
    staging::accepted(store, import.id).await
}

/// Decided files of which batches wait, the oldest first.
pub async fn waiting(store: &Store) -> Result<Vec<Waiting>, StoreError> {
    staging::waiting(store).await
}

/// Applies what waits of a decided file, for instance because the process that was at it died. Harmless when somebody
/// is at it still.
pub async fn resume(store: &Store, id: ImportId) -> Result<(), StoreError> {
    let Some(import) = staging::find(store, id).await? else { return Ok(()) };
    match import.kind {
        ImportKind::Contacts => apply_all::<crate::contacts::ContactRow>(store, &import).await,
        ImportKind::Recipients => apply_all::<crate::campaigns::NewRecipient>(store, &import).await,
        ImportKind::OptOuts => apply_all::<crate::opt_outs::OptOutRow>(store, &import).await,
    }
    .map(drop)
}

/// Whether a decided file waits to be added to a campaign's recipients.
pub(crate) async fn wait_for<C: ConnectionTrait>(tx: &C, campaign: CampaignId) -> Result<bool, StoreError> {
    staging::wait_for(tx, campaign).await
}

/// Forgets files begun before a time: those that were cut off before they were decided, with what was laid down of
/// them, and those long applied.
pub async fn prune(store: &Store, before: Timestamp) -> Result<(), StoreError> {
    staging::prune(store, before).await
}
