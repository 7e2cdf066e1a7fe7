//! Lists, cancellation, balance, usage and prices, as the client reads them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::{DateTime, Days, NaiveDate, Utc};
use dakiya_simulator::{AccountKind, Simulator, UsageDay};
use dakiya_twilio::wire::Address;
use dakiya_twilio::{ListQuery, MessageSid};
use rust_decimal::Decimal;
use std::sync::Arc;
use support::{Draft, NUMBER, OTHER, PERSON, client, simulator, simulator_with};

fn noon() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A simulator for which it is noon for ever, so that its day does not end meanwhile.
async fn simulator_at_noon() -> Simulator {
    simulator_with(|config| config.now = Arc::new(noon)).await
}

#[tokio::test]
async fn a_list_is_newest_first_and_followed_page_by_page() {
    let simulator = simulator_at_noon().await;
    let client = client(&simulator);
    let mut sids = Vec::new();
    for n in 0..5 {
        sids.push(Draft::default().accepted(&client).await.sid);
        if n % 2 == 0 {
            Draft { to: OTHER, ..Draft::default() }.accepted(&client).await;
        }
    }
    sids.reverse();
    let query = ListQuery {
        to: Some(Address::parse(PERSON)),
        from: Some(Address::parse(NUMBER)),
        since: Some(noon()),
        until: Some(noon()),
        page_size: Some(2),
    };
    let mut page = client.list(&query).await.unwrap();
    let mut found: Vec<MessageSid> = Vec::new();
    loop {
        assert!(page.messages.len() <= 2);
        found.extend(page.messages.iter().map(|message| message.sid.clone()));
        match client.next_page(&page).await.unwrap() {
            Some(next) => page = next,
            None => break,
        }
    }
    assert_eq!(found, sids);
    let tomorrow = noon().checked_add_days(Days::new(1));
    let later = client.list(&ListQuery { since: tomorrow, ..ListQuery::default() }).await.unwrap();
    assert!(later.messages.is_empty());
    let yesterday = noon().checked_sub_days(Days::new(1));
    let earlier = client.list(&ListQuery { until: yesterday, ..ListQuery::default() }).await.unwrap();
    assert!(earlier.messages.is_empty());
}

#[tokio::test]
async fn an_unknown_sid_is_not_found_and_a_final_message_cannot_be_canceled() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let unknown = MessageSid::parse("SM00000000000000000000000000000001").unwrap();
    assert!(client.fetch(&unknown).await.unwrap_err().is_not_found());
    let message = Draft::default().accepted(&client).await;
    simulator.settled().await;
    let error = client.cancel(&message.sid).await.unwrap_err();
    assert_eq!(error.to_string(), "Twilio error 30409 (HTTP 400)");
}

#[tokio::test]
async fn usage_adds_up_per_category_and_day_and_lowers_the_balance() {
    let simulator = simulator_at_noon().await;
    let client = client(&simulator);
    for _ in 0..3 {
        Draft::default().accepted(&client).await;
    }
    let past = NaiveDate::from_ymd_opt(2026, 1, 31).unwrap();
    let price = Decimal::new(15, 1);
    simulator.add_usage(&UsageDay { day: past, category: "sms".to_owned(), count: 100, usage: 120, price });
    simulator.settled().await;
    let today = noon().date_naive();
    let records = client.daily_usage(Some("sms"), past, today).await.unwrap();
    let read: Vec<_> = records.iter().map(|r| (r.start_date, r.count.unwrap(), r.price.unwrap())).collect();
    let spent = Decimal::new(2_499_999, 8);
    assert_eq!(read, [(today, Decimal::from(3), spent), (past, Decimal::from(100), price)]);
    assert_eq!(client.balance().await.unwrap().balance.unwrap(), Decimal::from(1_000) - spent);
}

#[tokio::test]
async fn a_long_history_of_usage_is_read_to_its_end() {
    let simulator = simulator_at_noon().await;
    let first = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap();
    for day in first.iter_days().take(1_200) {
        let category = "sms".to_owned();
        simulator.add_usage(&UsageDay { day, category, count: 1, usage: 1, price: Decimal::ONE });
    }
    let records = client(&simulator).daily_usage(Some("sms"), first, noon().date_naive()).await.unwrap();
    assert_eq!(records.len(), 1_200);
}

#[tokio::test]
async fn prices_of_india_say_that_nothing_is_received_there() {
    let simulator = simulator().await;
    let client = client(&simulator);
    let india = client.messaging_prices("in").await.unwrap();
    assert_eq!(india.outbound_range("mobile").unwrap().0.to_string(), "0.00833333");
    assert!(india.inbound_sms_prices.is_empty());
    assert!(client.messaging_prices("ZZ").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn a_trial_account_says_so() {
    let simulator = simulator_with(|config| config.account = AccountKind::Trial { verified: vec![] }).await;
    let account = client(&simulator).account().await.unwrap();
    assert!(account.is_trial() && account.is_active());
}
