//! J: a month of ten million messages: roll-ups made from the log, and the month's page answered from them.

use crate::installation::Installation;
use crate::measure::{Figure, Meter, Reading};
use crate::stub::Stub;
use chrono::{Datelike as _, Days, NaiveDate, Utc};
use harness::binary::Setup;
use harness::database::{Database, Engine};
use harness::visitor::Visitor;
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection};
use std::time::{Duration, Instant};

const MESSAGES: u64 = 10_000_000;
const REQUESTS: usize = 200;

/// With 28 days and three categories they make 58,884 roll-up rows.
const CAMPAIGNS: u64 = 701;
const DAYS: u64 = 28;

/// Messages of a campaign that lie side by side in the log: all it sends on one day.
const RUN: u64 = MESSAGES / DAYS / CAMPAIGNS;

/// How long roll-ups may take to be made.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Roll-ups from the log, the month's page, and its figures by API, which must equal a full scan to the micro-rupee.
pub async fn page() -> Vec<Figure> {
    let mut figures = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let stub = Stub::start().await;
        let installation = Installation::start(engine, &stub).await;
        installation.approved_campaign(0, 1, 100).await;
        crate::sending::until_posts(&stub, 1).await;
        let first = month_before(Utc::now().date_naive());
        let setup = Setup::new(installation.database.folder.path(), &installation.database.url);
        let owner = ["user", "add", "bench@example.in", "--role", "owner", "--password-stdin"];
        setup.must_with_input(&owner, "a long password\n").await;
        let url = installation.database.url.clone();
        let installation = installation.while_stopped(fill(engine, &url, first)).await;

        let meter = Meter::of(installation.server.id());
        until_counted(&installation.database, engine).await;
        let reading = meter.read().expect("the server runs");
        figures.push(Figure::new(format!("roll-ups from the log, {engine:?}"), MESSAGES, &reading));

        let month = first.format("%Y-%m").to_string();
        let figure = installation.api.get(&format!("/finance/months/{month}")).await.expect(200);
        let actual = figure["actual"]["amount"].as_str().expect("an amount").to_owned();
        assert_eq!(
            micros(&actual),
            scanned(&installation.database, engine, first).await,
            "to the micro-rupee"
        );

        let visitor = Visitor::new(&installation.server.base);
        visitor.sign_in("bench@example.in", "a long password").await;
        let (mut latencies, reading) = load(&installation, &visitor, &format!("/costs/{month}")).await;
        latencies.sort_unstable();
        let millis = |at: usize| latencies[latencies.len() * at / 100].as_secs_f64() * 1_000.0;
        let figure = Figure::new(format!("month's page, {engine:?}"), latencies.len() as u64, &reading);
        figures.push(figure.note("median ms", millis(50)).note("p99 ms", millis(99)));
        installation.server.stop().await;
    }
    figures
}

fn month_before(day: NaiveDate) -> NaiveDate {
    let last = day.with_day(1).and_then(|first| first.checked_sub_days(Days::new(1)));
    last.and_then(|last| last.with_day(1)).expect("a month before")
}

/// An exact decimal of rupees as whole micro-rupees.
fn micros(amount: &str) -> i64 {
    let (rupees, decimals) = amount.split_once('.').unwrap_or((amount, ""));
    format!("{rupees}{decimals:0<6}").parse().expect("an amount")
}

