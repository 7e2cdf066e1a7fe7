//! Templates, their versions, and the senders messages go out from.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::message::{Category, Channel};
use dakiya_core::money::Money;
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_core::template::Dlt;
use dakiya_store::templates::{self, TemplateText};
use dakiya_store::{Store, StoreError, senders};
use support::{TESTER, later, now};

fn text(body: &str, language: Option<&str>) -> TemplateText {
    TemplateText {
        name: "Provider assigned".to_owned(),
        category: Category::Transactional,
        channel: Channel::Sms,
        language: language.map(str::to_owned),
        body: body.to_owned(),
        dlt: None,
        content_sid: None,
    }
}

async fn put(store: &Store, body: &str, language: Option<&str>) -> i32 {
    templates::put(store, "provider_assigned", &text(body, language), &TESTER, now()).await.unwrap().version
}

fn sender(text: &str, kind: SenderKind) -> Sender {
    Sender {
        address: SenderAddress::parse(text, kind).unwrap(),
        kind,
        segments_per_second: 10,
        promotional: false,
        monthly_rent: None,
    }
}

on_both_databases! {
    async fn a_version_once_written_never_changes(store: Store) {
        assert_eq!(put(&store, "one", None).await, 1);
        assert_eq!(put(&store, "one", None).await, 1, "the same text is no new version");
        assert_eq!(put(&store, "two", None).await, 2);
        let mut registered = text("two", Some("en"));
        registered.dlt = Some(Dlt { entity_id: Some("110".to_owned()), ..Dlt::default() });
        let third = templates::put(&store, "provider_assigned", &registered, &TESTER, later(5)).await.unwrap();
        assert_eq!((third.version, third.created_at, third.created_by.as_str()), (3, later(5), "test"));
        assert_eq!(templates::get(&store, "provider_assigned", None).await.unwrap(), Some(third.clone()));

        let first = templates::at_version(&store, third.template_id, 1, None).await.unwrap().unwrap();
        assert_eq!((first.body.as_str(), first.dlt), ("one", None));
        let newest = templates::history(&store, "provider_assigned", None, 2).await.unwrap();
        let oldest = templates::history(&store, "provider_assigned", newest.next.as_ref(), 2).await.unwrap();
        let bodies: Vec<_> = newest.items.iter().chain(&oldest.items).map(|v| (v.version, v.body.as_str())).collect();
        assert_eq!(bodies, [(3, "two"), (2, "two"), (1, "one")]);
        let unknown = templates::history(&store, "nothing", None, 2).await;
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
    }

    async fn a_language_without_a_text_gets_the_default_one(store: Store) {
        put(&store, "english 1", None).await;
        put(&store, "hindi 2", Some("hi")).await;
        put(&store, "english 3", Some("en")).await;
        put(&store, "hindi 4", Some("hi")).await;
        let body = |language: Option<&'static str>| {
            let store = store.clone();
            async move { templates::get(&store, "provider_assigned", language).await.unwrap().unwrap().body }
        };
        assert_eq!(body(None).await, "english 3");
        assert_eq!(body(Some("hi")).await, "hindi 4");
        assert_eq!(body(Some("ta")).await, "english 3");
        assert_eq!(templates::get(&store, "nothing", Some("hi")).await.unwrap(), None);

        let id = templates::get(&store, "provider_assigned", None).await.unwrap().unwrap().template_id;
        let as_of = |version| {
            let store = store.clone();
            async move {
                let variants = templates::variants(&store, id, version).await.unwrap();
                variants.into_iter().map(|variant| variant.body).collect::<Vec<_>>()
            }
        };
        assert_eq!(as_of(1).await, ["english 1"]);
        assert_eq!(as_of(3).await, ["english 3", "hindi 2"]);
        assert_eq!(as_of(9).await, ["english 3", "hindi 4"]);
    }

    async fn many_who_write_at_once_each_get_a_version_of_their_own(store: Store) {
        put(&store, "first", None).await;
        let written = (0..8).map(|n| {
            let (store, body) = (store.clone(), format!("text {n}"));
            async move { put(&store, &body, None).await }
        });
        let mut versions = futures::future::join_all(written).await;
        versions.sort_unstable();
        assert_eq!(versions, [2, 3, 4, 5, 6, 7, 8, 9]);
    }

    async fn the_list_shows_each_template_once_as_it_is_now(store: Store) {
        for key in ["b", "a", "c"] {
            templates::put(&store, key, &text("old", None), &TESTER, now()).await.unwrap();
            templates::put(&store, key, &text("new", None), &TESTER, now()).await.unwrap();
        }
        let first = templates::list(&store, None, 2).await.unwrap();
        let rest = templates::list(&store, first.next.as_ref(), 2).await.unwrap();
        let shown: Vec<_> = first.items.iter().chain(&rest.items).map(|t| (t.key.as_str(), t.body.as_str())).collect();
        assert_eq!(shown, [("a", "new"), ("b", "new"), ("c", "new")]);
        assert_eq!(rest.next, None);
    }

    async fn one_number_may_speak_both_channels_and_the_first_is_the_default(store: Store) {
        let number = sender("+919876543210", SenderKind::Number);
        let whatsapp = sender("whatsapp:+919876543210", SenderKind::Whatsapp);
        let header = sender("VEHAID", SenderKind::Header);
        senders::ensure(&store, &[number.clone(), whatsapp.clone()]).await.unwrap();
        senders::put(&store, &header, &TESTER, now()).await.unwrap();
        let faster = Sender {
            segments_per_second: 40,
            promotional: true,
            monthly_rent: Some(Money::from_micros(150_000_000)),
            ..number.clone()
        };
        senders::put(&store, &faster, &TESTER, now()).await.unwrap();
        senders::ensure(&store, &[number, whatsapp.clone()]).await.unwrap();
        assert_eq!(senders::first(&store, Channel::Sms).await.unwrap(), Some(faster.clone()), "a restart changes nothing");
        assert_eq!(senders::get(&store, Channel::Whatsapp, &whatsapp.address).await.unwrap(), Some(whatsapp.clone()));
        assert_eq!(senders::get(&store, Channel::Whatsapp, &header.address).await.unwrap(), None);
        assert_eq!(senders::list(&store, Some(Channel::Sms)).await.unwrap(), [faster.clone(), header.clone()]);
        assert_eq!(senders::list(&store, None).await.unwrap(), [faster, whatsapp, header]);
    }

    async fn a_real_account_s_sender_takes_the_place_of_the_simulator_s(store: Store) {
        let simulated = sender("+15005550006", SenderKind::Number);
        let own = sender("+919876543210", SenderKind::Number);
        senders::ensure(&store, std::slice::from_ref(&simulated)).await.unwrap();
        senders::ensure(&store, std::slice::from_ref(&own)).await.unwrap();
        assert_eq!(senders::list(&store, None).await.unwrap(), [own, simulated]);
    }
}
