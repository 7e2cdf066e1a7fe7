//! H: signed status callbacks, stored before they are acknowledged.

use crate::installation::{Installation, TOKEN};
use crate::measure::{Figure, Meter};
use crate::sending::until_posts;
use crate::stub::Stub;
use dakiya_twilio::AuthToken;
use dakiya_twilio::signature::sign;
use harness::database::Engine;
use harness::http_client;
use std::time::{Duration, Instant};

const CALLBACKS: u64 = 10_000;
const IN_FLIGHT: usize = 64;

struct Callback {
    url: String,
    form: Vec<(&'static str, String)>,
    signature: String,
}

/// Ten thousand messages were accepted; now all their callbacks come.
pub async fn stored() -> Vec<Figure> {
    let mut figures = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let stub = Stub::start().await;
        let installation = Installation::start(engine, &stub).await;
        for number in 0..10 {
            installation.approved_campaign(number, CALLBACKS / 10, 1_000).await;
        }
        until_posts(&stub, CALLBACKS).await;
        let callbacks = accepted(&installation).await;
        let meter = Meter::of(installation.server.id());
        let mut latencies = deliver(callbacks).await;
        let reading = meter.read().expect("the server runs");
        latencies.sort_unstable();
        let p99 = latencies[latencies.len() * 99 / 100].as_secs_f64() * 1_000.0;
        let stored = installation.api.all("/messages?status=delivered").await.len();
        let figure = Figure::new(format!("callbacks, {engine:?}"), CALLBACKS, &reading);
        figures.push(figure.note("p99 ms", p99).note("lost", (CALLBACKS - stored as u64) as f64));
        installation.server.stop().await;
    }
    figures
}

/// The callbacks that Twilio would post for every message, signed.
async fn accepted(installation: &Installation) -> Vec<Callback> {
    let token = AuthToken::parse(TOKEN).expect("a token");
    let messages = harness::wait::eventually("every message is accepted", async || {
        let accepted = installation.api.all("/messages?status=accepted").await;
        (accepted.len() as u64 == CALLBACKS).then_some(accepted)
    })
    .await;
    let callback = |message: &serde_json::Value| {
        let text = |field: &str| message[field].as_str().unwrap_or_default().to_owned();
        let url = format!("{}/webhooks/twilio/status?m={}", installation.server.base, text("id"));
        let form = vec![
            ("AccountSid", "AC00000000000000000000000000000000".to_owned()),
            ("MessageSid", text("twilio_sid")),
            ("MessageStatus", "delivered".to_owned()),
            ("From", "+15005550006".to_owned()),
            ("To", text("to")),
        ];
        let signature = sign(&token, &url, &form);
        Callback { url, form, signature }
    };
    messages.iter().map(callback).collect()
}

async fn deliver(callbacks: Vec<Callback>) -> Vec<Duration> {
    let http = http_client();
    let mut shares: Vec<Vec<Callback>> = (0..IN_FLIGHT).map(|_| Vec::new()).collect();
    for (index, callback) in callbacks.into_iter().enumerate() {
        shares[index % IN_FLIGHT].push(callback);
    }
    let workers = shares.into_iter().map(|share| tokio::spawn(post_all(http.clone(), share)));
    let mut latencies = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        latencies.extend(worker.await.expect("no panic"));
    }
    latencies
}

async fn post_all(http: reqwest::Client, share: Vec<Callback>) -> Vec<Duration> {
    let mut latencies = Vec::new();
    for callback in share {
        let started = Instant::now();
        let request =
            http.post(&callback.url).header("x-twilio-signature", &callback.signature).form(&callback.form);
        let answer = request.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
        latencies.push(started.elapsed());
    }
    latencies
}
