//! What is counted of reminders, and where one goes whose payment has another number now.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono_tz::Asia::Kolkata;
use dakiya_core::ids::ReminderRuleId;
use dakiya_core::message::{Channel, Status, SuppressedReason};
use dakiya_core::payment::PaymentEvent;
use dakiya_core::reminder::{
    PaymentFilter, ReminderChannel, ReminderLimits, ReminderRule, ReminderRun, ReminderStep, RunState,
    ZoneName,
};
use dakiya_core::time::TimeOfDay;
use dakiya_store::messages::{self, FenceScope, NewMessage, NewReminder};
use dakiya_store::payments::{self, Payment, Recorded};
use dakiya_store::reminder_runs::{self, NewRun, Run, RunBatch};
use dakiya_store::{Store, reminder_limits, reminder_payments, reminder_rules, sending};
use std::collections::HashMap;
use support::payments::{bank, day, ours, put, report, row, rupees, stored};
use support::sending::{SENDER, accepted, answer, enqueue, new_message, sender, take_at};
use support::{TESTER, later, now, phone};

fn rule() -> ReminderRule {
    ReminderRule {
        name: "Fees".to_owned(),
        template: "payment_reminder".to_owned(),
        steps: vec![ReminderStep { offset_days: 0, template: None }],
        at: TimeOfDay::parse("11:00").unwrap(),
        zone: ZoneName(Kolkata),
        channel: ReminderChannel::WhatsappThenSms,
        fallback_after_hours: 4,
        payments: PaymentFilter::default(),
        limits: ReminderLimits::default(),
        working_days_only: false,
        catch_up: true,
        maximum_lateness_hours: 24,
        enabled: true,
    }
}

/// A reminder of a payment, as a planner writes it down.
fn reminder(rule: ReminderRuleId, payment: &Payment, n: u64) -> NewMessage {
    NewMessage {
        dedupe_key: format!("reminder:{}:{rule}:0:{}", payment.id, payment.due_on),
        phone: payment.phone.number().unwrap(),
        reminder: Some(NewReminder {
            payment: payment.id,
            rule,
            step: 0,
            due_on: payment.due_on,
            revision: payment.revision,
            text: "Rs.{{amount}} is due".to_owned(),
            fallback_at: None,
        }),
        ..new_message(n)
    }
}

async fn only_run(store: &Store) -> Run {
    reminder_runs::past(store, None, later(86_400), None, 10).await.unwrap().items.remove(0)
}

