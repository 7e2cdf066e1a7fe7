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

#[tokio::test]
async fn what_a_scenario_leaves_out_is_none_and_the_old_answer_stays_to_the_letter() {
    let world = World::new().await;
    let plain = json!({"requests_per_month": 1000, "sms_per_request": 3, "phone_numbers": 1});
    let cost = world.post("/finance/scenarios/evaluate", plain).await.json(200);
    let line = |name: &str, quantity: u64, unit: &str, rate: &str, amount: &str| json!({"name": name, "quantity": quantity, "unit": unit, "rate": rupees(rate), "amount": rupees(amount)});
    let lines = json!([
        line("Outbound SMS", 3000, "segment", "0.80", "2400.00"),
        line("Phone numbers", 1, "month", "150.00", "150.00"),
    ]);
    assert_eq!(
        (&cost["lines"], &cost["total"], &cost["gst"]),
        (&lines, &rupees("2550.00"), &rupees("459.00"))
    );
    assert_eq!(cost["rate_card"], "setup-guide");
    let other = json!({
        "requests_per_month": 1000, "sms_per_request": 3, "phone_numbers": 1, "rate_card": "twilio-list",
        "whatsapp_percent": 50, "in_window_percent": 100, "rupee_sign": true, "usd_inr": "98", "inbound_whatsapp": 10,
    });
    let cost = world.post("/finance/scenarios/evaluate", other).await.json(200);
    assert_eq!((&cost["usd_inr"], &cost["segments_per_text"]), (&json!("98.00"), &json!(2)));
    let free =
        line("WhatsApp answers within 24 hours: free of Meta’s charge", 1000, "message", "-0.115", "-115.00");
    assert_eq!(cost["lines"][2], free);
    for (field, body) in [
        (
            "whatsapp_percent",
            json!({"requests_per_month": 1, "sms_per_request": 1, "phone_numbers": 0, "whatsapp_percent": 101}),
        ),
        (
            "usd_inr",
            json!({"requests_per_month": 1, "sms_per_request": 1, "phone_numbers": 0, "usd_inr": "0"}),
        ),
        (
            "rate_card",
            json!({"requests_per_month": 1, "sms_per_request": 1, "phone_numbers": 0, "rate_card": "x"}),
        ),
    ] {
        assert_eq!(world.post("/finance/scenarios/evaluate", body).await.fields(422), [field]);
    }
}

#[tokio::test]
async fn a_scenario_is_kept_priced_listed_and_thrown_away() {
    let world = World::new().await;
    let guide = world.get("/finance/scenarios/setup-guide").await.json(200);
    assert_eq!((&guide["cost"]["total"], &guide["rate_card"]), (&rupees("2550.00"), &json!("setup-guide")));
    let month = json!({"requests_per_month": 1000, "sms_per_request": 3, "phone_numbers": 1, "rate_card": "twilio-list", "usd_inr": "96"});
    let kept = json!({"name": "The list", "scenario": month});
    let new = world.put("/finance/scenarios/list", kept.clone()).await.json(201);
    assert_eq!((&new["cost"]["total"], &new["cost"]["gst"]), (&rupees("24072.00"), &rupees("4332.96")));
    assert_eq!((&new["scenario"]["usd_inr"], &new["no_price"]), (&json!("96"), &Value::Null));
    world.put("/finance/scenarios/list", kept).await.json(200);
    let unpriced = json!({"name": "Answers", "scenario": {
        "requests_per_month": 1, "sms_per_request": 1, "phone_numbers": 1, "rate_card": "twilio-list", "inbound_sms": 4,
    }});
    let unpriced = world.put("/finance/scenarios/answers", unpriced).await.json(201);
    assert!(
        unpriced["cost"].is_null() && unpriced["no_price"].as_str().unwrap().contains("no inbound sms price")
    );
    let listed = world.get("/finance/scenarios?limit=2").await.json(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let rest =
        world.get(&format!("/finance/scenarios?cursor={}", listed["next_cursor"].as_str().unwrap())).await;
    assert_eq!(rest.json(200)["items"][0]["key"], "setup-guide");
    for path in ["/finance/scenarios/list", "/finance/scenarios/setup-guide"] {
        let delete = || world.call(&world.admin, axum::http::Method::DELETE, path, None);
        assert_eq!(delete().await.status, 204);
        assert_eq!(delete().await.problem(404), "not_found");
        assert_eq!(world.get(path).await.problem(404), "not_found");
    }
}

#[tokio::test]
async fn a_scenario_that_makes_no_sense_is_refused_with_every_fault_and_not_kept() {
    let world = World::new().await;
    let wrong = json!({"name": "", "scenario": {
        "requests_per_month": 1_000_000_001u64, "sms_per_request": 1, "phone_numbers": 1, "rate_card": "none",
    }});
    let fields = world.put("/finance/scenarios/New%20one", wrong).await.fields(422);
    assert_eq!(fields, ["key", "name", "scenario.requests_per_month", "scenario.rate_card"]);
    let unknown = json!({"name": "x", "scenario": {"requests_per_month": 1, "sms_per_request": 1, "phone_numbers": 1, "likes": 1}});
    assert_eq!(world.put("/finance/scenarios/x", unknown).await.fields(422), ["scenario.likes"]);
    assert_eq!(world.get("/finance/scenarios").await.json(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_month_is_read_as_json_and_as_csv() {
    let world = World::new().await;
    let month = world.get("/finance/months/2031-04").await.json(200);
    assert_eq!(
        (&month["spent"], &month["total"], &month["lines"]),
        (&rupees("0.00"), &rupees("0.00"), &json!([]))
    );
    assert_eq!(month["gst_mode"], "vendor_charged");
    let csv = world.get("/finance/months/2031-04.csv").await;
    assert_eq!(
        (csv.status, &csv.headers["content-type"]),
        (200, &"text/csv; charset=utf-8".parse().unwrap())
    );
    assert!(csv.text.contains("\ntotal,2031-04,"), "{}", csv.text);
    for path in ["/finance/months/2031-13", "/finance/months/april.csv", "/finance/months/2031-04.xlsx"] {
        assert_eq!(world.get(path).await.fields(422), ["month"], "{path}");
    }
}

#[tokio::test]
async fn what_may_be_free_makes_an_estimates_low_price_lower_and_nothing_else() {
    let world = World::new().await;
    let mut price = row("2026-01-01", "0.50");
    price["charges"][0]["free_per_month"] = json!(1);
    world.put("/rate-cards/ours", json!({"name": "Ours", "rows": [price]})).await.json(201);
    let patch = json!({"rate_card": "ours"});
    world.call(&world.admin, axum::http::Method::PATCH, "/settings", Some(patch)).await.json(200);
    let people: Vec<Value> = (1..4).map(|n| json!({"to": phone(n)})).collect();
    let estimate = json!({"body": "Hello", "category": "service", "recipients": people});
    let cost = world.post("/estimates", estimate).await.json(200)["cost"].clone();
    assert_eq!(
        [&cost["low"], &cost["expected"], &cost["high"]],
        [&rupees("1.00"), &rupees("1.50"), &rupees("1.50")]
    );
}
