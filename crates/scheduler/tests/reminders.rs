//! Reminders through time: the real planner and sender against the simulator, with a clock that the tests move.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono_tz::Asia::Kolkata;
use dakiya_core::message::{Category, Channel, Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::payment::PaymentReference;
use dakiya_core::reminder::{ReminderChannel, ReminderLimits, ReminderRule, RunState, SkipReason};
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_core::time::{Month, TimeOfDay};
use dakiya_scheduler::clock::Clock;
use dakiya_simulator::Fate;
use dakiya_store::messages::Message;
use dakiya_store::payments::{self, PaymentRow};
use dakiya_store::senders;
use std::collections::BTreeMap;
use support::reminders::{at, day, live_until, owe, past, pay, put, reminders, row, rule};
use support::{SENDER, TESTER, World, phone};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_payment_is_reminded_once_by_each_step_until_it_is_paid() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..20, "2026-11-26").await;
    put(&world, &rule(&[-3, 0, 3, 7], "11:00")).await;
    live_until(&world, &clock, "2026-11-24T00:00:00+05:30").await;
    assert_eq!(world.posts().len(), 20);
    for n in 0..5 {
        pay(&world, n, None).await;
    }
    live_until(&world, &clock, "2026-11-27T00:00:00+05:30").await;
    for n in 5..10 {
        pay(&world, n, None).await;
    }
    live_until(&world, &clock, "2026-12-10T00:00:00+05:30").await;
    let posts = world.posts();
    let of = |n: u64| posts.get(&phone(n).to_string()).copied().unwrap_or(0);
    assert_eq!([of(0), of(5), of(10), of(19)], [1, 2, 4, 4]);
    for message in reminders(&world).await {
        let local = message.taken_at.unwrap().with_timezone(&Kolkata);
        assert_eq!(local.format("%H:%M").to_string(), "11:00");
        assert!(message.body.contains("Rs.1,250.00") && message.body.contains("INV-"), "{}", message.body);
    }
    let runs: Vec<_> =
        past(&world).await.iter().map(|run| (run.run.step, run.matched, run.will_send)).collect();
    assert_eq!(runs, [(7, 20, 10), (3, 20, 10), (0, 20, 15), (-3, 20, 20)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_again_and_a_moved_time_remind_nobody_twice() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..3, "2026-11-23").await;
    let stored = put(&world, &rule(&[0], "10:00")).await;
    live_until(&world, &clock, "2026-11-23T12:00:00+05:30").await;
    assert_eq!(world.posts().len(), 3);
    owe(&world, 0..5, "2026-11-23").await;
    put(&world, &ReminderRule { at: TimeOfDay::parse("15:00").unwrap(), ..stored.rule }).await;
    live_until(&world, &clock, "2026-11-24T12:00:00+05:30").await;
    // The two that came meanwhile get theirs at the new time.
    assert_eq!(world.posts().len(), 5);
    assert!(world.posts().values().all(|posts| *posts == 1), "{:?}", world.posts());
    assert_eq!(past(&world).await.iter().map(|run| run.will_send).collect::<Vec<_>>(), [5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_asleep_over_three_runs_makes_up_for_what_the_rule_allows_and_says_what_it_skipped() {
    for (catch_up, sent) in [(true, 5), (false, 0)] {
        let (world, clock) = World::with_manual_clock().await;
        for (from, due_on) in [(0, "2026-11-22"), (5, "2026-11-23"), (10, "2026-11-24")] {
            owe(&world, from..from + 5, due_on).await;
        }
        put(&world, &ReminderRule { catch_up, ..rule(&[0], "17:00") }).await;
        world.run().await;
        clock.advance_to(at("2026-11-24T23:30:00+05:30"));
        let woken = world.restarted();
        woken.plan(&CancellationToken::new()).await.unwrap();
        woken.deliver_all().await.unwrap();
        assert_eq!(world.posts().len(), 0, "at night nobody is reminded");
        live_until(&world, &clock, "2026-11-25T12:00:00+05:30").await;
        assert_eq!(world.posts().len(), sent);
        assert!(world.posts().values().all(|posts| *posts == 1));
        let runs = past(&world).await;
        let told: Vec<_> = runs.iter().map(|run| (run.state, run.reason.as_deref(), run.matched)).collect();
        let missed = |why| (RunState::Skipped, Some(why), 5);
        if catch_up {
            assert_eq!(told, [(RunState::Planned, None, 5), missed("too_late"), missed("too_late")]);
            let first = reminders(&world).await.first().unwrap().taken_at.unwrap();
            assert_eq!(first, at("2026-11-25T08:00:00+05:30"));
        } else {
            assert_eq!(told, [missed("missed"), missed("missed"), missed("missed")]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_is_what_is_left_when_it_goes_out() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..2, "2026-11-23").await;
    put(&world, &rule(&[0], "21:00")).await;
    live_until(&world, &clock, "2026-11-23T22:00:00+05:30").await;
    assert_eq!(
        reminders(&world).await.iter().map(|message| message.status).collect::<Vec<_>>(),
        [Status::Queued; 2]
    );
    pay(&world, 0, Some("1000.50")).await;
    live_until(&world, &clock, "2026-11-24T09:00:00+05:30").await;
    let sent = reminders(&world).await;
    assert!(sent[0].body.contains("Rs.249.50") && sent[1].body.contains("Rs.1,250.00"), "{sent:?}");
    assert!(world.simulator.ledger().iter().any(|post| post.body.contains("Rs.249.50")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_stops_reminders_that_wait_already() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..3, "2026-11-23").await;
    put(&world, &rule(&[0], "21:00")).await;
    live_until(&world, &clock, "2026-11-23T22:00:00+05:30").await;
    pay(&world, 1, None).await;
    assert_eq!(reminders(&world).await[1].status, Status::Canceled);
    live_until(&world, &clock, "2026-11-24T09:00:00+05:30").await;
    assert_eq!(world.posts().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_is_switched_off_sends_nothing_more_not_even_what_waits() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..3, "2026-11-23").await;
    let stored = put(&world, &rule(&[0, 1], "21:00")).await;
    live_until(&world, &clock, "2026-11-23T22:00:00+05:30").await;
    put(&world, &ReminderRule { enabled: false, ..stored.rule }).await;
    live_until(&world, &clock, "2026-11-26T09:00:00+05:30").await;
    assert_eq!(world.posts().len(), 0);
    let reasons: Vec<_> = reminders(&world).await.iter().map(|message| message.suppressed_reason).collect();
    assert_eq!(reasons, [Some(SuppressedReason::RuleOff); 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_for_a_person_a_payment_and_a_run() {
    let (world, clock) = World::with_manual_clock().await;
    // One person owes two things on one day.
    owe(&world, 0..1, "2026-11-23").await;
    let second = PaymentRow {
        reference: PaymentReference::parse("SECOND").unwrap(),
        ..row(0, "90", day("2026-11-23"))
    };
    payments::import(&world.store, [second], &TESTER, clock.now()).await.unwrap();
    let limits = ReminderLimits { per_person_a_day: Some(1), per_payment: Some(2), cost_per_run: None };
    put(&world, &ReminderRule { limits, ..rule(&[0, 1, 2], "10:00") }).await;
    live_until(&world, &clock, "2026-11-27T00:00:00+05:30").await;
    let all = reminders(&world).await;
    let sent = all.iter().filter(|message| message.status == Status::Delivered).count();
    let because = |reason| all.iter().filter(|message| message.suppressed_reason == Some(reason)).count();
    assert_eq!(
        (sent, because(SuppressedReason::DailyLimit) + because(SuppressedReason::PaymentLimit)),
        (3, 3)
    );
    // A run that would cost more than allowed waits for a person.
    owe(&world, 100..110, "2026-12-01").await;
    let limits =
        ReminderLimits { cost_per_run: Some(Money::parse("7.99").unwrap()), ..ReminderLimits::default() };
    let stored = put(&world, &ReminderRule { limits, ..rule(&[0], "10:00") }).await;
    live_until(&world, &clock, "2026-12-01T11:00:00+05:30").await;
    let held = past(&world).await.remove(0);
    assert_eq!((held.state, held.reason.as_deref(), held.matched), (RunState::Held, Some("over_cost"), 10));
    assert_eq!(held.cost, Money::parse("8").unwrap());
    world.commands.send_run_now(&stored, held.run, &TESTER).await.unwrap();
    world.run().await;
    assert_eq!(past(&world).await[0].will_send, 10);
    assert_eq!(world.posts().len(), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_message_follows_what_whatsapp_did_not_deliver() {
    let (world, clock) = World::with_manual_clock().await;
    let sender = Sender {
        address: SenderAddress::stored(SENDER.to_owned()),
        kind: SenderKind::Whatsapp,
        segments_per_second: 1_000,
        promotional: false,
        monthly_rent: None,
    };
    senders::put(&world.store, &sender, &TESTER, clock.now()).await.unwrap();
    let whatsapp = |n| format!("whatsapp:{}", phone(n));
    for n in 0..3 {
        world.simulator.inbound(&whatsapp(n), &format!("whatsapp:{SENDER}"), "Hello").await;
    }
    world.simulator.faults().ends(&whatsapp(1), Fate::Undeliver(63024));
    world.simulator.faults().ends(&phone(1).to_string(), Fate::Undeliver(63024));
    owe(&world, 0..3, "2026-11-22").await;
    put(&world, &ReminderRule { channel: ReminderChannel::WhatsappThenSms, ..rule(&[0], "12:00") }).await;
    live_until(&world, &clock, "2026-11-22T15:45:00+05:30").await;
    let channels = |messages: &[Message]| {
        let mut counts: BTreeMap<(String, Channel), usize> = BTreeMap::new();
        for message in messages {
            *counts.entry((message.phone.number().unwrap().to_string(), message.channel)).or_default() += 1;
        }
        counts
    };
    assert!(channels(&reminders(&world).await).keys().all(|(_, channel)| *channel == Channel::Whatsapp));
    live_until(&world, &clock, "2026-11-23T12:00:00+05:30").await;
    let all = reminders(&world).await;
    let counts = channels(&all);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    for message in all.iter().filter(|message| message.channel == Channel::Whatsapp) {
        let arrived = matches!(message.status, Status::Delivered | Status::Read);
        let number = message.phone.number().unwrap().to_string();
        assert_eq!(counts.contains_key(&(number, Channel::Sms)), !arrived, "{:?}", message.status);
    }
    assert!(counts.contains_key(&(phone(1).to_string(), Channel::Sms)), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_runs_say_whom_they_reach_and_what_they_cost_and_can_be_skipped() {
    let (world, clock) = World::with_manual_clock().await;
    owe(&world, 0..10, "2026-11-26").await;
    owe(&world, 10..14, "2026-12-02").await;
    let rule = rule(&[-3, 0], "11:00");
    let asked = world.commands.coming_runs(&rule, None, 10, 2).await.unwrap();
    let told = |runs: &[dakiya_scheduler::ComingRun]| -> Vec<(String, i32, u64, String)> {
        let line = |run: &dakiya_scheduler::ComingRun| {
            let local = run.run.at.with_timezone(&Kolkata).format("%d %b %H:%M").to_string();
            (local, run.run.step, run.reckoned.will_send, run.reckoned.cost.to_plain())
        };
        runs.iter().map(line).collect()
    };
    let line = |when: &str, step, sends, cost: &str| (when.to_owned(), step, sends, cost.to_owned());
    assert_eq!(
        told(&asked),
        [
            line("23 Nov 11:00", -3, 10, "8.00"),
            line("26 Nov 11:00", 0, 10, "8.00"),
            line("29 Nov 11:00", -3, 4, "3.20"),
            line("02 Dec 11:00", 0, 4, "3.20"),
        ]
    );
    assert_eq!(asked[0].reckoned.samples.len(), 2);
    let stored = put(&world, &rule).await;
    let month = |text: &str| world.commands.committed(Month::of(day(text)));
    let service = (Channel::Sms, Category::Service);
    assert_eq!(month("2026-11-01").await.unwrap()[&service], Money::parse("19.20").unwrap());
    assert_eq!(month("2026-12-01").await.unwrap()[&service], Money::parse("3.20").unwrap());
    world.commands.skip_run(&stored, asked[0].run, &TESTER).await.unwrap();
    pay(&world, 0, None).await;
    let next = world.commands.coming_runs(&rule, Some(&stored), 2, 0).await.unwrap();
    assert_eq!(next[0].skipped, Some(SkipReason::ByPerson));
    assert_eq!(next[1].reckoned.suppressed.get(&SuppressedReason::Paid), Some(&1));
    assert_eq!((next[1].reckoned.matched(), next[1].reckoned.will_send), (10, 9));
    assert_eq!(month("2026-11-01").await.unwrap()[&service], Money::parse("10.40").unwrap());
    live_until(&world, &clock, "2026-11-24T00:00:00+05:30").await;
    assert_eq!(world.posts().len(), 0);
    world.commands.send_run_now(&stored, next[1].run, &TESTER).await.unwrap();
    world.run().await;
    assert_eq!(reminders(&world).await.len(), 9);
    live_until(&world, &clock, "2026-11-27T00:00:00+05:30").await;
    assert_eq!(reminders(&world).await.len(), 9, "what was sent early is not sent again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recurring_campaign_comes_once_each_time_and_waits_for_a_person_beyond_its_cap() {
    use dakiya_core::audience::Audience;
    use dakiya_core::campaign::CampaignState;
    use dakiya_core::recurrence::Recurrence;
    use dakiya_store::contacts::{self, ContactRow};
    use dakiya_store::recurring_campaigns::{self as recurring, RecurringCampaign, RecurringRunState};
    use dakiya_store::{campaigns, templates};

    let (world, clock) = World::with_manual_clock().await;
    let member = |n: u64| ContactRow {
        phone: phone(n),
        name: Some(format!("Person {n}")),
        language: None,
        tags: Some(vec!["members".to_owned()]),
        attributes: Default::default(),
        consent: None,
    };
    contacts::import(&world.store, (0..5).map(member), &TESTER, clock.now()).await.unwrap();
    world.draft("Dear {{name}}, thank you. {{brand}}", Category::Service, []).await;
    let template = templates::get(&world.store, "test", None).await.unwrap().unwrap();
    let what = RecurringCampaign {
        name: "Thanks".to_owned(),
        cron: "0 10 * * *".to_owned(),
        zone: "Asia/Kolkata".to_owned(),
        template: (template.template_id, template.version),
        channel: Channel::Sms,
        sender: SenderAddress::stored(SENDER.to_owned()),
        audience: Audience { tags: vec!["members".to_owned()], all: false },
        segments_per_second: None,
        cost_cap: Money::parse("5").unwrap(),
        catch_up: true,
        enabled: true,
    };
    let next = Recurrence::parse(&what.cron, &what.zone, clock.now()).unwrap().next(clock.now());
    recurring::put(&world.store, "thanks", &what, next, &TESTER, clock.now()).await.unwrap();
    live_until(&world, &clock, "2026-11-23T12:00:00+05:30").await;
    assert_eq!(world.posts().values().sum::<usize>(), 5);
    // Three days of sleep are made up for once.
    clock.advance_to(at("2026-11-26T09:00:00+05:30"));
    world.run().await;
    assert_eq!(world.posts().values().sum::<usize>(), 10);
    contacts::import(&world.store, (5..9).map(member), &TESTER, clock.now()).await.unwrap();
    live_until(&world, &clock, "2026-11-26T12:00:00+05:30").await;
    assert_eq!(world.posts().values().sum::<usize>(), 10, "nine people cost more than the cap");
    let stored = recurring::get(&world.store, "thanks").await.unwrap().unwrap();
    let runs = recurring::runs(&world.store, stored.id, 10).await.unwrap();
    let states: Vec<_> = runs.iter().map(|run| run.state).collect();
    assert_eq!(states, [RecurringRunState::Held, RecurringRunState::Sent, RecurringRunState::Sent]);
    let held = campaigns::get(&world.store, runs[0].campaign_id.unwrap()).await.unwrap().unwrap();
    assert_eq!(held.state, CampaignState::Draft);
    assert!(runs[0].reason.as_deref().unwrap().contains("more than its budget"));
    // While it waits no further draft is made; once somebody decided, it comes again.
    let waiting = recurring::held(&world.store, 5).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].campaign_id), (1, held.id));
    live_until(&world, &clock, "2026-11-28T12:00:00+05:30").await;
    assert_eq!(recurring::runs(&world.store, stored.id, 10).await.unwrap().len(), 3);
    campaigns::cancel(&world.store, held.id, &TESTER, clock.now()).await.unwrap();
    assert!(recurring::held(&world.store, 5).await.unwrap().is_empty());
    let hourly = RecurringCampaign { cron: "0 * * * *".to_owned(), ..what };
    let next = Recurrence::parse(&hourly.cron, &hourly.zone, clock.now()).unwrap().next(clock.now());
    recurring::put(&world.store, "thanks", &hourly, next, &TESTER, clock.now()).await.unwrap();
    live_until(&world, &clock, "2026-11-28T14:30:00+05:30").await;
    let runs = recurring::runs(&world.store, stored.id, 10).await.unwrap();
    assert_eq!(runs.len(), 4, "the first of them waits as well");
    let named = campaigns::get(&world.store, runs[0].campaign_id.unwrap()).await.unwrap().unwrap();
    assert_eq!(named.draft.name, "Thanks, 28 Nov 2026, 13:00", "what comes each hour says which");
}
