//! J: the page of a month of ten million messages, from roll-ups alone, signed in, from the real template.

use crate::installation::Installation;
use crate::measure::{Figure, Meter};
use crate::stub::Stub;
use harness::binary::Setup;
use harness::database::Engine;
use harness::visitor::Visitor;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use std::time::Instant;

const MESSAGES: u64 = 10_000_000;
/// Campaigns that send every day of the month.
const CAMPAIGNS: u64 = 2_000;
const DAYS: u64 = 30;
const REQUESTS: usize = 50;

/// The month's page, one request after another, on both databases.
pub async fn page() -> Vec<Figure> {
    let mut figures = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let stub = Stub::start().await;
        let installation = Installation::start(engine, &stub).await;
        fill(engine, &installation.database.url).await;
        let setup = Setup::new(installation.database.folder.path(), &installation.database.url);
        let add = ["user", "add", "bench@example.in", "--role", "finance", "--password-stdin"];
        setup.must_with_input(&add, "a long password\n").await;
        let visitor = Visitor::new(&installation.server.base);
        visitor.sign_in("bench@example.in", "a long password").await;
        let meter = Meter::of(installation.server.id());
        let mut latencies = Vec::with_capacity(REQUESTS);
        for _ in 0..REQUESTS {
            let started = Instant::now();
            let answer = visitor.open("/costs/2025-09").await;
            latencies.push(started.elapsed());
            assert!(answer.text.contains("1,00,00,000") && answer.status == 200, "{}", answer.text);
        }
        let reading = meter.read().expect("the server runs");
        latencies.sort_unstable();
        let median = latencies[REQUESTS / 2].as_secs_f64() * 1_000.0;
        let figure =
            Figure::new(format!("month of {MESSAGES} messages, {engine:?}"), REQUESTS as u64, &reading);
        figures.push(figure.note("median ms", median));
        installation.server.stop().await;
    }
    figures
}

/// Roll-ups of every campaign and day, as sending leaves them.
async fn fill(engine: Engine, url: &str) {
    let rollups = |day: &str, id: &str, nil: &str, numbers: &str| {
        let messages = MESSAGES / CAMPAIGNS / DAYS;
        let rest = MESSAGES - messages * CAMPAIGNS * DAYS;
        // The first row has what does not divide.
        let count = format!("{messages} + case when m = 1 and n = 0 then {rest} else 0 end");
        format!(
            "insert into daily_costs select {day}, 'sms', 'outbound', 2, {nil}, {id}, {nil}, '+15005550006', {count}, {count}, 1, \
             {count}, 133600000 + m, 133400000 + n, 0, 0, 0, n - m - 200000, 0, 0 from {numbers}"
        )
    };
    let to = (CAMPAIGNS, DAYS - 1);
    match engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await.expect("the database");
            let numbers = format!(
                "(with recursive c(m) as (select 1 union all select m + 1 from c where m < {}), \
                 d(n) as (select 0 union all select n + 1 from d where n < {}) select m, n from c, d)",
                to.0, to.1
            );
            let (id, nil) = ("unhex(printf('%032x', m))", "unhex(printf('%032x', 0))");
            let statement = rollups("date('2025-09-01', n || ' day')", id, nil, &numbers);
            connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("a month of roll-ups");
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await.expect("the database");
            let numbers = format!("generate_series(1, {}) as m, generate_series(0, {}) as n", to.0, to.1);
            let (id, nil) = ("lpad(to_hex(m), 32, '0')::uuid", "lpad('', 32, '0')::uuid");
            let statement = rollups("date '2025-09-01' + n", id, nil, &numbers);
            connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("a month of roll-ups");
            connection.execute("analyze").await.expect("statistics");
        }
    }
}
