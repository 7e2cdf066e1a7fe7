//! A simulated year: an account that bills late, wrongly, again and for others. At its end our books equal its invoice, or
//! what differs is listed message by message and adds up to the difference.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::{NaiveDate, TimeDelta};
use dakiya_core::message::{Category, Status};
use dakiya_core::money::Money;
use dakiya_core::reconciliation::{FindingKind, FindingState};
use dakiya_core::sender::{SenderAddress, SenderKind};
use dakiya_core::time::{Month, Timestamp};
use dakiya_scheduler::clock::{Clock, ManualClock};
use dakiya_simulator::{
    Answer, Bill, BillFault, CallbackFaults, DeliveryFault, Fate, PostFault, Rule, SimulatorConfig,
};
use dakiya_store::reconciliation::{self, Finding};
use dakiya_store::{costs, usage};
use dakiya_twilio::{Content, CreateMessage, TwilioStatus};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use support::{SENDER, TESTER, World, phone};
use tokio_util::sync::CancellationToken;

/// Days between two on which something is sent.
const STEP: i64 = 5;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn rupees(dollars: Decimal) -> Money {
    Money::new(dollars * Decimal::from(96))
}

async fn world(start: &str) -> (World, ManualClock) {
    // A price whose rupees are exact to the millionth, so that nothing hides behind rounding.
    let config = SimulatorConfig { sms_price: "0.0083".parse().unwrap(), ..SimulatorConfig::immediate() };
    // In UTC, the days of the business are those of Twilio.
    World::of(start.parse().unwrap(), chrono_tz::UTC, config).await
}

/// What goes wrong with the message to a number.
fn spoil(world: &World, dice: &mut Dice, number: &str) {
    let bill = |bill| Rule::to(number, BillFault { bill });
    world.simulator.faults().change(|faults| match dice.roll(10) {
        0 => faults.bills.push(bill(Bill::Never)),
        1 => faults.bills.push(bill(Bill::Late(1 + dice.roll(47) as u32))),
        // Later than we ask by ourselves.
        2 => faults.bills.push(bill(Bill::Late(500 + dice.roll(60) as u32))),
        3 => faults.bills.push(bill(Bill::Repriced {
            hours: 2 + dice.roll(200) as u32,
            percent: 40 + dice.roll(120) as u32,
        })),
        4 => {
            faults.bills.push(bill(Bill::ThoughFailed));
            faults.deliveries.push(Rule::to(number, DeliveryFault { fate: Fate::Fail(30003) }));
        }
        5 => faults.deliveries.push(Rule::to(number, DeliveryFault { fate: Fate::Fail(30005) })),
        6 => faults.posts.push(Rule::to(number, PostFault { accepted: true, answer: Answer::NoSid })),
        _ => {}
    });
}

/// Another program of the owner's sends through the same account.
async fn somebody_else(world: &World, n: u64) {
    let sender = SenderAddress::stored(SENDER.to_owned());
    let message = CreateMessage {
        to: phone(n),
        kind: SenderKind::Number,
        sender: &sender,
        content: Content::Text("Not from Dakiya"),
        status_callback: None,
        validity: None,
        begin_by: None,
    };
    let _ = world.client.create(&message).await;
}

/// Lets everything happen that happens by itself until an instant.
async fn live_until(world: &World, clock: &ManualClock, until: Timestamp) {
    let shutdown = CancellationToken::new();
    for wait in [TimeDelta::minutes(1), TimeDelta::hours(3), TimeDelta::hours(20)] {
        clock.advance_to((clock.now() + wait).min(until));
        world.engine.settle(&shutdown).await.unwrap();
    }
    clock.advance_to(until);
    world.engine.settle(&shutdown).await.unwrap();
    world.engine.read_usage(&shutdown).await.unwrap();
}

async fn found(world: &World, month: Month) -> Vec<Finding> {
    let days = (month.first_day(), month.last_day());
    reconciliation::findings(&world.store, days, 10_000).await.unwrap()
}

