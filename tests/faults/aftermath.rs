//! What must be true after every crash, held against Twilio's own ledger.

use harness::database::Engine;
use harness::world::{World, count};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

/// A message whose worker died is given up on within half a minute, a question to Twilio that a crash cut off is asked
/// again after one, and silence is asked about after two; on a busy machine all that takes longer.
const LONGEST: Duration = Duration::from_secs(360);

/// At Twilio, ended, or waiting for a person to look: nothing of a campaign is anywhere else when it is over.
const AT_REST: &[&str] = &[
    "accepted",
    "unknown",
    "sent",
    "delivered",
    "read",
    "undelivered",
    "failed",
    "rejected",
    "suppressed",
    "expired",
    "canceled",
];

/// No second POST for anybody, nobody lost from sight, every doubt settled or listed, figures that add up.
pub async fn assert_promises(world: &World, campaign: &str, people: usize) {
    let messages = world.api.all(&format!("/messages?campaign={campaign}")).await;
    let mut rows: HashMap<&str, &Value> = HashMap::new();
    for message in &messages {
        let to = message["to"].as_str().expect("a number");
        assert!(rows.insert(to, message).is_none(), "{to} has two messages");
    }
    assert_eq!(rows.len(), people, "everybody in the audience has a message");

    let posts = posts_by_number(world);
    for (to, times) in &posts {
        assert_eq!(*times, 1, "{to} was posted {times} times");
    }
    for (to, message) in &rows {
        let status = message["status"].as_str().expect("a status");
        assert!(AT_REST.contains(&status), "{to} is still {status}");
        let posted = posts.contains_key(*to);
        match status {
            "unknown" => assert!(!posted, "{to} reached Twilio and was not found there"),
            "accepted" | "sent" | "delivered" | "undelivered" | "failed" => {
                assert!(posted, "{to} is {status} and was never posted")
            }
            _ => {}
        }
    }
    let unknown = rows.values().filter(|message| message["status"] == "unknown").count();
    let listed = world.api.all(&format!("/messages?campaign={campaign}&status=unknown")).await;
    assert_eq!(listed.len(), unknown, "every doubt is listed");
    let state = world.campaign(campaign).await;
    assert_eq!(count(&state["counts"]), people as u64, "the counts add up: {state}");
}

/// How often each number was posted.
pub fn posts_by_number(world: &World) -> HashMap<String, usize> {
    let mut posts = HashMap::new();
    for post in world.posts() {
        *posts.entry(post.to).or_default() += 1;
    }
    posts
}

/// Waits until the campaign is over and every doubt that Twilio can settle is settled.
pub async fn until_over(world: &World, campaign: &str) {
    harness::wait::within(LONGEST, "the campaign is over and its doubts are settled", async || {
        let state = world.campaign(campaign).await;
        let waiting =
            ["queued", "posting"].iter().any(|status| state["counts"][status].as_u64().unwrap_or(0) > 0);
        if waiting || state["state"] != "completed" && state["state"] != "canceled" {
            return None;
        }
        let posts = posts_by_number(world);
        let unknown = world.api.all(&format!("/messages?campaign={campaign}&status=unknown")).await;
        unknown
            .iter()
            .all(|message| !posts.contains_key(message["to"].as_str().expect("a number")))
            .then_some(())
    })
    .await;
}

/// Waits until nothing of a campaign that was posted wholly is in doubt or without a final status: lookups settle the
/// doubts of the crash, polls make up for callbacks that are lost.
pub async fn until_caught_up(world: &World, campaign: &str) {
    harness::wait::within(LONGEST, "every status is known", async || {
        let counts = world.campaign(campaign).await["counts"].clone();
        let open = ["queued", "posting", "unknown", "accepted", "sent"];
        (!open.iter().any(|status| counts[status].as_u64().unwrap_or(0) > 0)).then_some(())
    })
    .await;
}

/// The same story on both databases, at the same time.
pub async fn on_each(story: impl AsyncFn(Engine)) {
    futures::join!(story(Engine::Sqlite), story(Engine::Postgres));
}
