//! People write back: opt-outs, replies, and the WhatsApp window.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::{TimeDelta, Utc};
use dakiya_core::message::Status;
use dakiya_twilio::wire::InboundMessage;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use support::{Draft, NUMBER, PERSON, WHATSAPP, Webhook, client, simulator, simulator_with, twiml};

#[tokio::test]
async fn after_stop_a_number_refuses_at_once_and_start_lifts_it() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let stopped = simulator.inbound(PERSON, NUMBER, " stop ").await;
    assert!(stopped.replies[0].contains("unsubscribed"));
    assert_eq!(Draft::default().code(&client).await, 21610);
    assert_eq!(simulator.inbound(PERSON, NUMBER, "HELP").await.replies, Vec::<String>::new());
    assert!(simulator.inbound(PERSON, NUMBER, "Start").await.replies[0].contains("re-subscribed"));
    Draft::default().accepted(&client).await;
}

#[tokio::test]
async fn after_stop_a_service_accepts_and_the_message_fails() {
    let simulator = simulator().await;
    let client = client(&simulator);
    simulator.inbound(PERSON, NUMBER, "STOP").await;
    let message = Draft::service().accepted(&client).await;
    simulator.settled().await;
    let message = client.fetch(&message.sid).await.unwrap();
    assert_eq!((message.our_status(), message.error_code), (Some(Status::Failed), Some(21610)));
    assert_eq!(message.charge(), None);
}

#[tokio::test]
async fn the_webhook_is_signed_and_its_answer_goes_back_to_the_person() {
    let simulator = simulator().await;
    let mut hook =
        Webhook::listen(&simulator, vec![twiml("We are <open> & near"), twiml("You are off our list")]).await;
    simulator.set_inbound_url(&hook.url);
    let report = simulator.inbound(PERSON, NUMBER, "Where are you?").await;
    assert_eq!((report.webhook_status, report.replies), (Some(200), vec!["We are <open> & near".to_owned()]));
    let inbound = InboundMessage::parse(&hook.next().await).unwrap();
    assert_eq!(
        (inbound.body.as_str(), inbound.sid.as_str()),
        ("Where are you?", report.sid.unwrap().as_str())
    );
    let stopped = simulator.inbound(PERSON, NUMBER, "STOP").await;
    assert_eq!(
        (stopped.webhook_status, stopped.replies.len()),
        (Some(200), 1),
        "only Twilio's own answer arrives"
    );
}

#[tokio::test]
async fn whatsapp_text_needs_an_inbound_message_of_the_last_24_hours() {
    let hours = Arc::new(AtomicI64::new(0));
    let clock = hours.clone();
    let simulator = simulator_with(|config| {
        config.now = Arc::new(move || Utc::now() + TimeDelta::hours(clock.load(Ordering::Relaxed)));
    })
    .await;
    let client = client(&simulator);
    let ends = async || {
        let message = Draft::whatsapp().accepted(&client).await;
        simulator.settled().await;
        let message = client.fetch(&message.sid).await.unwrap();
        (message.our_status().unwrap(), message.error_code)
    };
    assert_eq!(ends().await, (Status::Undelivered, Some(63016)));
    simulator.inbound(&format!("whatsapp:{PERSON}"), &format!("whatsapp:{WHATSAPP}"), "hello").await;
    assert_eq!(ends().await, (Status::Delivered, None));
    hours.store(25, Ordering::Relaxed);
    assert_eq!(ends().await, (Status::Undelivered, Some(63016)));
}

#[tokio::test]
async fn in_india_replies_by_sms_never_arrive() {
    let simulator = simulator_with(|config| config.india = true).await;
    let mut hook = Webhook::listen(&simulator, vec![]).await;
    simulator.set_inbound_url(&hook.url);
    assert_eq!(simulator.inbound(PERSON, NUMBER, "STOP").await.sid, None);
    Draft::default().accepted(&client(&simulator)).await;
    assert!(simulator.inbound(&format!("whatsapp:{PERSON}"), WHATSAPP, "hi").await.sid.is_some());
    assert_eq!(InboundMessage::parse(&hook.next().await).unwrap().profile_name.as_deref(), Some("Simulated"));
}
