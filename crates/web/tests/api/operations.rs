//! What machines ask of a running server.

use crate::world::World;
use axum::http::Method;

#[tokio::test]
async fn a_server_that_works_says_so() {
    let world = World::new().await;
    assert_eq!(world.send(Method::GET, "/healthz", &[], "").await.json(200)["status"], "ok");
    assert_eq!(world.send(Method::GET, "/readyz", &[], "").await.json(200)["status"], "ready");
}

#[tokio::test]
async fn a_server_without_its_database_is_up_but_not_ready() {
    let world = World::new().await;
    world.store.close().await.unwrap();
    assert_eq!(world.send(Method::GET, "/healthz", &[], "").await.status, 200);
    assert_eq!(world.send(Method::GET, "/readyz", &[], "").await.status, 503);
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_address() {
    let world = World::new().await;
    world.get("/messages/00000000-0000-7000-8000-000000000000").await.problem(404);
    world.send(Method::GET, "/no/such/page/4711", &[], "").await;
    let metrics = world.send(Method::GET, "/metrics", &[], "").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.text.contains("route=\"/api/v1/messages/{id}\""), "{}", metrics.text);
    assert!(!metrics.text.contains("4711") && !metrics.text.contains("00000000-0000"), "{}", metrics.text);
}
