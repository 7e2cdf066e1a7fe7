//! After the answer to STOP, pause, cancel or stop-all, no POST of that scope begins: round after round, held against
//! Twilio's ledger by a clock that only goes forward.

use crate::aftermath::on_each;
use dakiya_simulator::SimulatorConfig;
use harness::database::Engine;
use harness::seeded::Seeded;
use harness::world::{World, phone};
use serde_json::json;
use std::time::{Duration, Instant};

/// A campaign of many people under way, with messages on the wire at any moment.
async fn under_way(engine: Engine, people: usize, pace: u32) -> (World, String) {
    let world = World::with(engine, SimulatorConfig::immediate(), |setup| setup).await;
    world.simulator.faults().latency(Duration::from_millis(25));
    world.api.patch("/settings", json!({"per_number_hourly_limit": 1_000})).await.expect(200);
    world.template("fence", "service", "Hello {{name}}").await;
    let campaign = json!({"name": "Fence", "template": "fence", "segments_per_second": pace});
    let id = world.create_campaign(campaign).await;
    world.add_recipients(&id, people).await;
    world.approve_as_quoted(&id).await;
    world.until_posts_reach(5).await;
    (world, id)
}

/// POSTs that began between two moments.
fn begun(world: &World, after: Instant, until: Instant) -> Vec<String> {
    let ledger = world.simulator.ledger();
    let between = ledger.iter().filter(|post| post.instant > after && post.instant < until);
    between.map(|post| post.to.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_answer_to_stop_that_number_gets_nothing() {
    on_each(async |engine| {
        let (world, id) = under_way(engine, 1_500, 100).await;
        let mut random = Seeded::new(7);
        let mut answered = Vec::new();
        for round in 0..40 {
            tokio::time::sleep(Duration::from_millis(random.below(200))).await;
            // Somebody whose turn is about now: numbers are sent to in their order.
            let about_now =
                usize::try_from(world.simulator.post_count()).expect("a small number") + round % 7;
            let victim = phone(about_now.min(1_499));
            world.inbound(&victim, "STOP").await;
            answered.push((victim, Instant::now()));
        }
        world.campaign_reaches(&id, "completed").await;
        let ledger = world.simulator.ledger();
        for (victim, at) in answered {
            let late = ledger.iter().filter(|post| *post.to == *victim && post.instant > at).count();
            assert_eq!(late, 0, "{engine:?}: {victim} was posted after STOP was answered");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_answer_to_pause_the_campaign_sends_nothing_until_resume() {
    on_each(async |engine| {
        let (world, id) = under_way(engine, 1_500, 100).await;
        let mut random = Seeded::new(8);
        for round in 0..25 {
            tokio::time::sleep(Duration::from_millis(random.below(250))).await;
            world.api.act(&format!("/campaigns/{id}/pause")).await.expect(200);
            let paused = Instant::now();
            tokio::time::sleep(Duration::from_millis(random.below(400))).await;
            let late = begun(&world, paused, Instant::now());
            assert!(late.is_empty(), "{engine:?}, round {round}: {late:?}");
            world.api.act(&format!("/campaigns/{id}/resume")).await.expect(200);
        }
        world.campaign_reaches(&id, "completed").await;
        assert_eq!(world.simulator.post_count(), 1_500, "all were reached, each once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_answer_to_stop_all_nothing_is_sent_until_resume() {
    on_each(async |engine| {
        let (world, id) = under_way(engine, 1_500, 100).await;
        let mut random = Seeded::new(9);
        for round in 0..25 {
            tokio::time::sleep(Duration::from_millis(random.below(250))).await;
            world.api.post("/sending/stop", json!({"reason": "a round"})).await.expect(200);
            let stopped = Instant::now();
            tokio::time::sleep(Duration::from_millis(random.below(400))).await;
            let late = begun(&world, stopped, Instant::now());
            assert!(late.is_empty(), "{engine:?}, round {round}: {late:?}");
            world.api.act("/sending/resume").await.expect(200);
        }
        world.campaign_reaches(&id, "completed").await;
        assert_eq!(world.simulator.post_count(), 1_500, "all were reached, each once");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_answer_to_cancel_the_campaign_sends_nothing_ever() {
    on_each(async |engine| {
        let mut random = Seeded::new(10);
        let (world, first) = under_way(engine, 300, 100).await;
        let mut id = first;
        for round in 0..10 {
            tokio::time::sleep(Duration::from_millis(random.below(400))).await;
            world.api.act(&format!("/campaigns/{id}/cancel")).await.expect(200);
            let canceled = Instant::now();
            tokio::time::sleep(Duration::from_millis(600)).await;
            let late = begun(&world, canceled, Instant::now());
            assert!(late.is_empty(), "{engine:?}, round {round}: {late:?}");
            let campaign =
                json!({"name": format!("Round {round}"), "template": "fence", "segments_per_second": 100});
            id = world.create_campaign(campaign).await;
            world.add_recipients(&id, 300).await;
            let before = world.simulator.post_count();
            world.approve_as_quoted(&id).await;
            world.until_posts_reach(before + 5).await;
        }
    })
    .await;
}
