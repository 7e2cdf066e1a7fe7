//! A machine's clock that runs ahead and is put right: nothing stands still until the time it showed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use chrono::TimeDelta;
use dakiya_core::message::{Category, Status};
use dakiya_core::opt_out::OptOutScope;
use dakiya_store::Store;
use dakiya_store::messages::{self, FenceScope};
use support::sending::{SENDER, campaign, campaign_with, enqueue, new_message, reload, sender, take_at};
use support::{later, phone};

const A_YEAR: i64 = 365 * 24 * 3_600;

on_both_databases! {
    async fn single_messages_go_on_when_the_clock_comes_back(store: Store) {
        sender(&store, SENDER, 10).await;
        enqueue(&store, new_message(1)).await;
        assert_eq!(take_at(&store, later(A_YEAR)).await.to_post.len(), 1);
        enqueue(&store, new_message(2)).await;
        let taken = take_at(&store, later(1)).await.to_post;
        assert_eq!(taken.iter().map(|message| message.slot).collect::<Vec<_>>(), [later(1)]);
    }

    async fn campaigns_go_on_when_the_clock_comes_back(store: Store) {
        sender(&store, SENDER, 10).await;
        let people: Vec<_> = (0..10).map(phone).collect();
        let paced = campaign_with(&store, "Paced", Category::Service, &people, |draft| draft.segments_per_second = Some(2)).await;
        let offer = campaign(&store, "Offer", Category::Promotional, &people).await;
        // Noon in India, then 22:00 a year ahead: the one waits for its pace, the other for its window.
        let ahead = later(A_YEAR + 10 * 3_600 + 1_800);
        assert!(take_at(&store, ahead).await.to_post.iter().all(|message| message.campaign_id == Some(paced.id)));
        let mut served = Vec::new();
        for second in 1..=10 {
            served.extend(take_at(&store, later(second)).await.to_post.iter().map(|message| message.campaign_id));
        }
        assert!(served.contains(&Some(paced.id)) && served.contains(&Some(offer.id)), "{served:?}");
    }

    async fn what_is_posted_keeps_the_fence_up_whatever_the_clock_shows(store: Store) {
        sender(&store, SENDER, 100).await;
        enqueue(&store, messages::NewMessage { due_at: later(-A_YEAR), ..new_message(1) }).await;
        // Taken by a clock that was far behind: by another one it began a year ago.
        take_at(&store, later(-A_YEAR)).await;
        for scope in [FenceScope::All, FenceScope::Phone(phone(1), OptOutScope::All)] {
            assert!(messages::still_possible(&store, scope).await.unwrap(), "{scope:?}");
        }
    }

    async fn what_a_dead_worker_took_by_a_clock_that_was_ahead_is_given_up_on(store: Store) {
        sender(&store, SENDER, 100).await;
        let message = enqueue(&store, new_message(1)).await;
        take_at(&store, later(A_YEAR)).await;
        let minute = Some(TimeDelta::minutes(1));
        assert_eq!(messages::recover_posting(&store, minute, later(A_YEAR + 59), &[]).await.unwrap(), 0);
        assert_eq!(messages::recover_posting(&store, minute, later(1), &[]).await.unwrap(), 1);
        assert_eq!(reload(&store, message.id).await.status, Status::Unknown);
    }
}
