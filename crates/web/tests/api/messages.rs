//! One message: its shapes, its refusals.

use crate::world::{World, phone};
use serde_json::{Value, json};

#[tokio::test]
async fn a_message_has_the_shapes_of_the_contract() {
    let world = World::new().await;
    let body =
        json!({"to": "98450 00001", "template": "service_started", "variables": {"request_id": "SR-1"}});
    let accepted = world.post("/messages", body).await.json(202);
    let keys: Vec<&String> = accepted.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["channel", "encoding", "estimated_cost", "id", "segments", "status", "to"]);
    assert_eq!(accepted["to"], phone(1));
    assert_eq!(accepted["status"], "queued");
    assert_eq!(accepted["encoding"], "GSM-7");
    assert_eq!(accepted["estimated_cost"], json!({"amount": "0.80", "currency": "INR"}));

    let id = accepted["id"].as_str().unwrap();
    let detail = world.get(&format!("/messages/{id}")).await.json(200);
    for member in [
        "id",
        "to",
        "status",
        "suppressed_reason",
        "twilio_sid",
        "error_code",
        "error",
        "body",
        "encoding",
        "segments",
        "estimated_cost",
        "actual_cost",
        "attempts",
        "campaign",
        "created_at",
        "due_at",
        "sent_at",
        "delivered_at",
        "events",
    ] {
        assert!(detail.get(member).is_some(), "{member} is missing from {detail}");
    }
    assert_eq!(detail["actual_cost"], Value::Null);
    assert!(detail["body"].as_str().unwrap().contains("SR-1"));
}

#[tokio::test]
async fn a_posted_message_tells_who_said_what_about_it() {
    let world = World::new().await;
    let id = world.message(&phone(1), "Hello").await;
    world.engine.deliver_all().await.unwrap();
    let detail = world.get(&format!("/messages/{id}")).await.json(200);
    assert_eq!(detail["attempts"], 1);
    assert!(detail["twilio_sid"].as_str().unwrap().starts_with("SM"));
    for event in detail["events"].as_array().unwrap() {
        assert!(
            event["at"].is_string() && event["status"].is_string() && event["source"].is_string(),
            "{event}"
        );
    }
    assert_eq!(world.simulator.posts_to(&phone(1)).len(), 1);
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_with_its_code_and_its_field() {
    let world = World::new().await;
    world.put(&format!("/opt-outs/{}", phone(3)), json!({"scope": "all", "reason": "asked"})).await.json(200);
    let cases = [
        (json!({"to": "12345", "body": "x", "category": "service"}), "invalid_phone", "to"),
        (json!({"to": "+1 212 555 0100", "body": "x", "category": "service"}), "country_not_allowed", "to"),
        (json!({"to": phone(1), "template": "no_such"}), "unknown_template", "template"),
        (json!({"to": phone(1), "template": "service_started"}), "missing_variable", "variables.request_id"),
        (json!({"to": phone(3), "body": "x", "category": "service"}), "recipient_opted_out", "to"),
        (json!({"to": phone(1), "body": "a".repeat(1_601), "category": "service"}), "body_too_long", "body"),
        (json!({"to": phone(1), "body": "Hello {{name", "category": "service"}), "invalid_template", "body"),
        (
            json!({"to": phone(1), "body": "x", "category": "service", "sender": "+919999999999"}),
            "unknown_sender",
            "sender",
        ),
        (json!({"to": phone(1), "body": "x"}), "invalid_request", "category"),
        (json!({"to": phone(1), "category": "service"}), "invalid_request", "template"),
        (
            json!({"to": phone(1), "body": "x", "template": "otp", "category": "service"}),
            "invalid_request",
            "body",
        ),
        (
            json!({"to": phone(1), "body": "x", "category": "service", "send_at": "tomorrow"}),
            "invalid_request",
            "send_at",
        ),
        (
            json!({"to": phone(1), "body": "x", "category": "service", "send_at": "2020-01-01T00:00:00Z"}),
            "invalid_request",
            "send_at",
        ),
    ];
    for (body, code, field) in cases {
        let answer = world.post("/messages", body.clone()).await;
        assert_eq!(answer.problem(422), code, "{body}");
        assert_eq!(answer.fields(422), [field], "{body}");
    }
    assert_eq!(world.get("/messages").await.json(200)["items"], json!([]));
}

#[tokio::test]
async fn too_many_in_an_hour_are_told_when_to_come_again() {
    let world = World::new().await;
    for index in 0..5 {
        world.message(&phone(4), &format!("message {index}")).await;
    }
    let answer =
        world.post("/messages", json!({"to": phone(4), "body": "one more", "category": "service"})).await;
    assert_eq!(answer.problem(429), "rate_limited");
    let seconds: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3_600).contains(&seconds));
}

#[tokio::test]
async fn an_error_code_is_explained_in_plain_words() {
    let world = World::new().await;
    let id = world.message(&phone(5), "Hello").await;
    world.engine.deliver_all().await.unwrap();
    let sid =
        world.get(&format!("/messages/{id}")).await.json(200)["twilio_sid"].as_str().unwrap().to_owned();
    let path = format!("/webhooks/twilio/status?m={id}");
    let params = [("MessageSid", sid.as_str()), ("MessageStatus", "undelivered"), ("ErrorCode", "30005")];
    assert_eq!(world.webhook(&path, &params).await.status, 204);
    let detail = world.get(&format!("/messages/{id}")).await.json(200);
    assert_eq!(detail["status"], "undelivered");
    assert_eq!(detail["error_code"], 30_005);
    assert!(detail["error"].as_str().unwrap().len() > 20, "{detail}");
}
