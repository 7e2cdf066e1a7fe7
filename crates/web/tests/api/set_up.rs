//! Templates, senders, settings, the switch, the test SMS and scenarios.

use crate::world::{World, phone};
use axum::http::Method;
use dakiya_core::api_key::{KeyKind, KeyScope};
use serde_json::{Value, json};

#[tokio::test]
async fn a_template_has_versions_and_languages() {
    let world = World::new().await;
    let text = |body: &str| json!({"name": "Hello", "category": "service", "channel": "sms", "body": body});
    assert_eq!(world.put("/templates/hello", text("Hello {{name}}")).await.json(201)["version"], 1);
    assert_eq!(world.put("/templates/hello", text("Hello {{name}}")).await.json(200)["version"], 1);
    assert_eq!(world.put("/templates/hello", text("Namaste {{name}}")).await.json(200)["version"], 2);
    let hindi = json!({"name": "Hello", "category": "service", "channel": "sms", "body": "नमस्ते {{name}}", "language": "hi"});
    world.put("/templates/hello", hindi).await.json(200);
    let template = world.get("/templates/hello").await.json(200);
    assert_eq!(template["variants"].as_array().unwrap().len(), 2);
    assert_eq!(template["placeholders"], json!(["name"]));
    assert!(
        world.get("/templates").await.json(200)["items"].as_array().unwrap().len() >= 7,
        "the starter set is there"
    );
    for (key, body, code) in [
        ("hello", "Hello {{name", "invalid_template"),
        ("hello", "", "invalid_template"),
        ("a%20b", "x", "invalid_request"),
    ] {
        assert_eq!(world.put(&format!("/templates/{key}"), text(body)).await.problem(422), code);
    }
}

#[tokio::test]
async fn a_sender_is_stored_and_a_wrong_one_refused() {
    let world = World::new().await;
    let header = json!({"kind": "header", "segments_per_second": 10, "promotional": true, "monthly_rent": {"amount": "150.00", "currency": "INR"}});
    assert_eq!(world.put("/senders/VEHAID", header.clone()).await.json(201)["channel"], "sms");
    world.put("/senders/VEHAID", header).await.json(200);
    for rent in ["-0.01", "1000000.01", "9223372036854"] {
        let absurd = json!({"kind": "header", "segments_per_second": 10, "promotional": true, "monthly_rent": {"amount": rent}});
        assert_eq!(world.put("/senders/VEHAID", absurd).await.fields(422), ["monthly_rent"], "{rent}");
    }
    assert_eq!(world.get("/senders").await.json(200)["items"].as_array().unwrap().len(), 3);
    let wrong = json!({"kind": "number", "segments_per_second": 0, "promotional": false});
    assert_eq!(world.put("/senders/NOTANUMBER", wrong).await.fields(422), ["address", "segments_per_second"]);
}

#[tokio::test]
async fn settings_are_changed_in_part_and_nonsense_is_refused() {
    let world = World::new().await;
    let patch = |body: Value| world.call(&world.admin, Method::PATCH, "/settings", Some(body));
    let before = world.get("/settings").await.json(200);
    assert_eq!(before["usd_inr"], "96.00");
    assert_eq!(before["promotional_window"], json!({"from": "10:00", "until": "21:00"}));
    let after = patch(json!({"usd_inr": "97.5", "gst": {"rate": "12"}})).await.json(200);
    assert_eq!(after["usd_inr"], "97.50");
    assert_eq!(after["require_consent"], before["require_consent"]);
    for bad in [
        json!({"usd_inr": 97.5}),
        json!({"usd_inr": "-1"}),
        json!({"promotional_window": {"from": "25:00", "until": "21:00"}}),
        json!({"promotional_window": {"from": "09:00", "until": "21:00"}}),
        json!({"surprise": 1}),
        json!({"rate_card": "no-such"}),
        json!({"allowed_countries": []}),
        json!({"team_numbers": ["12345"]}),
    ] {
        assert!(!patch(bad.clone()).await.fields(422).is_empty(), "{bad}");
    }
    assert_eq!(world.get("/settings").await.json(200), after);
}

#[tokio::test]
async fn the_switch_stops_everything_until_it_is_lifted() {
    let world = World::new().await;
    assert_eq!(world.get("/sending").await.json(200)["stopped"], false);
    let stopped = world.post("/sending/stop", json!({"reason": "wrong text"})).await.json(200);
    assert_eq!((&stopped["stopped"], &stopped["reason"]), (&json!(true), &json!("wrong text")));
    world.message(&phone(1), "Hello").await;
    world.engine.deliver_all().await.unwrap();
    assert_eq!(world.simulator.ledger().len(), 0);
    let resumed = world.call(&world.admin, Method::POST, "/sending/resume", None).await.json(200);
    assert_eq!(resumed["stopped"], false);
    world.engine.deliver_all().await.unwrap();
    assert_eq!(world.simulator.ledger().len(), 1);
}

#[tokio::test]
async fn the_test_sms_has_the_shapes_of_the_contract() {
    let world = World::new().await;
    for path in ["/test-sms/", "/test-sms"] {
        let sent = world.post(path, json!({"phone": phone(1), "message": "Hello"})).await.json(200);
        assert_eq!(sent["success"], true);
        assert!(sent["message"].is_string());
        assert!(sent["sid"].as_str().unwrap().starts_with("SM"));
    }
    for bad in [
        json!({}),
        json!({"phone": ""}),
        json!({"phone": null}),
        json!({"phone": 5}),
        json!({"phone": "12345"}),
    ] {
        let refused = world.post("/test-sms/", bad.clone()).await.json(400);
        assert_eq!(refused.as_object().unwrap().keys().collect::<Vec<_>>(), ["error"], "{bad}");
    }
    let test_key = world.key(KeyScope::Admin, KeyKind::Test).await;
    let to_nobody = world.call(&test_key, Method::POST, "/test-sms/", Some(json!({"phone": phone(1)}))).await;
    assert!(to_nobody.json(400)["error"].as_str().unwrap().contains("test key"));
    world.post("/sending/stop", json!({})).await.json(200);
    let failed = world.post("/test-sms/", json!({"phone": phone(1)})).await.json(500);
    assert_eq!(failed["success"], false);
    assert!(failed["error"].is_string());
    assert_eq!(world.simulator.posts_to(&phone(1)).len(), 2);
}

#[tokio::test]
async fn the_plain_scenario_costs_what_the_guide_says() {
    let world = World::new().await;
    let plain = json!({"requests_per_month": 1000, "sms_per_request": 3, "phone_numbers": 1});
    let cost = world.post("/finance/scenarios/evaluate", plain).await.json(200);
    assert_eq!(cost["lines"][0]["amount"]["amount"], "2400.00");
    assert_eq!(cost["lines"][1]["amount"]["amount"], "150.00");
    assert_eq!(cost["total"]["amount"], "2550.00");
    let dear = json!({"requests_per_month": 1000, "sms_per_request": 3, "phone_numbers": 1, "rate_card": "twilio-list"});
    assert!(world.post("/finance/scenarios/evaluate", dear).await.json(200)["total"]["amount"].is_string());
    let huge = json!({"requests_per_month": u64::MAX, "sms_per_request": 3, "phone_numbers": 1});
    assert_eq!(world.post("/finance/scenarios/evaluate", huge).await.fields(422), ["requests_per_month"]);
}
