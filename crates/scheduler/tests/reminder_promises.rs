//! What rules promise people: on which days reminders go, which step of several, how many, and to which number.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono_tz::Asia::Kolkata;
use dakiya_core::budget::Budget;
use dakiya_core::message::{Category, Channel, Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::payment::PaymentReference;
use dakiya_core::reminder::{ReminderChannel, ReminderLimits, ReminderRule, RunState, SkipReason};
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_core::time::{Month, Timestamp};
use dakiya_scheduler::clock::{Clock, ManualClock};
use dakiya_simulator::CallbackFaults;
use dakiya_store::budgets;
use dakiya_store::messages::Message;
use dakiya_store::opt_outs::{self, Change};
use dakiya_store::payments::{self, PaymentFields, PaymentRow};
use dakiya_store::reminder_runs::{self, Run};
use dakiya_store::senders;
use dakiya_twilio::TwilioStatus;
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::time::Duration;
use support::reminders::{at, day, live_until, owe, past, pay, put, reminders, row, rule};
use support::{SENDER, TESTER, World, phone};
use tokio_util::sync::CancellationToken;

/// Working days alone.
fn working(offsets: &[i32], when: &str) -> ReminderRule {
    ReminderRule { working_days_only: true, ..rule(offsets, when) }
}

/// Nobody looks before the instant; then somebody does.
async fn look_at(world: &World, clock: &ManualClock, when: &str) {
    clock.advance_to(at(when));
    world.run().await;
}

async fn sent_at(world: &World) -> Vec<String> {
    let local = |at: Timestamp| at.with_timezone(&Kolkata).format("%a %H:%M").to_string();
    reminders(world).await.iter().filter_map(|message| message.taken_at.map(local)).collect()
}

fn posts_to(world: &World, n: u64) -> usize {
    world.posts().get(&phone(n).to_string()).copied().unwrap_or(0)
}

/// Stores somebody's payment again, with another number.
async fn renumber(world: &World, n: u64, to: u64) {
    let PaymentRow { reference, fields } = row(n, "1250", day("2026-11-23"));
    let fields = PaymentFields { phone: phone(to), ..fields };
    payments::put(&world.store, PaymentRow { reference, fields }, &TESTER, world.clock.now()).await.unwrap();
}

async fn opt_out(world: &World, n: u64) {
    let change = Change {
        phone: phone(n),
        action: OptOutAction::OptOut,
        scope: OptOutScope::All,
        source: OptOutSource::Sms,
        evidence: "STOP".to_owned(),
    };
    opt_outs::record(&world.store, &change, &TESTER, world.clock.now()).await.unwrap();
}

fn told(run: &Run) -> (i32, RunState, Option<&str>) {
    (run.run.step, run.state, run.reason.as_deref())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_for_working_days_sends_on_no_sunday_after_downtime_or_at_night() {
    for (when, asleep_until) in
        [("11:00", "2026-11-29T09:00:00+05:30"), ("20:00", "2026-11-28T20:00:30+05:30")]
    {
        let (world, clock) = World::with_manual_clock().await;
        // A Saturday.
        owe(&world, 0..2, "2026-11-28").await;
        put(&world, &working(&[0], when)).await;
        look_at(&world, &clock, "2026-11-28T10:00:00+05:30").await;
        look_at(&world, &clock, asleep_until).await;
        look_at(&world, &clock, "2026-11-29T12:00:00+05:30").await;
        assert_eq!(sent_at(&world).await, [] as [String; 0], "{when}");
        live_until(&world, &clock, "2026-11-29T12:30:00+05:30").await;
        look_at(&world, &clock, "2026-11-30T08:00:00+05:30").await;
        assert_eq!(sent_at(&world).await, ["Mon 08:00"; 2], "{when}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_steps_moved_to_one_day_remind_once_and_the_next_runs_say_so() {
    let (world, clock) = World::with_manual_clock().await;
    // A Sunday.
    owe(&world, 0..3, "2026-11-29").await;
    let stored = put(&world, &working(&[0, 1], "10:00")).await;
    let next = world.commands.coming_runs(&stored.rule, Some(&stored), 5, 0).await.unwrap();
    let shown: Vec<_> = next.iter().map(|run| (run.run.step, run.skipped)).collect();
    assert_eq!(shown, [(0, Some(SkipReason::Superseded)), (1, None)]);
    let service = (Channel::Sms, Category::Service);
    let november = world.commands.committed(Month::of(day("2026-11-01"))).await.unwrap();
    assert_eq!(november[&service], Money::parse("2.40").unwrap());
    look_at(&world, &clock, "2026-11-30T10:00:00+05:30").await;
    assert_eq!(world.posts().values().sum::<usize>(), 3);
    let runs = past(&world).await;
    let expected =
        [(1, RunState::Planned, None), (0, RunState::Skipped, Some(SkipReason::Superseded.as_str()))];
    assert_eq!(runs.iter().map(told).collect::<Vec<_>>(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missed_step_goes_when_a_person_skipped_the_later_one() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..2, "2026-11-23").await;
    let rule = ReminderRule { maximum_lateness_hours: 48, ..rule(&[0, 1], "10:00") };
    let stored = put(&world, &rule).await;
    let next = world.commands.coming_runs(&rule, Some(&stored), 5, 0).await.unwrap();
    world.commands.skip_run(&stored, next[1].run, &TESTER).await.unwrap();
    look_at(&world, &clock, "2026-11-24T12:00:00+05:30").await;
    assert_eq!(world.posts().len(), 2);
    let runs = past(&world).await;
    let by_person = Some(SkipReason::ByPerson.as_str());
    assert_eq!(
        runs.iter().map(told).collect::<Vec<_>>(),
        [(1, RunState::Skipped, by_person), (0, RunState::Planned, None)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_run_that_a_person_sends_does_what_it_said() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..4, "2026-11-23").await;
    opt_out(&world, 2).await;
    pay(&world, 3, None).await;
    let limits =
        ReminderLimits { cost_per_run: Some(Money::parse("1").unwrap()), ..ReminderLimits::default() };
    let stored = put(&world, &ReminderRule { limits, ..rule(&[0], "10:00") }).await;
    look_at(&world, &clock, "2026-11-23T10:00:00+05:30").await;
    let figures = |run: &Run| (run.matched, run.suppressed.clone(), run.cost);
    let held = past(&world).await.remove(0);
    assert_eq!((held.state, held.matched, held.cost), (RunState::Held, 4, Money::parse("1.60").unwrap()));
    world.commands.send_run_now(&stored, held.run, &TESTER).await.unwrap();
    world.run().await;
    let sent = past(&world).await.remove(0);
    assert_eq!((sent.state, sent.will_send), (RunState::Planned, 2));
    assert_eq!(figures(&sent), figures(&held));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_shown_before_sending_keeps_to_the_limits_of_the_rule() {
    let (world, clock) = World::with_manual_clock().await;
    // More than a page, and one person owes the first and the last payment.
    owe(&world, 0..2_050, "2026-11-23").await;
    let last = PaymentReference::parse("LAST").unwrap();
    let second = PaymentRow { reference: last, ..row(0, "90", day("2026-11-23")) };
    payments::import(&world.store, [second], &TESTER, clock.now()).await.unwrap();
    let limits = ReminderLimits { per_person_a_day: Some(1), per_payment: Some(2), cost_per_run: None };
    let rule = ReminderRule { limits, ..rule(&[0, 1, 2], "10:00") };
    let stored = put(&world, &rule).await;
    let next = world.commands.coming_runs(&rule, Some(&stored), 5, 0).await.unwrap();
    let had = |run: usize, reason| next[run].reckoned.suppressed.get(&reason).copied().unwrap_or(0);
    let shown: Vec<_> = next.iter().map(|run| (run.reckoned.matched(), run.reckoned.will_send)).collect();
    assert_eq!(shown, [(2_051, 2_050), (2_051, 2_050), (2_051, 0)]);
    assert_eq!((had(0, SuppressedReason::DailyLimit), had(2, SuppressedReason::PaymentLimit)), (1, 2_051));
    let committed = world.commands.committed(Month::of(day("2026-11-01"))).await.unwrap();
    assert_eq!(committed[&(Channel::Sms, Category::Service)], Money::parse("3280").unwrap());
    world.commands.skip_run(&stored, next[0].run, &TESTER).await.unwrap();
    let next = world.commands.coming_runs(&rule, Some(&stored), 5, 0).await.unwrap();
    assert_eq!(next[2].reckoned.will_send, 2_050, "a skipped step takes no room");
}

async fn add_whatsapp(world: &World) {
    let sender = Sender {
        address: SenderAddress::stored(SENDER.to_owned()),
        kind: SenderKind::Whatsapp,
        segments_per_second: 1_000,
        promotional: false,
        monthly_rent: None,
    };
    senders::put(&world.store, &sender, &TESTER, world.clock.now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatsapp_that_was_delivered_while_nobody_listened_is_not_followed() {
    let (world, clock) = World::with_manual_clock().await;
    add_whatsapp(&world).await;
    let person = format!("whatsapp:{}", phone(1));
    world.simulator.inbound(&person, &format!("whatsapp:{SENDER}"), "Hello").await;
    owe(&world, 1..2, "2026-11-23").await;
    put(&world, &ReminderRule { channel: ReminderChannel::WhatsappThenSms, ..rule(&[0], "08:00") }).await;
    let lost = vec![TwilioStatus::Sent, TwilioStatus::Delivered, TwilioStatus::Read];
    world.simulator.faults().callbacks(CallbackFaults { lost, ..CallbackFaults::default() });
    look_at(&world, &clock, "2026-11-23T08:00:00+05:30").await;
    let told = reminders(&world).await.remove(0);
    assert!(!matches!(told.status, Status::Delivered | Status::Read), "nobody has heard of it yet");
    world.simulator.refuse_connections().await;
    look_at(&world, &clock, "2026-11-23T15:00:00+05:30").await;
    world.simulator.accept_connections().await;
    assert_eq!(reminders(&world).await.len(), 1, "who cannot ask does not send twice");
    look_at(&world, &clock, "2026-11-23T15:02:00+05:30").await;
    let all = reminders(&world).await;
    assert!(matches!(all[0].status, Status::Delivered | Status::Read), "{:?}", all[0].status);
    assert_eq!((all.len(), posts_to(&world, 1)), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_message_that_would_follow_too_late_expires() {
    let (world, clock) = World::with_manual_clock().await;
    add_whatsapp(&world).await;
    owe(&world, 1..2, "2026-11-23").await;
    let rule = ReminderRule { channel: ReminderChannel::WhatsappThenSms, ..rule(&[0], "10:00") };
    put(&world, &rule).await;
    look_at(&world, &clock, "2026-11-23T10:00:00+05:30").await;
    look_at(&world, &clock, "2026-11-26T12:00:00+05:30").await;
    world.run().await;
    let all = reminders(&world).await;
    assert_eq!((all[1].channel, all[1].status), (Channel::Sms, Status::Expired));
    assert_eq!(posts_to(&world, 1), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_message_that_follows_whatsapp_is_the_same_reminder() {
    let (world, clock) = World::with_manual_clock().await;
    add_whatsapp(&world).await;
    // Nobody wrote to us, so a free text on WhatsApp is not delivered.
    owe(&world, 1..2, "2026-11-23").await;
    let limits = ReminderLimits { per_person_a_day: Some(1), per_payment: Some(2), cost_per_run: None };
    let channel = ReminderChannel::WhatsappThenSms;
    let stored = put(&world, &ReminderRule { channel, limits, ..rule(&[0, 1, 2], "10:00") }).await;
    live_until(&world, &clock, "2026-11-25T18:00:00+05:30").await;
    let mut left: BTreeMap<(i32, Channel), u32> = BTreeMap::new();
    for message in reminders(&world).await.iter().filter(|message| message.taken_at.is_some()) {
        *left.entry((message.reminder.unwrap().2, message.channel)).or_default() += 1;
    }
    let both = |step| [((step, Channel::Sms), 1), ((step, Channel::Whatsapp), 1)];
    assert_eq!(left, both(0).into_iter().chain(both(1)).collect());
    let run = reminder_runs::get(&world.store, stored.id, 0, day("2026-11-23")).await.unwrap().unwrap();
    let results = reminder_runs::results(&world.store, &run).await.unwrap();
    assert_eq!((run.matched, results.sent()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_that_waits_goes_once_to_the_number_that_is_right() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..5, "2026-11-23").await;
    put(&world, &rule(&[0], "21:00")).await;
    look_at(&world, &clock, "2026-11-23T21:00:00+05:30").await;
    opt_out(&world, 52).await;
    renumber(&world, 0, 50).await;
    renumber(&world, 1, 51).await;
    renumber(&world, 1, 1).await;
    renumber(&world, 2, 52).await;
    renumber(&world, 3, 53).await;
    pay(&world, 3, None).await;
    world.run().await;
    renumber(&world, 0, 60).await;
    look_at(&world, &clock, "2026-11-24T08:00:00+05:30").await;
    renumber(&world, 4, 54).await;
    look_at(&world, &clock, "2026-11-24T12:00:00+05:30").await;
    let posted = [0, 50, 60, 1, 51, 2, 52, 3, 53, 4, 54].map(|n| posts_to(&world, n));
    assert_eq!(posted, [0, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0]);
    let all = reminders(&world).await;
    let opted_out = all.iter().find(|message| message.phone.number() == Some(phone(52))).unwrap();
    assert_eq!(opted_out.suppressed_reason, Some(SuppressedReason::OptedOut));
    assert!(all.iter().all(|message| message.status != Status::Queued));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_that_waits_is_planned_anew_when_its_payment_is_due_later() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..1, "2026-11-23").await;
    put(&world, &rule(&[0], "21:00")).await;
    look_at(&world, &clock, "2026-11-23T21:00:00+05:30").await;
    owe(&world, 0..1, "2026-11-24").await;
    look_at(&world, &clock, "2026-11-24T12:00:00+05:30").await;
    assert_eq!(posts_to(&world, 0), 0);
    look_at(&world, &clock, "2026-11-24T21:00:00+05:30").await;
    look_at(&world, &clock, "2026-11-25T08:00:00+05:30").await;
    assert_eq!(posts_to(&world, 0), 1);
}

/// A clock that a test moves, of a demo in which a day passes in a minute.
struct Fast(ManualClock);

impl Clock for Fast {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        self.0.sleep_until(at)
    }
    fn speed(&self) -> u32 {
        1_440
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_runs_fast_misses_nothing_between_two_looks() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..3, "2026-11-23").await;
    put(&world, &ReminderRule { catch_up: false, ..rule(&[0], "10:00") }).await;
    clock.advance_to(at("2026-11-23T12:00:00+05:30"));
    let fast = world.at_clock(std::sync::Arc::new(Fast(clock.clone())));
    fast.plan(&CancellationToken::new()).await.unwrap();
    fast.deliver_all().await.unwrap();
    assert_eq!(world.posts().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_that_waits_for_the_morning_is_committed_to_the_month_in_which_it_goes() {
    let (world, _clock) = World::with_manual_clock().await;
    owe(&world, 0..3, "2026-11-30").await;
    put(&world, &rule(&[0], "20:00")).await;
    let committed = |month| world.commands.committed(Month::of(day(month)));
    assert_eq!(committed("2026-11-01").await.unwrap(), BTreeMap::new());
    let december = committed("2026-12-01").await.unwrap();
    assert_eq!(december[&(Channel::Sms, Category::Service)], Money::parse("2.40").unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_held_by_a_budget_until_it_makes_no_sense_any_more_expires_then() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..3, "2026-11-23").await;
    put(&world, &rule(&[0], "10:00")).await;
    let month = Month::of(day("2026-11-01"));
    let budget = Budget { month, amount: Money::parse("0.50").unwrap(), stop: true, warn_at: vec![100] };
    budgets::put(&world.store, &budget, &TESTER, clock.now()).await.unwrap();
    look_at(&world, &clock, "2026-11-23T10:00:00+05:30").await;
    let statuses = |messages: &[Message]| messages.iter().map(|message| message.status).collect::<Vec<_>>();
    assert_eq!(statuses(&reminders(&world).await), [Status::Queued; 3]);
    for month in ["2026-11-01", "2026-12-01"] {
        assert_eq!(world.commands.committed(Month::of(day(month))).await.unwrap(), BTreeMap::new());
    }
    look_at(&world, &clock, "2026-11-24T10:00:00+05:30").await;
    assert_eq!(statuses(&reminders(&world).await), [Status::Expired; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reminder_that_cannot_be_said_to_the_new_number_tells_why() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..1, "2026-11-23").await;
    let stored = put(&world, &rule(&[0], "21:00")).await;
    look_at(&world, &clock, "2026-11-23T21:00:00+05:30").await;
    put(&world, &ReminderRule { template: "gone".to_owned(), ..stored.rule }).await;
    renumber(&world, 0, 50).await;
    look_at(&world, &clock, "2026-11-24T12:00:00+05:30").await;
    assert_eq!(world.posts().len(), 0);
    let all = reminders(&world).await;
    let to_new = all.iter().find(|message| message.phone.number() == Some(phone(50))).unwrap();
    assert_eq!(to_new.suppressed_reason, Some(SuppressedReason::NotComposed));
}
