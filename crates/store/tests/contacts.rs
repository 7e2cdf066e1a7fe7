//! Stored people: put, imported, searched, counted and erased.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::audience::Audience;
use dakiya_core::consent::Consent;
use dakiya_core::encoding::{Encoding, Segments};
use dakiya_core::ids::MessageId;
use dakiya_core::message::{Category, Channel, Status};
use dakiya_core::money::Money;
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::SenderAddress;
use dakiya_store::contacts::{self, Contact, ContactFields, ContactFilter, ContactRow};
use dakiya_store::imports::{self, Imported};
use dakiya_store::messages::{Enqueued, NewMessage};
use dakiya_store::opt_outs::{self, Change, OptOutFilter};
use dakiya_store::{Store, StoreError, audit, messages, opt_out_links};
use std::collections::BTreeMap;
use support::{TESTER, later, now, phone};

fn row(phone: PhoneNumber, name: &str, tags: Option<&str>) -> ContactRow {
    ContactRow {
        phone,
        name: (!name.is_empty()).then(|| name.to_owned()),
        language: None,
        tags: tags.map(|tags| tags.split(';').map(str::to_owned).collect()),
        attributes: BTreeMap::new(),
        consent: None,
    }
}

async fn import(store: &Store, rows: Vec<ContactRow>) -> Imported {
    contacts::import(store, rows, &TESTER, now()).await.unwrap()
}

async fn stored(store: &Store, phone: PhoneNumber) -> Contact {
    contacts::get(store, phone).await.unwrap().unwrap()
}

fn tagged(tags: &[&str]) -> Audience {
    Audience { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), all: false }
}

fn agreed() -> Consent {
    Consent::Given { at: None, evidence: None }
}

async fn everyone(store: &Store) -> u64 {
    contacts::audience_count(store, &Audience { all: true, tags: vec![] }).await.unwrap()
}

fn stop(phone: PhoneNumber) -> Change {
    Change {
        phone,
        action: OptOutAction::OptOut,
        scope: OptOutScope::All,
        source: OptOutSource::Sms,
        evidence: "STOP".to_owned(),
    }
}

async fn text_to(store: &Store, phone: PhoneNumber, key: &str) -> MessageId {
    let new = NewMessage {
        dedupe_key: format!("{key}:{phone}"),
        campaign_id: None,
        template: None,
        phone,
        channel: Channel::Sms,
        category: Category::Service,
        sender: SenderAddress::stored("+15005550006".to_owned()),
        body: "Your car is ready, Asha.".to_owned(),
        encoding: Encoding::Gsm7,
        segments: Segments(1),
        estimated_cost: Money::from_micros(800_000),
        estimated_fx: None,
        due_at: now(),
        expires_at: None,
        api_key_id: None,
        test: false,
        suppressed: None,
        reminder: None,
    };
    match messages::enqueue(store, new, None, now()).await.unwrap() {
        Enqueued::Created(message) => message.id,
        other => panic!("{other:?}"),
    }
}

