//! Reminders through any history: downtimes, restarts, wrong clocks, imports, payments, moved rules and holidays.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Asia::Kolkata;
use dakiya_core::message::Status;
use dakiya_core::money::Money;
use dakiya_core::reminder::{Holidays, ReminderRule, RunState};
use dakiya_core::time::{TimeOfDay, Timestamp};
use dakiya_scheduler::Engine;
use dakiya_scheduler::clock::{Clock, ManualClock};
use dakiya_store::{payments, reminder_rules, settings};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use support::reminders::{past, pay, put, reference, reminders, row, rule};
use support::{TESTER, World, phone};
use tokio_util::sync::CancellationToken;

/// What happens in one history.
#[derive(Clone, Debug)]
enum Happening {
    Sleep(i64),
    Restart,
    Import(u64, i64),
    Pay(u64),
    PayPart(u64),
    MoveTo(u32),
    Holiday(i64),
    ClockBack(i64),
}

/// What is owed by whom, as far as the histories go: which payment is due when, and which steps were still to come when
/// that was said. Each of them has to be accounted for when its time has passed.
#[derive(Default)]
struct Promised(BTreeMap<u64, (NaiveDate, BTreeSet<i32>)>);

impl Promised {
    fn import(
        &mut self,
        n: u64,
        due_on: NaiveDate,
        rule: &ReminderRule,
        holidays: &Holidays,
        now: Timestamp,
    ) {
        let entry = self.0.entry(n).or_insert((due_on, BTreeSet::new()));
        if entry.0 != due_on {
            *entry = (due_on, BTreeSet::new());
        }
        let steps = rule.steps.iter().map(|step| step.offset_days);
        entry.1.extend(steps.filter(|step| rule.run(*step, due_on, holidays).at > now));
    }

    /// Every step that has come of every payment that is owed has its message, or a run that says why not.
    async fn is_kept(&self, world: &World, rule: &ReminderRule, holidays: &Holidays) {
        let written: BTreeSet<_> =
            reminders(world).await.iter().map(|message| message.dedupe_key.clone()).collect();
        let runs: BTreeMap<_, _> =
            past(world).await.into_iter().map(|run| ((run.run.step, run.run.due_on), run)).collect();
        let stored = reminder_rules::get(&world.store, "fees").await.unwrap().unwrap();
        for (n, (due_on, steps)) in &self.0 {
            let payment = payments::get(&world.store, &reference(*n)).await.unwrap().unwrap();
            // What is paid in part keeps its date.
            if !payment.status.is_owed() || payment.due_on != *due_on {
                continue;
            }
            for step in
                steps.iter().filter(|step| rule.run(**step, *due_on, holidays).at <= world.clock.now())
            {
                let run = runs.get(&(*step, *due_on));
                let skipped = run.is_some_and(|run| run.state == RunState::Skipped);
                let key = format!("reminder:{}:{}:{step}:{due_on}", payment.id, stored.id);
                assert!(
                    skipped || written.iter().any(|written| written.starts_with(&key)),
                    "lost: step {step} of payment {n}, due on {due_on}, run {run:?}"
                );
            }
        }
    }
}

fn any_happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => (1i64..120).prop_map(Happening::Sleep),
        3 => (120i64..3_000).prop_map(Happening::Sleep),
        1 => Just(Happening::Restart),
        3 => (0u64..12, -3i64..6).prop_map(|(n, days)| Happening::Import(n, days)),
        2 => (0u64..12).prop_map(Happening::Pay),
        1 => (0u64..12).prop_map(Happening::PayPart),
        2 => (0u32..24).prop_map(Happening::MoveTo),
        1 => (0i64..3).prop_map(Happening::Holiday),
        1 => (1i64..300).prop_map(Happening::ClockBack),
    ]
}

