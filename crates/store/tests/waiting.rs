//! Who waits for whom on PostgreSQL, and what is true for them once they go on.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::budget::{Budget, WARN_AT};
use dakiya_core::message::Status;
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use dakiya_store::{Store, budgets, reconciliation};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;
use support::sending::{SENDER, enqueue, new_message, reload, sender, take_at};
use support::{TESTER, beside_postgres, later, now};
use tokio::task::JoinHandle;

const IST: chrono_tz::Tz = chrono_tz::Asia::Kolkata;

async fn set(store: &Store, amount: &str) {
    let (month, amount) = (Month::parse("2026-11").unwrap(), Money::parse(amount).unwrap());
    let budget = Budget { month, amount, stop: true, warn_at: WARN_AT.to_vec() };
    budgets::put(store, &budget, &TESTER, now()).await.unwrap();
}

/// What another program does in a transaction that stays open.
struct Other(PgConnection);

impl Other {
    async fn begins(url: &str, statements: &[&str]) -> Self {
        let mut other = Self(PgConnection::connect(url).await.unwrap());
        other.does("BEGIN").await;
        for statement in statements {
            other.does(statement).await;
        }
        other
    }

    async fn does(&mut self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut self.0).await.unwrap();
    }

    /// Goes on when somebody waits for what it holds. Whether somebody does; no, when the task ended without waiting.
    async fn is_waited_for<T>(url: &str, task: &JoinHandle<T>) -> bool {
        let mut watcher = PgConnection::connect(url).await.unwrap();
        let query = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while !task.is_finished() {
            let waiting: i64 = sqlx::query_scalar(query).fetch_one(&mut watcher).await.unwrap();
            if waiting > 0 {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

/// As `budgets::put` does it.
const LOWERS_THE_BUDGET: [&str; 2] =
    ["SELECT spent FROM monthly_costs WHERE month = '2026-11' FOR UPDATE", "UPDATE budgets SET amount = 0"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_take_that_waited_for_a_lowered_budget_keeps_to_it() {
    beside_postgres(|store, url| async move {
        sender(&store, SENDER, 100).await;
        set(&store, "1000").await;
        let message = enqueue(&store, new_message(1)).await;
        let mut other = Other::begins(&url, &LOWERS_THE_BUDGET).await;
        let taking = tokio::spawn({
            let store = store.clone();
            async move { take_at(&store, now()).await }
        });
        assert!(Other::is_waited_for(&url, &taking).await);
        other.does("COMMIT").await;
        assert!(taking.await.unwrap().to_post.is_empty());
        let stored = reload(&store, message.id).await;
        assert_eq!(
            (stored.status, stored.budget_hold),
            (Status::Queued, Some(Month::parse("2026-11").unwrap()))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_held_back_is_let_go_by_the_budget_that_holds_when_it_is() {
    beside_postgres(|store, url| async move {
        sender(&store, SENDER, 100).await;
        set(&store, "0").await;
        let message = enqueue(&store, new_message(1)).await;
        assert!(take_at(&store, now()).await.to_post.is_empty());
        set(&store, "1000").await;
        let mut other = Other::begins(&url, &LOWERS_THE_BUDGET).await;
        let releasing = tokio::spawn({
            let store = store.clone();
            async move { budgets::release(&store, later(1), IST).await.unwrap() }
        });
        assert!(Other::is_waited_for(&url, &releasing).await);
        other.does("COMMIT").await;
        assert_eq!(releasing.await.unwrap(), 0);
        assert!(reload(&store, message.id).await.budget_hold.is_some());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_budget_is_set_after_the_takes_that_did_not_know_of_it() {
    beside_postgres(|store, url| async move {
        // As who takes messages does it: "takes" in ASCII.
        let mut other = Other::begins(&url, &["SELECT pg_advisory_xact_lock_shared(499850634611)"]).await;
        let setting = tokio::spawn({
            let store = store.clone();
            async move { set(&store, "0").await }
        });
        assert!(Other::is_waited_for(&url, &setting).await);
        assert!(
            budgets::list(&store, Month::parse("2026-11").unwrap(), Month::parse("2026-11").unwrap())
                .await
                .unwrap()
                .is_empty()
        );
        other.does("COMMIT").await;
        setting.await.unwrap();
        sender(&store, SENDER, 100).await;
        enqueue(&store, new_message(1)).await;
        assert!(take_at(&store, now()).await.to_post.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_compare_one_after_the_other() {
    beside_postgres(|store, url| async move {
        let first = reconciliation::turn(&store).await.unwrap();
        let another = Store::connect(&url, dakiya_store::ConnectOptions::default()).await.unwrap();
        let second = tokio::spawn(async move {
            drop(reconciliation::turn(&another).await.unwrap());
            another.close().await.unwrap();
        });
        assert!(Other::is_waited_for(&url, &second).await);
        // The lock is no transaction: others work meanwhile.
        enqueue(&store, new_message(1)).await;
        drop(first);
        second.await.unwrap();
    })
    .await;
}