/// Twilio's own invoice of a month, its usage records and our books, each to the other.
async fn settle_month(world: &World, month: Month, kinds: &mut BTreeMap<FindingKind, usize>) {
    world.commands.reconcile(month, &TESTER).await.unwrap();
    let invoice = world.simulator.invoice(month.first_day(), month.last_day());
    let total = world.client.daily_usage(Some("totalprice"), month.first_day(), month.last_day());
    let recorded: Decimal = total.await.unwrap().iter().filter_map(|record| record.price).sum();
    assert_eq!(recorded, invoice, "{month}: the simulator's records are its invoice");
    let lines = costs::month(&world.store, month).await.unwrap();
    let actual: Money = lines.iter().map(|line| line.costs.actual).sum();
    let findings = found(world, month).await;
    let listed: Decimal =
        findings.iter().filter(|finding| finding.state.counts()).map(|finding| finding.amount).sum();
    assert_eq!(
        rupees(invoice) - actual,
        rupees(listed),
        "{month}: what differs is listed, to the last digit"
    );
    // What is spent beyond what is charged are the listed messages without a price, at their estimates.
    let outstanding: Money = lines.iter().map(|line| line.costs.outstanding).sum();
    let expected: Money = findings.iter().filter_map(|finding| finding.expected).sum();
    assert_eq!(outstanding, expected, "{month}: what has no price is listed with what is set aside for it");
    let days = reconciliation::days(&world.store, month).await.unwrap();
    let differences: Decimal = days.iter().map(|day| day.balance.difference()).sum();
    assert_eq!(differences, listed, "{month}");
    for day in days {
        assert_eq!(day.balance.unexplained(), Decimal::ZERO, "{}: nothing is left unexplained", day.day);
        assert!(day.complete);
    }
    for finding in findings {
        *kinds.entry(finding.kind).or_default() += 1;
        // What counts is only what cannot be in our books.
        if finding.state == FindingState::Open && !finding.amount.is_zero() {
            assert_eq!(finding.kind, FindingKind::NotOurs, "{finding:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_years_books_equal_the_invoice_or_every_message_that_differs_is_listed() {
    let (world, clock) = world("2027-01-01T06:00:00Z").await;
    let mut dice = Dice(20_251_231);
    let (mut n, mut kinds) = (0, BTreeMap::new());
    let (mut month, end) = (Month::parse("2027-01").unwrap(), "2028-01-01".parse::<NaiveDate>().unwrap());
    while clock.now().date_naive() < end {
        world.simulator.faults().clear();
        for _ in 0..6 + dice.roll(7) {
            n += 1;
            spoil(&world, &mut dice, &phone(n).to_string());
            let category = [Category::Service, Category::Transactional][dice.roll(2) as usize];
            world.message(n, category).await;
        }
        world.run().await;
        if dice.roll(3) == 0 {
            n += 1;
            somebody_else(&world, n).await;
            world.simulator.settled().await;
        }
        live_until(&world, &clock, clock.now() + TimeDelta::days(STEP)).await;
        // Twenty-five days after a month even the latest price is there.
        if month.last_day() + TimeDelta::days(25) < clock.now().date_naive() {
            settle_month(&world, month, &mut kinds).await;
            month = month.plus(1);
        }
    }
    live_until(&world, &clock, clock.now() + TimeDelta::days(30)).await;
    while month.first_day() < end {
        settle_month(&world, month, &mut kinds).await;
        month = month.plus(1);
    }
    let seen: Vec<FindingKind> = kinds.keys().copied().collect();
    for kind in [
        FindingKind::LatePrice,
        FindingKind::Repriced,
        FindingKind::Unpriced,
        FindingKind::NotCharged,
        FindingKind::NotOurs,
    ] {
        assert!(seen.contains(&kind), "the year had too little of {kind}: {kinds:?}");
    }
    let log = world.log().await;
    assert!(log.iter().all(|message| message.status != Status::Unknown));
    let failed: Vec<_> = log.iter().filter(|message| message.status == Status::Failed).collect();
    assert!(
        failed.iter().all(|message| message.actual_cost.is_some()),
        "what failed is charged or it is not"
    );
    let failed_and_charged = failed.iter().filter(|message| message.actual_cost > Some(Money::ZERO)).count();
    assert!(failed_and_charged > 5 && log.len() > 400, "{failed_and_charged} of {}", log.len());
    let kept = costs::by_day(&world.store, NaiveDate::MIN, end).await.unwrap();
    costs::rebuild(&world.store).await.unwrap();
    assert_eq!(costs::by_day(&world.store, NaiveDate::MIN, end).await.unwrap(), kept);
    assert!(kept.iter().all(|(_, line)| !line.is_from_usage_records()), "no day of ours is counted twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_which_nobody_knew_is_found_in_twilios_list_and_booked() {
    let (world, clock) = world("2027-03-03T06:00:00Z").await;
    let number = phone(1).to_string();
    let all = vec![TwilioStatus::Queued, TwilioStatus::Sent, TwilioStatus::Delivered];
    world.simulator.faults().callbacks(CallbackFaults { lost: all, ..CallbackFaults::default() });
    world.simulator.faults().add_post(Rule::to(&number, PostFault { accepted: true, answer: Answer::NoSid }));
    let message = world.message(1, Category::Service).await;
    world.run().await;
    assert_eq!(world.reload(&message).await.status, Status::Unknown);
    clock.advance(std::time::Duration::from_secs(86_400));
    // Nobody looked it up meanwhile.
    world.engine.read_usage(&CancellationToken::new()).await.unwrap();
    let message = world.reload(&message).await;
    assert_eq!((message.status, message.actual_cost), (Status::Delivered, Money::parse("0.7968").ok()));
    let findings = found(&world, Month::parse("2027-03").unwrap()).await;
    assert_eq!((findings.len(), findings[0].kind), (1, FindingKind::Unknown));
    assert_eq!((findings[0].state, findings[0].message), (FindingState::Settled, Some(message.id)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_that_are_wrong_and_add_up_to_the_right_sum_are_found_when_the_day_is_at_rest() {
    let (world, clock) = world("2027-03-03T06:00:00Z").await;
    for (n, percent) in [(1, 200), (2, 0)] {
        let repriced = BillFault { bill: Bill::Repriced { hours: 30, percent } };
        let rule = Rule::to(&phone(n).to_string(), repriced);
        world.simulator.faults().change(|faults| faults.bills.push(rule));
        world.message(n, Category::Service).await;
    }
    world.run().await;
    live_until(&world, &clock, clock.now() + TimeDelta::days(2)).await;
    let month = Month::parse("2027-03").unwrap();
    let day = reconciliation::days(&world.store, month).await.unwrap().remove(0);
    assert!(day.balance.difference().is_zero() && day.listed_at.is_none(), "{day:?}");
    assert_eq!(found(&world, month).await, []);
    live_until(&world, &clock, clock.now() + TimeDelta::days(3)).await;
    let mut amounts: Vec<_> = found(&world, month).await.into_iter().map(|found| found.amount).collect();
    amounts.sort_unstable();
    assert_eq!(amounts, ["-0.0083", "0.0083"].map(|amount| amount.parse::<Decimal>().unwrap()));
    let mut booked: Vec<_> = world.log().await.iter().filter_map(|message| message.actual_cost).collect();
    booked.sort_unstable();
    assert_eq!(booked, ["0", "1.5936"].map(|cost| Money::parse(cost).unwrap()));
    let day = reconciliation::days(&world.store, month).await.unwrap().remove(0);
    let looked = day.listed_at.unwrap();
    live_until(&world, &clock, clock.now() + TimeDelta::days(1)).await;
    let day = reconciliation::days(&world.store, month).await.unwrap().remove(0);
    assert_eq!((day.listed_at, day.at > looked), (Some(looked), true), "once is enough");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_and_was_never_charged_costs_nothing_at_last_and_is_listed() {
    let (world, clock) = world("2027-03-03T06:00:00Z").await;
    let rule = Rule::to(&phone(1).to_string(), DeliveryFault { fate: Fate::Fail(30005) });
    world.simulator.faults().change(|faults| faults.deliveries.push(rule));
    let message = world.message(1, Category::Service).await;
    world.run().await;
    let month = Month::parse("2027-03").unwrap();
    assert_eq!(costs::spent(&world.store, month).await.unwrap(), message.estimated_cost);
    live_until(&world, &clock, clock.now() + TimeDelta::days(5)).await;
    let message = world.reload(&message).await;
    assert_eq!((message.actual_cost, message.is_reserved()), (Some(Money::ZERO), false));
    assert_eq!(message.differences().failure, -message.estimated_cost.to_micros().unwrap());
    assert_eq!(costs::spent(&world.store, month).await.unwrap(), Money::ZERO);
    let findings = found(&world, month).await;
    assert_eq!((findings.len(), findings[0].kind), (1, FindingKind::NotCharged));
    assert_eq!((findings[0].state, findings[0].expected), (FindingState::Settled, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_twilio_does_not_know_is_listed_with_what_we_booked() {
    let (world, clock) = world("2027-03-03T06:00:00Z").await;
    for n in 0..3 {
        world.message(n, Category::Service).await;
    }
    world.run().await;
    clock.advance(std::time::Duration::from_secs(60));
    world.engine.settle(&CancellationToken::new()).await.unwrap();
    world.simulator.reset();
    clock.advance(std::time::Duration::from_secs(86_400));
    world.engine.read_usage(&CancellationToken::new()).await.unwrap();
    let month = Month::parse("2027-03").unwrap();
    let findings = found(&world, month).await;
    assert_eq!(findings.len(), 3);
    for finding in &findings {
        assert_eq!((finding.kind, finding.amount), (FindingKind::Missing, "-0.0083".parse().unwrap()));
    }
    let day = reconciliation::days(&world.store, month).await.unwrap().remove(0);
    assert_eq!(day.balance.difference(), "-0.0249".parse().unwrap());
    assert_eq!(day.balance.unexplained(), Decimal::ZERO);
    let id = findings[0].id;
    reconciliation::explain(&world.store, id, "Our test account", &TESTER, clock.now()).await.unwrap();
    let again = world.commands.reconcile(month, &TESTER).await.unwrap();
    assert_eq!((again.days, again.differing, again.unexplained), (1, 1, 0));
    let kept = reconciliation::get(&world.store, id).await.unwrap().unwrap();
    assert_eq!((kept.state, kept.note.as_str()), (FindingState::Explained, "Our test account"));
    assert!(usage::records(&world.store, day.day, day.day).await.unwrap().is_empty());
}
