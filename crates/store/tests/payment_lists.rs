//! Payments in lists: imported, paged, searched and added up.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::payment::{AgeBucket, PaymentEvent, PaymentStatus};
use dakiya_store::Store;
use dakiya_store::payments::{self, PaymentFilter, Standing};
use support::payments::{day, ours, received, row, rupees, stored, sums_fit, told};
use support::{TESTER, later, now, phone};

on_both_databases! {
    async fn a_list_read_twice_changes_nothing_and_its_last_rows_count(store: Store) {
        let many = || (0..2_500).map(|n| row(&format!("r{n:05}"), n, "100", if n % 2 == 0 { "2026-12-05" } else { "2026-11-01" }));
        let last = row("r00007", 7, "250", "2026-12-31");
        let rows = || many().chain(std::iter::once(last.clone()));
        let imported = payments::import(&store, rows(), &TESTER, now()).await.unwrap();
        assert_eq!(imported.accepted + imported.duplicates, 2_501);
        let before = stored(&store, "r00007").await;
        assert_eq!((before.amount, before.due_on), (rupees("250"), day("2026-12-31")));
        let other = stored(&store, "r00008").await;
        payments::import(&store, rows(), &TESTER, later(60)).await.unwrap();
        assert_eq!(stored(&store, "r00008").await, other);
        sums_fit(&store).await;
        let totals = payments::totals(&store, day("2026-11-22")).await.unwrap();
        assert_eq!(totals.owed().payments, 2_500);
        assert_eq!(totals.aged(AgeBucket::UpTo30).payments, 1_249);
        assert_eq!(totals.aged(AgeBucket::NotDue).payments, 1_251);
        assert_eq!(totals.overdue().left(), rupees("124900"));
    }

    async fn pages_follow_one_another_without_gaps(store: Store) {
        let rows = (0..40).map(|n| {
            let due_on = format!("2026-12-{:02}", 1 + n % 7);
            let mut row = row(&format!("INV/{n:02}"), n, "100", &due_on);
            row.fields.name = Some(Some(if n % 4 == 0 { "Inverness".to_owned() } else { format!("Asha {n}") }));
            row
        });
        payments::import(&store, rows, &TESTER, now()).await.unwrap();
        for n in 0..40 {
            let event = match n % 5 {
                0 => PaymentEvent::Received(None),
                1 => PaymentEvent::Canceled,
                2 => received("1"),
                _ => continue,
            };
            ours(&store, &format!("INV/{n:02}"), event).await.unwrap();
        }
        let all = PaymentFilter::default;
        let search = |text: &str| PaymentFilter { search: Some(text.to_owned()), ..all() };
        let standing = |standing| PaymentFilter { standing: Some(standing), ..all() };
        for (filter, expected) in [
            (all(), 40),
            (standing(Standing::Owed), 24),
            (standing(Standing::In(PaymentStatus::Open)), 16),
            (standing(Standing::In(PaymentStatus::PartlyPaid)), 8),
            (standing(Standing::In(PaymentStatus::Paid)), 8),
            (standing(Standing::In(PaymentStatus::Canceled)), 8),
            (PaymentFilter { due_from: Some(day("2026-12-02")), due_until: Some(day("2026-12-03")), ..all() }, 12),
            (PaymentFilter { phone: Some(phone(3)), ..all() }, 1),
            (PaymentFilter { phone: Some(phone(5)), ..standing(Standing::In(PaymentStatus::Paid)) }, 1),
            (PaymentFilter { phone: Some(phone(5)), ..standing(Standing::Owed) }, 0),
            (search("inv/1"), 10),
            (search("inv"), 40),
            (search("asha"), 30),
            (search("98000000"), 40),
            (search("+91 98000-0001"), 10),
            (PaymentFilter { standing: Some(Standing::In(PaymentStatus::Paid)), ..search("INV/") }, 8),
            (search("%"), 0),
            (search("zoe"), 0),
        ] {
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let page = payments::page(&store, &filter, cursor.as_ref(), 3).await.unwrap();
                assert!(page.items.len() <= 3);
                seen.extend(page.items);
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            if filter.search.is_none() {
                let order: Vec<_> = seen.iter().map(|payment| (payment.due_on, payment.reference.clone())).collect();
                let owed = seen.iter().all(|payment| payment.status.is_owed()) && filter.standing.is_some();
                assert!(order.windows(2).all(|pair| (pair[0] < pair[1]) == owed), "{filter:?}: {order:?}");
            }
            let found = seen.len();
            let mut names: Vec<_> = seen.into_iter().map(|payment| payment.reference).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!((found, names.len()), (expected, expected), "{filter:?}");
        }
    }

    async fn lists_and_providers_at_the_same_moment_lose_nothing(store: Store) {
        let rows = || (0..300).map(|n| row(&format!("r{n:03}"), n, "100", "2026-12-05")).collect::<Vec<_>>();
        let importing = |order: bool| {
            let (store, mut rows) = (store.clone(), rows());
            if order {
                rows.reverse();
            }
            tokio::spawn(async move { payments::import(&store, rows, &TESTER, now()).await.unwrap() })
        };
        let telling = {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..300 {
                    told(&store, &format!("r{n:03}"), PaymentEvent::Received(None), &format!("e{n}")).await;
                }
            })
        };
        let (first, second) = (importing(false), importing(true));
        telling.await.unwrap();
        assert_eq!(first.await.unwrap().accepted, 300);
        assert_eq!(second.await.unwrap().accepted, 300);
        sums_fit(&store).await;
        let totals = payments::totals(&store, day("2026-11-22")).await.unwrap();
        assert_eq!(totals.of(PaymentStatus::Paid).payments, 300, "nobody who paid is reminded");
        assert_eq!(totals.of(PaymentStatus::Paid).paid, rupees("30000"));
    }
}
