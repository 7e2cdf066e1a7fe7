//! Texts with placeholders, in versions that never change.

use dakiya_simulator::SimulatorConfig;
use harness::database::Engine;
use harness::world::{World, phone};
use serde_json::{Value, json};

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

#[tokio::test]
async fn whatsapp_gets_the_approved_template_and_its_values() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let world = World::with(engine, SimulatorConfig::immediate(), |setup| setup).await;
        let content_sid = format!("HX{}", "5".repeat(32));
        world.simulator.approve_content(&content_sid, "Dear {{1}}, please pay Rs. {{2}}, {{1}}.");
        let template = json!({"name": "Pay", "category": "service", "channel": "whatsapp", "content_sid": content_sid,
            "body": "Dear {{name}}, please pay Rs. {{amount}}, {{name}}."});
        assert_eq!(world.api.put("/templates/pay", template.clone()).await.status, 201);
        let request = json!({"to": phone(0), "channel": "whatsapp", "template": "pay",
            "variables": {"name": "Asha", "amount": "1,499.00"}});
        let sent = world.api.post("/messages", request.clone()).await.expect(202);
        world.message_reaches(&sent["id"], "delivered").await;
        let post = world.simulator.ledger().pop().expect("a post");
        assert_eq!(post.content_sid.as_deref(), Some(content_sid.as_str()));
        let values: Value =
            serde_json::from_str(post.content_variables.as_deref().unwrap_or_default()).expect("JSON");
        assert_eq!(values, json!({"1": "Asha", "2": "1,499.00"}));
        assert_eq!(
            &*post.body, "Dear Asha, please pay Rs. 1,499.00, Asha.",
            "what is logged is what is read"
        );
        assert_eq!(world.message(&sent["id"]).await["body"], &*post.body);

        let mut free_form = template;
        free_form["content_sid"] = Value::Null;
        assert!(world.api.put("/templates/pay", free_form).await.status < 300);
        let sent = world.api.post("/messages", request).await.expect(202);
        let ended = world.message_reaches(&sent["id"], "undelivered").await;
        assert_eq!(ended["error_code"], 63016, "nobody wrote in the last 24 hours");
    }
}
