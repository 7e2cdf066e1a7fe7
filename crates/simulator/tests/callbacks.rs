//! Status callbacks: which come, in what order, how often, and that they are signed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use axum::http::StatusCode;
use axum::response::IntoResponse;
use dakiya_simulator::{CallbackFaults, Delays, Fate};
use dakiya_twilio::wire::StatusCallback;
use dakiya_twilio::{RETRY_OVERRIDE, TwilioStatus};
use support::{Draft, PERSON, Webhook, client, simulator, simulator_with, value};

fn callback(hook: &Webhook) -> Option<String> {
    Some(format!("{}{RETRY_OVERRIDE}", hook.url))
}

#[tokio::test]
async fn a_number_reports_sent_then_delivered_and_a_service_queued_before() {
    let simulator = simulator().await;
    let mut hook = Webhook::listen(&simulator, vec![]).await;
    let client = client(&simulator);
    let message = Draft { callback: callback(&hook), ..Draft::default() }.accepted(&client).await;
    let sent = hook.next().await;
    assert_eq!(StatusCallback::parse(&sent).unwrap().sid, message.sid);
    assert_eq!(value(&sent, "MessageStatus").unwrap(), "sent");
    assert_eq!(value(&hook.next().await, "RawDlrDoneDate").unwrap().len(), 10);
    let service = Draft { callback: callback(&hook), ..Draft::service() }.accepted(&client).await;
    assert_eq!((service.from, service.segments), (None, None));
    for status in ["queued", "sent", "delivered"] {
        assert_eq!(hook.next_status().await, status);
    }
    simulator.settled().await;
    assert!(hook.waiting().is_empty());
    let service = client.fetch(&service.sid).await.unwrap();
    assert!(service.from.is_some() && service.segments.is_some());
}

#[tokio::test]
async fn callbacks_can_be_reversed_duplicated_and_lost() {
    let simulator = simulator().await;
    let mut hook = Webhook::listen(&simulator, vec![]).await;
    let client = client(&simulator);
    for (faults, expected) in [
        (CallbackFaults { reversed: true, ..Default::default() }, vec!["delivered", "sent"]),
        (
            CallbackFaults { duplicated: true, ..Default::default() },
            vec!["sent", "sent", "delivered", "delivered"],
        ),
        (CallbackFaults { lost: vec![TwilioStatus::Sent], ..Default::default() }, vec!["delivered"]),
    ] {
        simulator.faults().callbacks(faults);
        Draft { callback: callback(&hook), ..Draft::default() }.accepted(&client).await;
        simulator.settled().await;
        assert_eq!(hook.waiting(), expected);
    }
}

#[tokio::test]
async fn a_callback_can_come_before_the_answer_to_the_post() {
    let simulator = simulator().await;
    let mut hook = Webhook::listen(&simulator, vec![]).await;
    simulator.faults().callbacks(CallbackFaults { before_answer: true, ..Default::default() });
    Draft { callback: callback(&hook), ..Draft::default() }.accepted(&client(&simulator)).await;
    assert_eq!(hook.waiting().first().map(String::as_str), Some("sent"));
}

#[tokio::test]
async fn a_message_ends_as_it_was_told_to() {
    let simulator = simulator().await;
    let mut hook = Webhook::listen(&simulator, vec![]).await;
    let client = client(&simulator);
    for (fate, statuses, code, rated) in [
        (Fate::Fail(30007), vec!["failed"], Some(30007), false),
        (Fate::Undeliver(30005), vec!["sent", "undelivered"], Some(30005), true),
        (Fate::StaySent, vec!["sent"], None, true),
        (Fate::StayQueued, vec![], None, false),
        (Fate::Read, vec!["sent", "delivered", "read"], None, true),
        (Fate::ReadWithoutDelivered, vec!["sent", "read"], None, true),
    ] {
        simulator.faults().clear();
        simulator.faults().ends(PERSON, fate);
        let message = Draft { callback: callback(&hook), ..Draft::default() }.accepted(&client).await;
        simulator.settled().await;
        assert_eq!(hook.waiting(), statuses, "{fate:?}");
        let message = client.fetch(&message.sid).await.unwrap();
        assert_eq!((message.error_code, message.charge().is_some()), (code, rated), "{fate:?}");
    }
}

#[tokio::test]
async fn a_5xx_is_tried_again_only_if_the_url_asks_for_it() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let down = || StatusCode::SERVICE_UNAVAILABLE.into_response();
    let mut hook = Webhook::listen(&simulator, vec![down(), down()]).await;
    Draft { callback: Some(hook.url.clone()), ..Draft::default() }.accepted(&client).await;
    simulator.settled().await;
    assert_eq!(hook.waiting(), ["sent", "delivered"]);
    let mut hook = Webhook::listen(&simulator, vec![down(), down()]).await;
    Draft { callback: callback(&hook), ..Draft::default() }.accepted(&client).await;
    simulator.settled().await;
    assert_eq!(hook.waiting(), ["sent", "sent", "sent", "delivered"]);
}

#[tokio::test]
async fn nothing_moves_before_its_time() {
    let delays = Delays { sent_ms: 3_600_000, ..Delays::NONE };
    let simulator = simulator_with(|config| config.delays = delays).await;
    let mut hook = Webhook::listen(&simulator, vec![]).await;
    let client = client(&simulator);
    let message = Draft { callback: callback(&hook), ..Draft::default() }.accepted(&client).await;
    assert_eq!(client.fetch(&message.sid).await.unwrap().status, Some(TwilioStatus::Queued));
    assert!(hook.waiting().is_empty());
}

#[tokio::test]
async fn many_messages_at_once_each_report_in_order() {
    let simulator = simulator().await;
    let mut hook = Webhook::listen(&simulator, vec![]).await;
    let client = client(&simulator);
    let url = callback(&hook);
    let posts: Vec<_> = (0..200)
        .map(|_| {
            let (client, callback) = (client.clone(), url.clone());
            tokio::spawn(async move { Draft { callback, ..Draft::default() }.accepted(&client).await })
        })
        .collect();
    for post in posts {
        post.await.unwrap();
    }
    simulator.settled().await;
    let statuses = hook.waiting();
    assert_eq!(statuses.len(), 400);
    assert_eq!(statuses.iter().filter(|status| *status == "delivered").count(), 200);
    assert_eq!((simulator.post_count(), simulator.callbacks().len()), (200, 400));
}
