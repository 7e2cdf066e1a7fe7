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
        }
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
