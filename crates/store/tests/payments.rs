//! What customers owe: put, settled, told of by providers, and erased.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::ids::ReminderRuleId;
use dakiya_core::message::Status;
use dakiya_core::money::Money;
use dakiya_core::payment::{Listed, PaymentEvent, PaymentStatus};
use dakiya_core::reminder::{ReminderRule, ReminderRun};
use dakiya_core::template::Variables;
use dakiya_store::messages::{self, Message, NewMessage, NewReminder};
use dakiya_store::payments::{self, ListedPayment, Payment, Recorded};
use dakiya_store::reminder_runs::{self, Run};
use dakiya_store::{Store, StoreError, audit, contacts, reminder_rules};
use support::payments::{
    bank, day, link_brought, ours, put, received, reference, report, row, rupees, stored, sums_fit, told,
};
use support::sending::{SENDER, accepted, answer, enqueue, new_message, sender, take_at};
use support::{TESTER, later, now, phone};

/// A reminder of a payment that waits to be sent.
async fn reminder(store: &Store, payment: &Payment, step: i32) -> Message {
    let reminder = NewReminder {
        payment: payment.id,
        rule: store.new_id::<ReminderRuleId>(now()),
        step,
        due_on: payment.due_on,
        revision: payment.revision,
        text: "Rs.{{amount}} is due".to_owned(),
        fallback_at: None,
    };
    let key = format!("reminder:{}:{step}", payment.reference);
    enqueue(store, NewMessage { dedupe_key: key, reminder: Some(reminder), ..new_message(1) }).await
}

/// Where a message is and what its history says last.
async fn ended(store: &Store, message: &Message) -> (Status, Option<String>) {
    let message = messages::get(store, message.id).await.unwrap().unwrap();
    let note = messages::events(store, &message).await.unwrap().last().and_then(|event| event.note.clone());
    (message.status, note)
}

