//! What the simulated account refuses, and how it is steered over HTTP.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::message::Status;
use dakiya_core::sender::SenderKind;
use dakiya_simulator::{AccountKind, RateLimit};
use dakiya_twilio::wire::Address;
use dakiya_twilio::{ListQuery, NotSent, PostOutcome};
use serde_json::{Value, json};
use std::time::Duration;
use support::{Draft, NUMBER, OTHER, PERSON, client, simulator, simulator_with};

#[tokio::test]
async fn magic_numbers_and_bad_requests_are_refused_with_twilios_codes() {
    let simulator = simulator().await;
    let client = client(&simulator);
    for (to, code) in [
        ("+15005550001", 21211),
        ("+15005550002", 21612),
        ("+15005550003", 21408),
        ("+15005550004", 21610),
        ("+15005550009", 21614),
    ] {
        assert_eq!(Draft { to, ..Draft::default() }.code(&client).await, code, "{to}");
    }
    for (sender, code) in
        [("+15005550001", 21212), ("+15005550007", 21606), ("+15005550008", 21611), (PERSON, 21266)]
    {
        assert_eq!(Draft { sender, ..Draft::default() }.code(&client).await, code, "{sender}");
    }
    let long: &'static str = "x".repeat(1_601).leak();
    assert_eq!(Draft { body: long, ..Draft::default() }.code(&client).await, 21617);
    assert_eq!(Draft { body: "", ..Draft::default() }.code(&client).await, 21602);
    let callback = Some("/relative".to_owned());
    assert_eq!(Draft { callback, ..Draft::default() }.code(&client).await, 21609);
    let service = Draft { kind: SenderKind::Service, sender: "MG1", ..Draft::default() };
    assert_eq!(service.code(&client).await, 21701);
}

#[tokio::test]
async fn only_the_accounts_own_senders_are_taken() {
    let simulator = simulator_with(|config| config.senders = vec![NUMBER.to_owned()]).await;
    let client = client(&simulator);
    Draft::default().accepted(&client).await;
    assert_eq!(Draft { sender: "+15005550010", ..Draft::default() }.code(&client).await, 21606);
    assert_eq!(Draft::whatsapp().code(&client).await, 63007);
}

#[tokio::test]
async fn both_kinds_of_trial_know_their_recipients_and_texts() {
    let verified = || vec![PERSON.to_owned()];
    let trial = simulator_with(|config| config.account = AccountKind::Trial { verified: verified() }).await;
    let sender = client(&trial);
    assert_eq!(Draft { to: OTHER, ..Draft::default() }.code(&sender).await, 21608);
    assert_eq!(Draft::default().code(&sender).await, 572_006);
    Draft { body: "sms_2fa", ..Draft::default() }.accepted(&sender).await;
    let legacy =
        simulator_with(|config| config.account = AccountKind::LegacyTrial { verified: verified() }).await;
    let body: &'static str = "x".repeat(150).leak();
    let message = Draft { body, ..Draft::default() }.accepted(&client(&legacy)).await;
    assert!(message.body.starts_with("Sent from your Twilio trial account - x"));
    assert_eq!(message.segments.unwrap().0, 2);
}

#[tokio::test]
async fn test_credentials_deliver_nothing_and_read_nothing() {
    let simulator = simulator_with(|config| config.account = AccountKind::TestCredentials).await;
    let client = client(&simulator);
    let message = Draft::default().accepted(&client).await;
    assert_eq!(Draft { sender: "+15005550010", ..Draft::default() }.code(&client).await, 21606);
    assert_eq!(client.fetch(&message.sid).await.unwrap_err().to_string(), "Twilio error 20008 (HTTP 403)");
}

#[tokio::test]
async fn too_many_at_once_are_turned_away_unprocessed() {
    let limit = RateLimit { concurrent: Some(1), per_second: None };
    let simulator = simulator_with(|config| config.rate_limit = limit).await;
    simulator.faults().latency(Duration::from_millis(100));
    let client = client(&simulator);
    let (one, two) = (Draft::default(), Draft::default());
    let (first, second) = tokio::join!(one.post(&client), two.post(&client));
    let turned_away =
        |outcome: &PostOutcome| matches!(outcome, PostOutcome::NotSent(NotSent::TooManyRequests { .. }));
    assert_eq!([&first, &second].iter().filter(|outcome| turned_away(outcome)).count(), 1);
    assert_eq!(simulator.ledger().iter().filter(|post| post.sid.is_some()).count(), 1);
}

