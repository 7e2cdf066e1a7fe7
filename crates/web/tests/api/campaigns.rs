//! A campaign by API: written down, filled, priced, approved, steered.

use crate::world::{World, phone};
use axum::http::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

async fn draft(world: &World) -> String {
    let text = json!({"name": "Hello", "category": "service", "channel": "sms", "body": "Hello {{name}}"});
    assert!(world.put("/templates/hello", text).await.status < 300);
    let campaign = world.post("/campaigns", json!({"name": "Winter", "template": "hello"})).await.json(201);
    assert_eq!(campaign["state"], "draft");
    campaign["id"].as_str().unwrap().to_owned()
}

async fn act(world: &World, id: &str, action: &str) -> Value {
    world.call(&world.admin, Method::POST, &format!("/campaigns/{id}/{action}"), None).await.json(200)
}

#[tokio::test]
async fn a_campaign_goes_from_draft_to_completed() {
    let world = World::new().await;
    let id = draft(&world).await;
    let people: Vec<Value> =
        (0..3).map(|n| json!({"to": phone(n), "variables": {"name": format!("N{n}")}})).collect();
    let answer = world.post(&format!("/campaigns/{id}/recipients"), json!(people)).await.json(200);
    assert_eq!(
        (&answer["accepted"], &answer["duplicates"], &answer["rejected"]),
        (&json!(3), &json!(0), &json!([]))
    );

    let estimate = world.get(&format!("/campaigns/{id}/estimate")).await.json(200);
    for member in [
        "recipients",
        "sendable",
        "suppressed",
        "segments",
        "histogram",
        "cost",
        "savings",
        "quote",
        "predicted_start",
        "predicted_finish",
    ] {
        assert!(estimate.get(member).is_some(), "{member} is missing from {estimate}");
    }
    assert_eq!(estimate["cost"]["expected"], json!({"amount": "2.40", "currency": "INR"}));
    let approved =
        world.post(&format!("/campaigns/{id}/approve"), json!({"quote": estimate["quote"]})).await.json(200);
    assert_eq!(approved["counts"], json!({"queued": 3}));
    let again = world.post(&format!("/campaigns/{id}/approve"), json!({"quote": estimate["quote"]})).await;
    assert_eq!(again.problem(409), "invalid_state");

    let running = CancellationToken::new();
    world.engine.plan(&running).await.unwrap();
    world.engine.deliver_all().await.unwrap();
    let campaign = world.get(&format!("/campaigns/{id}")).await.json(200);
    let counted: u64 = campaign["counts"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(counted, 3, "{campaign}");
    assert_eq!(world.simulator.ledger().len(), 3);
}

#[tokio::test]
async fn a_quote_that_no_longer_holds_and_a_budget_too_small_are_refused() {
    let world = World::new().await;
    let id = draft(&world).await;
    world
        .post(&format!("/campaigns/{id}/recipients"), json!([{"to": phone(1), "variables": {"name": "A"}}]))
        .await
        .json(200);
    let quote = world.get(&format!("/campaigns/{id}/estimate")).await.json(200)["quote"].clone();
    world
        .post(&format!("/campaigns/{id}/recipients"), json!([{"to": phone(2), "variables": {"name": "B"}}]))
        .await
        .json(200);
    let void = world.post(&format!("/campaigns/{id}/approve"), json!({"quote": quote})).await;
    assert_eq!(void.problem(409), "quote_changed");

    let dear = json!({"name": "Dear", "template": "hello", "budget": {"amount": "0.10", "currency": "INR"}});
    let dear = world.post("/campaigns", dear).await.json(201)["id"].as_str().unwrap().to_owned();
    world
        .post(&format!("/campaigns/{dear}/recipients"), json!([{"to": phone(1), "variables": {"name": "A"}}]))
        .await
        .json(200);
    let quote = world.get(&format!("/campaigns/{dear}/estimate")).await.json(200)["quote"].clone();
    let refused = world.post(&format!("/campaigns/{dear}/approve"), json!({"quote": quote})).await;
    assert_eq!(refused.problem(422), "over_budget");
}

#[tokio::test]
async fn pause_resume_and_cancel_answer_with_the_new_state() {
    let world = World::new().await;
    let id = draft(&world).await;
    world
        .post(&format!("/campaigns/{id}/recipients"), json!([{"to": phone(1), "variables": {"name": "A"}}]))
        .await
        .json(200);
    let quote = world.get(&format!("/campaigns/{id}/estimate")).await.json(200)["quote"].clone();
    let early = world.call(&world.admin, Method::POST, &format!("/campaigns/{id}/pause"), None).await;
    assert_eq!(early.problem(409), "invalid_state");
    world.post(&format!("/campaigns/{id}/approve"), json!({"quote": quote})).await.json(200);
    assert_eq!(act(&world, &id, "pause").await["state"], "paused");
    let resumed = act(&world, &id, "resume").await;
    assert!(resumed["state"] == "scheduled" || resumed["state"] == "sending", "{resumed}");
    assert_eq!(act(&world, &id, "cancel").await["state"], "canceled");
    assert_eq!(world.get("/campaigns?state=canceled").await.json(200)["items"].as_array().unwrap().len(), 1);
    let late = world.post(&format!("/campaigns/{id}/recipients"), json!([{"to": phone(2)}])).await;
    assert_eq!(late.problem(409), "invalid_state");
}

#[tokio::test]
async fn a_dirty_list_is_sorted_out_row_by_row() {
    let world = World::new().await;
    let id = draft(&world).await;
    let csv = format!(
        "phone,name\n{0},First\n98450 00001,Second\n{0},Third\nnonsense,Fourth\n\"{1}\",\"two\nlines\"\n9.8E+09,Sixth\n",
        phone(0),
        phone(7)
    );
    let answer = world.post_csv(&format!("/campaigns/{id}/recipients"), csv).await.json(200);
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(3), &json!(1)), "{answer}");
    let lines: Vec<u64> =
        answer["rejected"].as_array().unwrap().iter().filter_map(|row| row["line"].as_u64()).collect();
    assert_eq!(lines, [5, 8]);
    assert_eq!(answer["rejected"][0]["column"], "phone");
    assert_eq!(answer["rejected"][0]["value"], "nonsense");
    assert_eq!(answer["rejected"][0]["code"], "invalid_phone");

    let json = world
        .post(&format!("/campaigns/{id}/recipients"), json!([{"to": phone(8)}, {"to": "12"}]))
        .await
        .json(200);
    assert_eq!(json["rejected"][0]["line"], 2);
    assert_eq!(json["rejected"][0]["column"], "to");
}

