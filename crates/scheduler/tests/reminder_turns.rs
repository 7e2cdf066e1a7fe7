//! That much to write keeps nothing else waiting, and that no step is lost when its time is moved.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::message::Category;
use dakiya_core::reminder::{Holidays, PaymentFilter, ReminderRule, RunState, SkipReason};
use dakiya_core::time::{TimeOfDay, Timestamp};
use dakiya_scheduler::clock::{Clock, ManualClock};
use dakiya_store::payments::{self, PaymentFields, PaymentRow};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::Run;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::reminders::{at, day, owe, past, put, row, rule};
use support::{TESTER, World};
use tokio_util::sync::CancellationToken;

/// A clock that a test moves, by which whatever is done takes longer than a turn.
struct Slow {
    clock: ManualClock,
    passed: AtomicU64,
}

impl Clock for Slow {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }
    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.passed.fetch_add(10, Ordering::Relaxed))
    }
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        self.clock.sleep_until(at)
    }
}

/// Payments with a tag, due on a day.
async fn owe_tagged(world: &World, people: std::ops::Range<u64>, due_on: &str, tag: &str) {
    let tagged = |n| {
        let PaymentRow { reference, fields } = row(n, "1250", day(due_on));
        PaymentRow { reference, fields: PaymentFields { tags: Some(vec![tag.to_owned()]), ..fields } }
    };
    payments::import(&world.store, people.map(tagged), &TESTER, world.clock.now()).await.unwrap();
}

async fn put_as(world: &World, key: &str, tag: &str, rule: ReminderRule) -> StoredRule {
    let payments = PaymentFilter { tags: vec![tag.to_owned()], ..PaymentFilter::default() };
    let rule = ReminderRule { payments, ..rule };
    world.commands.put_reminder_rule(key, &rule, &TESTER).await.unwrap()
}

async fn look_at(world: &World, clock: &ManualClock, when: &str) {
    clock.advance_to(at(when));
    world.run().await;
}

fn told(run: &Run) -> (i32, RunState, Option<&str>) {
    (run.run.step, run.state, run.reason.as_deref())
}

fn moved(step: i32) -> (i32, RunState, Option<&'static str>) {
    (step, RunState::Skipped, Some(SkipReason::Moved.as_str()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_run_keeps_neither_another_rule_nor_a_campaign_waiting() {
    let (world, clock) = World::with_manual_clock().await;
    let slow = world.at_clock(Arc::new(Slow { clock: clock.clone(), passed: AtomicU64::default() }));
    owe_tagged(&world, 0..7_000, "2026-11-23", "many").await;
    owe_tagged(&world, 7_000..7_001, "2026-11-23", "one").await;
    let punctual = |when| ReminderRule { catch_up: false, ..rule(&[0], when) };
    let long = put_as(&world, "a", "many", punctual("10:00")).await;
    let short = put_as(&world, "b", "one", punctual("10:01")).await;
    let shutdown = CancellationToken::new();
    clock.advance_to(at("2026-11-23T10:00:00+05:30"));
    slow.plan(&shutdown).await.unwrap();
    let state = |of: &StoredRule, runs: &[Run]| {
        let id = of.id;
        runs.iter().find(|run| run.rule_id == id).map(|run| (run.state, run.will_send))
    };
    assert_eq!(state(&long, &past(&world).await), Some((RunState::Planning, 2_000)));
    let campaign = world.approved("Hello {{name}}", Category::Transactional, 8_000..8_001).await;
    clock.advance_to(at("2026-11-23T10:01:00+05:30"));
    slow.plan(&shutdown).await.unwrap();
    let runs = past(&world).await;
    assert_eq!(state(&long, &runs), Some((RunState::Planning, 4_000)));
    assert_eq!(state(&short, &runs), Some((RunState::Planned, 1)));
    assert!(world.campaign(campaign).await.expanded);
    slow.plan(&shutdown).await.unwrap();
    slow.plan(&shutdown).await.unwrap();
    assert_eq!(state(&long, &past(&world).await), Some((RunState::Planned, 7_000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_begun_in_time_is_on_time_however_late_it_is_written() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..1, "2026-11-23").await;
    put(&world, &ReminderRule { catch_up: false, ..rule(&[0], "10:00") }).await;
    clock.advance_to(at("2026-11-23T10:00:30+05:30"));
    world.engine.begin().await.unwrap();
    look_at(&world, &clock, "2026-11-23T10:30:00+05:30").await;
    assert_eq!(past(&world).await.iter().map(told).collect::<Vec<_>>(), [(0, RunState::Planned, None)]);
    assert_eq!(world.posts().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_whose_holiday_is_taken_off_the_list_goes_late_or_says_why_not() {
    for (catch_up, posts, expected) in [(true, 1, (0, RunState::Planned, None)), (false, 0, moved(0))] {
        let (world, clock) = World::with_manual_clock().await;
        let monday = [(day("2026-11-23"), "Holiday".to_owned())];
        reminder_rules::put_holidays(&world.store, &monday, &TESTER, clock.now()).await.unwrap();
        owe(&world, 0..1, "2026-11-23").await;
        put(&world, &ReminderRule { catch_up, working_days_only: true, ..rule(&[0], "09:30") }).await;
        look_at(&world, &clock, "2026-11-23T12:45:00+05:30").await;
        assert_eq!(past(&world).await, []);
        reminder_rules::put_holidays(&world.store, &[], &TESTER, clock.now()).await.unwrap();
        look_at(&world, &clock, "2026-11-23T12:46:00+05:30").await;
        assert_eq!(past(&world).await.iter().map(told).collect::<Vec<_>>(), [expected]);
        assert_eq!(world.posts().len(), posts);
        look_at(&world, &clock, "2026-11-24T12:00:00+05:30").await;
        assert_eq!(world.posts().len(), posts);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_moved_to_a_time_that_has_passed_goes_late_or_says_why_not() {
    for (catch_up, posts, expected) in [(true, 1, (0, RunState::Planned, None)), (false, 0, moved(0))] {
        let (world, clock) = World::with_manual_clock().await;
        owe(&world, 0..1, "2026-11-23").await;
        let stored = put(&world, &ReminderRule { catch_up, ..rule(&[0], "15:00") }).await;
        look_at(&world, &clock, "2026-11-23T12:00:00+05:30").await;
        put(&world, &ReminderRule { at: TimeOfDay::parse("10:00").unwrap(), ..stored.rule }).await;
        look_at(&world, &clock, "2026-11-23T12:01:00+05:30").await;
        assert_eq!(past(&world).await.iter().map(told).collect::<Vec<_>>(), [expected]);
        look_at(&world, &clock, "2026-11-23T16:00:00+05:30").await;
        assert_eq!(world.posts().len(), posts);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_a_time_is_moved_away_and_back_is_reminded_once() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..1, "2026-11-23").await;
    let stored = put(&world, &rule(&[0], "10:00")).await;
    look_at(&world, &clock, "2026-11-23T10:00:00+05:30").await;
    let later = TimeOfDay::parse("15:00").unwrap();
    put(&world, &ReminderRule { at: later, ..stored.rule.clone() }).await;
    owe(&world, 0..2, "2026-11-23").await;
    look_at(&world, &clock, "2026-11-23T12:00:00+05:30").await;
    put(&world, &stored.rule).await;
    look_at(&world, &clock, "2026-11-23T16:00:00+05:30").await;
    assert_eq!(world.posts().len(), 2);
    assert!(world.posts().values().all(|posts| *posts == 1));
    assert_eq!(reminder_rules::holidays(&world.store).await.unwrap(), Holidays::default());
}
