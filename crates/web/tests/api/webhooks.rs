//! What Twilio tells us counts only with its signature, once, and only forward.

use crate::world::{World, phone};
use serde_json::json;

async fn posted(world: &World, to: &str) -> (String, String) {
    let id = world.message(to, "Hello").await;
    world.engine.deliver_all().await.unwrap();
    let sid =
        world.get(&format!("/messages/{id}")).await.json(200)["twilio_sid"].as_str().unwrap().to_owned();
    (id, sid)
}

async fn status(world: &World, id: &str) -> String {
    world.get(&format!("/messages/{id}")).await.json(200)["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_forged_callback_changes_nothing() {
    let world = World::new().await;
    let (id, sid) = posted(&world, &phone(1)).await;
    let path = format!("/webhooks/twilio/status?m={id}");
    let before = status(&world, &id).await;
    let params = [("MessageSid", sid.as_str()), ("MessageStatus", "delivered")];
    for signature in [None, Some(""), Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA="), Some("not base64 at all")] {
        assert_eq!(world.webhook_signed(&path, &params, signature).await.status, 403);
    }
    assert_eq!(status(&world, &id).await, before);
    assert_eq!(world.webhook(&path, &params).await.status, 204);
    assert_eq!(status(&world, &id).await, "delivered");
}

#[tokio::test]
async fn a_signature_for_another_message_or_another_word_is_no_signature() {
    let world = World::new().await;
    let (id, sid) = posted(&world, &phone(1)).await;
    let token = dakiya_twilio::AuthToken::parse(crate::world::TOKEN).unwrap();
    let params = [("MessageSid", sid.as_str()), ("MessageStatus", "delivered")];
    let path = format!("/webhooks/twilio/status?m={id}");
    let for_another = dakiya_twilio::signature::sign(
        &token,
        &format!("{}{}", crate::world::PUBLIC_URL, "/webhooks/twilio/status"),
        &params,
    );
    assert_eq!(world.webhook_signed(&path, &params, Some(&for_another)).await.status, 403);
    let other_word = [("MessageSid", sid.as_str()), ("MessageStatus", "sent")];
    let for_other_word =
        dakiya_twilio::signature::sign(&token, &format!("{}{path}", crate::world::PUBLIC_URL), &other_word);
    assert_eq!(world.webhook_signed(&path, &params, Some(&for_other_word)).await.status, 403);
}

#[tokio::test]
async fn late_and_repeated_callbacks_move_nothing_back() {
    let world = World::new().await;
    let (id, sid) = posted(&world, &phone(1)).await;
    let path = format!("/webhooks/twilio/status?m={id}");
    for word in ["delivered", "sent", "queued", "delivered", "sending", "something_new"] {
        let answer = world.webhook(&path, &[("MessageSid", &sid), ("MessageStatus", word)]).await;
        assert_eq!(answer.status, 204, "{word}");
        assert_eq!(status(&world, &id).await, "delivered", "after {word}");
    }
}

#[tokio::test]
async fn strangers_and_incomplete_forms_do_no_harm() {
    let world = World::new().await;
    let stranger = [("MessageSid", "SM00000000000000000000000000000001"), ("MessageStatus", "delivered")];
    assert_eq!(world.webhook("/webhooks/twilio/status?m=not-an-id", &stranger).await.status, 204);
    assert_eq!(world.webhook("/webhooks/twilio/status", &[]).await.status, 400);
    assert_eq!(world.webhook("/webhooks/twilio/inbound", &[("MessageSid", "x")]).await.status, 400);
    let huge = "x".repeat(100 << 10);
    let params = [("MessageSid", "SM00000000000000000000000000000002"), ("Body", huge.as_str())];
    assert_eq!(world.webhook("/webhooks/twilio/inbound", &params).await.status, 413);
}

#[tokio::test]
async fn stop_is_obeyed_start_undoes_it_and_help_says_who_we_are() {
    let world = World::new().await;
    let from = phone(1);
    let hello = json!({"to": from, "body": "Hello", "category": "service"});
    let stopped = world.reply(1, &from, "Stop!").await;
    assert_eq!(stopped.status, 200);
    assert!(stopped.headers["content-type"].to_str().unwrap().starts_with("text/xml"));
    assert!(stopped.text.contains("<Response"));
    assert_eq!(world.post("/messages", hello.clone()).await.problem(422), "recipient_opted_out");
    world.reply(2, &from, "START").await;
    world.post("/messages", hello.clone()).await.json(202);
    world.reply(1, &from, "Stop!").await;
    world.post("/messages", hello).await.json(202);
    let help = world.reply(3, &from, "help").await;
    assert!(help.text.contains("<Message>VehicAid"), "{}", help.text);
    let chat = world.reply(4, &from, "When will you come?").await;
    assert!(!chat.text.contains("<Message"), "{}", chat.text);
}

#[tokio::test]
async fn a_forged_stop_changes_nothing() {
    let world = World::new().await;
    let params = [
        ("MessageSid", "SM00000000000000000000000000000009"),
        ("From", &phone(1)),
        ("To", "+919000000001"),
        ("Body", "STOP"),
    ];
    let answer =
        world.webhook_signed("/webhooks/twilio/inbound", &params, Some("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")).await;
    assert_eq!(answer.status, 403);
    world.message(&phone(1), "Hello").await;
}

#[tokio::test]
async fn somebody_who_hides_their_number_is_kept_as_they_are() {
    let world = World::new().await;
    let params = [
        ("MessageSid", "SM0000000000000000000000000000000a"),
        ("From", "whatsapp:IN.9845000001"),
        ("To", "whatsapp:+919000000002"),
        ("Body", "STOP"),
    ];
    assert_eq!(world.webhook("/webhooks/twilio/inbound", &params).await.status, 200);
    let kept = dakiya_store::inbound::page(&world.store, None, None, 10).await.unwrap();
    assert_eq!(kept.items.len(), 1);
    assert_eq!(kept.items[0].phone.number(), None);
    world.message(&phone(1), "the digits in their id are nobody's number").await;
}

#[tokio::test]
async fn what_advanced_opt_out_answered_is_not_answered_again() {
    let world = World::new().await;
    let params = [
        ("MessageSid", "SM0000000000000000000000000000000b"),
        ("From", &phone(1)),
        ("To", "+919000000001"),
        ("Body", "band karo please"),
        ("OptOutType", "STOP"),
    ];
    let answer = world.webhook("/webhooks/twilio/inbound", &params).await;
    assert!(!answer.text.contains("<Message"), "{}", answer.text);
    let hello = json!({"to": phone(1), "body": "Hello", "category": "service"});
    assert_eq!(world.post("/messages", hello).await.problem(422), "recipient_opted_out");
}
