//! A backend engineer sends single messages through the API.

use harness::world::{World, phone};
use serde_json::json;

#[tokio::test]
async fn a_message_is_accepted_paced_delivered_and_priced() {
    for world in World::on_both().await {
        world
            .template(
                "service_request_received",
                "transactional",
                "{{brand}}: request {{request_id}} received.",
            )
            .await;
        let body = json!({"to": "98450 11234", "template": "service_request_received", "variables": {"request_id": "4711"}});
        let accepted = world.api.post("/messages", body).await.expect(202);
        assert_eq!(accepted["to"], "+919845011234");
        assert_eq!(accepted["status"], "queued");
        assert_eq!(accepted["channel"], "sms");
        assert_eq!(accepted["segments"], 1);
        assert_eq!(accepted["estimated_cost"], json!({"amount": "0.80", "currency": "INR"}));

        let message = world.message_priced(&accepted["id"]).await;
        assert_eq!(message["status"], "delivered");
        assert_eq!(message["body"], "VehicAid: request 4711 received.");
        assert_eq!(message["attempts"], 1);
        assert_eq!(message["actual_cost"]["amount"], "0.80");
        let statuses: Vec<&str> = events(&message).collect();
        assert_eq!(statuses.first(), Some(&"queued"), "{statuses:?}");
        assert_eq!(statuses.last(), Some(&"delivered"), "{statuses:?}");
        assert_eq!(world.posts_to("+919845011234").len(), 1);
    }
}

fn events(message: &serde_json::Value) -> impl Iterator<Item = &str> {
    message["events"].as_array().expect("events").iter().filter_map(|event| event["status"].as_str())
}

#[tokio::test]
async fn the_segments_we_count_are_the_segments_that_twilio_bills() {
    let world = World::sqlite().await;
    let bodies = [
        "plain".to_owned(),
        "a".repeat(160),
        "a".repeat(161),
        "€".repeat(80),
        "Pay ₹1,499 now".to_owned(),
        "नमस्ते ".repeat(30),
        "👩‍👩‍👧 ".repeat(20),
        "{curly} [square] ~tilde~ ".repeat(12),
    ];
    for (index, body) in bodies.iter().enumerate() {
        let to = phone(index);
        let accepted = world.send(&to, body).await;
        world.message_reaches(&accepted["id"], "delivered").await;
        let billed = world.posts_to(&to)[0].segments;
        assert_eq!(accepted["segments"], billed, "{body}");
    }
}

#[tokio::test]
async fn the_same_idempotency_key_sends_one_message_and_answers_the_same() {
    for world in World::on_both().await {
        let body = json!({"to": phone(1), "body": "once", "category": "transactional"});
        let first = world.api.post_once("/messages", "order-1", body.clone()).await;
        let second = world.api.post_once("/messages", "order-1", body).await;
        assert_eq!(first.expect(202), second.expect(202));
        let other = json!({"to": phone(1), "body": "another", "category": "transactional"});
        let third = world.api.post_once("/messages", "order-1", other).await;
        assert_eq!(third.problem(422), "idempotency_key_reused");
        world.message_reaches(&first.json()["id"], "delivered").await;
        assert_eq!(world.posts_to(&phone(1)).len(), 1);
    }
}

