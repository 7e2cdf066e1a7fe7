//! Budgets and rate cards by API.

use crate::world::{Answer, MORNING, World, phone};
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
        "reserved": rupees("0.00"), "left": rupees("1000.50"), "expected": rupees("150.00"), "warnings": [], "held": {"messages": 0, "campaigns": []},
    });
    assert_eq!(set, expected);
    let changed = json!({"amount": rupees("5"), "warn_at": [90, 10, 10]});
    assert_eq!(world.put("/budgets/2031-04", changed).await.json(200)["warn_at"], json!([10, 90]));
    assert_eq!(world.get("/budgets/2031-04").await.json(200)["stop"], false);
}

#[tokio::test]
async fn budgets_are_listed_with_what_their_months_will_cost_and_taken_away() {
    let world = World::new().await;
    for (month, amount) in [("2031-04", "1000"), ("2031-05", "100"), ("2040-01", "300")] {
        world.put(&format!("/budgets/{month}"), json!({"amount": rupees(amount)})).await.json(201);
    }
    let first = world.get("/budgets?limit=2").await.json(200);
    let months: Vec<&Value> = first["items"].as_array().unwrap().iter().map(|item| &item["month"]).collect();
    assert_eq!(months, ["2031-04", "2031-05"]);
    // The rent of the month is certain: 150.
    let warning = |percent| json!({"basis": "forecast", "percent": percent});
    assert_eq!(first["items"][0]["warnings"], json!([]));
    assert_eq!(first["items"][1]["warnings"], json!([warning(50), warning(80), warning(100)]));
    let rest =
        world.get(&format!("/budgets?cursor={}", first["next_cursor"].as_str().unwrap())).await.json(200);
    assert_eq!((&rest["items"][0]["month"], &rest["next_cursor"]), (&json!("2040-01"), &Value::Null));
    assert_eq!(rest["items"][0], world.get("/budgets/2040-01").await.json(200));
    let delete = async |path: &str| world.call(&world.admin, axum::http::Method::DELETE, path, None).await;
    assert_eq!(delete("/budgets/2040-01").await.status, 204);
    assert_eq!(delete("/budgets/2040-01").await.problem(404), "not_found");
    assert_eq!(delete("/budgets/january").await.fields(422), ["month"]);
    assert_eq!(world.get("/budgets").await.json(200)["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_a_budget_keeps_waiting_says_which_by_api() {
    let world = World::in_the_morning().await;
    let budget = json!({"amount": rupees("0.10"), "stop": true});
    world.put("/budgets/2026-11", budget).await.json(201);
    let id = world.message(&phone(1), "Hello").await;
    let path = format!("/messages/{id}");
    assert_eq!(world.get(&path).await.json(200)["held_by_budget"], Value::Null);
    let request = dakiya_store::messages::TakeRequest {
        now: MORNING.parse().unwrap(),
        horizon: chrono::TimeDelta::milliseconds(300),
        batch: 100,
        urgent_batch: 100,
        zone: chrono_tz::Asia::Kolkata,
        only: None,
    };
    dakiya_store::messages::take(&world.store, &request).await.unwrap();
    assert_eq!(world.get(&path).await.json(200)["held_by_budget"], "2026-11");
    let listed = world.get("/messages?status=queued").await.json(200);
    assert_eq!(listed["items"][0]["held_by_budget"], "2026-11");
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
    let world = World::in_the_morning().await;
    let text = json!({"name": "Hello", "category": "service", "channel": "sms", "body": "Hello {{name}}"});
    assert!(world.put("/templates/hello", text).await.status < 300);
    let campaign = world.post("/campaigns", json!({"name": "Winter", "template": "hello"})).await.json(201);
    let path = format!("/campaigns/{}", campaign["id"].as_str().unwrap());
    let people = json!([
        {"to": phone(1), "variables": {"name": "A"}}, {"to": phone(2), "variables": {"name": "B"}},
    ]);
    world.post(&format!("{path}/recipients"), people).await.json(200);
    let estimate = world.get(&format!("{path}/estimate")).await.json(200);
    let set = async |amount: &str| {
        let budget = json!({"amount": rupees(amount), "stop": true});
        assert!(world.put("/budgets/2026-11", budget).await.status < 300);
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
    let budget = world.get("/budgets/2026-11").await.json(200);
    assert_eq!((&budget["reserved"], &budget["left"]), (&rupees("1.60"), &rupees("0.00")));
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
    let card = json!({"name": "Ours", "rows": [row("2026-01-01", "0.50"), row("2099-01-01", "0.70")]});
    let stored = world.put("/rate-cards/ours", card.clone()).await.json(201);
    assert_eq!(stored["rows"].as_array().unwrap().len(), 2);
    assert_eq!((&stored["dated"], &stored["in_force"]), (&json!("2026-01-01"), &json!(false)));
    assert_eq!(world.put("/rate-cards/ours", card).await.json(200), stored);
    // What goes out by WhatsApp would have no price: every message of it would be refused.
    let patch = || {
        let patch = json!({"rate_card": "ours"});
        world.call(&world.admin, axum::http::Method::PATCH, "/settings", Some(patch))
    };
    assert_eq!(patch().await.fields(422), ["rate_card"]);
    world.put("/rate-cards/ours", priced(row("2026-01-01", "0.50"))).await.json(200);
    patch().await.json(200);
    let estimate = json!({"body": "Hello", "category": "service", "recipients": [{"to": phone(1)}]});
    assert_eq!(world.post("/estimates", estimate).await.json(200)["cost"]["expected"], rupees("0.50"));
    // Nor does the card in force lose a price.
    let emptied = world.put("/rate-cards/ours", json!({"name": "Ours", "rows": []})).await;
    assert_eq!(emptied.problem(409), "invalid_state");
    assert_eq!(delete(&world, "ours").await.problem(409), "invalid_state");
}

/// A card that prices what goes out by both channels.
fn priced(sms: Value) -> Value {
    let mut whatsapp = row("2026-01-01", "0.60");
    whatsapp["item"] = json!("whatsapp");
    whatsapp["unit"] = json!("message");
    json!({"name": "Ours", "rows": [sms, whatsapp]})
}

async fn delete(world: &World, card: &str) -> Answer {
    world.call(&world.admin, axum::http::Method::DELETE, &format!("/rate-cards/{card}"), None).await
}

#[tokio::test]
async fn no_two_rate_cards_have_one_name_and_they_are_listed_page_by_page() {
    let world = World::new().await;
    world.put("/rate-cards/ours", priced(row("2026-01-01", "0.50"))).await.json(201);
    let second = world.put("/rate-cards/theirs", priced(row("2026-01-01", "0.50"))).await;
    assert_eq!(second.problem(409), "invalid_state");
    assert_eq!(world.get("/rate-cards/theirs").await.problem(404), "not_found");
    let (mut keys, mut path) = (Vec::new(), "/rate-cards?limit=1".to_owned());
    loop {
        let page = world.get(&path).await.json(200);
        keys.extend(
            page["items"].as_array().unwrap().iter().map(|card| card["key"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else { break };
        path = format!("/rate-cards?limit=1&cursor={next}");
    }
    assert_eq!(keys, ["ours", "setup-guide", "twilio-list"]);
    for list in ["/rate-cards", "/finance/scenarios"] {
        assert_eq!(world.get(&format!("{list}?cursor=none")).await.fields(422), ["cursor"], "{list}");
    }
}

#[tokio::test]
async fn a_rate_card_is_removed_unless_it_ships_or_is_used() {
    let world = World::new().await;
    world.put("/rate-cards/ours", priced(row("2026-01-01", "0.50"))).await.json(201);
    assert_eq!(delete(&world, "ours").await.status, 204);
    assert_eq!(delete(&world, "ours").await.problem(404), "not_found");
    assert_eq!(world.get("/rate-cards/ours").await.problem(404), "not_found");
    assert_eq!(delete(&world, "twilio-list").await.problem(409), "invalid_state");
    world.put("/rate-cards/ours", priced(row("2026-01-01", "0.50"))).await.json(201);
}

#[tokio::test]
async fn a_rate_card_that_makes_no_sense_is_refused_with_every_fault() {
    let world = World::new().await;
    let mut wrong = row("2026-01-01", "0.50");
    wrong["unit"] = json!("message");
    wrong["charges"][0]["high"] = json!("0.10");
    let card = json!({"name": "Ours", "rows": [wrong, row("2026-01-01", "-1")]});
    let fields = world.put("/rate-cards/ours", card).await.fields(422);
    let mut never = row("0026-11-22", "0.50");
    never["route"] = json!("in_window");
    let card = json!({"name": "Ours", "rows": [never]});
    assert_eq!(
        world.put("/rate-cards/ours", card).await.fields(422),
        ["rows[0].route", "rows[0].valid_from"]
    );
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
    let delete = async |path: &str| world.call(&world.admin, axum::http::Method::DELETE, path, None).await;
    assert_eq!(delete("/finance/scenarios/list").await.status, 204);
    assert_eq!(delete("/finance/scenarios/list").await.problem(404), "not_found");
    assert_eq!(world.get("/finance/scenarios/list").await.problem(404), "not_found");
    // The one that ships stays as it is, and no two have one name.
    assert_eq!(delete("/finance/scenarios/setup-guide").await.problem(409), "invalid_state");
    let plain = json!({"requests_per_month": 1, "sms_per_request": 1, "phone_numbers": 1});
    for key in ["setup-guide", "other"] {
        let again = json!({"name": "Answers", "scenario": plain});
        assert_eq!(
            world.put(&format!("/finance/scenarios/{key}"), again).await.problem(409),
            "invalid_state"
        );
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
    world.put("/rate-cards/ours", priced(price)).await.json(201);
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
