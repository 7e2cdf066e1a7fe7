//! Everything that touches the database: the only crate that knows SQL.
//!
//! Each noun has a module of free functions named by intent, with the [`Store`] first:
//! `contacts::get(&store, phone)`. A function that changes something does so in one transaction, and writes the
//! audit log in the same one.

pub mod api_keys;
pub mod audit;
pub mod budgets;
pub mod campaigns;
pub mod contacts;
pub mod costs;
pub mod fx_rates;
pub mod idempotency;
pub mod imports;
pub mod inbound;
pub mod installation;
pub mod login_throttle;
pub mod messages;
pub mod opt_out_links;
pub mod opt_outs;
pub mod overview;
pub mod payments;
pub mod rate_cards;
pub mod rate_proposals;
pub mod recipients;
pub mod reconciliation;
pub mod recurring_campaigns;
pub mod reminder_commitments;
pub mod reminder_limits;
pub mod reminder_next_runs;
pub mod reminder_payments;
pub mod reminder_rules;
pub mod reminder_runs;
pub mod savings;
pub mod scenarios;
pub mod senders;
pub mod sending;
pub mod sessions;
pub mod settings;
pub mod templates;
pub mod usage;
pub mod users;

mod column;
mod connect;
mod entities;
mod error;
mod group;
mod ids;
mod page;
mod search;
mod secret;
mod seed;
mod sql;

pub use column::PhoneKey;
pub use connect::ConnectOptions;
pub use error::StoreError;
pub use page::{Cursor, Page};
pub use seed::seed;

use dakiya_core::ids::Id;
use dakiya_core::time::Timestamp;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The database. Cheap to clone; every clone is the same connection pool.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    read: DatabaseConnection,
    write: DatabaseConnection,
    ids: ids::IdMaker,
    installation: OnceCell<[u8; 32]>,
    reports: Arc<group::Group<messages::StatusReport, messages::Applied>>,
    _lock: Option<std::fs::File>,
}

/// A transaction that may write. Dropped without `commit`, it never happened.
pub(crate) struct Tx(DatabaseTransaction);

impl Tx {
    /// Makes it durable.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        Ok(self.0.commit().await?)
    }
}

impl std::ops::Deref for Tx {
    type Target = DatabaseTransaction;
    fn deref(&self) -> &DatabaseTransaction {
        &self.0
    }
}

/// Status reports that share a transaction at most.
const MOST_REPORTS: usize = 1_000;

/// Two migrations never run at once on PostgreSQL: they take this lock ("dakiya" in ASCII).
const MIGRATION_LOCK: i64 = 0x64_61_6b_69_79_61;

impl Store {
    /// Opens the database and makes sure that it keeps what it commits. Does not migrate.
    pub async fn connect(url: &str, options: ConnectOptions) -> Result<Store, StoreError> {
        let opened = connect::open(url, options).await?;
        let inner = Inner {
            read: opened.read,
            write: opened.write,
            ids: ids::IdMaker::default(),
            installation: OnceCell::new(),
            reports: group::Group::new(MOST_REPORTS),
            _lock: opened.lock,
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Brings the schema up to this program's version, and makes the installation's key the first time. Doing it
    /// twice, or on several nodes at once, is harmless.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        if self.backend() == DbBackend::Postgres {
            let tx = self.inner.write.begin().await?;
            // Let go of at the end of the transaction, also when this process dies.
            tx.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")).await?;
            dakiya_migrations::up(&tx).await?;
            tx.commit().await?;
        } else {
            dakiya_migrations::up(&self.inner.write).await?;
        }
        installation::ensure(self).await
    }

    /// Asks the database for an answer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read().execute_unprepared("SELECT 1").await?;
        Ok(())
    }

    /// Closes all connections, after what they are doing.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.inner.read.clone().close().await?;
        self.inner.write.clone().close().await?;
        Ok(())
    }

    /// A new id. Ids sort by `now`, and those of one process by the order in which they were made.
    pub fn new_id<T: Id>(&self, now: Timestamp) -> T {
        self.inner.ids.make(now)
    }

    /// What kind of database it is: `sqlite` or `postgres`.
    pub fn engine(&self) -> &'static str {
        match self.backend() {
            DbBackend::Sqlite => "sqlite",
            _ => "postgres",
        }
    }

    pub(crate) fn backend(&self) -> DbBackend {
        self.inner.read.get_database_backend()
    }

    /// For reading. On SQLite a write through it fails.
    pub(crate) fn read(&self) -> &DatabaseConnection {
        &self.inner.read
    }

    /// Begins a transaction that may write. On SQLite it takes the write lock at once: a transaction that reads
    /// first and writes later fails when another process wrote in between, without waiting. Nothing else may ask
    /// for a transaction while one is open in the same task: there is one writer.
    pub(crate) async fn write(&self) -> Result<Tx, StoreError> {
        let immediate = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        Ok(Tx(self.inner.write.begin_with_options(immediate).await?))
    }
}
