//! What Twilio posts to us counts only with its signature, and only forward.

use harness::world::{WHATSAPP_SENDER, World, phone};

#[tokio::test]
async fn a_forged_callback_changes_nothing() {
    for world in World::on_both().await {
        let message = world.accepted_and_silent(&phone(0)).await;
        let answer = world.forged_status(&message, "delivered").await;
        assert_eq!(answer.status, 403);
        assert_eq!(world.message(&message["id"]).await["status"], message["status"]);
    }
}

#[tokio::test]
async fn a_forged_stop_changes_nothing() {
    let world = World::sqlite().await;
    assert_eq!(world.forged_inbound(&phone(0), "STOP").await.status, 403);
    world.send(&phone(0), "Hello").await;
}

#[tokio::test]
async fn late_and_repeated_callbacks_move_nothing_back() {
    for world in World::on_both().await {
        let message = world.accepted_and_silent(&phone(0)).await;
        for (reported, then) in [
            ("delivered", "delivered"),
            ("sent", "delivered"),
            ("queued", "delivered"),
            ("delivered", "delivered"),
            ("sending", "delivered"),
        ] {
            let answer = world.signed_status(&message, reported).await;
            assert!(matches!(answer.status, 200 | 204), "{reported}: {}", answer.status);
            assert_eq!(world.message(&message["id"]).await["status"], then, "after {reported}");
        }
    }
}

#[tokio::test]
async fn a_callback_for_a_message_that_is_not_ours_is_taken_and_changes_nothing() {
    let world = World::sqlite().await;
    let answer = world.signed_status_of_a_stranger().await;
    assert!(matches!(answer.status, 200 | 204 | 404), "{}", answer.text);
}

#[tokio::test]
async fn a_reply_that_means_nothing_is_answered_with_nothing() {
    let world = World::sqlite().await;
    let report = world.inbound(&phone(0), "When will you come?").await;
    assert_eq!(report.replies, Vec::<String>::new());
}

#[tokio::test]
async fn help_by_whatsapp_is_answered() {
    let world = World::sqlite().await;
    let (from, to) = (format!("whatsapp:{}", phone(0)), format!("whatsapp:{WHATSAPP_SENDER}"));
    let report = world.simulator.inbound(&from, &to, "help").await;
    assert_eq!(report.webhook_status, Some(200));
    assert_eq!(report.replies.len(), 1, "{report:?}");
}
