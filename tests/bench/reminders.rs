//! I: reminder planning with a million open payments and five rules; what it costs follows what is due.

use crate::generate::national;
use crate::installation::Installation;
use crate::measure::{Figure, Meter};
use crate::stub::Stub;
use chrono::{TimeDelta, Timelike as _, Utc};
use harness::database::Engine;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const OPEN: u64 = 1_000_000;
const RULES: u64 = 5;
const STEPS: u64 = 4;

/// Due dates the payments are spread over: each step of each rule reaches one of them a day.
const DAYS: u64 = 100;

/// From the moment the runs are due until every message of them is written down.
pub async fn planning() -> Vec<Figure> {
    let mut figures = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let stub = Stub::start().await;
        let installation = Installation::start(engine, &stub).await;
        let local = Utc::now() + TimeDelta::minutes(330);
        let first = local.date_naive() - TimeDelta::days(10);
        let mut rows = String::from("reference,phone,amount,due_on\n");
        for index in 0..OPEN {
            let due_on = first + TimeDelta::days((index % DAYS) as i64);
            writeln!(rows, "INV-{index:07},{},{},{due_on}", national(index), 100 + index % 900)
                .expect("written");
        }
        installation.api.post_csv("/payments/import", rows).await.expect(200);
        let installation = installation.restarted().await;
        let due = (Utc::now() + TimeDelta::seconds(75)).with_second(0).expect("a whole minute");
        let at = (due + TimeDelta::minutes(330)).format("%H:%M").to_string();
        for rule in 0..RULES {
            let rule_of = json!({"name": "Bench", "template": "bench_due", "offsets_days": [-3, 0, 3, 7], "at": at, "enabled": true});
            if rule == 0 {
                let text = json!({"name": "Due", "category": "service", "channel": "sms", "body": "Rs.{{amount}} is due for {{request_id}}"});
                let answer = installation.api.put("/templates/bench_due", text).await;
                assert!(answer.status < 300, "{}", answer.text);
            }
            let answer = installation.api.put(&format!("/reminder-rules/bench-{rule}"), rule_of).await;
            assert!(answer.status < 300, "{}", answer.text);
        }
        tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
        let (meter, started) = (Meter::of(installation.server.id()), Instant::now());
        while !all_planned(&installation).await {
            assert!(started.elapsed() < Duration::from_secs(600), "planning takes too long");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let reading = meter.read().expect("the server runs");
        let planned = RULES * STEPS * OPEN / DAYS;
        figures.push(
            Figure::new(format!("reminders planned, {engine:?}"), planned, &reading)
                .note("open payments", OPEN as f64),
        );
        installation.server.stop().await;
    }
    figures
}

async fn all_planned(installation: &Installation) -> bool {
    for rule in 0..RULES {
        let runs =
            installation.api.get(&format!("/reminder-rules/bench-{rule}/runs?past=true")).await.expect(200);
        let planned = |run: &&Value| run["state"] == "planned";
        let done = runs["items"].as_array().map_or(0, |runs| runs.iter().filter(planned).count());
        if (done as u64) < STEPS {
            return false;
        }
    }
    true
}
