//! Budgets and rate cards by API.

use crate::world::{World, phone};
use dakiya_core::time::Month;
use serde_json::{Value, json};

fn rupees(amount: &str) -> Value {
    json!({"amount": amount, "currency": "INR"})
}

#[tokio::test]
async fn a_budget_is_set_and_says_where_it_stands() {
    let world = World::new().await;
    assert_eq!(world.get("/budgets/2031-04").await.problem(404), "not_found");
    let set =
        world.put("/budgets/2031-04", json!({"amount": rupees("1000.50"), "stop": true})).await.json(201);
    let expected = json!({
        "month": "2031-04", "amount": rupees("1000.50"), "stop": true, "warn_at": [50, 80, 100], "spent": rupees("0.00"),
        "reserved": rupees("0.00"), "left": rupees("1000.50"), "warnings": [], "held": {"messages": 0, "campaigns": []},
    });
    assert_eq!(set, expected);
    let changed = json!({"amount": rupees("5"), "warn_at": [90, 10, 10]});
    assert_eq!(world.put("/budgets/2031-04", changed).await.json(200)["warn_at"], json!([10, 90]));
    assert_eq!(world.get("/budgets/2031-04").await.json(200)["stop"], false);
}

#[tokio::test]
async fn a_budget_that_makes_no_sense_changes_nothing() {
    let world = World::new().await;
    world.put("/budgets/2031-04", json!({"amount": rupees("10")})).await.json(201);
    for (path, body, field) in [
        ("/budgets/2031-13", json!({"amount": rupees("10")}), "month"),
        ("/budgets/april", json!({"amount": rupees("10")}), "month"),
        ("/budgets/2031-04", json!({"amount": rupees("-1")}), "amount"),
        ("/budgets/2031-04", json!({"amount": "10"}), "amount"),
        ("/budgets/2031-04", json!({"amount": rupees("10"), "warn_at": [0]}), "warn_at"),
        ("/budgets/2031-04", json!({"amount": rupees("10"), "limit": 1}), "limit"),
        ("/budgets/2031-04", json!({"stop": true}), "amount"),
    ] {
        assert_eq!(world.put(path, body.clone()).await.fields(422), [field], "{path} {body}");
    }
    assert_eq!(world.get("/budgets/2031-04").await.json(200)["amount"], rupees("10.00"));
}

#[tokio::test]
async fn a_campaign_beyond_the_months_budget_is_not_approved_until_the_budget_is_raised() {
    let world = World::new().await;
    let text = json!({"name": "Hello", "category": "service", "channel": "sms", "body": "Hello {{name}}"});
    assert!(world.put("/templates/hello", text).await.status < 300);
    let campaign = world.post("/campaigns", json!({"name": "Winter", "template": "hello"})).await.json(201);
    let path = format!("/campaigns/{}", campaign["id"].as_str().unwrap());
    let people = json!([
        {"to": phone(1), "variables": {"name": "A"}}, {"to": phone(2), "variables": {"name": "B"}},
    ]);
    world.post(&format!("{path}/recipients"), people).await.json(200);
    let estimate = world.get(&format!("{path}/estimate")).await.json(200);
    // The month of its start; in India the next one may have begun already.
    let month = Month::parse(&estimate["predicted_start"].as_str().unwrap()[..7]).unwrap();
    let set = async |amount: &str| {
        for month in [month, month.plus(1)] {
            let budget = json!({"amount": rupees(amount), "stop": true});
            assert!(world.put(&format!("/budgets/{month}"), budget).await.status < 300);
        }
    };
    set("1.59").await;
    let quote = json!({"quote": estimate["quote"]});
    let refused = world.post(&format!("{path}/approve"), quote.clone()).await;
    assert_eq!(refused.problem(422), "over_budget");
    assert!(refused.text.contains("1.60") && refused.text.contains("1.59"), "{}", refused.text);
    assert_eq!(world.get(&path).await.json(200)["state"], "draft");
    set("1.60").await;
    assert_eq!(
        world.post(&format!("{path}/approve"), quote).await.json(200)["cost"]["reserved"],
        rupees("1.60")
    );
    let mut reserved = Vec::new();
    for month in [month, month.plus(1)] {
        let budget = world.get(&format!("/budgets/{month}")).await.json(200);
        reserved.push((budget["reserved"].clone(), budget["left"].clone()));
    }
    assert!(reserved.contains(&(rupees("1.60"), rupees("0.00"))), "{reserved:?}");
}

fn row(valid_from: &str, expected: &str) -> Value {
    json!({
        "item": "sms", "direction": "outbound", "route": "any", "unit": "segment", "valid_from": valid_from,
        "source": "Contract", "confidence": "high",
        "charges": [{"name": "Twilio", "currency": "INR", "low": expected, "expected": expected, "high": expected}],
    })
}

#[tokio::test]
async fn a_rate_card_is_stored_with_dated_rows_and_priced_with() {
    let world = World::new().await;
    let listed = world.get("/rate-cards").await.json(200);
    let names: Vec<(&str, bool)> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|card| (card["key"].as_str().unwrap(), card["in_force"].as_bool().unwrap()))
        .collect();
    assert_eq!(names, [("setup-guide", true), ("twilio-list", false)]);
    assert_eq!(world.get("/rate-cards/ours").await.problem(404), "not_found");
    let card = json!({"name": "Ours", "rows": [row("2026-01-01", "0.50"), row("2199-01-01", "0.70")]});
    let stored = world.put("/rate-cards/ours", card.clone()).await.json(201);
    assert_eq!(stored["rows"].as_array().unwrap().len(), 2);
    assert_eq!((&stored["dated"], &stored["in_force"]), (&json!("2026-01-01"), &json!(false)));
    assert_eq!(world.put("/rate-cards/ours", card).await.json(200), stored);
    let patch = json!({"rate_card": "ours"});
    world.call(&world.admin, axum::http::Method::PATCH, "/settings", Some(patch)).await.json(200);
    let estimate = json!({"body": "Hello", "category": "service", "recipients": [{"to": phone(1)}]});
    assert_eq!(world.post("/estimates", estimate).await.json(200)["cost"]["expected"], rupees("0.50"));
    // What it never was asked for has no price, and says so.
    let whatsapp = json!({"body": "Hello", "channel": "whatsapp", "recipients": [{"to": phone(1)}]});
    assert_eq!(world.post("/estimates", whatsapp).await.problem(422), "no_rate");
}

#[tokio::test]
async fn a_rate_card_that_makes_no_sense_is_refused_with_every_fault() {
    let world = World::new().await;
    let mut wrong = row("2026-01-01", "0.50");
    wrong["unit"] = json!("message");
    wrong["charges"][0]["high"] = json!("0.10");
    let card = json!({"name": "Ours", "rows": [wrong, row("2026-01-01", "-1")]});
    let fields = world.put("/rate-cards/ours", card).await.fields(422);
    assert_eq!(fields, ["rows[0].unit", "rows[0].charges[0]", "rows[1].charges[0]", "rows[1]"]);
    let floats =
        json!({"name": "Ours", "rows": [{"charges": [{"name": "x", "currency": "INR", "low": 0.5}]}]});
    world.put("/rate-cards/ours", floats).await.problem(422);
    assert_eq!(
        world.put("/rate-cards/Our%20Card", json!({"name": "Ours", "rows": []})).await.fields(422),
        ["key"]
    );
    assert_eq!(world.get("/rate-cards/ours").await.problem(404), "not_found");
}
