//! Whether anything may be sent at all: the stop-all switch, and holds.
//!
//! A person stops; Dakiya holds (after a restore, or when Twilio refuses our credentials). Either way nothing is
//! sent until a person resumes.

use crate::audit::{self, Actor};
use crate::sql::Sql;
use crate::{Store, StoreError};
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, DbBackend};

/// Why and since when nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// In words.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// Whether anything may be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SendingState {
    /// Stopped by a person.
    pub stopped: Option<Halt>,
    /// Held by Dakiya.
    pub held: Option<Halt>,
}

impl SendingState {
    /// What halts sending, if anything does; a person's stop before a hold.
    pub fn halted(&self) -> Option<&Halt> {
        self.stopped.as_ref().or(self.held.as_ref())
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Stop,
    Hold,
}

/// Whether anything may be sent.
pub async fn state(store: &Store) -> Result<SendingState, StoreError> {
    read(store.read()).await
}

/// On PostgreSQL, what takes messages holds this lock together, and what stops something holds it alone ("takes" in
/// ASCII). Not a lock on the row: those who share one would pass by who waits to hold it alone, for as long as they
/// keep coming; these locks are given in the order in which they were asked for. SQLite has one writer and needs none.
const TAKES_LOCK: i64 = 0x74_61_6b_65_73;

/// Whether anything may be sent, and nobody may change it until this transaction ends: who stops sending waits for
/// it, and so knows what it took.
pub(crate) async fn state_in<C: ConnectionTrait>(tx: &C) -> Result<SendingState, StoreError> {
    beside_takes(tx).await?;
    read(tx).await
}

/// Keeps what stops something waiting until this transaction ends, or waits for it; does not wait for what takes messages.
pub(crate) async fn beside_takes<C: ConnectionTrait>(tx: &C) -> Result<(), StoreError> {
    lock(tx, "pg_advisory_xact_lock_shared").await
}

/// Waits for the transactions that are taking messages now, and lets none begin until this one ends: what it stops
/// is then either taken, and visible, or will not be. The first lock of every transaction that stops something.
pub(crate) async fn after_takes<C: ConnectionTrait>(tx: &C) -> Result<(), StoreError> {
    lock(tx, "pg_advisory_xact_lock").await
}

/// Waits for the transactions that are taking messages now: what they took is visible then, and whoever takes afterwards
/// knows what was stored before this was called.
pub async fn wait_for_takes(store: &Store) -> Result<(), StoreError> {
    let tx = store.write().await?;
    after_takes(&*tx).await?;
    tx.commit().await
}

async fn lock<C: ConnectionTrait>(tx: &C, function: &str) -> Result<(), StoreError> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared(&format!("SELECT {function}({TAKES_LOCK})")).await?;
    }
    Ok(())
}

async fn read<C: ConnectionTrait>(db: &C) -> Result<SendingState, StoreError> {
    let query = "SELECT stopped_at, stop_reason, held_at, hold_reason FROM sending_state WHERE id = 1";
    let Some(row) = Sql::new(query).one(db).await? else { return Err(StoreError::NotMigrated) };
    let halt = |at: &str, reason: &str| -> Result<Option<Halt>, StoreError> {
        let since: Option<Timestamp> = row.try_get("", at)?;
        let reason: Option<String> = row.try_get("", reason)?;
        Ok(since.map(|since| Halt { reason: reason.unwrap_or_default(), since }))
    };
    Ok(SendingState { stopped: halt("stopped_at", "stop_reason")?, held: halt("held_at", "hold_reason")? })
}

/// Stops all sending. Messages already committed to being posted may still go out for a moment; see the fence in
/// `messages`.
pub async fn stop(store: &Store, reason: &str, actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    halt(store, &*tx, Kind::Stop, reason, actor, now).await?;
    tx.commit().await
}

/// Holds all sending until a person has looked.
pub async fn hold(store: &Store, reason: &str, actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    halt(store, &*tx, Kind::Hold, reason, actor, now).await?;
    tx.commit().await
}

/// Dakiya itself holds all sending, in a transaction of the caller's.
pub(crate) async fn hold_in<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    halt(store, tx, Kind::Hold, reason, &Actor::System("delivery"), now).await
}

async fn halt<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    kind: Kind,
    reason: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (set, action) = match kind {
        // The time of the first stop stays; the reason is the latest.
        Kind::Stop => ("stopped_at = COALESCE(stopped_at, ", "sending.stopped"),
        Kind::Hold => ("held_at = COALESCE(held_at, ", "sending.held"),
    };
    after_takes(tx).await?;
    let column = match kind {
        Kind::Stop => "), stop_reason = ",
        Kind::Hold => "), hold_reason = ",
    };
    Sql::new("UPDATE sending_state SET ")
        .text(set)
        .bind(to_micros(now))
        .text(column)
        .bind(reason)
        .text(" WHERE id = 1")
        .execute(tx)
        .await?;
    audit::record(store, tx, actor, now, action, "all sending", reason).await
}

/// Lets sending go on: stop and hold are both lifted.
pub async fn resume(store: &Store, actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let changed = Sql::new(
        "UPDATE sending_state SET stopped_at = NULL, stop_reason = NULL, held_at = NULL, hold_reason = NULL \
         WHERE id = 1 AND (stopped_at IS NOT NULL OR held_at IS NOT NULL)",
    )
    .execute(&*tx)
    .await?;
    if changed > 0 {
        audit::record(store, &*tx, actor, now, "sending.resumed", "all sending", "").await?;
    }
    tx.commit().await
}
