//! What comparing a day found: kept, added up exactly, and never lost by comparing again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::NaiveDate;
use dakiya_core::encoding::Segments;
use dakiya_core::message::{Channel, Direction, EventSource, Status};
use dakiya_core::money::{Currency, FxRate, Money, Price};
use dakiya_core::reconciliation::{Balance, FindingKind, FindingState};
use dakiya_core::time::Month;
use dakiya_store::inbound::{self, NewInbound};
use dakiya_store::messages::{self, Answer, Finding, StatusReport};
use dakiya_store::reconciliation::{self, Compared, NewFinding};
use dakiya_store::{Store, StoreError, costs};
use rust_decimal::Decimal;
use support::sending::{SENDER, answer, enqueue, follow_up, new_message, sender, sid, take_at};
use support::{TESTER, later, now, phone};

fn day() -> NaiveDate {
    now().date_naive()
}

fn dollars(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn fx() -> FxRate {
    FxRate { inr_per_usd: Decimal::from(96) }
}

fn finding(kind: FindingKind, subject: &str, amount: &str, state: FindingState) -> NewFinding {
    let note = String::new();
    NewFinding { kind, subject: subject.to_owned(), message: None, amount: dollars(amount), state, note }
}

async fn compared(store: &Store, vendor: &str, ours: &str, findings: Vec<NewFinding>) -> Balance {
    let compared = Compared {
        day: day(),
        unit: "USD".to_owned(),
        fx: fx(),
        vendor: dollars(vendor),
        ours: dollars(ours),
        vendor_messages: 0,
        our_messages: 0,
        unpriced: 0,
        listed: true,
        complete: true,
        findings,
    };
    reconciliation::record(store, &compared, now()).await.unwrap()
}

async fn found(store: &Store) -> Vec<reconciliation::Finding> {
    reconciliation::findings(store, (day(), day()), 5_000).await.unwrap()
}

async fn price(
    store: &Store,
    message: dakiya_core::ids::MessageId,
    n: u64,
    status: Status,
    amount: Option<&str>,
) {
    let report = StatusReport {
        message_id: Some(message),
        sid: sid(n),
        status,
        error_code: None,
        consequence: None,
        at: later(5),
        source: EventSource::Poll,
    };
    let price = amount.map(|amount| (Price { amount: dollars(amount), currency: Currency::Usd }, fx()));
    let finding = Finding {
        id: message,
        answered: true,
        report: Some(report),
        segments: Some(Segments(1)),
        price,
        at: later(5),
    };
    messages::record_findings(store, &[finding], &follow_up().unknown_lookups).await.unwrap();
}

on_both_databases! {
    async fn a_days_difference_is_what_is_listed_and_what_is_not_explained(store: Store) {
        let open = |n: u32, amount| finding(FindingKind::NotOurs, &format!("SM{n}"), amount, FindingState::Open);
        let settled = finding(FindingKind::LatePrice, "SM9", "0.5", FindingState::Settled);
        let balance = compared(&store, "1.23456789", "1", vec![open(1, "0.1"), open(2, "0.1"), settled]).await;
        assert_eq!((balance.found, balance.unexplained()), (dollars("0.2"), dollars("0.03456789")));
        let kept = reconciliation::days(&store, Month::of(day())).await.unwrap();
        assert_eq!((kept.len(), kept[0].balance), (1, balance));
        // One of them is explained, the other one is gone the next time.
        let id = found(&store).await[0].id;
        reconciliation::explain(&store, id, "The old system", &TESTER, now()).await.unwrap();
        let balance = compared(&store, "1.2", "1", vec![open(1, "0.2")]).await;
        assert_eq!((balance.found, balance.unexplained()), (dollars("0.2"), Decimal::ZERO));
        let states: Vec<_> = found(&store).await.into_iter().map(|f| (f.subject, f.state, f.amount, f.note)).collect();
        let expected = [
            ("SM1", FindingState::Explained, "0.2", "The old system"),
            ("SM9", FindingState::Settled, "0.5", ""),
            ("SM2", FindingState::Settled, "0.1", ""),
        ];
        assert_eq!(states, expected.map(|(s, state, a, n)| (s.to_owned(), state, dollars(a), n.to_owned())));
        let gone = found(&store).await.into_iter().find(|f| f.subject == "SM2").unwrap();
        assert_eq!(gone.decided_by.as_deref(), Some("a later comparison"));
        let late = reconciliation::explain(&store, gone.id, "x", &TESTER, now()).await;
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    }

    async fn what_was_booked_in_two_steps_adds_up(store: Store) {
        for amount in ["0.25", "-0.05"] {
            compared(&store, "0", "0", vec![finding(FindingKind::Repriced, "SM1", amount, FindingState::Settled)]).await;
        }
        compared(&store, "0", "0", Vec::new()).await;
        let found = found(&store).await;
        assert_eq!((found.len(), found[0].amount), (1, dollars("0.20")));
    }

    async fn of_very_many_the_rest_is_one_line_and_the_sum_is_whole(store: Store) {
        let many: Vec<_> = (0..10_345)
            .map(|n| finding(FindingKind::NotOurs, &format!("SM{n:05}"), "0.01", FindingState::Open))
            .collect();
        for _ in 0..2 {
            assert_eq!(compared(&store, "103.45", "0", many.clone()).await.unexplained(), Decimal::ZERO);
        }
        let (mut found, mut after, days) = (Vec::new(), None, (day(), day()));
        loop {
            let page = reconciliation::findings_page(&store, days, after.as_ref(), 4_000).await.unwrap();
            found.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found.len(), 10_001);
        assert_eq!(found.iter().map(|finding| finding.amount).sum::<Decimal>(), dollars("103.45"));
        assert!(found.iter().any(|finding| finding.note == "345 more like this, added up"));
    }

    async fn findings_come_page_by_page_the_open_ones_first_and_none_twice(store: Store) {
        let of = |n: u32, kind, state| finding(kind, &format!("SM{n}"), "0.1", state);
        let settled = of(1, FindingKind::LatePrice, FindingState::Settled);
        let open = of(2, FindingKind::NotOurs, FindingState::Open);
        let missing = of(2, FindingKind::Missing, FindingState::Open);
        let explained = of(3, FindingKind::OtherDay, FindingState::Explained);
        compared(&store, "1", "1", vec![settled, open, missing, explained]).await;
        let (mut seen, mut after) = (Vec::new(), None);
        for _ in 0..4 {
            let page = reconciliation::findings_page(&store, (day(), day()), after.as_ref(), 1).await.unwrap();
            seen.extend(page.items.into_iter().map(|found| (found.kind, found.state)));
            after = page.next;
        }
        assert_eq!(after, None);
        let expected = [
            (FindingKind::Missing, FindingState::Open),
            (FindingKind::NotOurs, FindingState::Open),
            (FindingKind::OtherDay, FindingState::Explained),
            (FindingKind::LatePrice, FindingState::Settled),
        ];
        assert_eq!(seen, expected);
        let wrong = dakiya_store::Cursor::new("x");
        let fault = reconciliation::findings_page(&store, (day(), day()), Some(&wrong), 1).await;
        assert!(matches!(fault, Err(StoreError::Cursor(_))), "{fault:?}");
        let looked = reconciliation::looked_through(&store, day()).await.unwrap();
        assert_eq!((looked.at, looked.differs), (Some(now()), true));
    }

    async fn what_did_not_arrive_counts_as_nothing_once_nobody_asks_for_its_price_any_more(store: Store) {
        sender(&store, SENDER, 100).await;
        let (failed, sent) = (enqueue(&store, new_message(1)).await.id, enqueue(&store, new_message(2)).await.id);
        take_at(&store, now()).await;
        price(&store, sent, 2, Status::Delivered, None).await;
        let month = Month::of(day());
        for _ in 0..9 {
            price(&store, failed, 1, Status::Failed, None).await;
            let spent = costs::spent(&store, month).await.unwrap();
            assert_eq!(spent, Money::parse("1.60").unwrap(), "it may still be charged");
        }
        price(&store, failed, 1, Status::Failed, None).await;
        assert_eq!(costs::spent(&store, month).await.unwrap(), Money::parse("0.80").unwrap());
        let line = costs::month(&store, month).await.unwrap().remove(0);
        assert_eq!((line.costs.priced, line.costs.differences.failure), (1, -800_000));
        // A price that comes all the same counts.
        price(&store, failed, 1, Status::Failed, Some("0.01")).await;
        assert_eq!(costs::spent(&store, month).await.unwrap(), Money::parse("1.76").unwrap());
        let kept = costs::month(&store, month).await.unwrap();
        costs::rebuild(&store).await.unwrap();
        assert_eq!(costs::month(&store, month).await.unwrap(), kept);
    }

    async fn what_the_comparison_finds_without_a_price_counts_as_nothing_if_it_did_not_arrive(store: Store) {
        sender(&store, SENDER, 100).await;
        let (failed, sent) = (enqueue(&store, new_message(1)).await.id, enqueue(&store, new_message(2)).await.id);
        take_at(&store, now()).await;
        price(&store, failed, 1, Status::Undelivered, None).await;
        price(&store, sent, 2, Status::Delivered, None).await;
        for _ in 0..2 {
            messages::record_not_charged(&store, &[failed, sent], later(9)).await.unwrap();
        }
        assert_eq!(costs::spent(&store, Month::of(day())).await.unwrap(), Money::parse("0.80").unwrap());
        // It arrived after all: its price is awaited again.
        price(&store, failed, 1, Status::Read, None).await;
        assert_eq!(costs::spent(&store, Month::of(day())).await.unwrap(), Money::parse("1.60").unwrap());
    }

    async fn our_side_of_a_day_is_added_up_exactly_and_in_utc(store: Store) {
        sender(&store, SENDER, 100).await;
        let mut ids = Vec::new();
        for n in 0..5 {
            ids.push(enqueue(&store, new_message(n)).await.id);
        }
        take_at(&store, now()).await;
        price(&store, ids[0], 0, Status::Delivered, Some("0.00000001")).await;
        price(&store, ids[1], 1, Status::Failed, Some("0.1")).await;
        price(&store, ids[2], 2, Status::Failed, None).await;
        price(&store, ids[3], 3, Status::Sent, None).await;
        answer(&store, ids[4], Answer::Unknown { why: "no answer".to_owned(), consequence: None }, later(5)).await;
        let letter = NewInbound {
            twilio_sid: sid(50), from: phone(1).to_string(), recipient: SENDER.to_owned(), channel: Channel::Sms,
            body: "Thanks".to_owned(), keyword: None, segments: Segments(1), day: day(),
            estimated_cost: Money::parse("0.60").unwrap(), estimated_fx: None,
        };
        inbound::record(&store, &letter, now()).await.unwrap();
        let totals = reconciliation::totals(&store, day(), "USD").await.unwrap();
        let (out, into) = ((Channel::Sms, Direction::Outbound), (Channel::Sms, Direction::Inbound));
        assert_eq!(totals.lines[&out], (3, dollars("0.10000001")), "what failed and costs nothing is not counted");
        assert_eq!((totals.lines[&into], totals.unpriced), ((1, Decimal::ZERO), 2));
        let other = reconciliation::totals(&store, day().succ_opt().unwrap(), "USD").await.unwrap();
        assert_eq!(other, reconciliation::DayTotals::default());
        let page = reconciliation::own_page(&store, day(), None).await.unwrap();
        assert_eq!(page.len(), 4);
        let rest = reconciliation::own_page(&store, day(), Some(&page[1])).await.unwrap();
        assert_eq!(rest.iter().map(|known| &known.sid).collect::<Vec<_>>(), [&sid(2), &sid(3)]);
        let unknown = reconciliation::unknown_to(&store, phone(4), (later(-60), later(60))).await.unwrap();
        assert_eq!(unknown.iter().map(|check| check.id).collect::<Vec<_>>(), [ids[4]]);
        let differing = reconciliation::differing(&store, day(), 10).await.unwrap();
        assert_eq!(differing.len(), 2);
        let known = reconciliation::known(&store, &[sid(1), sid(50), sid(99)]).await.unwrap();
        assert_eq!(known.iter().map(|known| known.failed).collect::<Vec<_>>(), [true, false]);
    }

    async fn a_price_for_what_came_in_is_corrected_once_in_every_roll_up(store: Store) {
        let letter = NewInbound {
            twilio_sid: sid(50), from: phone(1).to_string(), recipient: SENDER.to_owned(), channel: Channel::Sms,
            body: "Thanks".to_owned(), keyword: None, segments: Segments(1), day: day(),
            estimated_cost: Money::parse("0.60").unwrap(), estimated_fx: None,
        };
        inbound::record(&store, &letter, now()).await.unwrap();
        let known = reconciliation::known(&store, &[sid(50)]).await.unwrap();
        let reconciliation::OwnMessage::Received(id, _) = known[0].message else { panic!("{known:?}") };
        for (amount, spent) in [("0.01", "0.96"), ("0.01", "0.96"), ("0.02", "1.92")] {
            let price = Price { amount: dollars(amount), currency: Currency::Usd };
            inbound::correct_price(&store, id, (price, fx())).await.unwrap();
            assert_eq!(costs::spent(&store, Month::of(day())).await.unwrap(), Money::parse(spent).unwrap());
        }
        let kept = costs::month(&store, Month::of(day())).await.unwrap();
        costs::rebuild(&store).await.unwrap();
        assert_eq!(costs::month(&store, Month::of(day())).await.unwrap(), kept);
    }
}
