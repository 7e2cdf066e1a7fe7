//! Who may do what.

use crate::world::{World, phone};
use axum::body::Body;
use axum::http::{Method, Request};
use dakiya_core::api_key::{KeyKind, KeyScope};
use serde_json::{Value, json};

/// Every operation of the document: method, path with ids filled in, and the scope it says it needs.
async fn operations(world: &World) -> Vec<(Method, String, KeyScope)> {
    let document: Value =
        serde_json::from_str(&world.send(Method::GET, "/api/openapi.json", &[], "").await.text).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let path =
            path.replace("{id}", "00000000-0000-7000-8000-000000000000").replace("{phone}", "9845000001");
        let path = path.replace("{key}", "no_such").replace("{address}", "HEADER");
        for (method, operation) in item.as_object().unwrap() {
            let scope = operation["security"][0]["api_key"][0]
                .as_str()
                .unwrap_or_else(|| panic!("{method} {path} names no scope"));
            operations.push((
                method.to_uppercase().parse().unwrap(),
                path.clone(),
                KeyScope::parse(scope).unwrap(),
            ));
        }
    }
    assert!(operations.len() > 25);
    operations
}

#[tokio::test]
async fn without_a_known_key_nothing_is_told() {
    let world = World::new().await;
    for (method, path, _) in operations(&world).await {
        for credentials in [None, Some("Bearer wrong"), Some("Basic YTpi"), Some("Bearer"), Some("Bearer ")] {
            let mut request = Request::builder().method(method.clone()).uri(&path);
            if let Some(credentials) = credentials {
                request = request.header("authorization", credentials);
            }
            let answer = world.ask(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.problem(401), "unauthorized", "{method} {path}");
            assert!(answer.headers.contains_key("www-authenticate"));
        }
    }
}

#[tokio::test]
async fn each_operation_needs_exactly_the_scope_its_description_names() {
    let world = World::new().await;
    for scope in [KeyScope::Read, KeyScope::Send, KeyScope::Admin] {
        let key = world.key(scope, KeyKind::Live).await;
        for (method, path, needed) in operations(&world).await {
            let path = path.strip_prefix("/api/v1").unwrap();
            let answer = world.call(&key, method.clone(), path, None).await;
            if scope.allows(needed) {
                assert_ne!(answer.status, 403, "{scope} {method} {path}: {}", answer.text);
            } else {
                assert_eq!(answer.problem(403), "insufficient_scope", "{scope} {method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_team_key_reaches_the_team_alone_and_a_test_key_nobody() {
    let world = World::new().await;
    let team = json!({"team_numbers": [phone(1)]});
    world.call(&world.admin, Method::PATCH, "/settings", Some(team)).await.json(200);
    let hello = |to: String| Some(json!({"to": to, "body": "Hello", "category": "service"}));
    let team = world.key(KeyScope::Send, KeyKind::Team).await;
    let answer = world.call(&team, Method::POST, "/messages", hello(phone(2))).await;
    assert_eq!(answer.problem(422), "recipient_not_in_team");
    world.call(&team, Method::POST, "/messages", hello(phone(1))).await.json(202);
    let test = world.key(KeyScope::Send, KeyKind::Test).await;
    world.call(&test, Method::POST, "/messages", hello(phone(3))).await.json(202);
    world.engine.deliver_all().await.unwrap();
    assert_eq!(world.simulator.posts_to(&phone(3)).len(), 0);
    assert_eq!(world.simulator.posts_to(&phone(1)).len(), 1);
}

#[tokio::test]
async fn a_key_that_is_not_live_lets_no_campaign_go() {
    let world = World::new().await;
    let id = world
        .post("/campaigns", json!({"name": "Quiet", "template": "service_started"}))
        .await
        .json(201)["id"]
        .clone();
    let path = format!("/campaigns/{}/approve", id.as_str().unwrap());
    for kind in [KeyKind::Team, KeyKind::Test] {
        let key = world.key(KeyScope::Admin, kind).await;
        let answer = world.call(&key, Method::POST, &path, Some(json!({"quote": "x"}))).await;
        assert_eq!(answer.problem(403), "insufficient_scope");
    }
}
