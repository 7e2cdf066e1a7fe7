//! What-if months: kept by name, changed, thrown away, each with who did it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::scenario::Scenario;
use dakiya_store::scenarios::{self, NewScenario};
use dakiya_store::{Store, StoreError, audit};
use support::{TESTER, later, now};

fn month(name: &str) -> NewScenario {
    let scenario = Scenario {
        requests_per_month: 1_000,
        sms_per_request: 3,
        phone_numbers: 1,
        whatsapp_percent: 40,
        usd_inr: Some("98.25".parse().unwrap()),
        ..Scenario::default()
    };
    NewScenario { name: name.to_owned(), rate_card: Some("twilio-list".to_owned()), scenario }
}

async fn log(store: &Store) -> Vec<(String, String)> {
    let entries = audit::page(store, None, 50).await.unwrap().items;
    let ours = entries.into_iter().filter(|entry| entry.action.starts_with("scenario."));
    ours.map(|entry| (entry.action, entry.subject)).collect()
}

on_both_databases! {
    async fn the_setup_guides_own_ships_and_stays_as_it_is(store: Store) {
        let guide = scenarios::get(&store, "setup-guide").await.unwrap().unwrap();
        let plain = Scenario { requests_per_month: 1_000, sms_per_request: 3, phone_numbers: 1, ..Scenario::default() };
        assert_eq!((guide.scenario, guide.rate_card.as_deref(), guide.updated_by.as_str()), (plain, Some("setup-guide"), "Dakiya"));
        let removed = scenarios::remove(&store, "setup-guide", &TESTER, now()).await;
        assert!(matches!(removed, Err(StoreError::Conflict(_))), "{removed:?}");
        let renamed = scenarios::put(&store, "setup-guide", &month("Mine"), &TESTER, now()).await;
        assert!(matches!(renamed, Err(StoreError::Conflict(_))), "{renamed:?}");
        assert_eq!(scenarios::get(&store, "setup-guide").await.unwrap(), Some(guide));
        assert_eq!(log(&store).await, []);
    }

    async fn what_is_kept_comes_back_and_is_changed_under_its_key(store: Store) {
        assert!(scenarios::put(&store, "diwali", &month("Diwali"), &TESTER, now()).await.unwrap());
        let cheaper = NewScenario { rate_card: None, ..month("Diwali, cheaper") };
        assert!(!scenarios::put(&store, "diwali", &cheaper, &TESTER, later(5)).await.unwrap());
        let kept = scenarios::get(&store, "diwali").await.unwrap().unwrap();
        assert_eq!((kept.name.as_str(), kept.rate_card, kept.scenario), ("Diwali, cheaper", None, cheaper.scenario));
        assert_eq!((kept.updated_at, kept.updated_by.as_str()), (later(5), "test"));
        assert_eq!(log(&store).await, vec![("scenario.changed".to_owned(), "diwali".to_owned()); 2]);
    }

    async fn names_alike_have_keys_of_their_own_and_a_name_that_is_kept_is_refused(store: Store) {
        for (name, key) in [("Diwali", "diwali"), ("Diwali!", "diwali-2"), ("diwali", "diwali-3")] {
            assert_eq!(scenarios::add(&store, &month(name), &TESTER, now()).await.unwrap(), key);
            let twice = scenarios::add(&store, &month(name), &TESTER, now()).await;
            assert!(matches!(&twice, Err(StoreError::Conflict(why)) if why.contains(name)), "{twice:?}");
        }
        let renamed = scenarios::put(&store, "diwali-2", &month("Diwali"), &TESTER, now()).await;
        assert!(matches!(renamed, Err(StoreError::Conflict(_))), "{renamed:?}");
        assert!(!scenarios::put(&store, "diwali-2", &month("Diwali!"), &TESTER, now()).await.unwrap());
        let first = scenarios::list(&store, None, 3).await.unwrap();
        let keys: Vec<&str> = first.items.iter().map(|kept| kept.key.as_str()).collect();
        assert_eq!(keys, ["diwali", "diwali-2", "diwali-3"]);
        let rest = scenarios::list(&store, first.next.as_ref(), 3).await.unwrap();
        assert_eq!((rest.items[0].key.as_str(), rest.next), ("setup-guide", None));
    }
}