async fn load(installation: &Installation, visitor: &Visitor, path: &str) -> (Vec<Duration>, Reading) {
    let meter = Meter::of(installation.server.id());
    let mut latencies = Vec::new();
    for _ in 0..REQUESTS {
        let started = Instant::now();
        let answer = visitor.open(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        latencies.push(started.elapsed());
    }
    (latencies, meter.read().expect("the server runs"))
}

async fn until_counted(database: &Database, engine: Engine) {
    let started = Instant::now();
    let left = "select count(*) as found from (select 1 from messages where taken_at is not null and cost_day is null limit 1) as one";
    while number(&database.url, engine, left).await > 0 {
        assert!(started.elapsed() < PATIENCE, "roll-ups take too long");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The month's actual cost, added up message by message.
async fn scanned(database: &Database, engine: Engine, first: NaiveDate) -> i64 {
    let last = first + Days::new(30);
    let sum = format!(
        "select cast(sum(actual_cost) as bigint) as found from messages where cost_day >= '{first}' and cost_day <= '{last}'"
    );
    number(&database.url, engine, &sum).await
}

async fn number(url: &str, engine: Engine, query: &str) -> i64 {
    let query = sqlx::AssertSqlSafe(query.to_owned());
    match engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await.expect("the database");
            connection.fetch_one(query).await.expect("a row").get("found")
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await.expect("the database");
            connection.fetch_one(query).await.expect("a row").get("found")
        }
    }
}

async fn execute(url: &str, engine: Engine, statements: Vec<String>) {
    match engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await.expect("the database");
            for statement in statements {
                connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("it is done");
            }
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await.expect("the database");
            for statement in statements {
                connection.execute(sqlx::AssertSqlSafe(statement)).await.expect("it is done");
            }
        }
    }
}

/// Copies the one message there is ten million times over the days of a month, campaign by campaign and at many prices, as
/// they lay there before roll-ups were kept. The log's own indexes are dropped first: they play no part here.
async fn fill(engine: Engine, url: &str, first: NaiveDate) {
    let columns = "template_id, template_version, channel, sender, body, encoding, segments, \
                   estimated_cost, attempts, priority, due_at, checks, test, created_at, updated_at";
    let copy = |id: &str, campaign: &str, taken_at: &str, numbers: &str| {
        format!(
            "insert into messages (id, campaign_id, dedupe_key, phone, status, category, taken_at, actual_cost, {columns}) \
             select {id}, {campaign}, 'bench:' || n, '+91' || (9800000000 + n), 5, 1 + n % 3, {taken_at}, 600000 + n % 9973, {columns} \
             from (select * from messages limit 1) as one, {numbers}"
        )
    };
    let campaign = "template_id, template_version, channel, sender, audience, recipients_revision, recipients_count, \
                    expanded, expanded_cost, served_at, estimated_cost, reserved, actual_cost, created_at, created_by";
    let campaigns = |id: &str, numbers: &str| {
        format!(
            "insert into campaigns (id, name, state, {campaign}) select {id}, 'Campaign ' || n, 'completed', {campaign} \
             from (select * from campaigns limit 1) as one, {numbers}"
        )
    };
    let day = format!("{first}T06:00:00+00:00");
    let of_campaign = format!("1 + n / {RUN} % {CAMPAIGNS}");
    let of_day = format!("n * {DAYS} / {MESSAGES} % {DAYS}");
    let filled = match engine {
        Engine::Sqlite => {
            let id = |n: &str| format!("unhex(printf('%032x', {n}))");
            let numbers = |most: u64| {
                format!(
                    "(with recursive s(n) as (select 1 union all select n + 1 from s where n < {most}) select n from s)"
                )
            };
            let taken_at = format!("strftime('%Y-%m-%dT06:00:00+00:00', '{day}', ({of_day}) || ' days')");
            let log = copy(&id("n"), &id(&of_campaign), &taken_at, &numbers(MESSAGES));
            [log, campaigns(&id("n"), &numbers(CAMPAIGNS))]
        }
        Engine::Postgres => {
            let id = |n: &str| format!("lpad(to_hex({n}), 32, '0')::uuid");
            let numbers = |most: u64| format!("generate_series(1, {most}) as n");
            let taken_at = format!("timestamptz '{day}' + ({of_day}) * interval '1 day'");
            let log = copy(&id("n"), &id(&of_campaign), &taken_at, &numbers(MESSAGES));
            [log, campaigns(&id("n"), &numbers(CAMPAIGNS))]
        }
    };
    let dropped = DROPPED.iter().map(|index| format!("drop index {index}"));
    execute(url, engine, dropped.chain(filled).chain(["analyze".to_owned()]).collect()).await;
}

const DROPPED: [&str; 5] = [
    "messages_by_phone",
    "messages_by_template",
    "messages_by_campaign",
    "messages_by_status",
    "messages_by_error",
];
