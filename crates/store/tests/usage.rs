//! Usage records: filed once, whatever is repeated, and never beside messages of our own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::{Days, NaiveDate};
use dakiya_core::message::{Channel, Direction};
use dakiya_core::money::Money;
use dakiya_core::rate_card::RateItem;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::Month;
use dakiya_core::usage::UsageKind;
use dakiya_store::costs::{self, CostLine, Rent};
use dakiya_store::messages::NewMessage;
use dakiya_store::usage::{self, Filed, UsageRecord};
use dakiya_store::{Store, fx_rates, reconciliation};
use support::sending::{SENDER, enqueue, new_message, sender, take_at};
use support::{TESTER, now};

const ACCOUNT: &str = "AC1";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn record(day: NaiveDate, category: &str, kind: Option<UsageKind>, count: i64, price: &str) -> UsageRecord {
    UsageRecord {
        day,
        category: category.to_owned(),
        kind,
        count: Some(count),
        usage: Some(count.into()),
        price: price.parse().unwrap(),
        price_unit: "USD".to_owned(),
        as_of: None,
    }
}

/// A day of sixty texts, of which one came in; what is left of the total is a lookup.
fn of_day(day: NaiveDate) -> Vec<UsageRecord> {
    vec![
        record(day, "sms", None, 60, "0.5"),
        record(day, "sms-outbound", Some(UsageKind::SmsOutbound), 59, "0.49"),
        record(day, "sms-inbound", Some(UsageKind::SmsInbound), 1, "0.01"),
        record(day, "totalprice", Some(UsageKind::Total), 0, "0.505"),
    ]
}

async fn put(store: &Store, first: &str, last: &str, records: &[UsageRecord]) -> Filed {
    usage::put(store, ACCOUNT, (day(first), day(last)), records, now()).await.unwrap()
}

async fn ten_days(store: &Store) -> Filed {
    let days: Vec<UsageRecord> = day("2026-11-13").iter_days().take(10).flat_map(of_day).collect();
    put(store, "2026-11-13", "2026-11-22", &days).await
}

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

async fn spent(store: &Store) -> Money {
    let lines = costs::month(store, november()).await.unwrap();
    let sum: Money = lines.iter().map(|line| line.costs.spent()).sum();
    assert_eq!(costs::spent(store, november()).await.unwrap(), sum, "the month is the sum of its lines");
    sum
}

async fn everything(store: &Store) -> (Money, Vec<CostLine>, Vec<(NaiveDate, CostLine)>) {
    let days = costs::by_day(store, day("2026-10-01"), day("2026-12-31")).await.unwrap();
    (spent(store).await, costs::month(store, november()).await.unwrap(), days)
}

