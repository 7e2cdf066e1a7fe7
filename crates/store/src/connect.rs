//! Opening the database so that what is committed stays committed.

use crate::StoreError;
use sea_orm::DatabaseConnection;
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// How to open the database.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConnectOptions {
    /// Refuse when another process has opened the same SQLite file with this set: `serve` does, other commands
    /// work beside it. Means nothing on PostgreSQL, which several processes may use at once.
    pub exclusive: bool,
}

/// The open database.
pub(crate) struct Opened {
    pub(crate) read: DatabaseConnection,
    pub(crate) write: DatabaseConnection,
    /// Held as long as the store lives.
    pub(crate) lock: Option<File>,
}

/// How long a connection waits for another process's write, or for a free connection.
const PATIENCE: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;

/// In kibibytes, negative as SQLite wants them. The writer keeps what it is about to change; readers have the system's cache
/// behind them, and there are several of them.
const WRITERS_CACHE: &str = "-65536";
const READERS_CACHE: &str = "-16384";
const POSTGRES_CONNECTIONS: u32 = 12;

/// A transaction waits for nobody but the database, so one that is idle this long belongs to a worker that hangs.
const MOST_IDLE_IN_TRANSACTION: &str = "15s";

pub(crate) async fn open(url: &str, options: ConnectOptions) -> Result<Opened, StoreError> {
    match url.split_once(':') {
        Some(("sqlite", _)) => open_sqlite(url, options).await,
        Some(("postgres" | "postgresql", _)) => open_postgres(url).await,
        Some((scheme, _)) => Err(StoreError::Url(format!("it begins with \"{scheme}:\""))),
        None => Err(StoreError::Url("it has no scheme".to_owned())),
    }
}

async fn open_sqlite(url: &str, options: ConnectOptions) -> Result<Opened, StoreError> {
    let base = SqliteConnectOptions::from_str(url).map_err(|fault| StoreError::Url(fault.to_string()))?;
    let in_memory = url.contains(":memory:") || url.contains("mode=memory");
    let lock = match in_memory {
        false if options.exclusive => Some(lock_beside(base.get_filename())?),
        _ => None,
    };
    let base = base
        .create_if_missing(true)
        .journal_mode(if in_memory { SqliteJournalMode::Memory } else { SqliteJournalMode::Wal })
        // FULL: with NORMAL a power cut may take back the last commits, and with them "this was posted".
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        .foreign_keys(true)
        .pragma("cache_size", WRITERS_CACHE)
        .pragma("journal_size_limit", "67108864");
    // One writer: two would only wait for each other. It never idles out, because ":memory:" lives in it.
    let writer = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(PATIENCE * 3)
        .connect_with(base.clone())
        .await
        .map_err(|fault| unreachable(url, &fault))?;
    let journal = if in_memory { "memory" } else { "wal" };
    assert_setting("journal_mode", journal, pragma(&writer, "PRAGMA journal_mode").await)?;
    assert_setting("synchronous", "2", pragma_number(&writer, "PRAGMA synchronous").await)?;
    assert_setting("foreign_keys", "1", pragma_number(&writer, "PRAGMA foreign_keys").await)?;
    let readers = if in_memory {
        writer.clone()
    } else {
        SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .acquire_timeout(PATIENCE * 3)
            .connect_with(base.read_only(true).create_if_missing(false).pragma("cache_size", READERS_CACHE))
            .await
            .map_err(|fault| unreachable(url, &fault))?
    };
    Ok(Opened { read: readers.into(), write: writer.into(), lock })
}

async fn open_postgres(url: &str) -> Result<Opened, StoreError> {
    let base = PgConnectOptions::from_str(url).map_err(|fault| StoreError::Url(fault.to_string()))?;
    // A worker that hangs inside a transaction would hold its locks, and with them all others; the server ends it.
    let base = base.options([
        ("synchronous_commit", "on"),
        ("idle_in_transaction_session_timeout", MOST_IDLE_IN_TRANSACTION),
    ]);
    // A pool keeps trying when a connection is refused, and forgets why; one connection says it at once.
    match tokio::time::timeout(PATIENCE, PgConnection::connect_with(&base)).await {
        Ok(Ok(connection)) => connection.close().await.map_err(|fault| unreachable(url, &fault))?,
        Ok(Err(fault)) => return Err(unreachable(url, &fault)),
        Err(_) => return Err(unreachable(url, &sqlx::Error::PoolTimedOut)),
    }
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_with(base)
        .await
        .map_err(|fault| unreachable(url, &fault))?;
    let found: Result<String, sqlx::Error> =
        sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&pool).await;
    assert_setting("synchronous_commit", "on", found)?;
    let both: DatabaseConnection = pool.into();
    Ok(Opened { read: both.clone(), write: both, lock: None })
}

async fn pragma(pool: &sqlx::SqlitePool, sql: &'static str) -> Result<String, sqlx::Error> {
    sqlx::query_scalar(sql).fetch_one(pool).await
}

async fn pragma_number(pool: &sqlx::SqlitePool, sql: &'static str) -> Result<String, sqlx::Error> {
    sqlx::query_scalar::<_, i64>(sql).fetch_one(pool).await.map(|number| number.to_string())
}

/// A database that was opened must also keep what it commits.
fn assert_setting(
    setting: &'static str,
    needed: &'static str,
    found: Result<String, sqlx::Error>,
) -> Result<(), StoreError> {
    let found = found.unwrap_or_else(|fault| format!("unknown ({fault})"));
    if found == needed { Ok(()) } else { Err(StoreError::NotDurable { setting, found, needed }) }
}

/// Takes the lock file next to the database. The system lets go of it when the process ends, however it ends.
fn lock_beside(database: &Path) -> Result<File, StoreError> {
    let shown = database.display().to_string();
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let cannot = |fault: &dyn std::fmt::Display| StoreError::Unreachable {
        url: shown.clone(),
        cause: format!("its lock file: {fault}"),
    };
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
        .map_err(|fault| cannot(&fault))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::AlreadyServing(shown)),
        Err(TryLockError::Error(fault)) => Err(cannot(&fault)),
    }
}

fn unreachable(url: &str, fault: &sqlx::Error) -> StoreError {
    let cause = match fault {
        sqlx::Error::PoolTimedOut => "nothing answered in time".to_owned(),
        other => other.to_string(),
    };
    StoreError::Unreachable { url: without_password(url), cause }
}

/// The URL with its password, and all parameters (which may hold one too), left out.
fn without_password(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = bare.split_once("://") else { return bare.to_owned() };
    match rest.rsplit_once('@') {
        Some((login, host)) => {
            let user = login.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{host}")
        }
        None => bare.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_never_reaches_an_error_message() {
        for (url, shown) in [
            ("postgres://me:s3cret@db.example:5432/dakiya", "postgres://me@db.example:5432/dakiya"),
            ("postgres://me:p@ss:w@db/dakiya?password=s3cret", "postgres://me@db/dakiya"),
            ("postgres://db/dakiya", "postgres://db/dakiya"),
            ("sqlite://dakiya.db?mode=rwc", "sqlite://dakiya.db"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
