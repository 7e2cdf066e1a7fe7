//! What the client makes of every way a POST can end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::{SenderAddress, SenderKind};
use dakiya_simulator::Answer;
use dakiya_twilio::{AuthToken, Client, Content, CreateMessage, Doubt, NotSent, PostOutcome};
use std::time::{Duration, Instant};
use support::{Draft, PERSON, client, config, simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use url::Url;

#[tokio::test]
async fn a_message_is_accepted_and_ends_delivered_and_rated() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let message = Draft::default().accepted(&client).await;
    assert_eq!((message.our_status().unwrap().as_str(), message.charge()), ("accepted", None));
    simulator.settled().await;
    let message = client.fetch(&message.sid).await.unwrap();
    assert_eq!(message.our_status().unwrap().as_str(), "delivered");
    assert_eq!(message.price.unwrap().to_string(), "0.00833333");
    assert_eq!(simulator.posts_to(PERSON).len(), 1);
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let simulator = simulator().await;
    let client = client(&simulator);
    simulator.refuse_connections().await;
    let outcome = Draft::default().post(&client).await;
    assert!(matches!(outcome, PostOutcome::NotSent(NotSent::NoConnection)), "{outcome:?}");
    simulator.accept_connections().await;
    assert_eq!(simulator.post_count(), 0);
    Draft::default().accepted(&client).await;
}

#[tokio::test]
async fn a_kept_connection_that_has_ended_meanwhile_costs_nothing() {
    let simulator = simulator().await;
    let client = client(&simulator);
    Draft::default().accepted(&client).await;
    simulator.refuse_connections().await;
    simulator.accept_connections().await;
    Draft::default().accepted(&client).await;
    assert_eq!(simulator.post_count(), 2);
}

#[tokio::test]
async fn what_would_begin_too_late_does_not_begin() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let sender = SenderAddress::stored(support::NUMBER.to_owned());
    let mut message = CreateMessage {
        to: PhoneNumber::from_e164(PERSON).unwrap(),
        kind: SenderKind::Number,
        sender: &sender,
        content: Content::Text("hi"),
        status_callback: None,
        validity: None,
        begin_by: Some(Instant::now().checked_sub(Duration::from_millis(1)).unwrap()),
    };
    for _ in 0..3 {
        let outcome = client.create(&message).await;
        assert!(matches!(outcome, PostOutcome::NotSent(NotSent::TooLate)), "{outcome:?}");
    }
    assert_eq!(simulator.post_count(), 0);
    message.begin_by = Some(Instant::now() + Duration::from_secs(60));
    support::accepted(client.create(&message).await);
}

#[tokio::test]
async fn a_429_was_not_sent_and_may_say_how_long_to_wait() {
    let simulator = simulator().await;
    let client = client(&simulator);
    for (retry_after, expected) in [(None, None), (Some(7), Some(Duration::from_secs(7)))] {
        simulator.faults().clear();
        simulator.faults().posts_answer(Answer::TooManyRequests(retry_after), false);
        let outcome = Draft::default().post(&client).await;
        let PostOutcome::NotSent(NotSent::TooManyRequests { retry_after }) = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(retry_after, expected);
    }
}

#[tokio::test]
async fn every_other_ending_is_in_doubt_whether_it_was_accepted_or_not() {
    let simulator = simulator().await;
    let client = Client::new(dakiya_twilio::ClientConfig {
        post_timeout: Duration::from_millis(300),
        ..config(&simulator)
    });
    let client = client.unwrap();
    for accepted in [false, true] {
        for (answer, doubt) in [
            (Answer::Status(500), Doubt::Status(500)),
            (Answer::Status(503), Doubt::Status(503)),
            (Answer::Status(408), Doubt::Status(408)),
            (Answer::Status(302), Doubt::Status(302)),
            (Answer::Status(404), Doubt::Status(404)),
            (Answer::Timeout, Doubt::TimedOut),
            (Answer::Close, Doubt::ConnectionLost),
            (Answer::Garbage, Doubt::NoSid(201)),
            (Answer::NoSid, Doubt::NoSid(201)),
            (Answer::Oversize, Doubt::TooLarge(201)),
        ] {
            simulator.reset();
            simulator.faults().posts_answer(answer.clone(), accepted);
            let outcome = Draft::default().post(&client).await;
            let PostOutcome::Unknown(found) = outcome else { panic!("{answer:?}: {outcome:?}") };
            assert_eq!(found, doubt, "{answer:?}");
            let posts = simulator.posts_to(PERSON);
            assert_eq!((posts.len(), posts[0].sid.is_some()), (1, accepted), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_carries_its_code_and_wrong_credentials_stop_everything() {
    let simulator = simulator().await;
    simulator.faults().reject(PERSON, 21614);
    assert_eq!(Draft::default().code(&client(&simulator)).await, 21614);
    let auth_token = AuthToken::parse("another").unwrap();
    let stranger = Client::new(dakiya_twilio::ClientConfig { auth_token, ..config(&simulator) }).unwrap();
    let outcome = Draft::default().post(&stranger).await;
    assert!(outcome.stops_everything());
    assert_eq!(support::code(outcome), 20003);
}

#[tokio::test]
async fn a_connection_that_is_reset_halfway_leaves_doubt() {
    let simulator = simulator().await;
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}", socket.local_addr().unwrap())).unwrap();
    let client =
        Client::new(dakiya_twilio::ClientConfig { api_base_url: url, ..config(&simulator) }).unwrap();
    for answer in
        [&b""[..], b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{\"sid\":", b"nonsense\r\n\r\n"]
    {
        let serve = async {
            let (mut stream, _) = socket.accept().await.unwrap();
            let read = stream.read(&mut [0; 4096]).await.unwrap();
            assert!(read > 0);
            stream.write_all(answer).await.unwrap();
        };
        let (outcome, ()) = tokio::join!(async { Draft::default().post(&client).await }, serve);
        assert!(matches!(outcome, PostOutcome::Unknown(Doubt::ConnectionLost)), "{outcome:?}");
    }
}
