//! Campaigns: approval, fairness, counts that add up, and ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::audience::Audience;
use dakiya_core::campaign::CampaignState;
use dakiya_core::ids::CampaignId;
use dakiya_core::message::{Category, Status};
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Month;
use dakiya_store::campaigns::{self, Approval, CampaignError, NewRecipient};
use dakiya_store::contacts::{self, ContactFields};
use dakiya_store::imports::Imported;
use dakiya_store::messages::{self, Answer, MessageFilter, StatusReport, TakenMessage};
use dakiya_store::{Store, budgets, recipients};
use std::collections::{BTreeMap, HashMap};
use support::sending::{
    SENDER, accepted, answer, approve, campaign, campaign_with, draft, enqueue, new_message, sender, sid,
    take_at,
};
use support::{TESTER, later, now, phone};

fn people(range: std::ops::Range<u64>) -> Vec<PhoneNumber> {
    range.map(phone).collect()
}

fn row(n: u64, name: &str) -> NewRecipient {
    let variables = [("name".to_owned(), name.to_owned())].into();
    NewRecipient { phone: phone(n), language: None, variables }
}

async fn get(store: &Store, id: CampaignId) -> campaigns::Campaign {
    campaigns::get(store, id).await.unwrap().unwrap()
}

/// The kept counts, and those of the log itself.
async fn both_counts(store: &Store, id: CampaignId) -> (BTreeMap<Status, u64>, BTreeMap<Status, u64>) {
    let kept = campaigns::counts(store, &get(store, id).await).await.unwrap();
    let filter = MessageFilter { campaign: Some(id), ..MessageFilter::default() };
    let mut logged = BTreeMap::new();
    for message in messages::page(store, &filter, None, 10_000).await.unwrap().items {
        *logged.entry(message.status).or_default() += 1;
    }
    assert_eq!(kept.pending, 0);
    (kept.by_status, logged)
}

fn per_campaign(taken: &[TakenMessage]) -> HashMap<Option<CampaignId>, usize> {
    let mut counts = HashMap::new();
    for message in taken {
        *counts.entry(message.campaign_id).or_default() += 1;
    }
    counts
}

