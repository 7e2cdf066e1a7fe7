//! Opening, migrating and keeping what is committed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::settings::Settings;
use dakiya_core::starter::STARTER_TEMPLATES;
use dakiya_core::time::day_in;
use dakiya_store::{
    ConnectOptions, Store, StoreError, installation, rate_cards, seed, sending, settings, templates,
};
use support::{TESTER, later, now};

on_both_databases! {
    async fn migrating_twice_and_from_two_nodes_at_once_changes_nothing(store: Store) {
        let key = installation::key(&store).await.unwrap();
        let (one, other) = tokio::join!(store.migrate(), store.migrate());
        one.unwrap();
        other.unwrap();
        assert_eq!(installation::key(&store).await.unwrap(), key);
        assert_ne!(key, [0; 32]);
        store.ping().await.unwrap();
    }

    async fn seeding_keeps_what_the_owner_changed(store: Store) {
        seed(&store, now()).await.unwrap();
        let mut card = rate_cards::get(&store, "setup-guide").await.unwrap().unwrap();
        assert_eq!(card, dakiya_core::rate_card::RateCard::setup_guide());
        card.name = "Ours".to_owned();
        card.rows.truncate(1);
        rate_cards::put(&store, &card, &TESTER, now(), now().date_naive()).await.unwrap();
        seed(&store, later(60)).await.unwrap();
        assert_eq!(rate_cards::get(&store, "setup-guide").await.unwrap(), Some(card));
        assert_eq!(rate_cards::list(&store).await.unwrap().len(), 2);
        assert_eq!(rate_cards::get(&store, "no-such-card").await.unwrap(), None);
        let starters = templates::list(&store, None, 50).await.unwrap().items;
        assert_eq!(starters.len(), STARTER_TEMPLATES.len());
        let hindi = templates::get(&store, "otp", Some("hi")).await.unwrap().unwrap();
        assert_eq!((hindi.version, hindi.language.as_str()), (2, "hi"), "written once");
    }

    async fn settings_are_the_defaults_until_somebody_changes_them(store: Store) {
        assert_eq!(settings::get(&store).await.unwrap(), Settings::default());
        let changed = Settings { retries: 7, ..Settings::default() };
        settings::update(&store, &changed, &TESTER, now(), day_in(now(), chrono_tz::Asia::Kolkata)).await.unwrap();
        assert_eq!(settings::get(&store).await.unwrap(), changed);
        let log = dakiya_store::audit::page(&store, None, 10).await.unwrap();
        assert_eq!(log.items[0].detail, "retries: 3 → 7");
        assert_eq!(log.items[0].actor, "test");
    }

    async fn nothing_is_sent_while_stopped_or_held_until_somebody_resumes(store: Store) {
        assert_eq!(sending::state(&store).await.unwrap().halted(), None);
        sending::hold(&store, "restored from a backup", &TESTER, now()).await.unwrap();
        sending::stop(&store, "wrong text", &TESTER, later(1)).await.unwrap();
        sending::stop(&store, "wrong text in Hindi too", &TESTER, later(2)).await.unwrap();
        let state = sending::state(&store).await.unwrap();
        let halt = state.halted().unwrap();
        assert_eq!((halt.reason.as_str(), halt.since), ("wrong text in Hindi too", later(1)));
        assert_eq!(state.held.unwrap().reason, "restored from a backup");
        sending::resume(&store, &TESTER, later(3)).await.unwrap();
        assert_eq!(sending::state(&store).await.unwrap(), Default::default());
    }
}

#[tokio::test]
async fn a_second_serve_on_one_file_is_refused_and_other_commands_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/test.db", directory.path().display());
    let serving = ConnectOptions { exclusive: true };
    let first = Store::connect(&url, serving).await.unwrap();
    first.migrate().await.unwrap();
    let second = Store::connect(&url, serving).await.err().unwrap();
    assert!(matches!(second, StoreError::AlreadyServing(_)), "{second}");
    Store::connect(&url, ConnectOptions::default()).await.unwrap().ping().await.unwrap();
    drop(first);
    Store::connect(&url, serving).await.unwrap();
}

#[tokio::test]
async fn a_database_in_memory_works_for_one_command() {
    let store = Store::connect("sqlite::memory:", ConnectOptions::default()).await.unwrap();
    store.migrate().await.unwrap();
    seed(&store, now()).await.unwrap();
    assert!(rate_cards::get(&store, "twilio-list").await.unwrap().is_some());
}

#[tokio::test]
async fn what_cannot_be_opened_is_refused_with_what_to_do_and_without_the_password() {
    for url in ["mysql://root@db/x", "dakiya.db", "", "postgres://[bad"] {
        let fault = Store::connect(url, ConnectOptions::default()).await.err().unwrap();
        assert!(matches!(fault, StoreError::Url(_)), "{url}: {fault}");
        assert!(fault.to_string().contains("DAKIYA_DATABASE_URL"), "{fault}");
    }
    for url in ["postgres://me:s3cret@127.0.0.1:1/dakiya", "sqlite:///no/such/directory/dakiya.db?mode=rwc"] {
        let fault = Store::connect(url, ConnectOptions::default()).await.err().unwrap();
        assert!(matches!(fault, StoreError::Unreachable { .. }), "{fault}");
        assert!(!format!("{fault} {fault:?}").contains("s3cret"), "{fault}");
    }
}

#[tokio::test]
async fn a_database_without_tables_says_to_migrate() {
    let store = Store::connect("sqlite::memory:", ConnectOptions::default()).await.unwrap();
    let fault = settings::get(&store).await.err().unwrap();
    assert!(matches!(fault, StoreError::NotMigrated), "{fault:?}");
}
