//! What happens around the engine: it is shut down, the machine's clock is set, rates change, Twilio is away.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::campaign::CampaignState;
use dakiya_core::message::{Category, Status};
use dakiya_core::money::Money;
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::settings::Settings;
use dakiya_simulator::{Answer, CallbackFaults};
use dakiya_store::audit::Actor;
use dakiya_store::opt_outs::{self, Change};
use dakiya_store::{campaigns, settings};
use dakiya_twilio::TwilioStatus;
use std::time::Duration;
use support::{TESTER, World, phone};
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_the_engine_has_finished_nothing_is_being_posted() {
    let world = World::in_real_time(1_000).await;
    for round in 0..40u64 {
        for n in 0..5 {
            world.message(round * 5 + n, Category::Service).await;
        }
        let (engine, shutdown) = (world.restarted(), CancellationToken::new());
        let ticks = tokio::spawn({
            let (engine, shutdown) = (engine.clone(), shutdown.clone());
            async move { engine.deliver(&shutdown).await.unwrap() }
        });
        // Shut down at another moment of the tick each time.
        tokio::time::sleep(Duration::from_micros(round * 150)).await;
        shutdown.cancel();
        engine.finish().await;
        let posting = world.log().await.iter().filter(|message| message.status == Status::Posting).count();
        assert_eq!(posting, 0, "round {round}");
        ticks.await.unwrap();
    }
    assert!(world.simulator.post_count() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_twilio_is_away_no_lookup_is_used_up() {
    let (world, clock) = World::with_manual_clock().await;
    let silent = CallbackFaults {
        lost: vec![TwilioStatus::Queued, TwilioStatus::Sending, TwilioStatus::Sent, TwilioStatus::Delivered],
        ..CallbackFaults::default()
    };
    world.simulator.faults().callbacks(silent);
    world.simulator.faults().posts_answer(Answer::Close, true);
    let message = world.message(1, Category::Service).await;
    world.run().await;
    assert_eq!(world.reload(&message).await.status, Status::Unknown);
    world.simulator.refuse_connections().await;
    for _ in 0..100 {
        clock.advance(Duration::from_secs(30 * 60));
        world.engine.settle(&CancellationToken::new()).await.unwrap();
    }
    assert_eq!(world.reload(&message).await.status, Status::Unknown);
    world.simulator.accept_connections().await;
    clock.advance(Duration::from_secs(61));
    world.engine.settle(&CancellationToken::new()).await.unwrap();
    assert_ne!(world.reload(&message).await.status, Status::Unknown, "found, two days later");
    assert_eq!(world.posts().values().copied().collect::<Vec<_>>(), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_gives_nobody_up_who_is_still_posting() {
    let (world, clock) = World::with_manual_clock().await;
    let now = world.clock.now();
    let message = world.message(1, Category::Service).await;
    let request = dakiya_store::messages::TakeRequest {
        now,
        horizon: chrono::TimeDelta::milliseconds(300),
        batch: 10,
        urgent_batch: 10,
        zone: chrono_tz::Asia::Kolkata,
        only: None,
    };
    assert_eq!(dakiya_store::messages::take(&world.store, &request).await.unwrap().to_post.len(), 1);
    clock.set(now + chrono::TimeDelta::hours(1));
    for _ in 0..4 {
        assert_eq!(world.engine.recover(false).await.unwrap(), 0);
        assert_eq!(world.reload(&message).await.status, Status::Posting);
        clock.advance(Duration::from_secs(10));
    }
    clock.advance(Duration::from_secs(60));
    assert_eq!(world.engine.recover(false).await.unwrap(), 1);
    assert_eq!(world.reload(&message).await.status, Status::Unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_is_written_down_at_the_price_that_was_approved() {
    let (world, _) = World::with_manual_clock().await;
    let id = world.approved("Hello {{name}}", Category::Service, 0..10).await;
    let dearer = Settings { rate_card: "twilio-list".to_owned(), ..Settings::default() };
    let now = world.clock.now();
    settings::update(&world.store, &dearer, &TESTER, now, now.date_naive()).await.unwrap();
    world.run().await;
    let approved = Money::parse("0.80").unwrap();
    assert!(world.log().await.iter().all(|message| message.estimated_cost == approved));
    let campaign = world.campaign(id).await;
    assert_eq!((campaign.estimated_cost, campaign.expanded_cost), (approved * 10, approved * 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_that_would_go_over_its_budget_while_it_is_written_down_is_held_with_the_reason() {
    let (world, clock) = World::with_manual_clock().await;
    let change = |action| Change {
        phone: phone(9),
        action,
        scope: OptOutScope::All,
        source: OptOutSource::Sms,
        evidence: "their words".to_owned(),
    };
    let now = clock_now(&world);
    opt_outs::record(&world.store, &change(OptOutAction::OptOut), &Actor::System("test"), now).await.unwrap();
    let id = world.draft("Hello {{name}}", Category::Service, 0..10).await;
    let mut draft = world.campaign(id).await.draft;
    draft.budget = Some(Money::parse("7.20").unwrap());
    campaigns::update(&world.store, id, &draft, &TESTER, now).await.unwrap();
    let quoted = world.commands.quote_campaign(id).await.unwrap();
    world.commands.approve_campaign(id, &quoted.quote, &TESTER).await.unwrap();
    // Nine fit. Then the tenth wants messages again.
    opt_outs::record(&world.store, &change(OptOutAction::OptIn), &Actor::System("test"), now).await.unwrap();
    clock.advance(Duration::from_secs(1));
    world.run().await;
    let campaign = world.campaign(id).await;
    assert_eq!((campaign.state, world.posts().len()), (CampaignState::Paused, 0));
    assert!(campaign.paused_reason.unwrap().contains("budget of"));
}

fn clock_now(world: &World) -> dakiya_core::time::Timestamp {
    world.clock.now()
}