on_both_databases! {
    async fn uploaded_rows_count_once_and_the_first_stays(store: Store) {
        let campaign = draft(&store, "Diwali", Category::Service, |_| {}).await;
        let added = campaigns::add_recipients(&store, campaign.id, [row(1, "A"), row(2, "B"), row(1, "C")], &TESTER, now()).await.unwrap();
        assert_eq!(added, Imported { accepted: 2, duplicates: 1 });
        let added = campaigns::add_recipients(&store, campaign.id, [row(2, "D"), row(3, "E")], &TESTER, now()).await.unwrap();
        assert_eq!(added, Imported { accepted: 1, duplicates: 1 });
        let names: Vec<String> = recipients::page(&store, campaign.id, None, 10).await.unwrap().into_iter()
            .map(|recipient| recipient.variables["name"].clone()).collect();
        assert_eq!(names, ["A", "B", "E"]);
        assert_eq!(get(&store, campaign.id).await.recipients, 3);
    }

    async fn the_audience_is_written_down_and_follows_its_contacts_until_approval(store: Store) {
        let contact = |n, name: &str, tag: &str| {
            let fields = ContactFields {
                name: Some(name.to_owned()), tags: Some(vec![tag.to_owned()]), ..ContactFields::default()
            };
            let store = store.clone();
            async move { contacts::put(&store, phone(n), &fields, &TESTER, now()).await.unwrap() }
        };
        contact(1, "Asha", "pune").await;
        contact(2, "Binod", "pune").await;
        contact(3, "Chitra", "delhi").await;
        let audience = Audience { tags: vec!["pune".to_owned()], all: false };
        let campaign = draft(&store, "Pune", Category::Service, |draft| draft.audience = audience).await;
        campaigns::add_recipients(&store, campaign.id, [row(2, "uploaded")], &TESTER, now()).await.unwrap();
        campaigns::snapshot_audience(&store, campaign.id).await.unwrap();
        let names = |store: Store| async move {
            let page = recipients::page(&store, campaign.id, None, 10).await.unwrap();
            page.into_iter().map(|recipient| recipient.variables["name"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(store.clone()).await, ["Asha", "uploaded"]);
        let first = get(&store, campaign.id).await;
        assert_eq!(first.recipients, 2);
        campaigns::snapshot_audience(&store, campaign.id).await.unwrap();
        assert_eq!(get(&store, campaign.id).await.revision, first.revision, "nothing changed");
        contact(1, "Asha", "delhi").await;
        contact(3, "Chitra", "pune").await;
        campaigns::snapshot_audience(&store, campaign.id).await.unwrap();
        assert_eq!(names(store.clone()).await, ["uploaded", "Chitra"]);
        let second = get(&store, campaign.id).await;
        assert_eq!(second.recipients, 2);
        assert!(second.revision > first.revision);
    }

    async fn approval_is_void_once_the_recipients_changed(store: Store) {
        let campaign = draft(&store, "Diwali", Category::Service, |_| {}).await;
        campaigns::add_recipients(&store, campaign.id, [row(1, "A")], &TESTER, now()).await.unwrap();
        let quoted = get(&store, campaign.id).await;
        campaigns::add_recipients(&store, campaign.id, [row(2, "B")], &TESTER, now()).await.unwrap();
        let approval = Approval {
            quote: "q".to_owned(), revision: quoted.revision, estimated_cost: Money::parse("0.80").unwrap(),
            unit_price: Money::parse("0.80").unwrap(),
            month: Month::parse("2026-11").unwrap(), predicted_start: now(), predicted_finish: now(),
        };
        let refused = campaigns::approve(&store, campaign.id, &approval, &TESTER, now()).await;
        assert!(matches!(refused, Err(CampaignError::QuoteChanged)));
        approve(&store, campaign.id, 2).await;
        let twice = campaigns::approve(&store, campaign.id, &approval, &TESTER, now()).await;
        assert!(matches!(twice, Err(CampaignError::InvalidState(_))));
        let late = campaigns::add_recipients(&store, campaign.id, [row(3, "C")], &TESTER, now()).await;
        assert!(matches!(late, Err(CampaignError::NotADraft(CampaignState::Scheduled))));
    }

    async fn nobody_is_messaged_twice_when_a_batch_is_written_twice(store: Store) {
        let campaign = campaign(&store, "Diwali", Category::Service, &people(0..10)).await;
        let batch = campaigns::Batch {
            after: None, through: Some(phone(9)), last: true,
            messages: vec![messages::NewMessage { campaign_id: Some(campaign.id), ..new_message(99) }],
        };
        assert!(!campaigns::expand(&store, campaign.id, &batch, now()).await.unwrap());
        let counts = campaigns::counts(&store, &campaign).await.unwrap();
        assert_eq!((counts.of(Status::Queued), counts.total()), (10, 10));
    }

    async fn campaigns_share_their_sender_fairly_and_single_messages_go_first(store: Store) {
        sender(&store, SENDER, 100).await;
        let big = campaign(&store, "Big", Category::Service, &people(0..500)).await;
        let small = campaign(&store, "Small", Category::Service, &people(500..520)).await;
        enqueue(&store, new_message(900)).await;
        let taken = take_at(&store, now()).await.to_post;
        assert_eq!(taken[0].phone, phone(900));
        let counts = per_campaign(&taken);
        let (first, second) = (counts[&Some(big.id)], counts[&Some(small.id)]);
        assert!(first.abs_diff(second) <= 1, "{first} and {second}");
    }

    async fn with_more_campaigns_than_slots_each_gets_its_turn(store: Store) {
        sender(&store, SENDER, 1).await;
        for n in 0..6 {
            campaign(&store, &format!("c{n}"), Category::Service, &people(n * 10..n * 10 + 10)).await;
        }
        let mut served = Vec::new();
        for second in 0..12 {
            served.extend(take_at(&store, later(second * 2)).await.to_post);
        }
        let counts = per_campaign(&served);
        assert_eq!(counts.len(), 6, "{counts:?}");
        assert!(counts.values().all(|count| *count == 2), "{counts:?}");
    }

    async fn a_campaign_keeps_a_pace_of_its_own_and_leaves_the_rest_to_others(store: Store) {
        sender(&store, SENDER, 100).await;
        let slow = campaign_with(&store, "Slow", Category::Service, &people(0..50), |draft| {
            draft.segments_per_second = Some(2);
        }).await;
        let fast = campaign(&store, "Fast", Category::Service, &people(100..400)).await;
        let mut taken = Vec::new();
        for tick in 0..20 {
            taken.extend(take_at(&store, now() + chrono::TimeDelta::milliseconds(tick * 100)).await.to_post);
        }
        let counts = per_campaign(&taken);
        assert!((4..=5).contains(&counts[&Some(slow.id)]), "{counts:?}");
        assert!(counts[&Some(fast.id)] > 180, "{counts:?}");
    }

    async fn a_sleeping_campaign_blocks_nobody_and_wakes_when_its_window_opens(store: Store) {
        sender(&store, SENDER, 100).await;
        // 22:00 in India: the promotional window is closed until 10:00.
        let night = later(10 * 3_600 + 1_800);
        let asleep = campaign(&store, "Offer", Category::Promotional, &people(0..50)).await;
        let awake = campaign(&store, "Service", Category::Service, &people(50..60)).await;
        assert!(take_at(&store, night).await.to_post.iter().all(|message| message.campaign_id == Some(awake.id)));
        let again = take_at(&store, night + chrono::TimeDelta::seconds(5)).await;
        assert!(again.to_post.is_empty() && !again.moved);
        assert_eq!(again.next_wake, Some(night + chrono::TimeDelta::hours(1)), "looked at once an hour");
        let morning = take_at(&store, later(22 * 3_600 + 1_800)).await.to_post;
        assert!(!morning.is_empty() && morning.iter().all(|message| message.campaign_id == Some(asleep.id)));
    }

    async fn a_paused_campaign_sends_nothing_until_it_is_resumed(store: Store) {
        sender(&store, SENDER, 100).await;
        let campaign = campaign(&store, "Diwali", Category::Service, &people(0..100)).await;
        assert!(!take_at(&store, now()).await.to_post.is_empty());
        campaigns::pause(&store, campaign.id, None, &TESTER, later(1)).await.unwrap();
        assert!(take_at(&store, later(60)).await.to_post.is_empty());
        let resumed = campaigns::resume(&store, campaign.id, &TESTER, later(61)).await.unwrap();
        assert_eq!(resumed.state, CampaignState::Sending);
        assert!(!take_at(&store, later(62)).await.to_post.is_empty());
    }

    async fn a_canceled_campaign_sends_nothing_and_says_so_of_every_message(store: Store) {
        sender(&store, SENDER, 10).await;
        let campaign = campaign(&store, "Diwali", Category::Service, &people(0..100)).await;
        let taken = take_at(&store, now()).await.to_post;
        let canceled = campaigns::cancel(&store, campaign.id, &TESTER, later(1)).await.unwrap();
        let counts = campaigns::counts(&store, &canceled).await.unwrap();
        assert_eq!(counts.of(Status::Canceled), 100 - taken.len() as u64, "at once");
        assert!(take_at(&store, later(2)).await.to_post.is_empty());
        assert_eq!(campaigns::to_clear(&store).await.unwrap(), [campaign.id]);
        while messages::cancel_queued(&store, campaign.id, later(3)).await.unwrap() > 0 {}
        assert!(campaigns::to_clear(&store).await.unwrap().is_empty());
        let (kept, logged) = both_counts(&store, campaign.id).await;
        assert_eq!(kept, logged);
        for (n, message) in taken.iter().enumerate() {
            answer(&store, message.id, accepted(n as u64), later(4)).await;
        }
        let reserved = get(&store, campaign.id).await.reserved;
        assert_eq!(reserved, Money::parse("0.80").unwrap() * taken.len() as u64);
    }

    async fn a_canceled_campaign_sets_nothing_aside_for_what_waits_from_the_first_moment_on(store: Store) {
        sender(&store, SENDER, 1).await;
        let campaign = campaign(&store, "Diwali", Category::Service, &people(0..10)).await;
        let taken = take_at(&store, now()).await.to_post;
        assert_eq!(taken.len(), 1);
        let one = Money::parse("0.80").unwrap();
        assert_eq!(get(&store, campaign.id).await.reserved, one * 10);
        let still_to_send = async || budgets::standing(&store, Month::of(now().date_naive())).await.unwrap().reserved;
        assert_eq!(still_to_send().await, one * 9);
        let canceled = campaigns::cancel(&store, campaign.id, &TESTER, later(1)).await.unwrap();
        assert_eq!((canceled.reserved, get(&store, campaign.id).await.reserved), (one, one));
        assert_eq!(still_to_send().await, Money::ZERO);
        // The one that was on its way comes back to the queue, and waits in vain like the others.
        let not_sent = Answer::NotSent { retry_after: None, why: "429".to_owned() };
        answer(&store, taken[0].id, not_sent, later(2)).await;
        for _ in 0..2 {
            let stored = get(&store, campaign.id).await;
            assert_eq!((stored.reserved, still_to_send().await), (Money::ZERO, Money::ZERO));
            let counts = campaigns::counts(&store, &stored).await.unwrap();
            assert_eq!((counts.of(Status::Canceled), counts.total()), (10, 10));
            messages::cancel_queued(&store, campaign.id, later(3)).await.unwrap();
        }
    }

    async fn a_campaign_completes_when_nothing_of_it_waits(store: Store) {
        sender(&store, SENDER, 100).await;
        let campaign = campaign(&store, "Diwali", Category::Service, &people(0..3)).await;
        assert!(campaigns::complete_finished(&store, now()).await.unwrap().is_empty());
        let taken = take_at(&store, now()).await.to_post;
        assert!(campaigns::complete_finished(&store, now()).await.unwrap().is_empty(), "still being posted");
        for (n, message) in taken.iter().enumerate() {
            answer(&store, message.id, accepted(n as u64), later(1)).await;
        }
        assert_eq!(campaigns::complete_finished(&store, later(2)).await.unwrap(), [campaign.id]);
        let done = get(&store, campaign.id).await;
        assert_eq!((done.state, done.finished_at), (CampaignState::Completed, Some(later(2))));
    }

    async fn a_retried_message_wakes_its_campaign_again(store: Store) {
        sender(&store, SENDER, 100).await;
        let campaign = campaign(&store, "Diwali", Category::Service, &people(0..1)).await;
        let taken = take_at(&store, now()).await.to_post;
        assert!(take_at(&store, later(1)).await.to_post.is_empty());
        let not_sent = Answer::NotSent { retry_after: None, why: "429".to_owned() };
        answer(&store, taken[0].id, not_sent, later(1)).await;
        assert!(take_at(&store, later(1)).await.to_post.is_empty());
        let again = take_at(&store, later(30)).await.to_post;
        assert_eq!(again.iter().map(|message| message.campaign_id).collect::<Vec<_>>(), [Some(campaign.id)]);
    }

    async fn counts_and_money_add_up_whatever_happens(store: Store) {
        sender(&store, SENDER, 1_000).await;
        let campaign = campaign(&store, "Diwali", Category::Service, &people(0..200)).await;
        let endings = [Status::Sent, Status::Delivered, Status::Undelivered, Status::Failed, Status::Read];
        let (mut dice, mut at) = (7u64, now());
        let mut posted: Vec<TakenMessage> = Vec::new();
        for step in 0..120u64 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = (dice >> 33) as usize;
            at += chrono::TimeDelta::seconds(1);
            if step % 12 == 0 {
                posted.extend(take_at(&store, at).await.to_post);
            }
            if posted.is_empty() {
                continue;
            }
            let message = &posted[pick % posted.len()];
            let n = posted.iter().position(|other| other.id == message.id).unwrap() as u64;
            match pick % 7 {
                0 | 1 => answer(&store, message.id, accepted(n), at).await,
                2 => answer(&store, message.id, Answer::Rejected { code: 21211, consequence: None }, at).await,
                3 => answer(&store, message.id, Answer::NotSent { retry_after: None, why: "429".to_owned() }, at).await,
                4 => answer(&store, message.id, Answer::Unknown { why: "?".to_owned(), consequence: None }, at).await,
                _ => {
                    let report = StatusReport {
                        message_id: Some(message.id), sid: sid(n), status: endings[pick % endings.len()], error_code: None,
                        consequence: None, at, source: dakiya_core::message::EventSource::Callback,
                    };
                    messages::apply_status(&store, report).await.unwrap();
                }
            }
            let (kept, logged) = both_counts(&store, campaign.id).await;
            assert_eq!(kept, logged, "after step {step}");
            assert_eq!(kept.values().sum::<u64>(), 200);
        }
        let filter = MessageFilter { campaign: Some(campaign.id), ..MessageFilter::default() };
        let all = messages::page(&store, &filter, None, 1_000).await.unwrap().items;
        let reserved = all.iter().filter(|message| message.is_reserved()).count();
        assert_eq!(get(&store, campaign.id).await.reserved, Money::parse("0.80").unwrap() * reserved as u64);
    }
}

/// Several workers, one PostgreSQL: every message is taken by one of them alone, and the pace holds over all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_workers_never_take_the_same_message() {
    support::on_postgres(|store| async move {
        sender(&store, SENDER, 1_000).await;
        let first = campaign(&store, "One", Category::Service, &people(0..300)).await;
        let second = campaign(&store, "Two", Category::Service, &people(300..600)).await;
        let worker = |store: Store| async move {
            let mut mine = Vec::new();
            for tick in 0..15 {
                let taken = take_at(&store, now() + chrono::TimeDelta::milliseconds(tick * 100)).await;
                for message in &taken.to_post {
                    answer(
                        &store,
                        message.id,
                        accepted(u64::from_be_bytes(
                            message.id.to_string().as_bytes()[28..36].try_into().unwrap(),
                        )),
                        later(5),
                    )
                    .await;
                }
                mine.extend(taken.to_post.into_iter().map(|message| message.id));
            }
            mine
        };
        let workers: Vec<_> = (0..4).map(|_| tokio::spawn(worker(store.clone()))).collect();
        let mut all = Vec::new();
        for task in workers {
            all.extend(task.await.unwrap());
        }
        let taken = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), taken), (600, 600));
        for id in [first.id, second.id] {
            let (kept, logged) = both_counts(&store, id).await;
            assert_eq!(kept, logged);
        }
    })
    .await;
}