on_both_databases! {
    async fn a_list_that_says_who_paid_stops_their_reminders_once(store: Store) {
        let names = ["all", "part", "dropped", "owed"];
        let mut waiting = Vec::new();
        for (n, name) in (1..).zip(names) {
            let payment = put(&store, row(name, n, "1000", "2026-12-05")).await;
            waiting.push(reminder(&store, &payment, 0).await);
        }
        let listed = |name: &str, person, paid: Option<&str>, status| ListedPayment {
            row: row(name, person, "1000", "2026-12-05"),
            listed: Listed { paid: paid.map(rupees), status },
        };
        let list = || {
            [
                listed("all", 1, None, Some(PaymentStatus::Paid)),
                listed("part", 2, Some("400"), Some(PaymentStatus::PartlyPaid)),
                listed("dropped", 3, None, Some(PaymentStatus::Canceled)),
                listed("owed", 4, None, Some(PaymentStatus::Open)),
                listed("new", 5, None, Some(PaymentStatus::Paid)),
            ]
        };
        for at in [later(60), later(120)] {
            payments::import(&store, list(), &TESTER, at).await.unwrap();
            let mut stand = Vec::new();
            for name in ["all", "part", "dropped", "owed", "new"] {
                let payment = stored(&store, name).await;
                let history = payments::history(&store, &payment.reference, 10).await.unwrap();
                assert!(history.iter().all(|happened| happened.source == "list"));
                stand.push((payment.status, payment.paid, history.len()));
            }
            assert_eq!(stand, [
                (PaymentStatus::Paid, rupees("1000"), 1),
                (PaymentStatus::PartlyPaid, rupees("400"), 1),
                (PaymentStatus::Canceled, rupees("0"), 1),
                (PaymentStatus::Open, rupees("0"), 0),
                (PaymentStatus::Paid, rupees("1000"), 1),
            ]);
        }
        let mut ends = Vec::new();
        for message in &waiting {
            ends.push(ended(&store, message).await.0);
        }
        assert_eq!(ends, [Status::Canceled, Status::Queued, Status::Canceled, Status::Queued]);
        sums_fit(&store).await;
    }

    async fn sums_of_a_day_stay_exact_however_much_came(store: Store) {
        // Both together are more micro-rupees than the database can keep.
        for n in [1, 2] {
            let name = format!("INV/{n}");
            put(&store, row(&name, n, "100000000", "2026-12-05")).await;
            told(&store, &name, received("9000000000000.07"), &format!("e{n}")).await;
        }
        sums_fit(&store).await;
        let paid = payments::totals(&store, day("2026-11-22")).await.unwrap().of(PaymentStatus::Paid);
        assert_eq!((paid.payments, paid.paid), (2, rupees("9000000000000.07") + rupees("9000000000000.07")));
    }

    async fn more_than_can_be_kept_of_one_payment_is_refused_and_changes_nothing(store: Store) {
        put(&store, row("INV/1", 1, "9000000000000", "2026-12-05")).await;
        told(&store, "INV/1", received("5000000000000"), "e1").await;
        let before = stored(&store, "INV/1").await;
        let more = report("INV/1", received("9000000000000"), bank(), Some("e2"));
        let refused = payments::record(&store, &more, &TESTER, later(5)).await;
        assert!(matches!(refused, Err(StoreError::Inconsistent(_))), "{refused:?}");
        assert_eq!(stored(&store, "INV/1").await, before);
        assert_eq!(payments::history(&store, &reference("INV/1"), 10).await.unwrap().len(), 1);
        sums_fit(&store).await;
    }

    async fn a_payment_is_put_changed_and_keeps_its_id(store: Store) {
        let mut first = row("INV/1", 1, "1,250.50", "2026-12-05");
        first.fields.tags = Some(vec![" gold ".to_owned(), "pune".to_owned(), "gold".to_owned()]);
        first.fields.variables = Some(Variables::from([("vehicle".to_owned(), "KA05".to_owned())]));
        let (made, new) = payments::put(&store, first, &TESTER, now()).await.unwrap();
        assert!(new);
        assert_eq!((made.status, made.left(), made.revision), (PaymentStatus::Open, rupees("1250.50"), 1));
        assert_eq!(made.tags, ["gold", "pune"]);
        assert_eq!(made.placeholders()["amount"], "1,250.50");
        assert_eq!(stored(&store, "INV/1").await, made);
        assert_eq!(payments::get(&store, &reference("inv/1")).await.unwrap(), None);

        let second = row("INV/1", 2, "2000", "2026-12-06");
        let (changed, new) = payments::put(&store, second.clone(), &TESTER, later(9)).await.unwrap();
        assert!(!new);
        assert_eq!((changed.id, changed.created_at, changed.updated_at), (made.id, now(), later(9)));
        assert_eq!((changed.phone.number(), changed.due_on), (Some(phone(2)), day("2026-12-06")));
        assert_eq!((&changed.tags, &changed.variables), (&made.tags, &made.variables), "what is not said stays");
        assert_eq!(changed.revision, 2);
        let (same, _) = payments::put(&store, second, &TESTER, later(10)).await.unwrap();
        assert_eq!(same, changed, "saying the same again changes nothing");
        sums_fit(&store).await;
    }

    async fn part_payments_add_up_and_what_is_settled_stays(store: Store) {
        put(&store, row("a", 1, "1000", "2026-12-05")).await;
        ours(&store, "a", received("400")).await.unwrap();
        let half = stored(&store, "a").await;
        assert_eq!((half.status, half.left(), half.settled_at), (PaymentStatus::PartlyPaid, rupees("600"), None));
        ours(&store, "a", PaymentEvent::Received(None)).await.unwrap();
        let paid = stored(&store, "a").await;
        assert_eq!((paid.status, paid.paid, paid.settled_at), (PaymentStatus::Paid, rupees("1000"), Some(later(5))));
        assert!(matches!(ours(&store, "a", PaymentEvent::Received(None)).await, Ok(Recorded::Unchanged(_))));
        assert!(matches!(ours(&store, "a", received("1")).await, Err(StoreError::Conflict(_))));
        assert!(matches!(ours(&store, "a", PaymentEvent::Canceled).await, Err(StoreError::Conflict(_))));
        assert!(matches!(ours(&store, "b", PaymentEvent::Canceled).await, Err(StoreError::NotFound { .. })));

        let rows = vec![row("a", 1, "5000", "2027-01-01"), row("c", 2, "10", "2026-12-05")];
        payments::import(&store, rows, &TESTER, later(7)).await.unwrap();
        let again = stored(&store, "a").await;
        assert_eq!((again.status, again.amount, again.due_on), (PaymentStatus::Paid, rupees("1000"), paid.due_on));
        ours(&store, "c", PaymentEvent::Canceled).await.unwrap();
        put(&store, row("c", 2, "99", "2026-12-09")).await;
        let canceled = stored(&store, "c").await;
        assert_eq!((canceled.status, canceled.left()), (PaymentStatus::Canceled, Money::ZERO));
        let history = payments::history(&store, &reference("a"), 10).await.unwrap();
        assert_eq!(history.iter().map(|happened| happened.event).collect::<Vec<_>>(), [received("400"), received("600")]);
        assert_eq!((history[0].source.as_str(), history[0].actor.as_str()), ("page", "test"));
        sums_fit(&store).await;
    }

    async fn a_provider_may_repeat_itself_and_come_late(store: Store) {
        put(&store, row("a", 1, "1000", "2026-12-05")).await;
        assert!(matches!(told(&store, "a", received("400"), "e1").await, Recorded::Changed(_)));
        assert_eq!(told(&store, "a", received("400"), "e1").await, Recorded::Repeated);
        assert_eq!(stored(&store, "a").await.paid, rupees("400"));
        assert!(matches!(told(&store, "a", PaymentEvent::Canceled, "e2").await, Recorded::Changed(_)));
        told(&store, "a", received("600"), "e3").await;
        assert_eq!(stored(&store, "a").await.status, PaymentStatus::Paid, "money counts whenever it is told of");
        assert!(matches!(told(&store, "a", PaymentEvent::Canceled, "e4").await, Recorded::Unchanged(_)));
        assert!(matches!(told(&store, "a", PaymentEvent::Received(None), "e5").await, Recorded::Unchanged(_)));
        assert_eq!(stored(&store, "a").await.paid, rupees("1000"));
        sums_fit(&store).await;
    }

    async fn whatever_settles_or_moves_a_payment_takes_its_waiting_reminders_back(store: Store) {
        let canceled = |why: &str| (Status::Canceled, Some(why.to_owned()));
        let (paid, off, moved, part) = (
            put(&store, row("paid", 1, "100", "2026-12-05")).await,
            put(&store, row("off", 1, "100", "2026-12-05")).await,
            put(&store, row("moved", 1, "100", "2026-12-05")).await,
            put(&store, row("part", 1, "100", "2026-12-05")).await,
        );
        let mut waiting = Vec::new();
        for payment in [&paid, &off, &moved, &part] {
            waiting.push((reminder(&store, payment, -3).await, reminder(&store, payment, 0).await));
        }
        told(&store, "paid", PaymentEvent::Received(None), "e1").await;
        ours(&store, "off", PaymentEvent::Canceled).await.unwrap();
        payments::import(&store, [row("moved", 1, "100", "2026-12-09")], &TESTER, later(1)).await.unwrap();
        ours(&store, "part", received("40")).await.unwrap();
        put(&store, row("part", 1, "90", "2026-12-05")).await;
        for (message, expected) in [
            (&waiting[0], canceled("paid")),
            (&waiting[1], canceled("canceled")),
            (&waiting[2], canceled("payment changed")),
            (&waiting[3], (Status::Queued, None)),
        ] {
            assert_eq!(ended(&store, &message.0).await, expected);
            assert_eq!(ended(&store, &message.1).await.0, expected.0);
        }
        let of_payment = messages::of_payment(&store, paid.id, 10).await.unwrap();
        assert_eq!(of_payment.iter().map(|message| message.id).collect::<Vec<_>>(), [waiting[0].1.id, waiting[0].0.id]);
        put(&store, row("part", 1, "40", "2026-12-05")).await;
        assert_eq!(stored(&store, "part").await.status, PaymentStatus::Paid, "what came is all that is asked for now");
        assert_eq!(ended(&store, &waiting[3].0).await, canceled("paid"));
    }

    async fn money_recorded_by_mistake_is_taken_back_once_and_the_history_keeps_both(store: Store) {
        put(&store, row("a", 1, "1000", "2026-12-05")).await;
        ours(&store, "a", received("10000")).await.unwrap();
        told(&store, "a", received("300"), "link-1").await;
        let paid = stored(&store, "a").await;
        assert_eq!((paid.status, paid.paid), (PaymentStatus::Paid, rupees("10000")));
        let history = payments::history(&store, &reference("a"), 10).await.unwrap();
        let (mistake, of_bank) = (history[0].id, history[1].id);
        let take_back = async |event| payments::take_back(&store, &reference("a"), event, &TESTER, later(9)).await;
        assert!(matches!(take_back(of_bank).await, Err(StoreError::Conflict(_))), "the bank has that money");
        let open = take_back(mistake).await.unwrap();
        assert_eq!((open.status, open.left(), open.settled_at), (PaymentStatus::PartlyPaid, rupees("700"), None));
        assert!(matches!(take_back(mistake).await, Err(StoreError::Conflict(_))), "a second click");
        let history = payments::history(&store, &reference("a"), 10).await.unwrap();
        let last = history.last().unwrap();
        assert_eq!((last.event, last.takes_back), (PaymentEvent::TakenBack(rupees("10000")), Some(mistake)));
        sums_fit(&store).await;
        ours(&store, "a", PaymentEvent::Received(None)).await.unwrap();
        assert_eq!(stored(&store, "a").await.paid, rupees("1000"));
        sums_fit(&store).await;
    }

    async fn a_whatsapp_message_and_the_text_message_after_it_are_one_reminder(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let rule: ReminderRule = serde_json::from_str(
            r#"{"name": "Fees", "template": "payment_reminder", "steps": [{"offset_days": 0, "template": null}], "at": "11:00",
             "zone": "Asia/Kolkata", "channel": "whatsapp_then_sms", "fallback_after_hours": 4, "payments": {}, "limits": {},
             "working_days_only": false, "catch_up": true, "maximum_lateness_hours": 24, "enabled": true}"#,
        ).unwrap();
        let rule = reminder_rules::put(&store, "fees", &rule, &TESTER, now()).await.unwrap();
        let due_on = day("2026-12-05");
        for n in 0..3 {
            let payment = put(&store, row(&format!("w{n}"), n, "1000", "2026-12-05")).await;
            let reminder = NewReminder {
                payment: payment.id, rule: rule.id, step: 0, due_on, revision: payment.revision,
                text: "Rs.{{amount}} is due".to_owned(), fallback_at: None,
            };
            for key in [format!("w{n}"), format!("w{n}:sms")].into_iter().take(if n < 2 { 2 } else { 1 }) {
                let message = NewMessage { dedupe_key: key, reminder: Some(reminder.clone()), ..new_message(n) };
                enqueue(&store, message).await;
            }
        }
        let run = ReminderRun { at: now(), step: 0, due_on };
        let coming = Run::coming(rule.id, run);
        let waiting = reminder_runs::results(&store, &coming).await.unwrap();
        assert_eq!((waiting.of(Status::Queued), waiting.sent(), waiting.cost), (3, 0, rupees("4.00")));
        for (n, message) in take_at(&store, later(20)).await.to_post.iter().enumerate() {
            answer(&store, message.id, accepted(n as u64), later(21)).await;
        }
        let results = reminder_runs::results(&store, &coming).await.unwrap();
        assert_eq!((results.sent(), results.to_send()), (3, 3));
        assert_eq!(reminder_runs::texts(&store, &coming, 2).await.unwrap().len(), 2);

        // Skipped before its time it is no past run; held, it waits for somebody.
        reminder_runs::skip(&store, &rule, ReminderRun { at: later(3_600), ..run }, 3, &TESTER, now()).await.unwrap();
        let past = async |seconds| reminder_runs::past(&store, None, later(seconds), None, 10).await.unwrap().items.len();
        assert_eq!((past(0).await, past(3_600).await), (0, 1));
        assert!(reminder_runs::held(&store, 5).await.unwrap().is_empty());
        reminder_runs::send_now(&store, &rule, ReminderRun { at: later(3_600), ..run }, &TESTER, now()).await.unwrap();
        let begun = reminder_runs::to_plan(&store).await.unwrap().remove(0);
        reminder_runs::hold(&store, &begun, "over_cost", Some((3, Default::default(), rupees("4"))), now()).await.unwrap();
        assert_eq!(reminder_runs::held(&store, 5).await.unwrap().len(), 1);
    }

    async fn what_a_link_brought_is_counted_once_beside_other_money(store: Store) {
        put(&store, row("a", 1, "1000", "2026-12-05")).await;
        ours(&store, "a", received("100")).await.unwrap();
        link_brought(&store, "a", "plink_1", "300", "e1").await;
        link_brought(&store, "a", "plink_1", "500", "e2").await;
        assert_eq!(link_brought(&store, "a", "plink_1", "500", "e2").await, Recorded::Repeated);
        link_brought(&store, "a", "plink_1", "400", "e3").await;
        assert_eq!(stored(&store, "a").await.paid, rupees("600"), "a late event about less adds nothing");
        link_brought(&store, "a", "plink_2", "400", "e4").await;
        assert_eq!(stored(&store, "a").await.status, PaymentStatus::Paid, "another link brings its own");
        sums_fit(&store).await;
    }

    async fn what_is_told_before_the_payment_comes_counts_when_it_comes(store: Store) {
        assert_eq!(told(&store, "a", received("400"), "e1").await, Recorded::Early);
        assert_eq!(told(&store, "a", received("400"), "e1").await, Recorded::Repeated);
        assert_eq!(told(&store, "b", PaymentEvent::Received(None), "e2").await, Recorded::Early);
        assert_eq!(told(&store, "c", PaymentEvent::LinkExpired, "e3").await, Recorded::Early);
        let rows = ["a", "b", "c"].map(|name| row(name, 1, "1000", "2026-12-05"));
        payments::import(&store, rows, &TESTER, later(60)).await.unwrap();
        assert_eq!(stored(&store, "a").await.left(), rupees("600"));
        let paid = stored(&store, "b").await;
        assert_eq!((paid.status, paid.settled_at), (PaymentStatus::Paid, Some(later(5))));
        assert_eq!(stored(&store, "c").await.working_link(), None);
        sums_fit(&store).await;
    }

    async fn an_expired_link_is_still_owed_and_another_one_works(store: Store) {
        put(&store, row("a", 1, "1000", "2026-12-05")).await;
        let mut other = report("a", PaymentEvent::LinkExpired, bank(), Some("e1"));
        other.pay_url = Some("https://pay.example.in/older".to_owned());
        payments::record(&store, &other, &TESTER, later(1)).await.unwrap();
        assert!(stored(&store, "a").await.working_link().is_some(), "it was about a link that the payment no longer has");
        told(&store, "a", PaymentEvent::LinkExpired, "e2").await;
        let expired = stored(&store, "a").await;
        assert_eq!((expired.status, expired.working_link()), (PaymentStatus::Open, None));
        assert!(!expired.placeholders().contains_key("pay_url"));
        put(&store, row("a", 1, "1000", "2026-12-05")).await;
        assert_eq!(stored(&store, "a").await.working_link(), None, "the same link does not work again");
        let mut fresh = row("a", 1, "1000", "2026-12-05");
        fresh.fields.pay_url = Some(Some("https://pay.example.in/new".to_owned()));
        put(&store, fresh).await;
        assert_eq!(stored(&store, "a").await.working_link(), Some("https://pay.example.in/new"));
    }

    async fn who_is_erased_is_asked_for_nothing_more(store: Store) {
        put(&store, row("a", 1, "1000", "2026-12-05")).await;
        put(&store, row("b", 1, "500", "2026-12-06")).await;
        put(&store, row("c", 2, "500", "2026-12-06")).await;
        ours(&store, "b", PaymentEvent::Received(None)).await.unwrap();
        assert!(contacts::erase(&store, phone(1), &TESTER, later(9)).await.unwrap());
        let (a, b) = (stored(&store, "a").await, stored(&store, "b").await);
        assert_eq!((a.status, b.status), (PaymentStatus::Canceled, PaymentStatus::Paid));
        for payment in [&a, &b] {
            assert_eq!((payment.phone.number(), &payment.name, &payment.pay_url), (None, &None, &None));
        }
        assert_eq!(stored(&store, "c").await.status, PaymentStatus::Open);
        sums_fit(&store).await;
        let log = audit::page(&store, None, 50).await.unwrap();
        assert!(log.items.iter().all(|line| !format!("{line:?}").contains(&phone(1).to_string())));
    }
}
