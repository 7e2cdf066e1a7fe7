//! Texts with placeholders, in versions that never change.

use harness::world::{World, phone};
use serde_json::json;

#[tokio::test]
async fn a_new_text_is_a_new_version_and_old_messages_keep_theirs() {
    for world in World::on_both().await {
        world.template("greeting", "service", "Hello {{name}}").await;
        let request = json!({"to": phone(0), "template": "greeting", "variables": {"name": "Asha"}});
        let first = world.api.post("/messages", request.clone()).await.expect(202);
        world.message_reaches(&first["id"], "delivered").await;
        world.template("greeting", "service", "Namaste {{name}}").await;
        let second = world.api.post("/messages", request).await.expect(202);
        assert_eq!(world.message(&first["id"]).await["body"], "Hello Asha");
        assert_eq!(world.message_reaches(&second["id"], "delivered").await["body"], "Namaste Asha");
    }
}

#[tokio::test]
async fn a_broken_placeholder_is_refused() {
    let world = World::sqlite().await;
    for body in ["Hello {{name", "Hello {{}}", "Hello {{a b}}", ""] {
        let template = json!({"name": "Broken", "category": "service", "channel": "sms", "body": body});
        let answer = world.api.put("/templates/broken", template).await;
        assert!((400..500).contains(&answer.status), "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_language_variant_is_used_where_it_exists() {
    let world = World::sqlite().await;
    world.template("lang", "service", "Hello {{name}}").await;
    let hindi = json!({"name": "lang", "category": "service", "channel": "sms", "body": "नमस्ते {{name}}", "language": "hi"});
    assert!(matches!(world.api.put("/templates/lang", hindi).await.status, 200 | 201));
    let request = |language: &str| json!({"to": phone(0), "template": "lang", "language": language, "variables": {"name": "Asha"}});
    let sent = world.api.post("/messages", request("hi")).await.expect(202);
    assert_eq!(sent["encoding"], "UCS-2");
    let sent = world.api.post("/messages", request("ta")).await.expect(202);
    assert_eq!(sent["encoding"], "GSM-7");
}
