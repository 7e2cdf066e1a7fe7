//! Messages that hear nothing: what Twilio is asked about, when, and what its answers change.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::encoding::Segments;
use dakiya_core::ids::MessageId;
use dakiya_core::message::{EventSource, Status};
use dakiya_core::money::{Currency, FxRate, Money, Price};
use dakiya_core::time::Timestamp;
use dakiya_store::Store;
use dakiya_store::messages::{self, Answer, CheckKind, Finding, StatusReport};
use rust_decimal::Decimal;
use std::time::Duration;
use support::sending::{
    SENDER, accepted, answer, enqueue, follow_up, new_message, reload, sender, sid, take_at,
};
use support::{later, now};

fn report(n: u64, status: Status) -> StatusReport {
    StatusReport {
        message_id: None,
        sid: sid(n),
        status,
        error_code: None,
        consequence: None,
        at: later(30),
        source: EventSource::Callback,
    }
}

/// Twilio was asked and knows nothing.
fn nothing(id: MessageId, at: Timestamp) -> Finding {
    Finding { id, answered: true, report: None, segments: None, price: None, at }
}

fn in_doubt() -> Answer {
    Answer::Unknown { why: "timed out".to_owned(), consequence: None }
}

on_both_databases! {
    async fn what_was_being_posted_becomes_unknown_and_never_goes_back_to_the_queue(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        let lookups = [Duration::from_secs(60)];
        let second = Some(chrono::TimeDelta::seconds(1));
        assert_eq!(messages::recover_posting(&store, second, later(1), &lookups).await.unwrap(), 0);
        assert_eq!(messages::recover_posting(&store, second, later(2), &lookups).await.unwrap(), 1);
        assert_eq!(reload(&store, message.id).await.status, Status::Unknown);
        assert!(take_at(&store, later(86_400)).await.to_post.is_empty());
        // The answer comes after all.
        answer(&store, message.id, accepted(1), later(2)).await;
        let stored = reload(&store, message.id).await;
        assert_eq!((stored.status, stored.twilio_sid), (Status::Accepted, Some(sid(1))));
    }

    async fn an_unknown_message_is_looked_up_until_it_is_found_or_the_lookups_end(store: Store) {
        sender(&store, SENDER, 100).await;
        let (lost, found) = (enqueue(&store, new_message(1)).await, enqueue(&store, new_message(2)).await);
        take_at(&store, now()).await;
        for id in [lost.id, found.id] {
            answer(&store, id, in_doubt(), later(30)).await;
        }
        assert!(messages::due_checks(&store, later(59), 10).await.unwrap().is_empty());
        let checks = messages::due_checks(&store, later(60), 10).await.unwrap();
        assert_eq!(checks.iter().map(|check| check.kind).collect::<Vec<_>>(), [CheckKind::Lookup, CheckKind::Lookup]);
        assert!(messages::due_checks(&store, later(60), 10).await.unwrap().is_empty(), "handed out already");
        let accepted = StatusReport {
            message_id: Some(found.id), source: EventSource::Listing, ..report(2, Status::Sent)
        };
        let findings = [nothing(lost.id, later(61)), Finding { report: Some(accepted), ..nothing(found.id, later(61)) }];
        messages::record_findings(&store, &findings, &follow_up().unknown_lookups).await.unwrap();
        let stored = reload(&store, found.id).await;
        assert_eq!((stored.status, stored.twilio_sid), (Status::Sent, Some(sid(2))));
        assert!(messages::due_checks(&store, later(299), 10).await.unwrap().iter().all(|check| check.id != lost.id));
        let second: Vec<_> = messages::due_checks(&store, later(300), 10).await.unwrap();
        assert!(second.iter().any(|check| check.id == lost.id));
        messages::record_findings(&store, &[nothing(lost.id, later(301))], &follow_up().unknown_lookups).await.unwrap();
        assert!(messages::due_checks(&store, later(900_000), 10).await.unwrap().iter().all(|check| check.id != lost.id));
        assert_eq!(reload(&store, lost.id).await.status, Status::Unknown);
    }

    async fn a_price_is_fetched_soon_after_the_end_and_kept_to_the_micro_rupee(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        answer(&store, message.id, accepted(1), later(1)).await;
        messages::apply_status(&store, report(1, Status::Delivered)).await.unwrap();
        let checks = messages::due_checks(&store, later(30 + 60), 10).await.unwrap();
        assert_eq!(checks.iter().map(|check| check.kind).collect::<Vec<_>>(), [CheckKind::Price]);
        let price = Price { amount: Decimal::from_str_exact("0.00833333").unwrap(), currency: Currency::Usd };
        let finding = Finding {
            id: message.id,
            answered: true,
            report: Some(report(1, Status::Delivered)),
            segments: Some(Segments(1)),
            price: Some((price, FxRate { inr_per_usd: Decimal::from(96) })),
            at: later(91),
        };
        messages::record_findings(&store, &[finding], &[]).await.unwrap();
        let stored = reload(&store, message.id).await;
        assert_eq!(stored.actual_cost, Some(Money::from_micros(800_000)));
        assert!(messages::due_checks(&store, later(900_000), 10).await.unwrap().is_empty());
    }

    async fn a_question_that_twilio_does_not_answer_uses_up_none_and_is_asked_again_soon(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        answer(&store, message.id, in_doubt(), later(1)).await;
        let lookups = follow_up().unknown_lookups;
        for minute in 1..=10 {
            let at = later(60 * minute);
            let due = messages::due_checks(&store, at, 10).await.unwrap();
            assert_eq!(due.len(), 1, "minute {minute}");
            let unanswered = Finding { answered: false, ..nothing(message.id, at) };
            messages::record_findings(&store, &[unanswered], &lookups).await.unwrap();
            assert!(messages::due_checks(&store, later(60 * minute + 59), 10).await.unwrap().is_empty());
        }
        // Twilio is back: the two lookups are still to come.
        for (at, due) in [(660, 1), (661, 1), (100_000, 0)] {
            assert_eq!(messages::due_checks(&store, later(at), 10).await.unwrap().len(), due, "after {at} s");
            messages::record_findings(&store, &[nothing(message.id, later(at))], &lookups).await.unwrap();
        }
    }
}
