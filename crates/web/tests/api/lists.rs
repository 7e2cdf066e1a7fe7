//! Lists: filtered, a page at a time, without gaps or repeats.

use crate::world::{World, phone};
use serde_json::json;
use std::collections::HashSet;

#[tokio::test]
async fn pages_follow_each_other_without_gaps_or_repeats() {
    let world = World::new().await;
    for index in 0..7 {
        world.message(&phone(index), "Hello").await;
    }
    let mut seen = HashSet::new();
    let mut path = "/messages?limit=3".to_owned();
    for expected in [3, 3, 1] {
        let page = world.get(&path).await.json(200);
        let items = page["items"].as_array().unwrap();
        assert_eq!(items.len(), expected);
        seen.extend(items.iter().map(|item| item["id"].to_string()));
        path = format!("/messages?limit=3&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
        assert_eq!(page["next_cursor"].is_null(), expected == 1);
    }
    assert_eq!(seen.len(), 7);
}

#[tokio::test]
async fn filters_find_what_they_name() {
    let world = World::new().await;
    for index in 0..3 {
        world.message(&phone(index), "Hello").await;
    }
    let template = json!({"to": phone(9), "template": "service_started", "variables": {"request_id": "1"}});
    world.post("/messages", template).await.json(202);
    for (query, found) in [
        ("phone=98450%2000001", 1),
        ("phone=%2B919845000001", 1),
        ("phone=+919845000001", 1),
        ("status=queued", 4),
        ("status=delivered", 0),
        ("status=", 4),
        ("template=service_started", 1),
        ("template=otp", 0),
        ("template=no_such", 0),
        ("from=2099-01-01", 0),
        ("until=2020-01-01T00:00:00%2B05:30", 0),
        ("from=2020-01-01T00:00:00+05:30", 4),
        ("campaign=00000000-0000-7000-8000-000000000000", 0),
    ] {
        let page = world.get(&format!("/messages?{query}")).await.json(200);
        assert_eq!(page["items"].as_array().unwrap().len(), found, "{query}");
    }
}

#[tokio::test]
async fn what_no_list_understands_is_refused() {
    let world = World::new().await;
    for list in ["/messages", "/campaigns", "/contacts", "/opt-outs", "/templates", "/senders"] {
        for query in ["limit=0", "limit=501", "limit=-1", "limit=many", "surprise=1", "limit=5&limit=6"] {
            let answer = world.get(&format!("{list}?{query}")).await;
            assert_eq!(answer.problem(422), "invalid_request", "{list}?{query}");
        }
        world.get(&format!("{list}?limit=500")).await.json(200);
    }
    for list in ["/messages", "/campaigns"] {
        assert_eq!(
            world.get(&format!("{list}?cursor=nonsense")).await.problem(422),
            "invalid_cursor",
            "{list}"
        );
    }
    for query in ["status=gone", "from=yesterday", "campaign=7", "phone=abc"] {
        world.get(&format!("/messages?{query}")).await.problem(422);
    }
}
