//! A campaign, and a hundred `kill -9` at moments nobody chose.

use crate::aftermath::{assert_promises, on_each, until_over};
use dakiya_simulator::SimulatorConfig;
use harness::binary::Setup;
use harness::database::Engine;
use harness::seeded::Seeded;
use harness::world::World;
use serde_json::json;
use std::time::Duration;

const PEOPLE: usize = 2_000;
const KILLS: u32 = 100;

/// Doubts arise soon and are looked up soon, so that the test need not wait a day.
pub fn impatient(setup: Setup) -> Setup {
    setup.with("DAKIYA_UNKNOWN_LOOKUPS", "1s,2s,4s,8s").with("DAKIYA_POST_TIMEOUT", "5s")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_a_hundred_random_moments_nobody_gets_two_and_nobody_is_lost() {
    on_each(async |engine| kill_and_kill_again(engine, 1).await).await;
}

async fn kill_and_kill_again(engine: Engine, seed: u64) {
    let mut random = Seeded::new(seed);
    let mut world = World::with(engine, SimulatorConfig::immediate(), impatient).await;
    // Long enough on the wire for a kill to meet messages there.
    world.simulator.faults().latency(Duration::from_millis(15));
    world.template("crash", "service", "Hello {{name}}, this must come once.").await;
    let campaign = json!({"name": "Crash", "template": "crash", "segments_per_second": 60});
    let id = world.create_campaign(campaign).await;
    world.add_recipients(&id, PEOPLE).await;
    world.approve_as_quoted(&id).await;
    for _ in 0..KILLS {
        tokio::time::sleep(Duration::from_millis(20 + random.below(500))).await;
        world.kill().await;
        world.restart().await;
    }
    until_over(&world, &id).await;
    assert_promises(&world, &id, PEOPLE).await;
}
