//! Keys say who a program is, what it may do, and how far it reaches.

use harness::world::{World, phone};
use serde_json::json;

fn hello(to: &str) -> serde_json::Value {
    json!({"to": to, "body": "Hello", "category": "transactional"})
}

#[tokio::test]
async fn without_a_key_nothing_is_told() {
    let world = World::sqlite().await;
    for key in ["", "wrong", "Bearer", "dk_live_0000000000000000"] {
        let answer = world.api.with_key(key).get("/messages").await;
        answer.problem(401);
    }
}

#[tokio::test]
async fn a_key_does_what_its_scope_says_and_no_more() {
    let world = World::sqlite().await;
    let reader = world.key("read", "live").await;
    reader.get("/messages").await.expect(200);
    reader.post("/messages", hello(&phone(0))).await.problem(403);
    let sender = world.key("send", "live").await;
    sender.post("/messages", hello(&phone(0))).await.expect(202);
    sender.patch("/settings", json!({"per_number_hourly_limit": 100})).await.problem(403);
    sender.post("/sending/stop", json!({"reason": "anybody who may send may stop"})).await.expect(200);
    sender.act("/sending/resume").await.problem(403);
}

#[tokio::test]
async fn a_team_key_reaches_the_team_alone() {
    let world = World::sqlite().await;
    world.api.patch("/settings", json!({"team_numbers": [phone(1)]})).await.expect(200);
    let team = world.key("send", "team").await;
    assert_eq!(team.post("/messages", hello(&phone(0))).await.problem(422), "recipient_not_in_team");
    let sent = team.post("/messages", hello(&phone(1))).await.expect(202);
    world.message_reaches(&sent["id"], "delivered").await;
}

#[tokio::test]
async fn a_test_key_checks_and_counts_and_neither_sends_nor_costs() {
    for world in World::on_both().await {
        let test = world.key("send", "test").await;
        let sent = test.post("/messages", hello(&phone(0))).await.expect(202);
        assert_eq!(sent["segments"], 1);
        assert_eq!(sent["estimated_cost"]["amount"], "0.00");
        let message = world.message_reaches(&sent["id"], "delivered").await;
        assert_eq!(message["twilio_sid"], json!(null));
        world.pass_some_ticks().await;
        assert_eq!(world.posts().len(), 0);
        test.post("/messages", hello("12345")).await.problem(422);
    }
}