on_both_databases! {
    async fn days_before_our_first_message_are_totals_of_the_vendor_that_add_up(store: Store) {
        let filed = ten_days(&store).await;
        // The tenth is today: it is not over.
        assert_eq!(filed, Filed { days: 10, filed: 9, unreadable: 0 });
        // 9 × US$0.505 at ₹96.
        assert_eq!(spent(&store).await, rupees("436.32"));
        let lines = costs::month(&store, november()).await.unwrap();
        let shown: Vec<_> =
            lines.iter().map(|line| (line.item, line.direction, line.costs.messages, line.costs.actual)).collect();
        let expected = [
            (RateItem::Other, Direction::Outbound, 0, rupees("4.32")),
            (RateItem::Sms, Direction::Inbound, 9, rupees("8.64")),
            (RateItem::Sms, Direction::Outbound, 531, rupees("423.36")),
        ];
        assert_eq!(shown, expected);
        assert!(lines.iter().all(CostLine::is_from_usage_records));
    }

    async fn whatever_is_repeated_counts_once_and_roll_ups_made_anew_keep_it(store: Store) {
        ten_days(&store).await;
        let before = everything(&store).await;
        ten_days(&store).await;
        // Two that read at once.
        let (one, two) = tokio::join!(ten_days(&store), ten_days(&store));
        assert_eq!(one, two);
        usage::refile(&store, day("2026-11-01"), day("2026-11-22"), now()).await.unwrap();
        assert_eq!(everything(&store).await, before);
        costs::rebuild(&store).await.unwrap();
        assert_eq!(everything(&store).await, before);
        let state = usage::state(&store).await.unwrap();
        assert_eq!((state.account.as_str(), state.oldest_day, state.backfilled), (ACCOUNT, Some(day("2026-11-13")), false));
    }

    async fn a_price_that_arrives_late_replaces_the_one_before(store: Store) {
        ten_days(&store).await;
        let dearer = [record(day("2026-11-15"), "totalprice", Some(UsageKind::Total), 0, "1.505")];
        put(&store, "2026-11-15", "2026-11-15", &dearer).await;
        assert_eq!(spent(&store).await, rupees("532.32"));
        put(&store, "2026-11-15", "2026-11-15", &[]).await;
        assert_eq!(spent(&store).await, rupees("387.84"));
    }

    async fn from_our_first_message_on_only_our_own_log_counts(store: Store) {
        sender(&store, SENDER, 100).await;
        enqueue(&store, NewMessage { due_at: "2026-11-01T00:00:00Z".parse().unwrap(), ..new_message(1) }).await;
        // 00:30 in India is still the day before in UTC: that day is ours.
        take_at(&store, "2026-11-19T19:00:00Z".parse().unwrap()).await;
        assert_eq!(usage::first_message_day(&store).await.unwrap(), Some(day("2026-11-19")));
        assert_eq!(ten_days(&store).await.filed, 6);
        assert_eq!(spent(&store).await, rupees("290.88") + rupees("0.80"));
        let by_day = costs::by_day(&store, day("2026-11-19"), day("2026-11-22")).await.unwrap();
        assert_eq!(by_day.len(), 1);
        assert_eq!((by_day[0].0, by_day[0].1.costs.spent()), (day("2026-11-20"), rupees("0.80")));
    }

    async fn a_message_that_turns_out_to_be_earlier_takes_days_out_again(store: Store) {
        ten_days(&store).await;
        sender(&store, SENDER, 100).await;
        enqueue(&store, NewMessage { due_at: "2026-11-01T00:00:00Z".parse().unwrap(), ..new_message(1) }).await;
        take_at(&store, "2026-11-14T10:00:00Z".parse().unwrap()).await;
        usage::refile(&store, day("2026-11-01"), day("2026-11-22"), now()).await.unwrap();
        assert_eq!(spent(&store).await, rupees("48.48") + rupees("0.80"));
    }

    async fn a_rent_is_either_booked_or_charged_never_both(store: Store) {
        let rent = |sender: &str| Rent {
            sender: SenderAddress::stored(sender.to_owned()), channel: Channel::Sms, cost: rupees("150"),
        };
        costs::book_rents(&store, &[rent(SENDER), rent("+15005550007")], day("2026-11-05")).await.unwrap();
        assert_eq!(spent(&store).await, rupees("300"));
        let charged = |numbers| record(day("2026-11-03"), "phonenumbers", Some(UsageKind::Number), numbers, "1.15");
        put(&store, "2026-11-03", "2026-11-03", &[charged(1)]).await;
        // One of the two is known now: US$1.15 at ₹96.
        assert_eq!(spent(&store).await, rupees("260.40"));
        let uncharged = costs::uncharged_rents(&store, november()).await.unwrap();
        let uncharged: Vec<_> = uncharged.iter().map(|rent| (rent.sender.as_str(), rent.cost)).collect();
        assert_eq!(uncharged, [("+15005550007", rupees("150"))], "the other one is listed as long as no record has it");
        let unsettled = reconciliation::unsettled(&store, november()).await.unwrap();
        assert_eq!((unsettled.open, unsettled.unpriced, unsettled.rents.len()), (0, 0, 1));
        let lines = costs::month(&store, november()).await.unwrap();
        assert!(lines.iter().all(|line| line.costs.messages == 0), "a rent is no message: {lines:?}");
        put(&store, "2026-11-03", "2026-11-03", &[charged(5)]).await;
        assert_eq!(spent(&store).await, rupees("110.40"));
        costs::book_rents(&store, &[rent(SENDER), rent("+15005550007"), rent("+15005550008")], day("2026-11-20")).await.unwrap();
        assert_eq!(spent(&store).await, rupees("110.40"), "the fifth number's rent covers the third of ours");
        let before = everything(&store).await;
        costs::rebuild(&store).await.unwrap();
        assert_eq!(everything(&store).await, before);
        put(&store, "2026-11-03", "2026-11-03", &[]).await;
        assert_eq!(spent(&store).await, rupees("450"));
    }

    async fn another_dollar_files_the_same_records_anew(store: Store) {
        ten_days(&store).await;
        let rate = dakiya_core::fx_rate::DatedFx {
            valid_from: day("2026-11-20"),
            rate: dakiya_core::fx_rate::parse("100").unwrap(),
            source: "FBIL".to_owned(),
        };
        fx_rates::put(&store, &[rate], &TESTER, now()).await.unwrap();
        usage::refile(&store, day("2026-11-01"), day("2026-11-22"), now()).await.unwrap();
        // Two of nine days at ₹100.
        assert_eq!(spent(&store).await, rupees("440.36"));
        let stored = usage::records(&store, day("2026-11-20"), day("2026-11-20") + Days::new(1)).await.unwrap();
        assert_eq!(stored.len(), 8);
    }

    async fn a_currency_that_cannot_be_converted_is_said_not_guessed(store: Store) {
        let euros = UsageRecord {
            price_unit: "EUR".to_owned(), ..record(day("2026-11-13"), "totalprice", Some(UsageKind::Total), 0, "1")
        };
        assert_eq!(put(&store, "2026-11-13", "2026-11-13", &[euros]).await, Filed { days: 1, filed: 0, unreadable: 1 });
        assert_eq!(spent(&store).await, Money::ZERO);
    }
}
