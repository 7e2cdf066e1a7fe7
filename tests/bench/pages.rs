//! D: a page of 50 rows of a log of a million messages, filtered, signed in, from the real template.

use crate::installation::Installation;
use crate::measure::{Figure, Meter};
use crate::stub::Stub;
use harness::binary::Setup;
use harness::database::Engine;
use harness::visitor::Visitor;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use std::time::{Duration, Instant};

const MESSAGES: u64 = 1_000_000;
const CONNECTIONS: usize = 8;
const REQUESTS_EACH: usize = 250;
const DEEP: usize = 200;

/// The first page, and one far below it, on both databases.
pub async fn log() -> Vec<Figure> {
    let mut figures = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let stub = Stub::start().await;
        let installation = Installation::start(engine, &stub).await;
        installation.approved_campaign(0, 1, 100).await;
        crate::sending::until_posts(&stub, 1).await;
        fill(engine, &installation.database.url).await;
        let setup = Setup::new(installation.database.folder.path(), &installation.database.url);
        setup
            .must_with_input(
                &["user", "add", "bench@example.in", "--role", "owner", "--password-stdin"],
                "a long password\n",
            )
            .await;
        let visitor = Visitor::new(&installation.server.base);
        visitor.sign_in("bench@example.in", "a long password").await;
        let first = "/messages?status=failed".to_owned();
        let deep = deep_page(&visitor, &first).await;
        for (name, path) in [("first page", first), ("200 pages on", deep)] {
            let meter = Meter::of(installation.server.id());
            let mut latencies = load(&visitor, &path).await;
            let reading = meter.read().expect("the server runs");
            latencies.sort_unstable();
            let p99 = latencies[latencies.len() * 99 / 100].as_secs_f64() * 1_000.0;
            let figure = Figure::new(format!("log, {name}, {engine:?}"), latencies.len() as u64, &reading);
            figures.push(figure.note("p99 ms", p99));
        }
        installation.server.stop().await;
    }
    figures
}

async fn load(visitor: &Visitor, path: &str) -> Vec<Duration> {
    let connections = (0..CONNECTIONS).map(|_| async {
        let mut latencies = Vec::new();
        for _ in 0..REQUESTS_EACH {
            let started = Instant::now();
            let answer = visitor.open(path).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            latencies.push(started.elapsed());
        }
        latencies
    });
    futures::future::join_all(connections).await.into_iter().flatten().collect()
}

/// Follows the link to older messages again and again.
async fn deep_page(visitor: &Visitor, first: &str) -> String {
    let mut path = first.to_owned();
    for _ in 0..DEEP {
        let page = visitor.open(&path).await.text;
        let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let older = links.filter(|link| link.starts_with("/messages?") && link.contains("cursor=")).last();
        path = older.expect("there are older messages").replace("&amp;", "&").replace("&#38;", "&");
    }
    path
}

/// Copies the one message there is a million times; one in thirty failed.
async fn fill(engine: Engine, url: &str) {
    let columns = "campaign_id, template_id, template_version, channel, category, sender, body, encoding, segments, \
                   estimated_cost, actual_cost, attempts, priority, due_at, checks, test, created_at, updated_at";
    let copy = |id: &str, key: &str, phone: &str, numbers: &str, number: &str| {
        format!(
            "insert into messages (id, dedupe_key, phone, status, {columns}) \
             select {id}, {key}, {phone}, case when {number} % 30 = 0 then 8 else 5 end, {columns} \
             from (select * from messages limit 1) as one, {numbers}"
        )
    };
    match engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await.expect("the database");
            let statement = copy(
                "unhex(printf('%032x', n))",
                "'bench:' || n",
                "'+91' || (9800000000 + n)",
                &format!(
                    "(with recursive s(n) as (select 1 union all select n + 1 from s where n < {MESSAGES}) select n from s)"
                ),
                "n",
            );
            connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("a million messages");
            connection.execute("analyze").await.expect("statistics");
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await.expect("the database");
            let statement = copy(
                "lpad(to_hex(n), 32, '0')::uuid",
                "'bench:' || n",
                "'+91' || (9800000000 + n)",
                &format!("generate_series(1, {MESSAGES}) as n"),
                "n",
            );
            connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("a million messages");
            connection.execute("analyze").await.expect("statistics");
        }
    }
}
