//! Two worker processes plan and send the reminders of a thousand payments while one is killed and one is paused.

use chrono::{DateTime, TimeDelta, Timelike as _, Utc};
use dakiya_simulator::SimulatorConfig;
use harness::database::Engine;
use harness::wait::within;
use harness::world::{World, phone};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tokio::process::Command;

const PAYMENTS: usize = 1_000;

/// A run comes at a whole minute, and a worker that was paused is given up for lost after its deadlines.
const LONGEST: Duration = Duration::from_secs(420);

/// At rest: sent, ended, or a doubt that is listed for a person.
const UNDER_WAY: [&str; 2] = ["queued", "posting"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_worker_processes_one_is_killed_and_one_paused_and_each_occurrence_comes_once() {
    let mut world =
        World::with(Engine::Postgres, SimulatorConfig::immediate(), crate::random_kills::impatient).await;
    world.simulator.faults().latency(Duration::from_millis(15));
    let always = json!({"reminder_window": {"from": "00:00", "until": "00:00"}});
    world.api.patch("/settings", always).await.expect(200);
    let india = TimeDelta::minutes(330);
    let due_on = (Utc::now() + india).date_naive();
    let rows: String =
        (0..PAYMENTS).map(|index| format!("INV-{index:04},{},499,{due_on}\n", phone(index))).collect();
    let header = "reference,phone,amount,due_on\n";
    world.api.post_csv("/payments/import", format!("{header}{rows}")).await.expect(200);
    world.template("due", "service", "Rs.{{amount}} is due for {{request_id}}.").await;
    // Only now is it decided when: whatever came before may take its time.
    let soon = Utc::now() + TimeDelta::seconds(90);
    let run_at = soon.with_second(0).and_then(|at| at.with_nanosecond(0)).expect("a whole minute");
    let local = run_at + india;
    let (at, step) = (local.format("%H:%M").to_string(), (local.date_naive() - due_on).num_days());
    let rule = json!({"name": "Due", "template": "due", "offsets_days": [step], "at": at, "enabled": true});
    let rule = world.api.put("/reminder-rules/due", rule).await;
    assert!(rule.status < 300, "{}", rule.text);
    let changed: DateTime<Utc> =
        rule.json()["updated_at"].as_str().and_then(|at| at.parse().ok()).expect("a time");
    assert!(changed < run_at, "half a minute was not enough to write a rule down");

    // What serves plans and sends nothing from here on: that is the workers' part.
    world.kill().await;
    let web = world.setup.serve(&["serve", "--role", "web"]).await;
    let workers = world.setup.clone().with("DAKIYA_PUBLIC_URL", &world.base);
    let (paused, killed) = (workers.work().await, workers.work().await);
    until_posts(&world, 100).await;
    signal("-STOP", paused.id()).await;
    until_posts(&world, 300).await;
    killed.kill().await;
    let third = workers.work().await;
    until_posts(&world, 500).await;
    signal("-CONT", paused.id()).await;
    until_posts(&world, 700).await;
    third.kill().await;

    let messages = within(LONGEST, "every reminder is at rest", async || {
        let messages = world.api.all("/messages").await;
        let rests = |message: &Value| !UNDER_WAY.contains(&message["status"].as_str().unwrap_or("queued"));
        (messages.len() == PAYMENTS && messages.iter().all(rests)).then_some(messages)
    })
    .await;
    let reminded: HashSet<&str> = messages.iter().filter_map(|message| message["to"].as_str()).collect();
    assert_eq!(reminded.len(), PAYMENTS, "each payment has its message, and none has two");
    let mut posts: HashMap<String, usize> = HashMap::new();
    for sent in world.posts() {
        *posts.entry(sent.to).or_default() += 1;
        assert!(sent.at >= run_at, "nothing goes out before its time");
    }
    assert!(posts.values().all(|times| *times == 1), "nobody is posted twice");
    let doubts = messages.iter().filter(|message| message["status"] == "unknown").count();
    assert!(posts.len() + doubts >= PAYMENTS, "{} posts and {doubts} doubts", posts.len());
    let runs = world.api.get("/reminder-rules/due/runs?past=true").await.expect(200);
    assert_eq!(runs["items"][0]["matched"], PAYMENTS);
    assert_eq!(runs["items"].as_array().map(Vec::len), Some(1));
    paused.stop().await;
    web.stop().await;
}

async fn until_posts(world: &World, count: usize) {
    let posts = async || (world.posts().len() >= count).then_some(());
    within(LONGEST, &format!("{count} reminders are posted"), posts).await;
}

async fn signal(signal: &str, process: u32) {
    let sent = Command::new("kill").args([signal, &process.to_string()]).status().await;
    assert!(sent.expect("kill exists").success());
}
