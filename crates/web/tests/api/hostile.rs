//! Whatever a program sends, the answer is a problem document below 500.

use crate::world::{World, phone};
use axum::http::Method;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const WRITES: [(Method, &str); 15] = [
    (Method::POST, "/messages"),
    (Method::POST, "/estimates"),
    (Method::POST, "/campaigns"),
    (Method::POST, "/campaigns/00000000-0000-7000-8000-000000000000/recipients"),
    (Method::POST, "/campaigns/00000000-0000-7000-8000-000000000000/approve"),
    (Method::PUT, "/contacts/9845000001"),
    (Method::POST, "/contacts/import"),
    (Method::PUT, "/opt-outs/9845000001"),
    (Method::PUT, "/templates/hostile"),
    (Method::PUT, "/senders/HEADER"),
    (Method::PATCH, "/settings"),
    (Method::POST, "/sending/stop"),
    (Method::POST, "/finance/scenarios/evaluate"),
    (Method::PUT, "/finance/scenarios/hostile"),
    (Method::POST, "/test-sms"),
];

#[tokio::test]
async fn no_body_whatever_it_holds_is_a_fault_of_ours() {
    let world = World::new().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let bodies: Vec<Vec<u8>> = vec![
        b"{".to_vec(),
        b"[]".to_vec(),
        b"\"text\"".to_vec(),
        b"null".to_vec(),
        b"12e999".to_vec(),
        b"\xff\xfe\x00".to_vec(),
        b"{\"to\":\"\\ud800\"}".to_vec(),
        b"{\"a\":1,\"a\":2}".to_vec(),
        deep.into_bytes(),
        json!({"to": 12, "body": ["x"], "name": {}, "recipients": "all", "kind": 5, "reason": 1, "phone": true}).to_string().into_bytes(),
        json!({"surprise": true}).to_string().into_bytes(),
    ];
    for (method, path) in WRITES {
        for body in &bodies {
            let path = format!("/api/v1{path}");
            let answer = world
                .send(method.clone(), &path, &[("content-type", "application/json")], body.clone())
                .await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert!(
                (400..500).contains(&answer.status),
                "{method} {path} {shown}: {} {}",
                answer.status,
                answer.text
            );
        }
    }
}

#[tokio::test]
async fn wrong_types_and_unknown_fields_are_named() {
    let world = World::new().await;
    let cases = [
        (json!({"to": 12, "body": "x", "category": "service"}), "to"),
        (json!({"to": phone(1), "body": "x", "category": "spam"}), "category"),
        (json!({"to": phone(1), "body": "x", "category": "service", "surprise": 1}), "surprise"),
        (json!({"to": phone(1), "template": "otp", "variables": {"code": 5}}), "variables.code"),
        (json!({"body": "x", "category": "service"}), "to"),
        (json!({"to": phone(1), "body": "nul \u{0}", "category": "service"}), "body"),
    ];
    for (body, field) in cases {
        assert_eq!(world.post("/messages", body.clone()).await.fields(422), [field], "{body}");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_or_of_another_kind_is_told_so() {
    let world = World::new().await;
    let huge = json!({"to": phone(1), "body": "x".repeat(2 << 20), "category": "service"});
    assert_eq!(world.post("/messages", huge).await.problem(413), "too_large");
    let form = world
        .send(
            Method::POST,
            "/api/v1/messages",
            &[("content-type", "application/x-www-form-urlencoded")],
            "to=1",
        )
        .await;
    assert_eq!(form.problem(415), "unsupported_media_type");
    let broken =
        world.send(Method::POST, "/api/v1/messages", &[("content-type", "application/json")], "{").await;
    assert_eq!(broken.problem(400), "malformed_json");
}

#[tokio::test]
async fn injection_is_just_text() {
    let world = World::new().await;
    let texts = [
        "'; drop table messages; --",
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        "\u{202e}abc",
        "%00",
        "../../etc",
        "😀",
    ];
    for text in texts {
        let escaped: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let escaped = escaped.replace('+', "%20");
        for path in [
            format!("/messages?phone={escaped}"),
            format!("/messages?status={escaped}"),
            format!("/messages?cursor={escaped}"),
            format!("/messages?template={escaped}"),
            format!("/messages?{escaped}=1"),
            format!("/messages/{escaped}"),
            format!("/contacts?search={escaped}"),
            format!("/contacts/{escaped}"),
            format!("/campaigns/{escaped}"),
            format!("/opt-outs?phone={escaped}"),
            format!("/opt-outs/{escaped}"),
            format!("/templates/{escaped}"),
        ] {
            let answer = world.get(&path).await;
            assert!(answer.status < 500, "{path}: {}", answer.text);
        }
        let contact = json!({"name": text, "tags": [text], "attributes": {text: text}});
        let stored = world.put(&format!("/contacts/{}", phone(1)), contact).await;
        assert!(stored.status < 500, "{text}: {}", stored.text);
        assert_eq!(stored.json(stored.status)["name"], text);
    }
    world.get("/messages").await.json(200);
}

#[tokio::test]
async fn addresses_that_lead_nowhere_answer_as_problems() {
    let world = World::new().await;
    assert_eq!(world.get("/nothing-here").await.problem(404), "not_found");
    assert_eq!(world.get("/messages/not-an-id").await.problem(404), "not_found");
    assert_eq!(world.get("/messages/00000000-0000-7000-8000-000000000000").await.problem(404), "not_found");
    assert_eq!(
        world.call(&world.admin, Method::DELETE, "/messages", None).await.problem(405),
        "method_not_allowed"
    );
    for path in ["/api", "/api/", "/api/v2/messages", "/api/nothing"] {
        assert_eq!(world.send(Method::GET, path, &[], "").await.problem(404), "not_found", "{path}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_cost_the_client_its_connection() {
    let world = World::new().await;
    let address = world.listen().await;
    for path in ["/api/v1/messages", "/api/v1/no/such/thing", "/healthz", "/webhooks/twilio/status"] {
        let mut connection = TcpStream::connect(address).await.unwrap();
        for _ in 0..3 {
            let head = format!("POST {path} HTTP/1.1\r\nHost: dakiya\r\nContent-Length: 2\r\n\r\n");
            connection.write_all(head.as_bytes()).await.unwrap();
            // Most clients send head and body apart.
            tokio::time::sleep(Duration::from_millis(20)).await;
            connection.write_all(b"{}").await.unwrap();
            let answer = one_answer(&mut connection).await;
            assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
        }
    }
}

/// Reads an answer to its end, in however many packets it comes.
async fn one_answer(connection: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    loop {
        let read = connection.read_buf(&mut answer).await.unwrap();
        let text = String::from_utf8_lossy(&answer);
        assert!(read > 0, "closed after: {text}");
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.unwrap().parse().unwrap() {
                return text.into_owned();
            }
        }
    }
}
