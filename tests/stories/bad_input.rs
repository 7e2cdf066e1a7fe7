//! Whatever a program sends, the answer is a problem document below 500.

use harness::api::Answer;
use harness::world::{World, phone};
use reqwest::Method;
use serde_json::json;

const POSTS: &[&str] = &["/messages", "/estimates", "/campaigns", "/test-sms/", "/sending/stop"];

fn assert_refused(answer: &Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
}

#[tokio::test]
async fn wrong_types_and_unknown_fields_are_refused() {
    let world = World::sqlite().await;
    let bodies = [
        json!([]),
        json!("text"),
        json!({"to": 12}),
        json!({"to": phone(0), "body": ["x"], "category": "service"}),
        json!({"to": phone(0), "body": "x", "category": "spam"}),
        json!({"to": phone(0), "body": "x", "category": "service", "surprise": true}),
        json!({"name": null, "template": {}, "recipients": "all"}),
    ];
    for path in POSTS {
        for body in &bodies {
            let answer = world.api.post(path, body.clone()).await;
            assert_refused(&answer, &format!("{path} {body}"));
        }
    }
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let world = World::sqlite().await;
    for body in ["", "{", "\u{0}", "{\"to\":\"\\ud800\"}", "<xml/>"] {
        let request = world
            .api
            .request(Method::POST, "/messages")
            .header("content-type", "application/json")
            .body(body);
        assert_refused(&Answer::of(request).await, body);
    }
    let request =
        world.api.request(Method::POST, "/messages").header("content-type", "text/plain").body("{}");
    assert_refused(&Answer::of(request).await, "text/plain");
}

#[tokio::test]
async fn a_huge_body_is_refused() {
    let world = World::sqlite().await;
    let huge = json!({"to": phone(0), "body": "x".repeat(8 * 1024 * 1024), "category": "service"});
    assert_eq!(world.api.post("/messages", huge).await.status, 413);
}

#[tokio::test]
async fn injection_is_just_text() {
    let world = World::sqlite().await;
    let strings = [
        "'; drop table messages; --",
        "<script>alert(1)</script>",
        "{{constructor}}",
        "\u{0}",
        "%n%s",
        "\u{202e}abc",
    ];
    for text in strings {
        let paths = [
            format!("/messages?phone={}", escaped(text)),
            format!("/messages?status={}", escaped(text)),
            format!("/messages?cursor={}", escaped(text)),
            format!("/contacts/{}", escaped(text)),
            format!("/campaigns/{}", escaped(text)),
            format!("/opt-outs/{}", escaped(text)),
        ];
        for path in paths {
            let answer = world.api.get(&path).await;
            assert!(answer.status < 500, "{path}: {}", answer.text);
        }
        let contact = json!({"name": text, "tags": [text]});
        let answer = world.api.put(&format!("/contacts/{}", escaped(&phone(0))), contact).await;
        assert!(answer.status < 500, "{text}: {}", answer.text);
    }
    let page = world.owner().await.open("/contacts").await;
    assert!(!page.text.contains("<script>alert(1)"), "names are escaped on pages");
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn an_unknown_path_is_a_problem_document_too() {
    let world = World::sqlite().await;
    world.api.get("/nothing-here").await.problem(404);
    world.api.get("/messages/00000000-0000-7000-8000-000000000000").await.problem(404);
    world.api.delete("/messages").await.problem(405);
}

#[tokio::test]
async fn limits_outside_their_range_are_refused() {
    let world = World::sqlite().await;
    for limit in ["0", "501", "-1", "many"] {
        world.api.get(&format!("/messages?limit={limit}")).await.problem(422);
    }
}
