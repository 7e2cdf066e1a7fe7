//! Reminder rules and their runs: begun once, written down once, skipped, held, sent now; and the gates when sending.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Asia::Kolkata;
use dakiya_core::budget::Budget;
use dakiya_core::encoding::Segments;
use dakiya_core::ids::PaymentId;
use dakiya_core::message::{Category, Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentEvent, PaymentReference};
use dakiya_core::reminder::{
    PaymentFilter, ReminderChannel, ReminderLimits, ReminderRule, ReminderRun, ReminderStep, RunState,
    SkipReason, ZoneName,
};
use dakiya_core::time::{Month, TimeOfDay, Timestamp};
use dakiya_store::messages::{self, NewMessage, NewReminder};
use dakiya_store::payments::{self, PaymentFields, PaymentReport, PaymentRow, Reported, Reporter};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, NewRun, Run, RunBatch, SteerError};
use dakiya_store::{Store, budgets, costs, reminder_payments};
use support::sending::{SENDER, accepted, answer, campaign, enqueue, new_message, sender, take_at};
use support::{TESTER, later, now, phone};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn rule() -> ReminderRule {
    ReminderRule {
        name: "Fees".to_owned(),
        template: "payment_reminder".to_owned(),
        steps: [-3, 0, 3].map(|offset_days| ReminderStep { offset_days, template: None }).into(),
        at: TimeOfDay::parse("11:00").unwrap(),
        zone: ZoneName(Kolkata),
        channel: ReminderChannel::Sms,
        fallback_after_hours: 4,
        payments: PaymentFilter::default(),
        limits: ReminderLimits::default(),
        working_days_only: false,
        catch_up: true,
        maximum_lateness_hours: 24,
        enabled: true,
    }
}

async fn stored(store: &Store) -> StoredRule {
    reminder_rules::put(store, "fees", &rule(), &TESTER, now()).await.unwrap()
}

fn reference(n: u64) -> PaymentReference {
    PaymentReference::parse(&format!("INV-{n:03}")).unwrap()
}

/// Payments of a hundred rupees each, due on a day.
async fn owe(store: &Store, people: std::ops::Range<u64>, due_on: &str, tags: &[&str]) {
    let rows = people.map(|n| PaymentRow {
        reference: reference(n),
        fields: PaymentFields {
            phone: phone(n),
            amount: money("100"),
            due_on: day(due_on),
            pay_url: None,
            name: None,
            language: None,
            tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
            variables: None,
        },
    });
    payments::import(store, rows.collect::<Vec<_>>(), &TESTER, now()).await.unwrap();
}

async fn pay(store: &Store, n: u64, amount: Option<&str>, at: Timestamp) {
    let report = PaymentReport {
        reference: reference(n),
        what: Reported::Event(PaymentEvent::Received(amount.map(money))),
        by: Reporter::Ours("api"),
        external_id: None,
        pay_url: None,
    };
    payments::record(store, &report, &TESTER, at).await.unwrap();
}

fn run(at: Timestamp) -> ReminderRun {
    ReminderRun { at, step: 0, due_on: day("2026-11-22") }
}

fn to_send(at: Timestamp) -> NewRun {
    NewRun { run: run(at), send_at: Ok(at), matched: 0 }
}

async fn only_run(store: &Store) -> Run {
    let mut runs = reminder_runs::past(store, None, later(1_000_000), None, 10).await.unwrap().items;
    assert_eq!(runs.len(), 1);
    runs.remove(0)
}

/// Messages to the payments that are owed on the day of a run.
async fn messages_of(store: &Store, rule: &StoredRule, run: &Run) -> Vec<NewMessage> {
    let due_on = run.run.due_on;
    let owed = reminder_payments::owed_on(store, due_on, &rule.rule.payments, None, 500).await.unwrap();
    let message = |payment: &reminder_payments::ReminderPayment| NewMessage {
        dedupe_key: format!("reminder:{}:{}:{}:{due_on}", payment.id, rule.id, run.run.step),
        phone: payment.phone.number().unwrap(),
        body: format!("Rs.{} is due", payment.left),
        due_at: run.send_at.unwrap(),
        reminder: Some(NewReminder {
            payment: payment.id,
            rule: rule.id,
            step: run.run.step,
            due_on,
            revision: payment.revision,
            text: "Rs.{{amount}} is due".to_owned(),
            fallback_at: None,
        }),
        ..new_message(0)
    };
    owed.iter().map(message).collect()
}

