//! The send loop, and whether it keeps its pace.

use crate::installation::Installation;
use crate::measure::{Figure, Meter, Time};
use crate::stub::Stub;
use harness::database::Engine;
use serde_json::json;
use std::time::{Duration, Instant};

const CAMPAIGNS: u64 = 20;
const PEOPLE: u64 = 1_000;
const IN_FLIGHT: usize = 64;

/// C: claims and results durable, no latency, beside a bare loop against the same stub.
pub async fn send_loop() -> Vec<Figure> {
    let mut figures = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let stub = Stub::start().await;
        let limit = bare_loop(&stub).await;
        stub.reset();
        let installation = Installation::start(engine, &stub).await;
        installation.api.post("/sending/stop", json!({"reason": "preparing"})).await.expect(200);
        for number in 0..CAMPAIGNS {
            installation.approved_campaign(number, PEOPLE, 1_000).await;
        }
        let meter = Meter::of(installation.server.id());
        installation.api.act("/sending/resume").await.expect(200);
        until_posts(&stub, CAMPAIGNS * PEOPLE).await;
        let reading = meter.read().expect("the server runs");
        let figure = Figure::new(format!("send loop, {engine:?}"), CAMPAIGNS * PEOPLE, &reading);
        figures.push(figure.beside("bare reqwest loop", Time::Wall, limit));
        installation.server.stop().await;
    }
    figures
}

/// G: the mean rate within 1 % of the setting, and no second with more than it.
pub async fn pacing() -> Vec<Figure> {
    let pace = 100;
    let stub = Stub::start().await;
    let installation = Installation::start(Engine::Sqlite, &stub).await;
    let meter = Meter::of(installation.server.id());
    installation.approved_campaign(0, 3_000, pace).await;
    until_posts(&stub, 3_000).await;
    let reading = meter.read().expect("the server runs");
    let arrivals = stub.arrivals();
    let span = arrivals[arrivals.len() - 1] - arrivals[0];
    let mean = (arrivals.len() - 1) as f64 / span.as_secs_f64();
    let figure = Figure::new("pacing, 100 segments a second", 3_000, &reading);
    installation.server.stop().await;
    vec![figure.note("mean rate", mean).note("most in one second", most_in_one_second(&arrivals) as f64)]
}

fn most_in_one_second(arrivals: &[Instant]) -> usize {
    let second = Duration::from_secs(1);
    let mut first = 0;
    let mut most = 0;
    for last in 0..arrivals.len() {
        while arrivals[last] - arrivals[first] >= second {
            first += 1;
        }
        most = most.max(last - first + 1);
    }
    most
}

/// What the HTTP client alone reaches: as many in flight, no database.
async fn bare_loop(stub: &Stub) -> f64 {
    let http = harness::http_client();
    let count = CAMPAIGNS * PEOPLE;
    let started = Instant::now();
    let workers = (0..IN_FLIGHT).map(|worker| {
        let (http, url) = (http.clone(), format!("{}/2010-04-01/Accounts/AC/Messages.json", stub.base));
        let share = count / IN_FLIGHT as u64 + u64::from((worker as u64) < count % IN_FLIGHT as u64);
        tokio::spawn(async move {
            for _ in 0..share {
                let form = [("To", "+919845011234"), ("From", "+15005550006"), ("Body", "Hello Asha")];
                let answer = http.post(&url).form(&form).send().await.expect("the stub answers");
                answer.bytes().await.expect("a body");
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.expect("no panic");
    }
    count as f64 / started.elapsed().as_secs_f64()
}

/// Waits until the stub has seen this many POSTs.
pub async fn until_posts(stub: &Stub, count: u64) {
    let until = Instant::now() + Duration::from_secs(300);
    while stub.posts() < count {
        assert!(Instant::now() < until, "{} of {count} messages were posted in five minutes", stub.posts());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
