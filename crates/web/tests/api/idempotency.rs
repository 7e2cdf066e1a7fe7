//! Asking twice with one Idempotency-Key does once.

use crate::world::{Answer, World, phone};
use axum::http::Method;
use futures::future::join_all;
use serde_json::{Value, json};

async fn post(world: &World, path: &str, key: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("idempotency-key", key)];
    world.send(Method::POST, &format!("/api/v1{path}"), &headers, body.to_string()).await
}

#[tokio::test]
async fn the_first_answer_is_given_again_and_another_body_is_refused() {
    let world = World::new().await;
    let body = json!({"to": phone(1), "body": "once", "category": "service"});
    let first = post(&world, "/messages", "order-1", &body).await;
    let second = post(&world, "/messages", "order-1", &body).await;
    assert_eq!(first.json(202), second.json(202));
    assert_eq!(second.headers["content-type"], "application/json");
    let other = json!({"to": phone(1), "body": "another", "category": "service"});
    assert_eq!(post(&world, "/messages", "order-1", &other).await.problem(422), "idempotency_key_reused");
    let page = world.get("/messages").await.json(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_at_once_get_the_same_answer() {
    let world = World::new().await;
    let body = json!({"to": phone(2), "body": "once", "category": "service"});
    let answers = join_all((0..10).map(|_| post(&world, "/messages", "burst", &body))).await;
    let first = answers[0].json(202);
    assert!(answers.iter().all(|answer| answer.json(202) == first));
    assert_eq!(world.get("/messages").await.json(200)["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_repeated_too_but_one_that_passes_is_not() {
    let world = World::new().await;
    let bad = json!({"to": "12345", "body": "x", "category": "service"});
    let (first, second) =
        (post(&world, "/messages", "bad", &bad).await, post(&world, "/messages", "bad", &bad).await);
    assert_eq!(first.problem(422), "invalid_phone");
    assert_eq!(first.json(422), second.json(422));
    for index in 0..5 {
        world.message(&phone(3), &format!("message {index}")).await;
    }
    let sixth = json!({"to": phone(3), "body": "sixth", "category": "service"});
    assert_eq!(post(&world, "/messages", "sixth", &sixth).await.status, 429);
    let limit = json!({"per_number_hourly_limit": 100});
    world.call(&world.admin, Method::PATCH, "/settings", Some(limit)).await.json(200);
    assert_eq!(post(&world, "/messages", "sixth", &sixth).await.status, 202);
}

#[tokio::test]
async fn keys_of_two_callers_never_meet() {
    use dakiya_core::api_key::{KeyKind, KeyScope};
    let mut world = World::new().await;
    let body = json!({"to": phone(4), "body": "mine", "category": "service"});
    let first = post(&world, "/messages", "same", &body).await.json(202);
    world.admin = world.key(KeyScope::Admin, KeyKind::Live).await;
    let second = post(&world, "/messages", "same", &body).await.json(202);
    assert_ne!(first["id"], second["id"]);
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused() {
    let world = World::new().await;
    let body = json!({"to": phone(5), "body": "x", "category": "service"});
    for key in ["", &"k".repeat(256)] {
        assert_eq!(post(&world, "/messages", key, &body).await.problem(400), "invalid_idempotency_key");
    }
}
