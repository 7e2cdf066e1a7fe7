//! Steps that move what is there already, on databases that were filled before them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use crate::Migrator;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use sea_orm_migration::MigratorTrait;
use url::Url;

/// Applies the steps before the named one.
async fn up_before(step: &str, connection: &DatabaseConnection) {
    let steps = Migrator::migrations();
    let earlier = steps.iter().position(|each| each.name() == step).unwrap();
    Migrator::up(connection, Some(u32::try_from(earlier).unwrap())).await.unwrap();
}

/// Does the same on an SQLite file and on a PostgreSQL database of its own.
async fn on_both(test: impl AsyncFn(&DatabaseConnection)) {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite://{}/test.db?mode=rwc", folder.path().display());
    test(&Database::connect(sqlite).await.unwrap()).await;

    let server = std::env::var("DAKIYA_TEST_POSTGRES_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let administration = Database::connect(&server).await.unwrap();
    let name = format!("dakiya_test_{}", uuid::Uuid::now_v7().simple());
    administration.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut postgres = Url::parse(&server).unwrap();
    postgres.set_path(&name);
    let connection = Database::connect(postgres.as_str()).await.unwrap();
    test(&connection).await;
    connection.close().await.unwrap();
    administration.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
}

/// One number of the only row.
async fn number(connection: &DatabaseConnection, query: &str) -> i64 {
    let statement = sea_orm::Statement::from_string(connection.get_database_backend(), query);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn a_rent_on_record_keeps_its_money_and_is_no_message_any_more() {
    on_both(async |connection| {
        up_before("m0130_rents_are_no_messages", connection).await;
        let uuid = match connection.get_database_backend() {
            sea_orm::DbBackend::Sqlite => "zeroblob(16)",
            _ => "'00000000-0000-0000-0000-000000000000'",
        };
        for (table, period) in [("daily_costs", "2026-11-01"), ("month_lines", "2026-11")] {
            for (item, sender) in [("number", "usage records"), ("sms", "usage records")] {
                let row = format!(
                    "INSERT INTO {table} VALUES ('{period}', '{item}', 'outbound', -1, {uuid}, {uuid}, {uuid}, \
                     '{sender}', 7, 7, 0, 7, 110, 110, 0, 0, 0, 0, 0, 0)"
                );
                connection.execute_unprepared(&row).await.unwrap();
            }
        }
        crate::up(connection).await.unwrap();
        for table in ["daily_costs", "month_lines"] {
            let of = |what: &str, item: &str| format!("SELECT {what} FROM {table} WHERE item = '{item}'");
            for (what, left) in [("messages", 0), ("segments", 0), ("priced", 0), ("actual", 110)] {
                assert_eq!(number(connection, &of(what, "number")).await, left, "{what} in {table}");
            }
            assert_eq!(number(connection, &of("messages", "sms")).await, 7, "messages stay messages");
        }
    })
    .await;
}

#[tokio::test]
async fn months_begin_with_the_sums_of_the_days_there_are() {
    on_both(async |connection| {
        up_before("m0070_month_lines", connection).await;
        let uuid = match connection.get_database_backend() {
            sea_orm::DbBackend::Sqlite => "zeroblob(16)",
            _ => "'00000000-0000-0000-0000-000000000000'",
        };
        let day = |day: &str, sender: &str, spent: i64| {
            format!(
                "INSERT INTO daily_costs VALUES ('{day}', 'sms', 'outbound', 1, {uuid}, {uuid}, {uuid}, '{sender}', \
                 1, 2, 3, 4, {spent}, {spent}, 5, 6, 7, 8, 9, 10)"
            )
        };
        let days = [
            day("2026-10-31", "+15005550006", 800_000),
            day("2026-11-01", "+15005550006", 100_001),
            day("2026-11-30", "+15005550006", 20_002),
            day("2026-11-30", "+15005550007", 3_003),
        ];
        for row in days {
            connection.execute_unprepared(&row).await.unwrap();
        }
        crate::up(connection).await.unwrap();
        let of = |what: &str, month: &str, sender: &str| {
            format!("SELECT {what} FROM month_lines WHERE month = '{month}' AND sender = '{sender}'")
        };
        let sums = [
            ("actual", "2026-10", "+15005550006", 800_000),
            ("actual", "2026-11", "+15005550006", 120_003),
            ("actual", "2026-11", "+15005550007", 3_003),
            ("estimated", "2026-11", "+15005550006", 120_003),
            ("messages", "2026-11", "+15005550006", 2),
            ("failure_difference", "2026-11", "+15005550006", 20),
        ];
        for (what, month, sender, sum) in sums {
            let found = number(connection, &of(what, month, sender)).await;
            assert_eq!(found, sum, "{what} of {sender} in {month}");
        }
        assert_eq!(number(connection, "SELECT COUNT(*) FROM month_lines").await, 3);
    })
    .await;
}

#[tokio::test]
async fn sums_of_payments_are_made_anew_in_paise_also_where_they_were_too_large() {
    on_both(async |connection| {
        up_before("m0120_payment_sums_in_paise", connection).await;
        let is_sqlite = connection.get_database_backend() == sea_orm::DbBackend::Sqlite;
        for (n, paid) in [(1, 9_000_000_000_000_000_000_i64), (2, 9_000_000_000_000_000_000), (3, 10_000)] {
            let id = if is_sqlite {
                format!("x'0000000000000000000000000000000{n}'")
            } else {
                format!("'00000000-0000-0000-0000-00000000000{n}'")
            };
            let row = format!(
                "INSERT INTO payments (id, reference, phone, amount, paid, due_on, variables, status, revision, \
                 created_at, updated_at) VALUES ({id}, 'INV/{n}', '+919812345678', 1500000, {paid}, '2026-12-05', \
                 '{{}}', 2, 1, '2026-11-22 06:00:00+00:00', '2026-11-22 06:00:00+00:00')"
            );
            connection.execute_unprepared(&row).await.unwrap();
        }
        let damaged = if is_sqlite { "1.8e19" } else { "9223372036854775807" };
        let sums = format!("INSERT INTO payment_days VALUES ('2026-12-05', 2, 3, 4500000, {damaged})");
        connection.execute_unprepared(&sums).await.unwrap();
        crate::up(connection).await.unwrap();
        for (what, sum) in [("payments", 3), ("amount_paise", 450), ("paid_paise", 1_800_000_000_000_001)] {
            assert_eq!(number(connection, &format!("SELECT {what} FROM payment_days")).await, sum, "{what}");
        }
    })
    .await;
}