/// Begins the run of today and writes it down in one batch.
async fn planned(store: &Store, rule: &StoredRule, at: Timestamp) -> Run {
    let rule = reminder_rules::by_id(store, rule.id).await.unwrap().unwrap();
    assert!(reminder_runs::begin(store, &rule, &[to_send(at)], &Default::default(), at).await.unwrap());
    let run = reminder_runs::to_plan(store).await.unwrap().remove(0);
    let messages = messages_of(store, &rule, &run).await;
    let paid = reminder_payments::paid_on(store, run.run.due_on, &rule.rule.payments).await.unwrap();
    let batch = RunBatch { through: Some("z".to_owned()), last: true, messages, paid };
    assert!(reminder_runs::write(store, &run, &batch, at).await.unwrap());
    run
}

async fn reminders(store: &Store) -> Vec<messages::Message> {
    let mut found = messages::page(store, &Default::default(), None, 500).await.unwrap().items;
    found.retain(|message| message.reminder.is_some());
    found.sort_by_key(|message| message.id);
    found
}

async fn payment_id(store: &Store, n: u64) -> PaymentId {
    payments::get(store, &reference(n)).await.unwrap().unwrap().id
}

on_both_databases! {
    async fn a_rule_comes_back_as_it_was_stored_and_its_runs_count_from_a_change_of_its_times(store: Store) {
        let first = stored(&store).await;
        assert_eq!((first.rule.clone(), first.planned_through), (rule(), now()));
        let renamed = ReminderRule { name: "Other".to_owned(), ..rule() };
        let same = reminder_rules::put(&store, "fees", &renamed, &TESTER, later(60)).await.unwrap();
        assert_eq!((same.id, same.planned_through), (first.id, now()), "downtime before it still counts");
        let moved = ReminderRule { at: TimeOfDay::parse("12:00").unwrap(), ..renamed };
        let moved = reminder_rules::put(&store, "fees", &moved, &TESTER, later(120)).await.unwrap();
        assert_eq!(moved.planned_through, later(120));
        let off = ReminderRule { enabled: false, ..moved.rule };
        reminder_rules::put(&store, "fees", &off, &TESTER, later(180)).await.unwrap();
        assert!(reminder_rules::running(&store).await.unwrap().is_empty());
        let days = [(day("2027-01-26"), "Republic Day".to_owned())];
        reminder_rules::put_holidays(&store, &days, &TESTER, now()).await.unwrap();
        assert!(reminder_rules::holidays(&store).await.unwrap().0.contains(&days[0].0));
    }

    async fn payments_are_found_by_due_date_tag_and_what_is_left(store: Store) {
        owe(&store, 0..4, "2026-11-22", &["members"]).await;
        owe(&store, 4..6, "2026-11-22", &[]).await;
        owe(&store, 6..7, "2026-11-25", &["members"]).await;
        pay(&store, 0, None, now()).await;
        pay(&store, 1, Some("60"), now()).await;
        let today = day("2026-11-22");
        let all = PaymentFilter::default();
        let page = reminder_payments::owed_on(&store, today, &all, Some("INV-001"), 3).await.unwrap();
        let found: Vec<&str> = page.iter().map(|payment| payment.reference.as_str()).collect();
        assert_eq!(found, ["INV-002", "INV-003", "INV-004"]);
        let members = PaymentFilter { tags: vec!["members".to_owned()], least: Some(money("50")), most: None };
        assert_eq!(reminder_payments::count_owed_on(&store, today, &members).await.unwrap(), 2);
        assert_eq!(reminder_payments::count_owed_on(&store, today, &all).await.unwrap(), 5);
        assert_eq!(reminder_payments::paid_on(&store, today, &members).await.unwrap(), 1);
        let days = reminder_payments::due_days(&store, today, 10).await.unwrap();
        assert_eq!(days, [today, day("2026-11-25")]);
        assert_eq!(reminder_payments::due_between(&store, today, day("2026-11-25")).await.unwrap(), 6);
    }

    async fn of_two_planners_one_begins_a_run_and_writes_it_once(store: Store) {
        owe(&store, 0..3, "2026-11-22", &[]).await;
        let rule = stored(&store).await;
        let begin = |through| {
            let (store, rule) = (store.clone(), rule.clone());
            async move { reminder_runs::begin(&store, &rule, &[to_send(later(60))], &Default::default(), through).await.unwrap() }
        };
        let (one, two) = tokio::join!(begin(later(60)), begin(later(61)));
        assert!(one != two, "exactly one begins");
        let run = reminder_runs::to_plan(&store).await.unwrap().remove(0);
        let messages = messages_of(&store, &rule, &run).await;
        let batch = RunBatch { through: Some("INV-002".to_owned()), last: false, messages, paid: 0 };
        let write = || reminder_runs::write(&store, &run, &batch, later(61));
        let (one, two) = tokio::join!(write(), write());
        assert!(one.unwrap() != two.unwrap(), "exactly one writes");
        let run = reminder_runs::to_plan(&store).await.unwrap().remove(0);
        assert_eq!((run.after_reference.as_deref(), run.will_send), (Some("INV-002"), 3));
        let batch = RunBatch { through: None, last: true, messages: Vec::new(), paid: 2 };
        assert!(reminder_runs::write(&store, &run, &batch, later(62)).await.unwrap());
        let run = only_run(&store).await;
        assert_eq!((run.state, run.matched, run.will_send, run.cost), (RunState::Planned, 5, 3, money("2.40")));
        assert_eq!(reminders(&store).await.len(), 3);
    }

    async fn a_moved_run_looks_again_and_writes_only_what_is_new(store: Store) {
        owe(&store, 0..3, "2026-11-22", &[]).await;
        let rule = stored(&store).await;
        planned(&store, &rule, later(60)).await;
        owe(&store, 0..5, "2026-11-22", &[]).await;
        planned(&store, &rule, later(3_600)).await;
        assert_eq!(reminders(&store).await.len(), 5);
        assert_eq!(only_run(&store).await.will_send, 5);
    }

    async fn a_run_that_finds_nobody_leaves_no_trace(store: Store) {
        let rule = stored(&store).await;
        planned(&store, &rule, later(60)).await;
        assert!(reminder_runs::past(&store, Some(rule.id), later(1_000_000), None, 10).await.unwrap().items.is_empty());
    }

    async fn a_person_skips_a_run_takes_it_back_or_sends_it_now(store: Store) {
        let rule = stored(&store).await;
        let coming = run(later(86_400));
        reminder_runs::skip(&store, &rule, coming, 7, &TESTER, now()).await.unwrap();
        let skipped = only_run(&store).await;
        assert_eq!((skipped.state, skipped.reason.as_deref(), skipped.matched), (RunState::Skipped, Some("by_person"), 7));
        // When its time comes it stays skipped.
        reminder_runs::begin(&store, &rule, &[to_send(later(86_400))], &Default::default(), later(86_400)).await.unwrap();
        assert_eq!(only_run(&store).await.state, RunState::Skipped);
        assert!(reminder_runs::restore(&store, &rule, coming, &TESTER, now()).await.unwrap());
        assert!(!reminder_runs::restore(&store, &rule, coming, &TESTER, now()).await.unwrap());
        reminder_runs::send_now(&store, &rule, coming, &TESTER, now()).await.unwrap();
        let sent = only_run(&store).await;
        assert_eq!((sent.state, sent.send_at, sent.unlimited), (RunState::Planning, Some(now()), true));
        let again = reminder_runs::send_now(&store, &rule, coming, &TESTER, now()).await;
        assert!(matches!(again, Err(SteerError::State(RunState::Planning))));
        let too_late = reminder_runs::skip(&store, &rule, coming, 0, &TESTER, now()).await;
        assert!(matches!(too_late, Err(SteerError::State(RunState::Planning))));
        assert!(reminder_runs::hold(&store, &sent, "over_cost", Some((3, Default::default(), money("9"))), now()).await.unwrap());
        assert_eq!(only_run(&store).await.state, RunState::Held);
        reminder_runs::skip(&store, &rule, coming, 3, &TESTER, now()).await.unwrap();
        assert_eq!(only_run(&store).await.state, RunState::Skipped);
    }

    async fn missed_runs_are_kept_with_their_reason_and_listed_page_by_page(store: Store) {
        let rule = stored(&store).await;
        let runs: Vec<NewRun> = (0..5)
            .map(|n| NewRun {
                run: ReminderRun { at: later(n * 86_400), step: 0, due_on: day("2026-11-22") + TimeDelta::days(n) },
                send_at: Err(SkipReason::Missed),
                matched: 1,
            })
            .collect();
        reminder_runs::begin(&store, &rule, &runs, &Default::default(), later(500_000)).await.unwrap();
        let first = reminder_runs::past(&store, Some(rule.id), later(1_000_000), None, 3).await.unwrap();
        let second = reminder_runs::past(&store, Some(rule.id), later(1_000_000), first.next.as_ref(), 3).await.unwrap();
        let days: Vec<NaiveDate> = first.items.iter().chain(&second.items).map(|run| run.run.due_on).collect();
        assert_eq!(days, ["2026-11-26", "2026-11-25", "2026-11-24", "2026-11-23", "2026-11-22"].map(day));
        assert!(second.next.is_none() && first.items.iter().all(|run| run.reason.as_deref() == Some("missed")));
    }

    async fn everything_is_asked_again_when_a_reminder_is_taken(store: Store) {
        sender(&store, SENDER, 1_000).await;
        owe(&store, 0..5, "2026-11-22", &[]).await;
        let rule = stored(&store).await;
        planned(&store, &rule, later(60)).await;
        // Paid in part: the text says what is left. Due later: void. Paid: canceled at once.
        pay(&store, 0, Some("30"), later(61)).await;
        pay(&store, 1, None, later(61)).await;
        owe(&store, 2..3, "2026-11-30", &[]).await;
        let taken = take_at(&store, later(120)).await;
        let bodies: Vec<&str> = taken.to_post.iter().map(|message| message.body.as_str()).collect();
        assert_eq!(bodies, ["Rs.70.00 is due", "Rs.100.00 is due", "Rs.100.00 is due"]);
        let all = reminders(&store).await;
        let statuses: Vec<Status> = all.iter().map(|message| message.status).collect();
        assert_eq!(statuses, [Status::Posting, Status::Canceled, Status::Canceled, Status::Posting, Status::Posting]);
        assert_eq!(all[0].body, "Rs.70.00 is due");
    }

    async fn a_reminder_costs_its_month_what_its_text_costs_when_it_is_taken(store: Store) {
        sender(&store, SENDER, 1_000).await;
        owe(&store, 0..2, "2026-11-22", &[]).await;
        let rule = stored(&store).await;
        assert!(reminder_runs::begin(&store, &rule, &[to_send(later(60))], &Default::default(), later(60)).await.unwrap());
        let run = reminder_runs::to_plan(&store).await.unwrap().remove(0);
        let mut messages = messages_of(&store, &rule, &run).await;
        for message in &mut messages {
            (message.segments, message.estimated_cost) = (Segments(2), money("1.60"));
            message.reminder.as_mut().unwrap().text = format!("{}Rs.{{{{amount}}}}", "x".repeat(152));
        }
        let batch = RunBatch { through: None, last: true, messages, paid: 0 };
        reminder_runs::write(&store, &run, &batch, later(60)).await.unwrap();
        let november = Month::parse("2026-11").unwrap();
        let budget = Budget { month: november, amount: money("0.80"), stop: true, warn_at: Vec::new() };
        budgets::put(&store, &budget, &TESTER, now()).await.unwrap();
        // Rs.70.00 is a character less than Rs.100.00: 160 of them are one segment, for which there is room.
        pay(&store, 0, Some("30"), later(61)).await;
        let taken = take_at(&store, later(120)).await.to_post;
        assert_eq!(taken.iter().map(|message| message.phone).collect::<Vec<_>>(), [phone(0)]);
        let holds: Vec<_> = reminders(&store).await.iter().map(|message| message.budget_hold).collect();
        assert_eq!(holds, [None, Some(november)]);
        let lines = costs::month(&store, november).await.unwrap();
        let filed: Vec<_> =
            lines.iter().map(|line| (line.reminder_rule, line.costs.segments, line.costs.spent())).collect();
        assert_eq!(filed, [(Some(rule.id), 1, money("0.80"))]);
        costs::rebuild(&store).await.unwrap();
        assert_eq!(costs::month(&store, november).await.unwrap(), lines);
    }

    async fn a_rule_that_is_off_and_limits_that_are_reached_suppress(store: Store) {
        sender(&store, SENDER, 1_000).await;
        owe(&store, 0..2, "2026-11-22", &[]).await;
        let mut limited = rule();
        limited.limits.per_person_a_day = Some(1);
        let rule = reminder_rules::put(&store, "fees", &limited, &TESTER, now()).await.unwrap();
        planned(&store, &rule, later(60)).await;
        let taken = take_at(&store, later(120)).await;
        assert_eq!(taken.to_post.len(), 2);
        for (n, message) in taken.to_post.iter().enumerate() {
            answer(&store, message.id, accepted(n as u64), later(121)).await;
        }
        // The same people by another step on the same day.
        let other = NewRun { run: ReminderRun { step: 3, ..run(later(180)) }, send_at: Ok(later(180)), matched: 0 };
        let current = reminder_rules::by_id(&store, rule.id).await.unwrap().unwrap();
        reminder_runs::begin(&store, &current, &[other], &Default::default(), later(180)).await.unwrap();
        let run = reminder_runs::to_plan(&store).await.unwrap().remove(0);
        let messages = messages_of(&store, &rule, &run).await;
        let batch = RunBatch { through: None, last: true, messages, paid: 0 };
        reminder_runs::write(&store, &run, &batch, later(180)).await.unwrap();
        assert!(take_at(&store, later(240)).await.to_post.is_empty());
        let reasons: Vec<_> = reminders(&store).await.iter().filter_map(|message| message.suppressed_reason).collect();
        assert_eq!(reasons, [SuppressedReason::DailyLimit; 2]);
    }

    async fn what_a_rule_chooses_by_is_asked_again_when_it_is_sent(store: Store) {
        sender(&store, SENDER, 1_000).await;
        owe(&store, 0..3, "2026-11-22", &["gold"]).await;
        let chosen = PaymentFilter { tags: vec!["gold".to_owned()], least: Some(money("50")), most: None };
        let choosing = ReminderRule { payments: chosen, ..rule() };
        let rule = reminder_rules::put(&store, "gold", &choosing, &TESTER, now()).await.unwrap();
        planned(&store, &rule, later(60)).await;
        owe(&store, 0..1, "2026-11-22", &["silver"]).await;
        pay(&store, 1, Some("60"), later(70)).await;
        let sent = take_at(&store, later(120)).await.to_post;
        assert_eq!(sent.iter().map(|message| message.phone).collect::<Vec<_>>(), [phone(2)]);
        let reasons: Vec<_> = reminders(&store).await.iter().filter_map(|message| message.suppressed_reason).collect();
        assert_eq!(reasons, [SuppressedReason::PaymentChanged; 2]);
    }

    async fn a_thousand_reminders_hold_up_neither_a_single_message_nor_a_campaign(store: Store) {
        sender(&store, SENDER, 10).await;
        owe(&store, 0..40, "2026-11-22", &[]).await;
        let rule = stored(&store).await;
        planned(&store, &rule, later(60)).await;
        let people: Vec<_> = (100..140).map(phone).collect();
        let campaign = campaign(&store, "offer", Category::Service, &people).await;
        enqueue(&store, NewMessage { dedupe_key: "single".to_owned(), ..new_message(200) }).await;
        let (mut reminded, mut offered, mut single) = (0, 0, None);
        for second in 0..6 {
            for message in take_at(&store, later(120 + second)).await.to_post {
                match message.campaign_id {
                    Some(id) => offered += u32::from(id == campaign.id),
                    None if message.phone == phone(200) => single = single.or(Some(second)),
                    None => reminded += 1,
                }
            }
        }
        assert_eq!(single, Some(0), "a single message goes first");
        assert!(reminded >= 8 && offered >= 8, "{reminded} reminders and {offered} of the campaign");
    }

    async fn the_report_counts_a_payment_for_the_last_reminder_before_the_money(store: Store) {
        sender(&store, SENDER, 1_000).await;
        owe(&store, 0..4, "2026-11-22", &[]).await;
        let rule = stored(&store).await;
        planned(&store, &rule, later(60)).await;
        for (n, message) in take_at(&store, later(120)).await.to_post.iter().enumerate() {
            answer(&store, message.id, accepted(n as u64), later(121)).await;
        }
        pay(&store, 0, None, later(86_400)).await;
        pay(&store, 1, None, later(5 * 86_400)).await;
        pay(&store, 2, Some("1"), later(86_400)).await;
        let report = |within| reminder_runs::step_results(&store, now(), later(30 * 86_400), within);
        let narrow = report(2).await.unwrap();
        assert_eq!((narrow.len(), narrow[0].step, narrow[0].sent, narrow[0].paid), (1, 0, 4, 1));
        let wide = report(7).await.unwrap();
        assert_eq!((wide[0].paid, wide[0].collected, wide[0].cost), (2, money("200"), money("3.20")));
        let run = only_run(&store).await;
        let results = reminder_runs::results(&store, &run).await.unwrap();
        assert_eq!((results.sent(), results.cost), (4, money("3.20")));
        assert_ne!(payment_id(&store, 0).await, payment_id(&store, 1).await);
    }
}
