//! Runs every test on SQLite and on PostgreSQL, each on a fresh, migrated database that is dropped afterwards.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(dead_code, reason = "each test file uses what it needs")]

pub mod payments;
pub mod sending;

use chrono::{Duration, TimeZone, Utc};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use dakiya_store::audit::Actor;
use dakiya_store::{ConnectOptions, Store};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Writes each test once and runs it twice: `name::sqlite` and `name::postgres`.
#[macro_export]
macro_rules! on_both_databases {
    ($(async fn $name:ident($store:ident: Store) $body:block)+) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            async fn story($store: Store) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::support::on_sqlite(story).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::support::on_postgres(story).await;
            }
        }
    )+};
}

/// Who acts in tests.
pub const TESTER: Actor = Actor::System("test");

/// A Sunday morning in India.
pub fn now() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 22, 6, 0, 0).unwrap()
}

/// So many seconds later.
pub fn later(seconds: i64) -> Timestamp {
    now() + Duration::seconds(seconds)
}

/// The nth of many numbers.
pub fn phone(n: u64) -> PhoneNumber {
    PhoneNumber::from_e164(&format!("+9198{n:08}")).unwrap()
}

/// Runs a test on an SQLite file of its own.
pub async fn on_sqlite<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Store) -> F) {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/test.db", directory.path().display());
    let store = Store::connect(&url, ConnectOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    test(store).await;
}

/// Runs a test on a PostgreSQL database of its own.
pub async fn on_postgres<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Store) -> F) {
    beside_postgres(|store, _| test(store)).await;
}

/// As [`on_postgres`], for a test that also does what another program would, by a connection of its own to this URL.
pub async fn beside_postgres<F: Future<Output = ()> + Send + 'static>(test: impl FnOnce(Store, String) -> F) {
    let database = format!("dakiya_test_{}", uuid::Uuid::now_v7().simple());
    administer(format!("CREATE DATABASE {database}")).await;
    let url = postgres_url(&database);
    let store = Store::connect(&url, ConnectOptions::default()).await.unwrap();
    let migrated = store.migrate().await;
    // In a task of its own, so that a failed test drops its database too.
    let ended = match migrated {
        Ok(()) => tokio::spawn(test(store.clone(), url)).await,
        Err(fault) => panic!("{fault}"),
    };
    store.close().await.unwrap();
    administer(format!("DROP DATABASE {database} WITH (FORCE)")).await;
    if let Err(fault) = ended {
        std::panic::resume_unwind(fault.into_panic());
    }
}

fn server_url() -> String {
    std::env::var("DAKIYA_TEST_POSTGRES_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned())
}

/// The URL of another database on the same server.
pub fn postgres_url(database: &str) -> String {
    let mut url = url::Url::parse(&server_url()).unwrap();
    url.set_path(database);
    url.into()
}

async fn administer(sql: String) {
    let mut connection = PgConnection::connect(&server_url()).await.unwrap_or_else(|fault| {
        panic!(
            "these tests need a PostgreSQL server and found none ({fault}); start one, or say where it is in \
             DAKIYA_TEST_POSTGRES_URL"
        )
    });
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
}