#[tokio::test]
async fn everything_can_be_steered_over_http() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = |path: &str| format!("{}simulator/{path}", simulator.base_url());
    let faults = json!({
        "posts": [{"to": PERSON, "times": 1, "answer": {"reject": 21408}}],
        "deliveries": [{"every": 2, "fate": {"undeliver": 30003}}],
        "callbacks": {"lost": ["sent"]},
    });
    let set = http.put(url("faults")).json(&faults).send().await.unwrap();
    assert_eq!(set.status(), 200, "{}", set.text().await.unwrap());
    assert_eq!(Draft::default().code(&client).await, 21408);
    let (first, second) =
        (Draft::default().accepted(&client).await, Draft::default().accepted(&client).await);
    simulator.settled().await;
    assert_eq!(client.fetch(&first.sid).await.unwrap().our_status(), Some(Status::Delivered));
    assert_eq!(client.fetch(&second.sid).await.unwrap().error_code, Some(30003));
    let ledger: Value = http.get(url("ledger?limit=2")).send().await.unwrap().json().await.unwrap();
    assert_eq!((ledger["total"].as_u64(), ledger["posts"].as_array().unwrap().len()), (Some(3), 2));
    assert_eq!(
        (ledger["posts"][0]["code"].as_u64(), &ledger["posts"][0]["to"]),
        (Some(21408), &json!(PERSON))
    );
    let written = json!({"from": PERSON, "to": NUMBER, "body": "STOP"});
    let report: Value = http.post(url("inbound")).json(&written).send().await.unwrap().json().await.unwrap();
    assert_eq!(report["replies"].as_array().unwrap().len(), 1);
    assert_eq!(http.post(url("reset")).send().await.unwrap().status(), 204);
    Draft::default().accepted(&client).await;
    assert_eq!(simulator.post_count(), 1);
    let wrong = http.put(url("faults")).json(&json!({"post": []})).send().await.unwrap();
    assert_eq!(wrong.status(), 422);
}

#[tokio::test]
async fn the_oldest_messages_are_forgotten_and_the_others_stay_listed() {
    let simulator = simulator_with(|config| config.keep = 3).await;
    let client = client(&simulator);
    let mut sids = Vec::new();
    for to in [PERSON, OTHER, PERSON, OTHER, PERSON] {
        sids.push(Draft { to, ..Draft::default() }.accepted(&client).await.sid);
    }
    simulator.settled().await;
    assert!(client.fetch(&sids[1]).await.unwrap_err().is_not_found());
    let listed = |to| {
        let query = ListQuery { to: Some(Address::parse(to)), ..ListQuery::default() };
        let client = client.clone();
        async move { client.list(&query).await.unwrap().messages.into_iter().map(|m| m.sid).collect::<Vec<_>>() }
    };
    assert_eq!(listed(PERSON).await, [sids[4].clone(), sids[2].clone()]);
    assert_eq!(listed(OTHER).await, [sids[3].clone()]);
    assert_eq!((simulator.post_count(), simulator.ledger().len()), (5, 3));
}

#[tokio::test]
async fn more_than_so_many_a_second_are_turned_away() {
    let limit = RateLimit { concurrent: None, per_second: Some(2) };
    let simulator = simulator_with(|config| config.rate_limit = limit).await;
    let client = client(&simulator);
    let drafts: Vec<Draft> = (0..5).map(|_| Draft::default()).collect();
    let mut refused = 0;
    for draft in &drafts {
        refused += usize::from(matches!(draft.post(&client).await, PostOutcome::NotSent(_)));
    }
    let posts = simulator.ledger();
    let began = posts[0].instant;
    let first_second = posts.iter().filter(|post| post.instant - began < Duration::from_secs(1));
    assert_eq!(first_second.filter(|post| post.sid.is_some()).count(), 2);
    assert_eq!(refused, posts.iter().filter(|post| post.status == Some(429)).count());
}
