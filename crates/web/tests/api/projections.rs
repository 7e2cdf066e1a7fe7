//! Months ahead by API: what is certain at its exact quotes, every total the sum of its lines, nothing guessed.

use crate::world::{World, in_days, phone};
use dakiya_core::money::Money;
use serde_json::{Value, json};

fn rupees(amount: &str) -> Value {
    json!({"amount": amount, "currency": "INR"})
}

fn money(value: &Value) -> Money {
    serde_json::from_value(value.clone()).unwrap()
}

fn adds_up(month: &Value) {
    for figure in ["actual", "committed"] {
        let sum: Money = month["lines"].as_array().unwrap().iter().map(|line| money(&line[figure])).sum();
        assert_eq!(sum, money(&month[figure]), "{figure} of {month}");
    }
}

#[tokio::test]
async fn scheduled_campaigns_and_planned_reminders_are_committed_at_their_exact_quotes() {
    let world = World::in_the_morning().await;
    let text = json!({"name": "Offer", "category": "service", "channel": "sms", "body": "Hello {{name}}"});
    assert!(world.put("/templates/hello", text).await.status < 300);
    let send_at = format!("{}T10:00:00+05:30", in_days(2));
    let campaign = json!({"name": "Winter", "template": "hello", "send_at": send_at});
    let campaign = world.post("/campaigns", campaign).await.json(201);
    let path = format!("/campaigns/{}", campaign["id"].as_str().unwrap());
    let people = json!([
        {"to": phone(1), "variables": {"name": "A"}}, {"to": phone(2), "variables": {"name": "B"}},
    ]);
    world.post(&format!("{path}/recipients"), people).await.json(200);
    let estimate = world.get(&format!("{path}/estimate")).await.json(200);
    world.post(&format!("{path}/approve"), json!({"quote": estimate["quote"]})).await.json(200);
    let payment = json!({"phone": phone(3), "amount": rupees("1250"), "due_on": in_days(40), "pay_url": "https://pay.example.in/1"});
    world.put("/payments/INV-1", payment).await.json(201);
    let rule = json!({"name": "Fees", "template": "payment_reminder", "offsets_days": [-3, 0], "at": "11:00", "enabled": true});
    world.put("/reminder-rules/fees", rule).await.json(201);
    let runs = world.get("/reminder-rules/fees/runs").await.json(200);
    let of_runs: Money = runs["items"].as_array().unwrap().iter().map(|run| money(&run["cost"])).sum();
    assert!(!of_runs.is_zero());

    let answer = world.get("/finance/projection?months=4").await.json(200);
    assert_eq!(answer["rate_card"], "setup-guide");
    assert_eq!((&answer["method"]["name"], &answer["method"]["history_days"]), (&json!("none"), &json!(0)));
    assert!(answer["method"]["assumptions"].as_array().unwrap().len() > 1);
    let months = answer["months"].as_array().unwrap();
    assert_eq!(months.len(), 4);
    assert_eq!(months[0]["month"], in_days(0)[..7]);
    months.iter().for_each(adds_up);
    assert!(months.iter().all(|month| month["projected"].is_null() && month["budget"].is_null()));
    let committed = |channel: &str| -> Money {
        let lines = months.iter().flat_map(|month| month["lines"].as_array().unwrap());
        lines.filter(|line| line["channel"] == channel).map(|line| money(&line["committed"])).sum()
    };
    assert_eq!(committed("sms"), money(&estimate["cost"]["expected"]) + of_runs);
    assert_eq!(committed("number"), Money::parse("600").unwrap());
    for month in months {
        let expected = (money(&month["actual"]) + money(&month["committed"])).rupees()
            * rust_decimal::Decimal::new(18, 2);
        assert_eq!(money(&month["gst"]).rupees().normalize(), expected.normalize());
    }
}

#[tokio::test]
async fn a_month_is_shown_with_its_budget_and_one_that_is_over_with_what_it_cost() {
    let world = World::new().await;
    world.put("/budgets/2031-04", json!({"amount": rupees("1000.50")})).await.json(201);
    let answer = world.get("/finance/projection?from=2031-04&months=2").await.json(200);
    assert_eq!(
        (&answer["months"][0]["budget"], &answer["months"][1]["budget"]),
        (&rupees("1000.50"), &Value::Null)
    );
    assert_eq!(answer["months"][0]["committed"], rupees("150.00"));
    let past = world.get("/finance/projection?from=2024-01&months=1").await.json(200);
    let expected = json!({
        "month": "2024-01", "actual": rupees("0.00"), "committed": rupees("0.00"), "projected": null, "budget": null,
        "gst": rupees("0.00"), "lines": [],
    });
    assert_eq!(past["months"], json!([expected]));
}

#[tokio::test]
async fn months_that_make_no_sense_are_refused_by_field() {
    let world = World::new().await;
    for (query, fields) in [
        ("from=2026-13", vec!["from"]),
        ("from=November&months=0", vec!["from", "months"]),
        ("months=25", vec!["months"]),
        ("months=-1", vec!["months"]),
        ("months=1.5", vec!["months"]),
        ("until=2026-11", vec!["until"]),
    ] {
        assert_eq!(world.get(&format!("/finance/projection?{query}")).await.fields(422), fields, "{query}");
    }
    assert_eq!(world.get("/finance/projection").await.json(200)["months"].as_array().unwrap().len(), 13);
}