#[tokio::test]
async fn twenty_requests_at_once_with_one_key_send_one_message() {
    for world in World::on_both().await {
        let body = json!({"to": phone(2), "body": "once", "category": "transactional"});
        let requests = (0..20).map(|_| world.api.post_once("/messages", "burst", body.clone()));
        let answers = futures::future::join_all(requests).await;
        let ids: std::collections::HashSet<String> = answers
            .iter()
            .filter(|answer| answer.status == 202)
            .map(|answer| answer.json()["id"].to_string())
            .collect();
        assert_eq!(ids.len(), 1, "{answers:?}");
        for answer in answers.iter().filter(|answer| answer.status != 202) {
            assert_eq!(
                answer.status, 409,
                "only \"still being answered\" is another answer: {}",
                answer.text
            );
        }
        let id: serde_json::Value = serde_json::from_str(ids.iter().next().expect("one id")).expect("an id");
        world.message_reaches(&id, "delivered").await;
        assert_eq!(world.posts_to(&phone(2)).len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_at_the_door_with_a_code() {
    let world = World::sqlite().await;
    world.template("otp", "otp", "Your code is {{code}}.").await;
    world.opt_out(&phone(3), "all").await;
    let long = "a".repeat(1_601);
    let cases = [
        (json!({"to": "12345", "body": "x", "category": "service"}), "invalid_phone"),
        (json!({"to": "98765O43210", "body": "x", "category": "service"}), "invalid_phone"),
        (json!({"to": "+1 212 555 0100", "body": "x", "category": "service"}), "country_not_allowed"),
        (json!({"to": phone(1), "template": "nothing_of_the_kind"}), "unknown_template"),
        (json!({"to": phone(1), "template": "otp", "variables": {}}), "missing_variable"),
        (json!({"to": phone(3), "body": "x", "category": "service"}), "recipient_opted_out"),
        (json!({"to": phone(1), "body": long, "category": "service"}), "body_too_long"),
    ];
    for (body, code) in cases {
        assert_eq!(world.api.post("/messages", body.clone()).await.problem(422), code, "{body}");
    }
    assert_eq!(world.posts().len(), 0);
}

#[tokio::test]
async fn the_sixth_message_in_an_hour_to_one_number_has_to_wait() {
    for world in World::on_both().await {
        for index in 0..5 {
            world.send(&phone(4), &format!("message {index}")).await;
        }
        let body = json!({"to": phone(4), "body": "one too many", "category": "transactional"});
        let answer = world.api.post("/messages", body).await;
        assert_eq!(answer.problem(429), "rate_limited");
        let wait: u64 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
        assert!((1..=3_600).contains(&wait), "{wait}");
        world.send(&phone(5), "another number is not concerned").await;
    }
}

#[tokio::test]
async fn whatsapp_is_spelled_so_at_twilio_alone() {
    let world = World::sqlite().await;
    let body = json!({"to": phone(6), "channel": "whatsapp", "body": "Your mechanic is near.", "category": "service"});
    let accepted = world.api.post("/messages", body).await.expect(202);
    assert_eq!(accepted["to"], phone(6));
    assert_eq!(accepted["channel"], "whatsapp");
    assert_eq!(accepted["estimated_cost"]["amount"], "0.60");
    let message = world.message_priced(&accepted["id"]).await;
    assert_eq!(message["actual_cost"]["amount"], "0.60");
    assert!(!message.to_string().contains("whatsapp:"), "{message}");
    let posts = world.posts_to(&format!("whatsapp:{}", phone(6)));
    assert_eq!(posts.len(), 1);
    assert!(posts[0].from.starts_with("whatsapp:+"));
}

#[tokio::test]
async fn a_message_for_later_waits() {
    let world = World::sqlite().await;
    let later = json!({"to": phone(7), "body": "later", "category": "service", "send_at": "2099-01-01T10:00:00+05:30"});
    let accepted = world.api.post("/messages", later).await.expect(202);
    let now = world.send(&phone(8), "now").await;
    world.message_reaches(&now["id"], "delivered").await;
    let message = world.message(&accepted["id"]).await;
    assert_eq!(message["status"], "queued");
    assert_eq!(message["due_at"], "2099-01-01T04:30:00Z");
    assert_eq!(world.posts_to(&phone(7)).len(), 0);
}

#[tokio::test]
async fn the_log_is_filtered_and_paged_without_gaps_or_repeats() {
    for world in World::on_both().await {
        for index in 0..12 {
            world.send(&phone(100 + index), "hello").await;
        }
        world.until_quiet().await;
        let mut seen = Vec::new();
        let mut path = "/messages?limit=5".to_owned();
        loop {
            let page = world.api.get(&path).await.expect(200);
            let items = page["items"].as_array().expect("items");
            seen.extend(items.iter().map(|item| item["id"].to_string()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            assert_eq!(items.len(), 5);
            path = format!("/messages?limit=5&cursor={next}");
        }
        let distinct: std::collections::HashSet<&String> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (12, 12));
        let one = phone(103).replace('+', "%2B");
        assert_eq!(world.api.all(&format!("/messages?phone={one}")).await.len(), 1);
        assert_eq!(world.api.all("/messages?status=delivered").await.len(), 12);
        assert_eq!(world.api.all("/messages?status=failed").await.len(), 0);
        assert_eq!(world.api.all("/messages?from=2099-01-01T00:00:00Z").await.len(), 0);
    }
}
