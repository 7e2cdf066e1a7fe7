//! Usage records, read from the simulator over HTTP: an account with a past, and the days after.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::{NaiveDate, TimeDelta};
use dakiya_core::message::Category;
use dakiya_core::money::{Currency, FxRate, Money, Price};
use dakiya_core::time::Month;
use dakiya_scheduler::{BackfillError, BackfillProgress};
use dakiya_simulator::{Past, UsageDay};
use dakiya_store::{costs, usage};
use rust_decimal::Decimal;
use std::sync::Mutex;
use std::time::Duration;
use support::{TESTER, World, morning};
use tokio_util::sync::CancellationToken;

fn past() -> Past {
    Past::of_a_demo(morning().date_naive())
}

async fn read(world: &World) {
    world.engine.read_usage(&CancellationToken::new()).await.unwrap();
}

async fn spent(world: &World, month: &str) -> Money {
    costs::spent(&world.store, Month::parse(month).unwrap()).await.unwrap()
}

/// What the simulator's records of a month say, in rupees.
async fn invoiced(world: &World, first: &str, last: &str) -> Money {
    let days = world
        .client
        .daily_usage(Some("totalprice"), first.parse().unwrap(), last.parse().unwrap())
        .await
        .unwrap();
    let fx = FxRate { inr_per_usd: Decimal::from(96) };
    let price = |record: &dakiya_twilio::usage::UsageRecord| {
        Price { amount: record.price.unwrap(), currency: Currency::Usd }.in_rupees(fx)
    };
    days.iter().map(price).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_accounts_past_is_read_on_first_start_and_counted_once() {
    let (world, _) = World::with_a_past(past()).await;
    read(&world).await;
    let september = spent(&world, "2026-09").await;
    assert!(september > Money::parse("2000").unwrap());
    assert_eq!(september, invoiced(&world, "2026-09-01", "2026-09-30").await);
    let state = usage::state(&world.store).await.unwrap();
    assert_eq!((state.backfilled, state.oldest_day), (true, "2025-10-01".parse().ok()));
    let asked = world.commands.backfill(13, &TESTER, &|_| {}).await.unwrap();
    assert_eq!((asked.filed.days, asked.filed.filed), (418, 417));
    read(&world).await;
    assert_eq!(spent(&world, "2026-09").await, september);
    let lines = costs::month(&world.store, Month::parse("2026-09").unwrap()).await.unwrap();
    assert!(lines.iter().all(costs::CostLine::is_from_usage_records));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_readings_at_once_and_one_that_was_cut_off_count_once() {
    let (world, _) = World::with_a_past(past()).await;
    let months = Mutex::new(Vec::new());
    let stop = CancellationToken::new();
    let watch = |step: BackfillProgress| months.lock().unwrap().push(step.month.to_string());
    let quiet = |_: BackfillProgress| {};
    let (one, two) = tokio::join!(
        world.commands.backfill(5, &TESTER, &watch),
        world.commands.backfill(5, &TESTER, &quiet)
    );
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(months.lock().unwrap().first().map(String::as_str), Some("2026-11"), "the newest first");
    stop.cancel();
    world.engine.read_usage(&stop).await.unwrap();
    assert!(!usage::state(&world.store).await.unwrap().backfilled, "cut off");
    read(&world).await;
    assert!(usage::state(&world.store).await.unwrap().backfilled);
    for (month, first, last) in
        [("2025-10", "2025-10-01", "2025-10-31"), ("2026-08", "2026-08-01", "2026-08-31")]
    {
        assert_eq!(spent(&world, month).await, invoiced(&world, first, last).await, "{month}");
    }
    let before = costs::by_day(&world.store, NaiveDate::MIN, morning().date_naive()).await;
    costs::rebuild(&world.store).await.unwrap();
    let again = costs::by_day(&world.store, NaiveDate::MIN, morning().date_naive()).await;
    assert_eq!(before.unwrap(), again.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_days_are_read_again_each_day_and_ours_are_not_counted_twice() {
    let (world, clock) = World::with_a_past(past()).await;
    read(&world).await;
    let history = spent(&world, "2026-11").await;
    world.message(1, Category::Service).await;
    world.run().await;
    clock.advance(Duration::from_secs(86_400));
    let late = UsageDay {
        day: (morning() - TimeDelta::days(2)).date_naive(),
        category: "totalprice".to_owned(),
        count: 0,
        usage: 0,
        price: Decimal::ONE,
    };
    world.simulator.add_usage(&late);
    read(&world).await;
    let now = spent(&world, "2026-11").await;
    assert_eq!(now, history + Money::parse("96").unwrap() + Money::parse("0.80").unwrap());
    let today = morning().date_naive();
    let stored = usage::records(&world.store, today, today).await.unwrap();
    assert!(stored.iter().any(|record| record.category == "sms-outbound" && record.count == Some(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_with_a_credit_lowers_what_its_month_cost() {
    let (world, _) = World::with_a_past(past()).await;
    read(&world).await;
    let before = spent(&world, "2026-10").await;
    let credit = UsageDay {
        day: "2026-10-05".parse().unwrap(),
        category: "totalprice".to_owned(),
        count: 0,
        usage: 0,
        price: Decimal::from(-50),
    };
    world.simulator.add_usage(&credit);
    world.commands.backfill(2, &TESTER, &|_| {}).await.unwrap();
    let credited = before - Money::parse("4800").unwrap();
    assert_eq!(spent(&world, "2026-10").await, credited);
    assert_eq!(credited, invoiced(&world, "2026-10-01", "2026-10-31").await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twilio_being_away_is_tried_again_and_then_said() {
    let (world, _) = World::with_a_past(past()).await;
    world.simulator.refuse_connections().await;
    let failed = world.commands.backfill(2, &TESTER, &|_| {}).await;
    assert!(matches!(failed, Err(BackfillError::Twilio(_))), "{failed:?}");
    read(&world).await;
    assert!(!usage::state(&world.store).await.unwrap().backfilled);
    world.simulator.accept_connections().await;
    assert_eq!(world.commands.backfill(2, &TESTER, &|_| {}).await.unwrap().filed.days, 83);
}
