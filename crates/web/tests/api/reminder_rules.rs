//! Reminder rules by API: put, read, listed; their runs to come and those that were.

use crate::world::{World, in_days, phone};
use dakiya_core::api_key::{KeyKind, KeyScope};
use serde_json::{Value, json};

fn rule() -> Value {
    json!({"name": "Fees", "template": "payment_reminder", "offsets_days": [3, -3, 0, 7], "at": "11:00", "enabled": true})
}

async fn owe(world: &World, person: usize, due_on: &str) {
    let payment = json!({
        "phone": phone(person), "amount": {"amount": "1250", "currency": "INR"}, "due_on": due_on,
        "pay_url": "https://pay.example.in/1",
    });
    world.put(&format!("/payments/INV-{person}"), payment).await.json(201);
}

#[tokio::test]
async fn a_rule_is_put_with_its_defaults_read_listed_and_changed() {
    let world = World::new().await;
    let made = world.put("/reminder-rules/fees", rule()).await.json(201);
    assert_eq!(made["offsets_days"], json!([-3, 0, 3, 7]));
    assert_eq!(
        (&made["channel"], &made["catch_up"], &made["zone"], &made["working_days_only"]),
        (&json!("sms"), &json!(true), &json!("Asia/Kolkata"), &json!(false))
    );
    assert_eq!(world.get("/reminder-rules/fees").await.json(200), made);
    assert_eq!(world.get("/reminder-rules").await.json(200)["items"], json!([made]));
    let mut changed = rule();
    changed["catch_up"] = json!(false);
    changed["templates"] = json!({"7": "service_completed"});
    changed["limits"] = json!({"per_person_a_day": 1, "cost_per_run": {"amount": "500", "currency": "INR"}});
    changed["payments"] = json!({"tags": ["members"], "least": {"amount": "100", "currency": "INR"}});
    let changed = world.put("/reminder-rules/fees", changed).await.json(200);
    assert_eq!(
        (&changed["catch_up"], &changed["templates"]["7"]),
        (&json!(false), &json!("service_completed"))
    );
    assert_eq!(changed["limits"]["per_person_a_day"], 1);
    assert_eq!(world.get("/reminder-rules/none").await.problem(404), "not_found");
}

#[tokio::test]
async fn every_fault_of_a_rule_is_named_and_nothing_is_stored() {
    let world = World::new().await;
    let wrong = json!({
        "name": "", "template": "no_such", "offsets_days": [0, 0], "at": "25:00", "zone": "India", "channel": "post", "enabled": true,
    });
    let answer = world.put("/reminder-rules/fees", wrong).await;
    let fields: Vec<String> = answer.json(422)["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        ["at", "zone", "channel"].iter().all(|field| fields.iter().any(|found| found == field)),
        "{fields:?}"
    );
    let mut unknown = rule();
    unknown["template"] = json!("no_such");
    assert_eq!(world.put("/reminder-rules/fees", unknown).await.problem(422), "unknown_template");
    for (field, value) in [("template", json!("otp")), ("templates", json!({"7": "otp"}))] {
        let mut code = rule();
        code[field] = value;
        let refused = world.put("/reminder-rules/fees", code).await;
        assert_eq!(refused.fields(422), [field], "a code is no reminder");
    }
    let mut none = rule();
    none["offsets_days"] = json!([]);
    assert_eq!(world.put("/reminder-rules/fees", none).await.problem(422), "invalid_request");
    assert_eq!(world.get("/reminder-rules").await.json(200)["items"], json!([]));
    let reader = world.key(KeyScope::Read, KeyKind::Live).await;
    assert_eq!(
        world.call(&reader, axum::http::Method::PUT, "/reminder-rules/fees", Some(rule())).await.problem(403),
        "insufficient_scope"
    );
}

#[tokio::test]
async fn the_next_runs_say_when_whom_and_for_how_much() {
    let world = World::in_the_morning().await;
    owe(&world, 1, &in_days(10)).await;
    owe(&world, 2, &in_days(10)).await;
    owe(&world, 3, &in_days(12)).await;
    world.post("/payments/INV-2/paid", json!({})).await.json(200);
    world.put("/reminder-rules/fees", rule()).await.json(201);
    let runs = world.get("/reminder-rules/fees/runs").await.json(200);
    let items = runs["items"].as_array().unwrap();
    let steps: Vec<i64> = items.iter().map(|run| run["step"].as_i64().unwrap()).collect();
    assert_eq!(steps, [-3, -3, 0, 0, 3, 3, 7, 7]);
    let first = &items[0];
    assert_eq!((&first["matched"], &first["will_send"]), (&json!(2), &json!(1)));
    assert_eq!(first["suppressed"], json!({"paid": 1}));
    assert_eq!(first["cost"], json!({"amount": "0.80", "currency": "INR"}));
    assert_eq!(first["due_on"], in_days(10));
    assert_eq!(
        world.get("/reminder-rules/fees/runs?limit=3").await.json(200)["items"].as_array().unwrap().len(),
        3
    );
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.get(&format!("/reminder-rules/fees/runs?limit=2{cursor}")).await.json(200);
        paged.extend(page["items"].as_array().unwrap().clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(json!(paged), runs["items"], "page by page, none is left out and none comes twice");
    assert_eq!(world.get("/reminder-rules/fees/runs?cursor=abc").await.problem(422), "invalid_cursor");
    assert_eq!(world.get("/reminder-rules/fees/runs?past=true").await.json(200)["items"], json!([]));
    assert_eq!(world.get("/reminder-rules/fees/runs?past=maybe").await.problem(422), "invalid_request");
    let mut off = rule();
    off["enabled"] = json!(false);
    world.put("/reminder-rules/fees", off).await.json(200);
    assert_eq!(world.get("/reminder-rules/fees/runs").await.json(200)["items"], json!([]));
}
