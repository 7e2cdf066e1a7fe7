//! Who asked not to be messaged, and how we know.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_store::Store;
use dakiya_store::imports::Imported;
use dakiya_store::opt_outs::{self, Change, OptOutFilter, OptOutRow};
use support::{TESTER, later, now, phone};

fn change(phone: PhoneNumber, action: OptOutAction, scope: OptOutScope) -> Change {
    Change { phone, action, scope, source: OptOutSource::Link, evidence: "the public page".to_owned() }
}

async fn scope_of(store: &Store, phone: PhoneNumber) -> Option<OptOutScope> {
    opt_outs::covering(store, &[phone]).await.unwrap().get(&phone).copied()
}

use OptOutAction::{OptIn, OptOut};
use OptOutScope::{All, Promotional};

on_both_databases! {
    async fn the_widest_opt_out_counts_and_opting_in_lifts_what_it_names(store: Store) {
        let record = |action, scope, at| {
            let (store, change) = (store.clone(), change(phone(1), action, scope));
            async move { opt_outs::record(&store, &change, &TESTER, later(at)).await.unwrap() }
        };
        assert!(record(OptOut, Promotional, 1).await);
        assert_eq!(scope_of(&store, phone(1)).await, Some(Promotional));
        assert!(record(OptOut, All, 2).await);
        assert!(!record(OptOut, All, 3).await, "it was in force already");
        assert_eq!(scope_of(&store, phone(1)).await, Some(All));
        assert!(record(OptIn, Promotional, 4).await);
        assert_eq!(scope_of(&store, phone(1)).await, Some(All), "the wider one is not lifted by the narrower");
        record(OptOut, Promotional, 5).await;
        assert!(record(OptIn, All, 6).await);
        assert_eq!(scope_of(&store, phone(1)).await, None);
        assert!(opt_outs::state(&store, phone(1)).await.unwrap().is_empty());

        let history = opt_outs::history(&store, phone(1), 10).await.unwrap();
        let told: Vec<_> = history.iter().map(|entry| (entry.action, entry.scope, entry.at)).collect();
        assert_eq!(told, [
            (OptIn, All, later(6)),
            (OptOut, Promotional, later(5)),
            (OptIn, Promotional, later(4)),
            (OptOut, All, later(3)),
            (OptOut, All, later(2)),
            (OptOut, Promotional, later(1)),
        ], "everything asked for is kept, in order");
        assert_eq!((history[0].actor.as_str(), history[0].evidence.as_str()), ("test", "the public page"));
    }

    async fn since_when_is_when_it_was_first_asked(store: Store) {
        for at in [5, 50] {
            opt_outs::record(&store, &change(phone(1), OptOut, All), &TESTER, later(at)).await.unwrap();
        }
        let state = opt_outs::state(&store, phone(1)).await.unwrap();
        assert_eq!((state.len(), state[0].since, state[0].source), (1, later(5), OptOutSource::Link));
    }

    async fn a_file_imported_twice_changes_nothing(store: Store) {
        opt_outs::record(&store, &change(phone(3), OptOut, All), &TESTER, now()).await.unwrap();
        let rows = || (0..2_500).chain([7]).map(|n| OptOutRow { phone: phone(n), scope: All, evidence: format!("stop.csv, line {n}") });
        for at in [1, 2] {
            let imported = opt_outs::import(&store, rows(), &TESTER, later(at)).await.unwrap();
            assert_eq!(imported, Imported { accepted: 2_500, duplicates: 1 });
        }
        let kept = opt_outs::state(&store, phone(3)).await.unwrap();
        assert_eq!((kept[0].since, kept[0].source), (now(), OptOutSource::Link));
        assert_eq!(opt_outs::history(&store, phone(3), 10).await.unwrap().len(), 1);
        let imported = opt_outs::history(&store, phone(4), 10).await.unwrap();
        assert_eq!((imported.len(), imported[0].evidence.as_str()), (1, "stop.csv, line 4"));
        let all: Vec<PhoneNumber> = (0..2_600).map(phone).collect();
        assert_eq!(opt_outs::covering(&store, &all).await.unwrap().len(), 2_500);
    }

    async fn the_list_pages_through_all_and_finds_a_number_by_its_beginning(store: Store) {
        for n in 0..12 {
            for scope in [All, Promotional] {
                opt_outs::record(&store, &change(phone(n), OptOut, scope), &TESTER, now()).await.unwrap();
            }
        }
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = opt_outs::page(&store, &OptOutFilter::default(), cursor.as_ref(), 5).await.unwrap();
            seen.extend(page.items.into_iter().map(|opt_out| (opt_out.phone, opt_out.scope)));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 24);
        assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
        for search in ["9800000011", "+919800000011", "98000 00011"] {
            let filter = OptOutFilter { search: Some(search.to_owned()), ..OptOutFilter::default() };
            assert_eq!(opt_outs::page(&store, &filter, None, 5).await.unwrap().items.len(), 2, "{search}");
            assert_eq!(opt_outs::count(&store, &filter, 5).await.unwrap(), 2, "{search}");
        }
    }

    async fn the_list_is_filtered_by_scope_and_source_and_counted(store: Store) {
        let rows = |range: std::ops::Range<u64>, scope| range.map(move |n| OptOutRow { phone: phone(n), scope, evidence: String::new() });
        opt_outs::import(&store, rows(0..30, All).chain(rows(20..40, Promotional)), &TESTER, now()).await.unwrap();
        for n in 35..50 {
            opt_outs::record(&store, &change(phone(n), OptOut, All), &TESTER, now()).await.unwrap();
        }
        let (csv, link) = (Some(OptOutSource::Csv), Some(OptOutSource::Link));
        for (search, scope, source, expected) in [
            (None, None, None, 65),
            (None, Some(All), None, 45),
            (None, None, csv, 50),
            (None, Some(Promotional), csv, 20),
            (None, Some(All), link, 15),
            (None, Some(Promotional), link, 0),
            (Some("98000 0003"), Some(All), None, 5),
            (Some("98000 0003"), None, None, 15),
            (Some("Asha"), None, csv, 0),
        ] {
            let filter = OptOutFilter { search: search.map(str::to_owned), scope, source };
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = opt_outs::page(&store, &filter, cursor.as_ref(), 4).await.unwrap();
                seen.extend(page.items.into_iter().map(|opt_out| (opt_out.phone, opt_out.scope)));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{filter:?}");
            assert_eq!((seen.len(), opt_outs::count(&store, &filter, 1_000).await.unwrap()), (expected, expected as u64), "{filter:?}");
            assert_eq!(opt_outs::count(&store, &filter, 7).await.unwrap(), (expected as u64).min(7));
        }
    }
}