on_both_databases! {
    async fn a_held_run_that_is_sent_counts_what_it_does_alone(store: Store) {
        let rule = reminder_rules::put(&store, "fees", &rule(), &TESTER, now()).await.unwrap();
        let (due, opted_out) = (put(&store, row("a", 1, "100", "2026-11-22")).await, put(&store, row("b", 2, "100", "2026-11-22")).await);
        let coming = ReminderRun { at: later(60), step: 0, due_on: day("2026-11-22") };
        let new = NewRun { run: coming, send_at: Ok(later(60)), matched: 2 };
        reminder_runs::begin(&store, &rule, &[new], &Default::default(), later(60)).await.unwrap();
        let begun = reminder_runs::to_plan(&store).await.unwrap().remove(0);
        let reckoned = (1, [(SuppressedReason::OptedOut, 1)].into(), rupees("0.80"));
        reminder_runs::hold(&store, &begun, "over_cost", Some(reckoned), later(60)).await.unwrap();
        let held = only_run(&store).await;
        assert_eq!(reminder_runs::stopped(&store, rule.id, coming.due_on).await.unwrap(), [0].into());
        reminder_runs::send_now(&store, &rule, coming, &TESTER, later(61)).await.unwrap();
        let begun = reminder_runs::to_plan(&store).await.unwrap().remove(0);
        let suppressed = NewMessage { suppressed: Some(SuppressedReason::OptedOut), ..reminder(rule.id, &opted_out, 2) };
        let batch = RunBatch { through: None, last: true, messages: vec![reminder(rule.id, &due, 1), suppressed], paid: 0 };
        reminder_runs::write(&store, &begun, &batch, later(61)).await.unwrap();
        let sent = only_run(&store).await;
        assert_eq!((sent.state, sent.will_send), (RunState::Planned, 1));
        assert_eq!((sent.matched, sent.suppressed, sent.cost), (held.matched, held.suppressed, held.cost));
    }

    async fn what_was_written_down_before_a_run_was_held_stays_counted(store: Store) {
        let rule = reminder_rules::put(&store, "fees", &rule(), &TESTER, now()).await.unwrap();
        let (first, second) = (put(&store, row("a", 1, "100", "2026-11-22")).await, put(&store, row("b", 2, "100", "2026-11-22")).await);
        let coming = ReminderRun { at: later(60), step: 0, due_on: day("2026-11-22") };
        let new = NewRun { run: coming, send_at: Ok(later(60)), matched: 2 };
        reminder_runs::begin(&store, &rule, &[new], &Default::default(), later(60)).await.unwrap();
        let next = || async { reminder_runs::to_plan(&store).await.unwrap().remove(0) };
        let batch = |last, messages| RunBatch { through: Some("a".to_owned()), last, messages, paid: 0 };
        let half = batch(false, vec![reminder(rule.id, &first, 1)]);
        reminder_runs::write(&store, &next().await, &half, later(60)).await.unwrap();
        reminder_runs::hold(&store, &next().await, "the rule was switched off", None, later(61)).await.unwrap();
        reminder_runs::send_now(&store, &rule, coming, &TESTER, later(62)).await.unwrap();
        let all = batch(true, vec![reminder(rule.id, &first, 1), reminder(rule.id, &second, 2)]);
        reminder_runs::write(&store, &next().await, &all, later(62)).await.unwrap();
        let sent = only_run(&store).await;
        assert_eq!((sent.matched, sent.will_send, sent.cost), (2, 2, rupees("1.60")));
    }

    async fn a_text_message_that_follows_is_no_second_reminder(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let mut limited = rule();
        limited.limits = ReminderLimits { per_person_a_day: Some(2), per_payment: Some(2), cost_per_run: None };
        let rule = reminder_rules::put(&store, "fees", &limited, &TESTER, now()).await.unwrap();
        let payment = put(&store, row("a", 1, "100", "2026-11-22")).await;
        let first = reminder(rule.id, &payment, 1);
        let follows = NewMessage { dedupe_key: messages::following(&first.dedupe_key), ..first.clone() };
        let later_step = NewMessage { dedupe_key: first.dedupe_key.replace(":0:", ":1:"), ..first.clone() };
        let third = NewMessage { dedupe_key: first.dedupe_key.replace(":0:", ":2:"), ..first.clone() };
        let mut posted = Vec::new();
        for new in [first, follows, later_step, third] {
            enqueue(&store, new).await;
            let taken = take_at(&store, later(60)).await.to_post;
            for message in &taken {
                answer(&store, message.id, accepted(posted.len() as u64), later(61)).await;
            }
            posted.push(taken.len());
        }
        assert_eq!(posted, [1, 1, 1, 0]);
        let today = now()..later(86_400);
        let to_people = reminder_limits::to_people(&store, &[phone(1), phone(2)], today).await.unwrap();
        assert_eq!(to_people, HashMap::from([(phone(1), 2)]));
        let tomorrow = later(86_400)..later(2 * 86_400);
        assert!(reminder_limits::to_people(&store, &[phone(1)], tomorrow).await.unwrap().is_empty());
        let of_payments = reminder_limits::of_payments(&store, &[payment.id]).await.unwrap();
        assert_eq!(of_payments, HashMap::from([(payment.id, 2)]));
    }

    async fn who_owes_several_payments_of_one_day_is_found(store: Store) {
        for (name, person, due_on) in
            [("a", 1, "2026-11-22"), ("b", 1, "2026-11-22"), ("c", 2, "2026-11-22"), ("d", 2, "2026-11-23"), ("e", 3, "2026-11-22"), ("f", 3, "2026-11-22")]
        {
            put(&store, row(name, person, "100", due_on)).await;
        }
        ours(&store, "f", PaymentEvent::Received(None)).await.unwrap();
        let phones: Vec<_> = (1..4).map(phone).collect();
        let found = |filter| {
            let (store, phones) = (store.clone(), phones.clone());
            async move { reminder_payments::owing_several(&store, day("2026-11-22"), &filter, &phones).await.unwrap() }
        };
        assert_eq!(found(PaymentFilter::default()).await, [phone(1)].into());
        let none = PaymentFilter { least: Some(rupees("101")), ..PaymentFilter::default() };
        assert!(found(none).await.is_empty());
    }

    async fn a_reminder_that_waits_leaves_its_key_to_the_one_to_the_new_number(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let rule = reminder_rules::put(&store, "fees", &rule(), &TESTER, now()).await.unwrap();
        let payment = put(&store, row("a", 1, "100", "2026-11-22")).await;
        let new = reminder(rule.id, &payment, 1);
        let old = enqueue(&store, new.clone()).await;
        put(&store, row("a", 2, "100", "2026-11-22")).await;
        let taken_back = messages::renumbered(&store, 10).await.unwrap();
        assert_eq!(taken_back.iter().map(|it| it.message.id).collect::<Vec<_>>(), [old.id]);
        let history = messages::events(&store, &old).await.unwrap();
        assert_eq!((taken_back[0].message.status, history.last().unwrap().note.as_deref()), (Status::Canceled, Some("number changed")));
        let instead = NewMessage { phone: phone(2), reminder: reminder(rule.id, &stored(&store, "a").await, 2).reminder, ..new };
        let settle = || messages::send_renumbered(&store, old.id, Some(&instead), later(1));
        let (one, two) = tokio::join!(settle(), settle());
        assert!(one.unwrap() != two.unwrap(), "exactly one sends it");
        let taken = take_at(&store, later(60)).await.to_post;
        assert_eq!(taken.iter().map(|message| (message.phone, message.channel)).collect::<Vec<_>>(), [(phone(2), Channel::Sms)]);
        // What is being posted cannot be taken back.
        put(&store, row("a", 3, "100", "2026-11-22")).await;
        assert!(messages::renumbered(&store, 10).await.unwrap().is_empty());
    }

    async fn a_number_that_is_corrected_while_its_reminder_is_written_down_gets_it(store: Store) {
        let rule = reminder_rules::put(&store, "fees", &rule(), &TESTER, now()).await.unwrap();
        let payment = put(&store, row("a", 1, "100", "2026-11-22")).await;
        let run = ReminderRun { at: later(60), step: 0, due_on: payment.due_on };
        let new = NewRun { run, send_at: Ok(later(60)), matched: 1 };
        reminder_runs::begin(&store, &rule, &[new], &Default::default(), later(60)).await.unwrap();
        let begun = reminder_runs::to_plan(&store).await.unwrap().remove(0);
        let write = async |message| {
            let batch = RunBatch { through: Some("a".to_owned()), last: false, messages: vec![message], paid: 0 };
            reminder_runs::write(&store, &begun, &batch, later(61)).await.unwrap()
        };
        let to_old = reminder(rule.id, &payment, 1);
        let payment = put(&store, row("a", 2, "100", "2026-11-22")).await;
        assert!(!write(to_old).await, "it was made for the old number");
        assert!(write(reminder(rule.id, &payment, 2)).await);
        // Corrected once more, and again while the message to the new number is made.
        let payment = put(&store, row("a", 3, "100", "2026-11-22")).await;
        let old = messages::renumbered(&store, 10).await.unwrap().remove(0).message;
        let instead = reminder(rule.id, &payment, 3);
        let payment = put(&store, row("a", 4, "100", "2026-11-22")).await;
        assert!(!messages::send_renumbered(&store, old.id, Some(&instead), later(62)).await.unwrap());
        let instead = reminder(rule.id, &payment, 4);
        assert!(messages::send_renumbered(&store, old.id, Some(&instead), later(63)).await.unwrap());
        sender(&store, SENDER, 1_000).await;
        let taken = take_at(&store, later(120)).await.to_post;
        assert_eq!(taken.iter().map(|message| message.phone).collect::<Vec<_>>(), [phone(4)]);
    }

    async fn a_payment_that_is_paid_because_its_amount_was_lowered_is_fenced_while_it_is_posted(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let rule = reminder_rules::put(&store, "fees", &rule(), &TESTER, now()).await.unwrap();
        let payment = put(&store, row("a", 1, "100", "2026-11-22")).await;
        let id = enqueue(&store, reminder(rule.id, &payment, 1)).await.id;
        ours(&store, "a", PaymentEvent::Received(Some(rupees("40")))).await.unwrap();
        assert_eq!(take_at(&store, later(60)).await.to_post.len(), 1);
        let possible = async || messages::still_possible(&store, FenceScope::SettledPayments).await.unwrap();
        assert!(!possible().await, "some of it is owed");
        put(&store, row("a", 1, "40", "2026-11-22")).await;
        sending::wait_for_takes(&store).await.unwrap();
        assert!(possible().await);
        answer(&store, id, accepted(1), later(61)).await;
        assert!(!possible().await);
    }

    async fn a_link_that_expires_is_compared_with_links_of_its_own_host(store: Store) {
        for (name, expires) in [("https://rzp.io/i/other", false), ("https://RZP.io/i/a", false), ("https://pay.example.in/1", true), ("https://rzp.io/i/b", true)] {
            let mut payment = row(name, 1, "100", "2026-11-22");
            payment.fields.pay_url = Some(Some(name.to_owned()));
            put(&store, payment).await;
            let mut expired = report(name, PaymentEvent::LinkExpired, bank(), Some(name));
            expired.pay_url = Some("https://rzp.io/i/b".to_owned());
            let recorded = payments::record(&store, &expired, &TESTER, later(1)).await.unwrap();
            assert_eq!(matches!(recorded, Recorded::Changed(_)), expires, "{name}");
        }
    }
}
