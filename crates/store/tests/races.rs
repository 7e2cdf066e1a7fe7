//! Several at once: what two workers, two tabs or two programs do at the same moment.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::TimeDelta;
use dakiya_core::audience::Audience;
use dakiya_core::campaign::CampaignState;
use dakiya_core::ids::MessageId;
use dakiya_core::message::{Category, EventSource, Status};
use dakiya_store::contacts::{self, ContactFields};
use dakiya_store::messages::{self, Answer, Answered, Consequence, Enqueued, Finding, StatusReport};
use dakiya_store::{Store, campaigns, sending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use support::sending::{
    SENDER, answer, campaign, draft, enqueue, follow_up, new_message, reload, sender, sid, take_at,
};
use support::{TESTER, later, now, phone};

/// What a lookup in Twilio's list found for a message.
fn found(id: MessageId, n: u64) -> Finding {
    let report = StatusReport {
        message_id: Some(id),
        sid: sid(n),
        status: Status::Delivered,
        error_code: None,
        consequence: None,
        at: later(90),
        source: EventSource::Listing,
    };
    Finding { id, answered: true, report: Some(report), segments: None, price: None, at: later(90) }
}

fn in_doubt() -> Answer {
    Answer::Unknown { why: "no answer".to_owned(), consequence: None }
}

on_both_databases! {
    async fn asked_for_twice_at_the_same_moment_it_is_one_message(store: Store) {
        for round in 0..20 {
            let ask = |_| {
                let store = store.clone();
                tokio::spawn(async move { messages::enqueue(&store, new_message(round), None, now()).await.unwrap() })
            };
            let asked: Vec<_> = (0..8).map(ask).collect();
            let (mut ids, mut created) = (Vec::new(), 0);
            for answer in asked {
                match answer.await.unwrap() {
                    Enqueued::Created(message) => { created += 1; ids.push(message.id); }
                    Enqueued::Existing(message) => ids.push(message.id),
                    other => panic!("{other:?}"),
                }
            }
            ids.dedup();
            assert_eq!((ids.len(), created), (1, 1));
        }
    }

    async fn an_audience_quoted_twice_at_the_same_moment_counts_once(store: Store) {
        for n in 0..50 {
            contacts::put(&store, phone(n), &ContactFields::default(), &TESTER, now()).await.unwrap();
        }
        let everybody = Audience { tags: Vec::new(), all: true };
        for name in ["one", "two", "three", "four", "five"] {
            let audience = everybody.clone();
            let campaign = draft(&store, name, Category::Service, |draft| draft.audience = audience).await;
            let quote = |_| {
                let store = store.clone();
                tokio::spawn(async move { campaigns::snapshot_audience(&store, campaign.id).await.unwrap() })
            };
            for quoted in (0..8).map(quote).collect::<Vec<_>>() {
                quoted.await.unwrap();
            }
            assert_eq!(campaigns::get(&store, campaign.id).await.unwrap().unwrap().recipients, 50);
        }
    }

    async fn one_entry_of_twilios_list_settles_one_of_two_equal_messages(store: Store) {
        sender(&store, SENDER, 100).await;
        let mut ids = Vec::new();
        for key in ["first", "second"] {
            let new = messages::NewMessage { dedupe_key: key.to_owned(), ..new_message(1) };
            ids.push(enqueue(&store, new).await.id);
        }
        assert_eq!(take_at(&store, now()).await.to_post.len(), 2);
        for id in &ids {
            answer(&store, *id, in_doubt(), later(1)).await;
        }
        let lookups = follow_up().unknown_lookups;
        messages::record_findings(&store, &[found(ids[0], 1), found(ids[1], 1)], &lookups).await.unwrap();
        let (first, second) = (reload(&store, ids[0]).await, reload(&store, ids[1]).await);
        assert_eq!((first.status, second.status), (Status::Delivered, Status::Unknown));
        let told = messages::events(&store, &second).await.unwrap();
        assert!(told.iter().all(|event| event.note.as_deref().is_none_or(|note| !note.contains("alarm"))));
        // It is looked for again, and the other entry is its own.
        assert!(messages::due_checks(&store, later(301), 10).await.unwrap().iter().any(|check| check.id == ids[1]));
        messages::record_findings(&store, &[found(ids[1], 2)], &lookups).await.unwrap();
        assert_eq!(reload(&store, ids[1]).await.status, Status::Delivered);
    }

    async fn a_guess_from_the_list_gives_way_to_what_a_callback_proved(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        answer(&store, message.id, in_doubt(), later(1)).await;
        let proof = StatusReport { source: EventSource::Callback, status: Status::Sent, ..found(message.id, 1).report.unwrap() };
        messages::apply_status(&store, proof).await.unwrap();
        messages::record_findings(&store, &[found(message.id, 2)], &follow_up().unknown_lookups).await.unwrap();
        let stored = reload(&store, message.id).await;
        assert_eq!((stored.status, stored.twilio_sid), (Status::Sent, Some(sid(1))));
        let told = messages::events(&store, &reload(&store, message.id).await).await.unwrap();
        assert!(told.iter().all(|event| event.note.as_deref().is_none_or(|note| !note.contains("alarm"))));
    }

    async fn a_message_that_comes_back_after_its_campaign_ended_is_sent_all_the_same(store: Store) {
        sender(&store, SENDER, 100).await;
        let campaign = campaign(&store, "Diwali", Category::Service, &[phone(1)]).await;
        let taken = take_at(&store, now()).await.to_post;
        // Its worker was cut off from the database: given up on, and the campaign ended.
        let lookups = follow_up().unknown_lookups;
        assert_eq!(messages::recover_posting(&store, Some(TimeDelta::seconds(65)), later(66), &lookups).await.unwrap(), 1);
        assert_eq!(campaigns::complete_finished(&store, later(67)).await.unwrap(), [campaign.id]);
        let refused = Answer::NotSent { retry_after: None, why: "no connection".to_owned() };
        answer(&store, taken[0].id, refused, later(70)).await;
        let stored = campaigns::get(&store, campaign.id).await.unwrap().unwrap();
        assert_eq!((stored.state, stored.finished_at), (CampaignState::Sending, None));
        assert_eq!(take_at(&store, later(80)).await.to_post.len(), 1);
    }

    async fn twilio_asking_for_an_absurd_wait_loses_nothing(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, now()).await;
        let retry_after = Some(Duration::from_secs(10_000_000_000_000));
        answer(&store, message.id, Answer::NotSent { retry_after, why: "429".to_owned() }, later(1)).await;
        assert_eq!(reload(&store, message.id).await.status, Status::Queued);
        assert_eq!(take_at(&store, later(2 * 3_600)).await.to_post.len(), 1);
    }

    async fn a_message_written_down_during_an_erasure_does_not_block_the_queue(store: Store) {
        sender(&store, SENDER, 100).await;
        let done = Arc::new(AtomicBool::new(false));
        let (asking, stop) = (store.clone(), done.clone());
        let asker = tokio::spawn(async move {
            for n in 0u64.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let new = messages::NewMessage { dedupe_key: format!("again:{n}"), ..new_message(1) };
                messages::enqueue(&asking, new, None, now()).await.unwrap();
            }
        });
        for _ in 0..40 {
            contacts::put(&store, phone(1), &ContactFields::default(), &TESTER, now()).await.unwrap();
            contacts::erase(&store, phone(1), &TESTER, now()).await.unwrap();
        }
        done.store(true, Ordering::Relaxed);
        asker.await.unwrap();
        contacts::erase(&store, phone(1), &TESTER, now()).await.unwrap();
        let other = enqueue(&store, new_message(2)).await;
        let taken = take_at(&store, now()).await.to_post;
        assert_eq!(taken.iter().map(|message| message.id).collect::<Vec<_>>(), [other.id]);
    }

    async fn an_erasure_and_answers_about_the_same_people_never_wait_for_each_other_in_a_circle(store: Store) {
        sender(&store, SENDER, 1_000).await;
        for round in 0..30 {
            // Two campaigns to the same two people, one of whom is erased while answers about all four messages come.
            let (erased, other) = (phone(round * 2 + 1), phone(round * 2));
            contacts::put(&store, erased, &ContactFields::default(), &TESTER, now()).await.unwrap();
            for name in ["one", "two"] {
                campaign(&store, &format!("{name} {round}"), Category::Service, &[other, erased]).await;
            }
            let mut taken = Vec::new();
            for second in 0..3 {
                taken.extend(take_at(&store, later(round as i64 * 10 + second)).await.to_post);
            }
            assert_eq!(taken.len(), 4);
            let at = later(round as i64 * 10 + 5);
            let answers = |of: Vec<MessageId>, answer: fn() -> Answer| -> Vec<_> {
                of.into_iter().map(|id| Answered { id, answer: answer(), at }).collect()
            };
            let ids: Vec<MessageId> = taken.iter().map(|message| message.id).collect();
            messages::record_answers(&store, &answers(ids.clone(), in_doubt), &follow_up()).await.unwrap();
            let unreachable: fn() -> Answer =
                || Answer::Rejected { code: 30_006, consequence: Some(Consequence::Unreachable) };
            let (erasing, recording, stopping) = (store.clone(), store.clone(), store.clone());
            let late = answers(ids.iter().rev().copied().collect(), unreachable);
            let refused: fn() -> Answer =
                || Answer::Unknown { why: "401".to_owned(), consequence: Some(Consequence::StopSending) };
            let refused = answers(ids, refused);
            let tasks = [
                tokio::spawn(async move { contacts::erase(&erasing, erased, &TESTER, at).await.map(drop) }),
                tokio::spawn(async move { messages::record_answers(&recording, &late, &follow_up()).await }),
                tokio::spawn(async move { messages::record_answers(&stopping, &refused, &follow_up()).await }),
            ];
            for task in tasks {
                task.await.unwrap().unwrap();
            }
            sending::resume(&store, &TESTER, at).await.unwrap();
        }
    }

    async fn whoever_was_erased_while_a_batch_was_made_gets_no_message(store: Store) {
        let campaign = draft(&store, "Diwali", Category::Service, |_| {}).await;
        let rows = [1, 2].map(|n| campaigns::NewRecipient {
            phone: phone(n), language: None, variables: Default::default(),
        });
        campaigns::add_recipients(&store, campaign.id, rows, &TESTER, now()).await.unwrap();
        support::sending::approve(&store, campaign.id, 2).await;
        campaigns::start_due(&store, now()).await.unwrap();
        let message = |n| messages::NewMessage { campaign_id: Some(campaign.id), ..new_message(n) };
        let batch = |messages| campaigns::Batch { after: None, through: Some(phone(2)), last: true, messages };
        let stale = batch(vec![message(1), message(2)]);
        contacts::erase(&store, phone(1), &TESTER, now()).await.unwrap();
        assert!(!campaigns::expand(&store, campaign.id, &stale, now()).await.unwrap());
        assert!(campaigns::expand(&store, campaign.id, &batch(vec![message(2)]), now()).await.unwrap());
        let stored = campaigns::get(&store, campaign.id).await.unwrap().unwrap();
        assert_eq!(campaigns::counts(&store, &stored).await.unwrap().total(), stored.recipients);
    }

    async fn a_stop_is_not_kept_waiting_by_workers_that_take_without_a_pause(store: Store) {
        sender(&store, SENDER, 100).await;
        let (taken, stopped) = (AtomicU32::new(0), AtomicBool::new(false));
        let work = async || {
            while !stopped.load(Ordering::Relaxed) && taken.load(Ordering::Relaxed) < 6_000 {
                take_at(&store, now()).await;
                taken.fetch_add(1, Ordering::Relaxed);
            }
        };
        let stop = async {
            while taken.load(Ordering::Relaxed) < 40 {
                tokio::task::yield_now().await;
            }
            let before = taken.load(Ordering::Relaxed);
            sending::stop(&store, "enough", &TESTER, now()).await.unwrap();
            stopped.store(true, Ordering::Relaxed);
            taken.load(Ordering::Relaxed) - before
        };
        // All are one task: the stop sees its answer as soon as the workers see theirs, however busy the machine is.
        let (waited, ..) = tokio::join!(stop, work(), work(), work(), work());
        assert!(waited < 400, "the stop waited for {waited} takes");
    }
}