#[tokio::test]
async fn what_is_no_campaign_is_refused_field_by_field() {
    let world = World::new().await;
    let bad = json!({"name": " ", "template": "no_such", "segments_per_second": 0, "budget": {"amount": "0"}, "send_at": "soon"});
    let answer = world.post("/campaigns", bad).await;
    assert_eq!(answer.fields(422), ["send_at", "name", "segments_per_second", "budget", "template"]);
    let sender = json!({"name": "A", "template": "otp", "sender": "NOBODY"});
    assert_eq!(world.post("/campaigns", sender).await.problem(422), "unknown_sender");
}

#[tokio::test]
async fn an_estimate_is_exact_and_stores_nothing() {
    let world = World::new().await;
    world.put(&format!("/opt-outs/{}", phone(1)), json!({})).await.json(200);
    let recipients: Vec<Value> =
        (0..4).map(|n| json!({"to": phone(n), "variables": {"name": "Asha"}})).collect();
    let estimate = world
        .post("/estimates", json!({"body": "Pay ₹500, {{name}}", "recipients": recipients}))
        .await
        .json(200);
    assert_eq!((&estimate["recipients"], &estimate["sendable"]), (&json!(4), &json!(3)));
    assert_eq!(estimate["suppressed"], json!({"opted_out": 1}));
    assert_eq!(estimate["histogram"], json!({"1": 3}));
    for figure in ["low", "expected", "high", "gst"] {
        assert!(estimate["cost"][figure]["amount"].is_string(), "{estimate}");
    }
    let bad =
        world.post("/estimates", json!({"body": "x", "recipients": [{"to": phone(1)}, {"to": "12"}]})).await;
    assert_eq!(bad.problem(422), "invalid_phone");
    assert_eq!(bad.fields(422), ["recipients[1].to"]);
    assert_eq!(world.get("/messages").await.json(200)["items"], json!([]));
}