on_both_databases! {
    async fn a_contact_is_stored_changed_and_read_back(store: Store) {
        assert_eq!(contacts::get(&store, phone(1)).await.unwrap(), None);
        let fields = ContactFields {
            name: Some("Asha पाटील".to_owned()),
            language: Some("hi".to_owned()),
            attributes: BTreeMap::from([("city".to_owned(), "Pune".to_owned())]),
            tags: Some(vec!["vip".to_owned(), " pune ".to_owned(), "vip".to_owned(), String::new()]),
            consent: Some(agreed()),
        };
        let put = contacts::put(&store, phone(1), &fields, &TESTER, now()).await.unwrap();
        assert_eq!(put, stored(&store, phone(1)).await);
        assert_eq!(put.tags, ["pune", "vip"]);
        assert_eq!(put.consent_promotional_at, Some(now()));

        let fields = ContactFields { name: Some("Asha".to_owned()), consent: Some(agreed()), ..Default::default() };
        let again = contacts::put(&store, phone(1), &fields, &TESTER, later(9)).await.unwrap();
        assert_eq!((again.id, again.created_at, again.updated_at), (put.id, now(), later(9)));
        assert_eq!(again.tags, put.tags, "tags not named stay");
        assert_eq!(again.consent_promotional_at, Some(now()), "the first consent is the evidence");
        assert!(again.attributes.is_empty() && again.language.is_none(), "a put says all there is");
        let fields = ContactFields { consent: Some(Consent::Withdrawn), ..Default::default() };
        assert_eq!(contacts::put(&store, phone(1), &fields, &TESTER, later(10)).await.unwrap().consent_promotional_at, None);
    }

    async fn a_file_read_twice_changes_nothing_and_its_tags_replace(store: Store) {
        let mut first = row(phone(1), "Asha", Some("vip;pune"));
        first.attributes.insert("car".to_owned(), "Swift \"VXi\"".to_owned());
        let rows = vec![first, row(phone(2), "Ravi", Some("")), row(phone(1), "Someone else", Some("late"))];
        let imported = import(&store, rows.clone()).await;
        assert_eq!(imported, Imported { accepted: 2, duplicates: 1 });
        let before = stored(&store, phone(1)).await;
        assert_eq!((before.name.as_deref(), before.tags.as_slice()), (Some("Asha"), ["pune".to_owned(), "vip".to_owned()].as_slice()));
        import(&store, rows).await;
        assert_eq!(stored(&store, phone(1)).await, before);

        let mut other = row(phone(1), "", None);
        other.attributes.insert("city".to_owned(), "Pune".to_owned());
        import(&store, vec![other]).await;
        let merged = stored(&store, phone(1)).await;
        assert_eq!(merged.name, before.name, "what a file does not say stays");
        assert_eq!(merged.tags, before.tags, "a file without tags leaves them");
        assert_eq!(merged.attributes["car"], "Swift \"VXi\"");
        assert_eq!(merged.attributes["city"], "Pune");

        import(&store, vec![row(phone(1), "", Some("new;vip"))]).await;
        assert_eq!(stored(&store, phone(1)).await.tags, ["new", "vip"]);
    }

    async fn importing_somebody_again_does_not_opt_them_in(store: Store) {
        import(&store, vec![row(phone(1), "Asha", None)]).await;
        opt_outs::record(&store, &stop(phone(1)), &TESTER, now()).await.unwrap();
        import(&store, vec![row(phone(1), "Asha", None)]).await;
        let covered = opt_outs::covering(&store, &[phone(1), phone(2)]).await.unwrap();
        assert_eq!(covered.into_iter().collect::<Vec<_>>(), [(phone(1), OptOutScope::All)]);
    }

    async fn an_import_that_breaks_off_leaves_nothing(store: Store) {
        let rows = (0..5_000).map(|n| row(phone(n), "A", Some("all")));
        let breaking = rows.chain(std::iter::once_with(|| panic!("the file ends here")));
        let attempt = {
            let (store, rows) = (store.clone(), breaking);
            tokio::spawn(async move { contacts::import(&store, rows, &TESTER, now()).await.map(drop) }).await
        };
        assert!(attempt.is_err());
        assert_eq!((everyone(&store).await, imports::waiting(&store).await.unwrap()), (0, vec![]));
        assert_eq!(import(&store, vec![row(phone(1), "A", None)]).await.accepted, 1, "the next one can write");
        imports::prune(&store, later(86_400)).await.unwrap();
        assert_eq!(everyone(&store).await, 1);
    }

    async fn others_write_while_a_large_file_is_read_and_nothing_of_it_is_there_yet(store: Store) {
        let (reading, midway) = std::sync::mpsc::channel();
        let (written, go_on) = std::sync::mpsc::channel::<()>();
        let rows = (0..9_000).map(move |n| {
            if n == 7_000 {
                reading.send(()).unwrap();
                tokio::task::block_in_place(|| go_on.recv()).unwrap();
            }
            row(phone(n % 8_999), "A", Some("all"))
        });
        let file = tokio::spawn({
            let store = store.clone();
            async move { contacts::import(&store, rows, &TESTER, now()).await.unwrap() }
        });
        tokio::task::block_in_place(|| midway.recv()).unwrap();
        contacts::put(&store, phone(9_999), &ContactFields::default(), &TESTER, now()).await.unwrap();
        assert_eq!(everyone(&store).await, 1, "only what was put");
        written.send(()).unwrap();
        assert_eq!(file.await.unwrap(), Imported { accepted: 8_999, duplicates: 1 });
        assert_eq!((everyone(&store).await, imports::waiting(&store).await.unwrap()), (9_000, vec![]));
        let tags = contacts::tags(&store, 10).await.unwrap();
        assert_eq!((tags[0].tag.as_str(), tags[0].count), ("all", 8_999));
        let log = audit::page(&store, None, 50).await.unwrap().items;
        let told: Vec<_> = log.iter().filter(|line| line.action == "contacts.imported").collect();
        assert_eq!((told.len(), told[0].detail.as_str()), (1, "8999 accepted, 1 duplicates"));
        imports::prune(&store, later(86_400)).await.unwrap();
    }

    async fn whoever_went_away_while_a_large_file_was_applied_loses_nothing(store: Store) {
        let rows = (0..9_000).map(|n| row(phone(n), "A", None));
        let file = tokio::spawn({
            let store = store.clone();
            async move { contacts::import(&store, rows, &TESTER, now()).await.map(drop) }
        });
        while everyone(&store).await == 0 {
            tokio::task::yield_now().await;
        }
        file.abort();
        // Two at it at once do each batch once.
        while let Some(waiting) = imports::waiting(&store).await.unwrap().pop() {
            let (one, other) = tokio::join!(imports::resume(&store, waiting.id), imports::resume(&store, waiting.id));
            one.unwrap();
            other.unwrap();
        }
        assert_eq!(everyone(&store).await, 9_000);
    }

    async fn a_file_says_yes_no_or_since_when_and_silence_changes_nothing(store: Store) {
        let said = |n, consent| ContactRow { consent, ..row(phone(n), "", None) };
        let since = |at, evidence: Option<&str>| Some(Consent::Given { at, evidence: evidence.map(str::to_owned) });
        let on_record = |n| {
            let store = store.clone();
            async move {
                let contact = stored(&store, phone(n)).await;
                (contact.consent_promotional_at, contact.consent_evidence)
            }
        };
        let form = || Some("form".to_owned());
        import(&store, vec![said(1, since(None, Some("form"))), said(2, since(Some(later(-9)), None)), said(3, None), said(4, Some(Consent::Withdrawn))]).await;
        assert_eq!(on_record(1).await, (Some(now()), form()));
        assert_eq!(on_record(2).await, (Some(later(-9)), None));
        assert_eq!((on_record(3).await, on_record(4).await), ((None, None), (None, None)));

        let again = vec![said(1, since(None, None)), said(2, None), said(3, since(Some(later(99)), None))];
        contacts::import(&store, again, &TESTER, later(5)).await.unwrap();
        assert_eq!(on_record(1).await, (Some(now()), form()), "the first consent is the evidence");
        assert_eq!(on_record(2).await, (Some(later(-9)), None));
        assert_eq!(on_record(3).await, (Some(later(5)), None), "a day that is still to come counts from now");

        let last = vec![said(1, Some(Consent::Withdrawn)), said(2, since(Some(later(-99)), Some("call")))];
        contacts::import(&store, last, &TESTER, later(6)).await.unwrap();
        assert_eq!(on_record(1).await, (None, None));
        assert_eq!(on_record(2).await, (Some(later(-99)), Some("call".to_owned())));
    }

    async fn pages_follow_one_another_without_gaps(store: Store) {
        let rows = (0..25).map(|n| row(phone(n), &format!("Name {}", (b'a' + (n % 3) as u8) as char), Some(if n % 2 == 0 { "even" } else { "odd" })));
        import(&store, rows.collect()).await;
        let searches = [
            (None, None, 25),
            (None, Some("even"), 13),
            (Some("name B"), None, 8),
            (Some("name b"), Some("odd"), 4),
            (Some("98000000"), None, 25),
            (Some("+91 98000-0001"), None, 10),
            (Some("098 0000 001"), None, 10),
            (Some("zoe"), None, 0),
            (Some("%"), None, 0),
        ];
        for (search, tag, expected) in searches {
            let filter = ContactFilter { search: search.map(str::to_owned), tag: tag.map(str::to_owned) };
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = contacts::page(&store, &filter, cursor.as_ref(), 4).await.unwrap();
                assert!(page.items.len() <= 4);
                seen.extend(page.items.into_iter().map(|contact| contact.phone));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            let found = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!((found, seen.len()), (expected, expected), "{filter:?}");
        }
    }

    async fn a_text_with_a_nul_is_refused_as_the_callers_fault_or_kept_whole(store: Store) {
        let filter = ContactFilter { search: Some("a\0b".to_owned()), tag: None };
        let searched = contacts::page(&store, &filter, None, 5).await;
        let fields = ContactFields { name: Some("a\0b".to_owned()), ..Default::default() };
        let put = contacts::put(&store, phone(1), &fields, &TESTER, now()).await;
        match store.engine() {
            "postgres" => assert!(
                matches!((&searched, &put), (Err(StoreError::NulCharacter), Err(StoreError::NulCharacter))),
                "{searched:?} {put:?}"
            ),
            _ => assert_eq!(put.unwrap().name.as_deref(), Some("a\0b")),
        }
    }

    async fn an_audience_is_everyone_with_any_of_its_tags_once_in_order(store: Store) {
        let tags = |n: u64| match n % 4 { 0 => "a;b", 1 => "a", 2 => "b", _ => "c" };
        import(&store, (0..40).map(|n| row(phone(n), "", Some(tags(n)))).collect()).await;
        for (audience, expected) in [
            (tagged(&["a"]), 20),
            (tagged(&["a", "b"]), 30),
            (tagged(&["nobody"]), 0),
            (tagged(&[]), 0),
            (Audience { tags: vec![], all: true }, 40),
        ] {
            assert_eq!(contacts::audience_count(&store, &audience).await.unwrap(), expected, "{audience:?}");
            let mut read: Vec<PhoneNumber> = Vec::new();
            loop {
                let page = contacts::page_audience(&store, &audience, read.last().copied(), 7).await.unwrap();
                if page.is_empty() {
                    break;
                }
                read.extend(page.into_iter().map(|contact| contact.phone));
            }
            assert_eq!(read.len() as u64, expected, "{audience:?}");
            assert!(read.windows(2).all(|pair| pair[0] < pair[1]));
        }
        let counts = contacts::tags(&store, 10).await.unwrap();
        assert_eq!(counts.into_iter().map(|tag| (tag.tag, tag.count)).collect::<Vec<_>>(), [
            ("a".to_owned(), 20), ("b".to_owned(), 20), ("c".to_owned(), 10),
        ]);
    }

    async fn who_was_erased_is_gone_and_still_not_messaged(store: Store) {
        import(&store, vec![row(phone(1), "Asha", Some("vip")), row(phone(2), "Ravi", None)]).await;
        opt_outs::record(&store, &stop(phone(1)), &TESTER, now()).await.unwrap();
        opt_out_links::upsert(&store, &[([1; 32], phone(1)), ([2; 32], phone(2))]).await.unwrap();
        assert!(contacts::erase(&store, phone(1), &TESTER, later(1)).await.unwrap());
        assert!(!contacts::erase(&store, phone(1), &TESTER, later(2)).await.unwrap());

        assert_eq!(contacts::get(&store, phone(1)).await.unwrap(), None);
        assert!(contacts::tags(&store, 10).await.unwrap().is_empty());
        assert_eq!(opt_out_links::phone_of(&store, [1; 32]).await.unwrap(), None);
        assert_eq!(opt_out_links::phone_of(&store, [2; 32]).await.unwrap(), Some(phone(2)));
        let page = opt_outs::page(&store, &OptOutFilter::default(), None, 10).await.unwrap();
        assert_eq!(page.items[0].phone.number(), None, "the number is nowhere to be read");
        assert_eq!(opt_outs::covering(&store, &[phone(1), phone(2)]).await.unwrap().len(), 1, "and still stops messages");
        let history = opt_outs::history(&store, phone(1), 10).await.unwrap();
        assert_eq!((history.len(), history[0].evidence.as_str()), (1, ""), "what the person wrote is gone");
        let log = audit::page(&store, None, 50).await.unwrap();
        assert!(log.items.iter().all(|line| !format!("{line:?}").contains(&phone(1).to_string())));

        opt_outs::record(&store, &stop(phone(1)), &TESTER, later(3)).await.unwrap();
        contacts::erase(&store, phone(1), &TESTER, later(4)).await.unwrap();
        assert_eq!(opt_outs::page(&store, &OptOutFilter::default(), None, 10).await.unwrap().items.len(), 1);
        let start = Change { action: OptOutAction::OptIn, ..stop(phone(1)) };
        assert!(opt_outs::record(&store, &start, &TESTER, later(5)).await.unwrap());
        assert!(opt_outs::covering(&store, &[phone(1)]).await.unwrap().is_empty());
    }

    async fn messages_to_who_was_erased_are_canceled_and_stay_counted_without_number_and_text(store: Store) {
        let ids = [text_to(&store, phone(1), "a").await, text_to(&store, phone(2), "b").await];
        assert!(contacts::erase(&store, phone(1), &TESTER, later(1)).await.unwrap());
        let erased = messages::get(&store, ids[0]).await.unwrap().unwrap();
        assert_eq!((erased.status, erased.body.as_str(), erased.phone.number()), (Status::Canceled, "", None));
        assert!(!erased.dedupe_key.contains(&phone(1).to_string()));
        let other = messages::get(&store, ids[1]).await.unwrap().unwrap();
        assert_eq!((other.status, other.phone.number()), (Status::Queued, Some(phone(2))));
        let events = messages::events(&store, &erased).await.unwrap();
        assert_eq!(events.last().unwrap().status, Status::Canceled);
    }
}
