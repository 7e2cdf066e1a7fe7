//! One comparison at a time, whichever process makes it: two would note the same late price twice.

use crate::{Store, StoreError};
use sea_orm::{DbBackend, DbErr, RuntimeErr};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgAdvisoryLock, PgAdvisoryLockGuard, PgAdvisoryLockKey, Postgres};
use std::sync::LazyLock;

/// Held by who compares ("compare" in ASCII). By a connection and not by a transaction: Twilio is asked meanwhile, and a
/// transaction may not idle for that long. It ends with the connection, also when the process dies.
static COMPARING: LazyLock<PgAdvisoryLock> =
    LazyLock::new(|| PgAdvisoryLock::with_key(PgAdvisoryLockKey::BigInt(0x63_6f_6d_70_61_72_65)));

/// The right to compare, until it is dropped.
#[must_use = "others compare as soon as it is dropped"]
pub struct Turn {
    _held: Option<PgAdvisoryLockGuard<PoolConnection<Postgres>>>,
}

/// Waits until no other process compares. SQLite has one process, which keeps order itself.
pub async fn turn(store: &Store) -> Result<Turn, StoreError> {
    if store.backend() != DbBackend::Postgres {
        return Ok(Turn { _held: None });
    }
    let failed = |fault: sqlx::Error| DbErr::Conn(RuntimeErr::SqlxError(fault.into()));
    let connection = store.read().get_postgres_connection_pool().acquire().await.map_err(failed)?;
    let held = COMPARING.acquire(connection).await.map_err(failed)?;
    Ok(Turn { _held: Some(held) })
}
