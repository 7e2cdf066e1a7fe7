//! Rate cards: what may be in force, and what stays of those that are removed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::NaiveDate;
use dakiya_core::message::{Channel, Direction};
use dakiya_core::rate_card::{Proposal, RateCard, RateItem};
use dakiya_core::scenario::Scenario;
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_core::settings::Settings;
use dakiya_store::scenarios::NewScenario;
use dakiya_store::{Store, StoreError, rate_cards, rate_proposals, scenarios, seed, senders, settings};
use support::{TESTER, later, now};

fn today() -> NaiveDate {
    now().date_naive()
}

async fn use_card(store: &Store, key: &str) -> Result<(), StoreError> {
    let changed = Settings { rate_card: key.to_owned(), ..settings::on(store, today()).await? };
    settings::update(store, &changed, &TESTER, now(), today()).await
}

fn conflict(result: Result<(), StoreError>) -> String {
    match result {
        Err(StoreError::Conflict(told)) => told,
        other => unreachable!("{other:?}"),
    }
}

on_both_databases! {
    async fn a_card_that_cannot_price_what_goes_out_never_comes_into_force(store: Store) {
        seed(&store, now()).await.unwrap();
        let key = rate_cards::add(&store, "Ours", None, &TESTER, now()).await.unwrap();
        let told = conflict(use_card(&store, &key).await);
        assert_eq!(told, "the rate card \"Ours\" would have no price for SMS out; add one first");
        assert_eq!(conflict(use_card(&store, "no-such").await), "there is no rate card \"no-such\"");
        assert_eq!(settings::get(&store).await.unwrap().rate_card, "setup-guide");
        // With a price for SMS it will do, until something can go out by WhatsApp.
        let guide = rate_cards::get(&store, "setup-guide").await.unwrap().unwrap();
        let mut ours = RateCard { key: key.clone(), name: "Ours".to_owned(), rows: guide.rows.clone() };
        ours.rows.retain(|row| row.item == RateItem::Sms);
        rate_cards::put(&store, &ours, &TESTER, now(), today()).await.unwrap();
        use_card(&store, &key).await.unwrap();
        use_card(&store, "setup-guide").await.unwrap();
        let whatsapp = Sender {
            address: SenderAddress::parse("+15005550009", SenderKind::Whatsapp).unwrap(),
            kind: SenderKind::Whatsapp,
            segments_per_second: 10,
            promotional: false,
            monthly_rent: None,
        };
        assert_eq!(whatsapp.kind.channel(), Channel::Whatsapp);
        senders::put(&store, &whatsapp, &TESTER, now()).await.unwrap();
        assert!(conflict(use_card(&store, &key).await).contains("WhatsApp out"));
    }

    async fn the_card_in_force_keeps_its_prices_and_others_may_lose_theirs(store: Store) {
        seed(&store, now()).await.unwrap();
        for (key, may) in [("setup-guide", false), ("twilio-list", true)] {
            let card = rate_cards::get(&store, key).await.unwrap().unwrap();
            let mut without = card.clone();
            without.rows.retain(|row| row.item != RateItem::Sms);
            let put = rate_cards::put(&store, &without, &TESTER, now(), today()).await;
            assert_eq!(put.is_ok(), may, "{key}: {put:?}");
            let stored = rate_cards::get(&store, key).await.unwrap().unwrap();
            assert_eq!(stored, if may { without } else { card });
        }
    }

    async fn a_removed_card_is_offered_nowhere_and_its_history_stays(store: Store) {
        seed(&store, now()).await.unwrap();
        let add = || rate_cards::add(&store, "Our contract", Some("setup-guide"), &TESTER, now());
        let key = add().await.unwrap();
        assert_eq!(key, "our-contract");
        let taken = "there is a rate card \"Our contract\" already; choose another name";
        assert_eq!(conflict(add().await.map(|_| ())), taken);
        let copied = rate_cards::get(&store, &key).await.unwrap().unwrap();
        assert_eq!(copied.rows, RateCard::setup_guide().rows);
        rate_cards::remove(&store, &key, &TESTER, later(60)).await.unwrap();
        assert_eq!(rate_cards::get(&store, &key).await.unwrap(), None);
        assert!(rate_cards::list(&store).await.unwrap().iter().all(|card| card.key != key));
        let kept = rate_cards::history(&store, &key).await.unwrap();
        assert!(kept.len() == copied.rows.len() && kept.iter().all(|row| row.retired.is_some()));
        assert!(matches!(
            rate_cards::remove(&store, &key, &TESTER, later(61)).await,
            Err(StoreError::NotFound { .. })
        ));
        // Its key is not given to another card by itself; who stores it again has it back, with its history.
        assert_eq!(add().await.unwrap(), "our-contract-2");
        assert_eq!(conflict(rate_cards::put(&store, &copied, &TESTER, later(62), today()).await), taken);
        let back = RateCard { name: "Our old contract".to_owned(), ..copied.clone() };
        rate_cards::put(&store, &back, &TESTER, later(62), today()).await.unwrap();
        assert_eq!(rate_cards::get(&store, &key).await.unwrap(), Some(back));
        assert_eq!(rate_cards::history(&store, &key).await.unwrap().len(), 2 * copied.rows.len());
    }

    async fn a_card_that_is_needed_is_not_removed(store: Store) {
        seed(&store, now()).await.unwrap();
        let key = rate_cards::add(&store, "Ours", Some("setup-guide"), &TESTER, now()).await.unwrap();
        let remove = |key: &'static str| rate_cards::remove(&store, key, &TESTER, now());
        assert!(conflict(remove("twilio-list").await).contains("ships with Dakiya"));
        use_card(&store, &key).await.unwrap();
        assert!(conflict(remove("ours").await).contains("is in force"));
        use_card(&store, "setup-guide").await.unwrap();
        let month = NewScenario { name: "Diwali".to_owned(), rate_card: Some(key.clone()), scenario: Scenario::default() };
        scenarios::put(&store, "diwali", &month, &TESTER, now()).await.unwrap();
        assert!(conflict(remove("ours").await).contains("Diwali"));
        scenarios::remove(&store, "diwali", &TESTER, now()).await.unwrap();
        remove("ours").await.unwrap();
    }

    async fn prices_that_waited_for_days_hold_from_the_day_of_the_click(store: Store) {
        seed(&store, now()).await.unwrap();
        let read_on = today() - chrono::TimeDelta::days(3);
        let dollars = vec!["0.0915".parse().unwrap()];
        let row = Proposal::of_segment_prices("twilio-list", Direction::Outbound, dollars, read_on, "Pricing API");
        let rows = row.into_iter().collect();
        let proposal = Proposal { card: "twilio-list".to_owned(), rows, simulated: false };
        let id = rate_proposals::propose(&store, &proposal, "Pricing API", &TESTER, now()).await.unwrap();
        rate_proposals::decide(&store, id, true, &TESTER, now(), today()).await.unwrap();
        let card = rate_cards::get(&store, "twilio-list").await.unwrap().unwrap();
        let new = card.rows.iter().find(|row| row.source == "Pricing API").unwrap();
        assert_eq!(new.valid_from, today());
    }
}
