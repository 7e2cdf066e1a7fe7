//! Anybody who can send sees what a send costs before it.

use harness::world::{World, phone};
use serde_json::{Value, json};

fn recipients(count: usize, variables: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..count).map(|index| json!({"to": phone(index), "variables": variables(index)})).collect()
}

#[tokio::test]
async fn every_recipients_own_text_is_counted() {
    let world = World::sqlite().await;
    let name = |index: usize| json!({"name": if index == 0 { "N".repeat(160) } else { "Asha".to_owned() }});
    let request = json!({"body": "Hello {{name}}", "recipients": recipients(10, name)});
    let estimate = world.api.post("/estimates", request).await.expect(200);
    assert_eq!(estimate["recipients"], 10);
    assert_eq!(estimate["sendable"], 10);
    assert_eq!(estimate["segments"], 11);
    assert_eq!(estimate["histogram"], json!({"1": 9, "2": 1}));
    assert_eq!(estimate["cost"]["low"]["amount"], "6.60");
    assert_eq!(estimate["cost"]["expected"]["amount"], "8.80");
    assert_eq!(estimate["cost"]["high"]["amount"], "13.20");
    assert_eq!(estimate["cost"]["gst"]["currency"], "INR");
}

#[tokio::test]
async fn a_thousand_recipients_cost_to_the_paisa() {
    let world = World::sqlite().await;
    let request = json!({"body": "Short", "recipients": recipients(1_000, |_| json!({}))});
    let estimate = world.api.post("/estimates", request).await.expect(200);
    assert_eq!(estimate["cost"]["expected"]["amount"], "800.00");
    assert_eq!(estimate["cost"]["gst"]["amount"], "144.00");
}

#[tokio::test]
async fn a_rupee_sign_is_priced_as_a_saving_and_the_fix_costs_less() {
    let world = World::sqlite().await;
    let body = format!(
        "Dear customer, please pay ₹1,499 for your service. {}",
        "Thank you for choosing us. ".repeat(3)
    );
    let request = |body: &str| json!({"body": body, "recipients": recipients(100, |_| json!({}))});
    let estimate = world.api.post("/estimates", request(&body)).await.expect(200);
    let savings = estimate["savings"].as_array().expect("savings");
    let saving = savings.iter().find(|saving| saving["fixed_body"].is_string()).expect("a saving with a fix");
    let fixed = saving["fixed_body"].as_str().expect("text");
    assert!(fixed.contains("Rs.") && !fixed.contains('₹'), "{fixed}");
    let after = world.api.post("/estimates", request(fixed)).await.expect(200);
    let segments = |estimate: &Value| estimate["segments"].as_u64().expect("a count");
    assert_eq!(segments(&estimate) - segments(&after), saving["segments"].as_u64().expect("a count"));
}

#[tokio::test]
async fn those_who_would_not_get_it_are_counted_by_reason_and_cost_nothing() {
    let world = World::sqlite().await;
    world.opt_out(&phone(0), "all").await;
    let mut list = recipients(3, |_| json!({"name": "Asha"}));
    list.push(json!({"to": phone(7), "variables": {}}));
    list.push(json!({"to": phone(1), "variables": {"name": "again"}}));
    let request = json!({"body": "Hello {{name}}", "recipients": list});
    let estimate = world.api.post("/estimates", request).await.expect(200);
    assert_eq!(estimate["sendable"], 2);
    assert_eq!(estimate["segments"], 2);
    assert_eq!(estimate["suppressed"], json!({"duplicate": 1, "missing_variable": 1, "opted_out": 1}));
}

#[tokio::test]
async fn nothing_is_sent_or_stored_by_an_estimate() {
    let world = World::sqlite().await;
    let request = json!({"body": "Hello", "recipients": recipients(5, |_| json!({}))});
    world.api.post("/estimates", request).await.expect(200);
    assert_eq!(world.api.all("/messages").await.len(), 0);
    assert_eq!(world.api.all("/contacts").await.len(), 0);
    assert_eq!(world.posts().len(), 0);
}
