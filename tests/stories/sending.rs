//! The switch that halts everything.

use harness::world::{FAST, World, phone};
use serde_json::json;

#[tokio::test]
async fn after_the_answer_to_stop_all_nothing_begins_until_resume() {
    for world in World::on_both().await {
        let id = world.slow_campaign(300).await;
        world.until_posts_reach(4).await;
        world.api.post("/sending/stop", json!({"reason": "wrong text"})).await.expect(200);
        let begun = world.posts().len();
        let waiting = world.send(&phone(5_000), "waits as well").await;
        world.pass_some_ticks().await;
        assert_eq!(world.posts().len(), begun);
        assert_eq!(world.message(&waiting["id"]).await["status"], "queued");
        world.set_pace(FAST).await;
        world.api.act("/sending/resume").await.expect(200);
        world.campaign_reaches(&id, "completed").await;
        world.message_reaches(&waiting["id"], "delivered").await;
        assert_eq!(world.posts().len(), 301);
    }
}

#[tokio::test]
async fn refused_credentials_halt_all_sending() {
    let world = World::sqlite().await;
    world.fail_authentication();
    let sent = world.send(&phone(0), "Hello").await;
    world.until_sending_is_held().await;
    world.heal();
    world.api.act("/sending/resume").await.expect(200);
    let other = world.send(&phone(1), "Hello").await;
    world.message_reaches(&other["id"], "delivered").await;
    let first = world.message(&sent["id"]).await;
    assert!(world.posts_to(&phone(0)).len() <= 1, "{first}");
}