/// Whatever happens: nobody is reminded twice by one occurrence, outside the window, or after they paid; and no occurrence
/// is lost: each is sent, or its run says why not.
async fn live_through(history: Vec<Happening>, catch_up: bool, working_days_only: bool) {
    let (world, clock) = World::with_manual_clock().await;
    let shutdown = CancellationToken::new();
    let mut rule = ReminderRule { catch_up, working_days_only, ..rule(&[-1, 0, 2], "11:00") };
    put(&world, &rule).await;
    let mut engine: Engine = world.engine.clone();
    let mut paid: BTreeMap<u64, usize> = BTreeMap::new();
    let (mut holidays, mut promised) = (Holidays::default(), Promised::default());
    let today = |now: Timestamp| now.with_timezone(&Kolkata).date_naive();
    // Planned by a machine whose clock is wrong: what it looks at is what the database says.
    let mut wrong = TimeDelta::zero();
    for happening in history {
        match happening {
            Happening::Sleep(minutes) => {
                clock.advance(Duration::from_secs(u64::try_from(minutes * 60).unwrap()));
                wrong = TimeDelta::zero();
            }
            Happening::Restart => engine = world.restarted(),
            Happening::Import(n, days) => {
                let due_on = today(clock.now()) + TimeDelta::days(days);
                promised.import(n, due_on, &rule, &holidays, clock.now());
                payments::import(&world.store, [row(n, "900", due_on)], &TESTER, clock.now()).await.unwrap();
            }
            Happening::Pay(n) if payments::get(&world.store, &reference(n)).await.unwrap().is_some() => {
                pay(&world, n, None).await;
                let posts = world.posts().get(&phone(n).to_string()).copied().unwrap_or(0);
                paid.entry(n).or_insert(posts);
            }
            Happening::PayPart(n) => {
                let known = payments::get(&world.store, &reference(n)).await.unwrap();
                if known.is_some_and(|payment| {
                    payment.status.is_owed() && payment.left() > Money::parse("1").unwrap()
                }) {
                    pay(&world, n, Some("1")).await;
                }
            }
            Happening::MoveTo(hour) => {
                rule.at = TimeOfDay::new(hour, 0).unwrap();
                put(&world, &rule).await;
            }
            Happening::Holiday(days) => {
                let day = today(clock.now()) + TimeDelta::days(days);
                if !holidays.0.remove(&day) {
                    holidays.0.insert(day);
                }
                let listed: Vec<_> = holidays.0.iter().map(|day| (*day, "Holiday".to_owned())).collect();
                reminder_rules::put_holidays(&world.store, &listed, &TESTER, clock.now()).await.unwrap();
            }
            Happening::ClockBack(minutes) => wrong = TimeDelta::minutes(minutes),
            Happening::Pay(_) => {}
        }
        let earlier = ManualClock::at(clock.now() - wrong);
        if wrong.is_zero() {
            engine.plan(&shutdown).await.unwrap();
            engine.deliver_all().await.unwrap();
            world.simulator.settled().await;
        } else {
            world.at_clock(earlier.shared()).plan(&shutdown).await.unwrap();
        }
    }
    engine.plan(&shutdown).await.unwrap();
    engine.deliver_all().await.unwrap();
    world.simulator.settled().await;
    promised.is_kept(&world, &rule, &holidays).await;
    let window = settings::get(&world.store).await.unwrap().reminder_window;
    let mut occurrences = BTreeSet::new();
    for message in reminders(&world).await {
        assert!(occurrences.insert(message.dedupe_key.clone()), "twice: {}", message.dedupe_key);
        if let Some(taken_at) = message.taken_at {
            assert_eq!(window.closed_until(taken_at, Kolkata), None, "outside the window: {taken_at}");
        }
        assert!(message.status != Status::Suppressed || message.suppressed_reason.is_some());
    }
    let posts = world.posts();
    for (n, before) in paid {
        assert_eq!(
            posts.get(&phone(n).to_string()).copied().unwrap_or(0),
            before,
            "reminded after paying: {n}"
        );
    }
    let sent = reminders(&world).await.iter().filter(|message| message.taken_at.is_some()).count();
    assert_eq!(posts.values().sum::<usize>(), sent);
    for run in past(&world).await {
        assert!(run.state != RunState::Skipped || run.reason.is_some());
        assert!(run.state != RunState::Planning);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn no_history_reminds_twice_outside_the_window_or_after_payment_and_none_loses_a_step(
        history in prop::collection::vec(any_happening(), 5..40), catch_up in any::<bool>(), working_days in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(live_through(history, catch_up, working_days));
    }
}
