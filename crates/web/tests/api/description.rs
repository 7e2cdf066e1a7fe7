//! The OpenAPI document and its page.

use crate::world::World;
use axum::http::Method;
use serde_json::Value;
use std::collections::HashSet;

async fn document(world: &World) -> Value {
    serde_json::from_str(&world.send(Method::GET, "/api/openapi.json", &[], "").await.text).unwrap()
}

fn references(value: &Value, found: &mut HashSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_shape_that_is_named_is_described() {
    let world = World::new().await;
    let document = document(&world).await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    let mut found = HashSet::new();
    references(&document, &mut found);
    assert!(found.len() > 20, "{found:?}");
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
    }
}

#[tokio::test]
async fn every_operation_says_what_it_needs_and_how_it_refuses() {
    let world = World::new().await;
    let document = document(&world).await;
    let mut names = HashSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(operation["summary"].is_string(), "{what}");
            assert!(names.insert(operation["operationId"].to_string()), "{what} has a name of its own");
            for status in ["401", "403"] {
                assert!(
                    operation["responses"][status]["content"]["application/problem+json"].is_object(),
                    "{what} {status}"
                );
            }
            let parameters = operation["parameters"].to_string();
            assert_eq!(parameters.contains("Idempotency-Key"), method != "get", "{what}");
            let conflict = &operation["responses"]["409"];
            let still =
                conflict["description"].as_str().is_some_and(|told| told.contains("request_in_progress"));
            assert_eq!(still, method != "get", "{what}");
            assert_eq!(conflict["content"]["application/problem+json"].is_object(), still, "{what}");
        }
    }
}

#[tokio::test]
async fn what_the_document_says_of_months_and_warnings_is_what_is_served() {
    let world = World::new().await;
    let document = document(&world).await;
    let csv = &document["paths"]["/api/v1/finance/months/{month}.csv"]["get"];
    assert!(csv["responses"]["200"]["content"]["text/csv"].is_object(), "{csv}");
    let served = world.get("/finance/months/2026-11.csv").await;
    assert_eq!(served.status, 200);
    let warn_at = &document["components"]["schemas"]["BudgetPut"]["properties"]["warn_at"];
    let told = [&warn_at["items"]["minimum"], &warn_at["items"]["maximum"], &warn_at["maxItems"]];
    assert_eq!(told, [1, 1000, 10]);
    let with = |warn_at: Vec<u32>| serde_json::json!({"amount": {"amount": "100"}, "warn_at": warn_at});
    for (warn_at, status) in
        [(vec![1, 1000], 201), (vec![0], 422), (vec![1001], 422), ((1..=11).collect(), 422)]
    {
        assert_eq!(world.put("/budgets/2026-12", with(warn_at.clone())).await.status, status, "{warn_at:?}");
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_runs_no_script() {
    let world = World::new().await;
    let page = world.send(Method::GET, "/api/docs", &[], "").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("<script") && !page.text.contains("style="));
    for path in document(&world).await["paths"].as_object().unwrap().keys() {
        assert!(page.text.contains(path.as_str()), "{path}");
    }
    assert!(page.text.contains("id=\"recipient_opted_out\""), "problem types lead here");
}
