//! The page behind an opt-out link.

use crate::world::{Answer, PUBLIC_URL, World, phone};
use axum::http::Method;
use serde_json::json;

/// The link's path and query, as it stands in a message.
async fn link(world: &World, to: &str) -> String {
    let id = world.message(to, "Stop: {{opt_out_url}}").await;
    let body = world.get(&format!("/messages/{id}")).await.json(200)["body"].as_str().unwrap().to_owned();
    body.split_once(PUBLIC_URL).unwrap().1.to_owned()
}

async fn press(world: &World, link: &str, scope: &str) -> Answer {
    let token = link.split_once("t=").unwrap().1;
    let form = format!("t={token}&scope={scope}");
    world.send(Method::POST, "/o", &[("content-type", "application/x-www-form-urlencoded")], form).await
}

#[tokio::test]
async fn opening_the_link_changes_nothing_and_pressing_the_button_does() {
    let world = World::new().await;
    let link = link(&world, &phone(1)).await;
    let shown = world.send(Method::GET, &link, &[], "").await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(!shown.text.contains(&phone(1)) && !shown.text.contains("9845000001"), "the number is masked");
    assert_eq!(shown.headers["x-robots-tag"], "noindex, nofollow");
    assert_eq!(shown.headers["referrer-policy"], "no-referrer");
    world.message(&phone(1), "opening changed nothing").await;

    let done = press(&world, &link, "all").await;
    assert_eq!(done.status, 200);
    let hello = json!({"to": phone(1), "body": "Hello", "category": "service"});
    assert_eq!(world.post("/messages", hello).await.problem(422), "recipient_opted_out");
    assert_eq!(world.get("/opt-outs").await.json(200)["items"][0]["source"], "link");
}

#[tokio::test]
async fn only_offers_may_be_stopped() {
    let world = World::new().await;
    let link = link(&world, &phone(1)).await;
    assert_eq!(press(&world, &link, "promotional").await.status, 200);
    let offer = json!({"to": phone(1), "body": "Offer", "category": "promotional"});
    assert_eq!(world.post("/messages", offer).await.problem(422), "recipient_opted_out");
    world.message(&phone(1), "Your car is ready").await;
}

#[tokio::test]
async fn a_link_that_was_never_sent_leads_nowhere() {
    let world = World::new().await;
    for token in ["", "AAAAAAAAAAAAAAAAAAAAAA", "..%2F..%2Fetc", "%00", "%ff"] {
        assert_eq!(world.send(Method::GET, &format!("/o?t={token}"), &[], "").await.status, 404, "{token}");
        assert_eq!(press(&world, &format!("/o?t={token}"), "all").await.status, 404, "{token}");
    }
    assert_eq!(world.send(Method::GET, "/o", &[], "").await.status, 404);
    assert_eq!(world.send(Method::POST, "/o", &[], vec![0xff; 100_000]).await.status, 404);
    assert_eq!(world.get("/opt-outs").await.json(200)["items"], json!([]));
}
