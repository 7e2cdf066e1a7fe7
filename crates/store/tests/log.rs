//! The log's filters: what did not arrive, and why.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::message::{EventSource, Status};
use dakiya_store::messages::{self, Answer, MessageFilter, StatusReport};
use dakiya_store::{Store, StoreError};
use support::sending::{SENDER, accepted, answer, enqueue, new_message, sender, sid, take_at};
use support::{later, now, phone};

/// Messages 1 to 12: by turns delivered, undelivered (30003), failed (30005) and rejected (21211).
async fn twelve(store: &Store) -> Result<(), StoreError> {
    sender(store, SENDER, 100).await;
    for n in 1..=12 {
        enqueue(store, new_message(n)).await;
    }
    for message in take_at(store, now()).await.to_post {
        let n: u64 = message.body.trim_start_matches("Hello ").parse().unwrap();
        if n % 4 == 3 {
            answer(store, message.id, Answer::Rejected { code: 21211, consequence: None }, now()).await;
            continue;
        }
        answer(store, message.id, accepted(n), now()).await;
        let (status, error_code) = match n % 4 {
            0 => (Status::Delivered, None),
            1 => (Status::Undelivered, Some(30003)),
            _ => (Status::Failed, Some(30005)),
        };
        let report = StatusReport {
            message_id: Some(message.id),
            sid: sid(n),
            status,
            error_code,
            consequence: None,
            at: later(1),
            source: EventSource::Callback,
        };
        messages::apply_status(store, report).await?;
    }
    Ok(())
}

async fn found(store: &Store, filter: MessageFilter) -> Vec<u64> {
    let (mut bodies, mut cursor) = (Vec::new(), None);
    loop {
        let page = messages::page(store, &filter, cursor.as_ref(), 2).await.unwrap();
        assert!(page.items.windows(2).all(|pair| pair[0].id > pair[1].id), "newest first");
        bodies
            .extend(page.items.iter().map(|message| message.body["Hello ".len()..].parse::<u64>().unwrap()));
        cursor = page.next;
        if cursor.is_none() {
            return bodies;
        }
    }
}

on_both_databases! {
    async fn what_did_not_arrive_is_found_together_and_by_its_error(store: Store) {
        twelve(&store).await.unwrap();
        let all = MessageFilter::default;
        let not_arrived = || MessageFilter { not_arrived: true, ..all() };
        assert_eq!(found(&store, all()).await, [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(found(&store, not_arrived()).await, [11, 10, 9, 7, 6, 5, 3, 2, 1]);
        assert_eq!(found(&store, MessageFilter { status: Some(Status::Failed), ..not_arrived() }).await, [10, 6, 2]);
        assert!(found(&store, MessageFilter { status: Some(Status::Delivered), ..not_arrived() }).await.is_empty());
        assert_eq!(found(&store, MessageFilter { phone: Some(phone(5)), ..not_arrived() }).await, [5]);
        assert!(found(&store, MessageFilter { phone: Some(phone(4)), ..not_arrived() }).await.is_empty());
        assert!(found(&store, MessageFilter { from: Some(later(1)), ..not_arrived() }).await.is_empty());
        let with = |code| MessageFilter { error_code: Some(code), ..all() };
        assert_eq!(found(&store, with(30003)).await, [9, 5, 1]);
        assert_eq!(found(&store, MessageFilter { not_arrived: true, ..with(21211) }).await, [11, 7, 3]);
        assert_eq!(found(&store, MessageFilter { phone: Some(phone(3)), ..with(21211) }).await, [3]);
        assert!(found(&store, MessageFilter { phone: Some(phone(1)), ..with(21211) }).await.is_empty());
        assert!(found(&store, MessageFilter { status: Some(Status::Failed), ..with(21211) }).await.is_empty());
        assert!(found(&store, with(4_000_000_000)).await.is_empty());
    }
}
