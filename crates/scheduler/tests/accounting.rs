//! The books: prices, rents, budgets and the dollar, against the simulator's own prices.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support;

use dakiya_core::budget::{Budget, WARN_AT, WarningBasis};
use dakiya_core::encoding::Segments;
use dakiya_core::fx_rate::{self, DatedFx};
use dakiya_core::message::{Category, Channel, Status};
use dakiya_core::money::Money;
use dakiya_core::rate_card::{Confidence, RateCard};
use dakiya_core::settings::Settings;
use dakiya_core::time::Month;
use dakiya_scheduler::{CommandError, PriceSource};
use dakiya_store::campaigns::CampaignError;
use dakiya_store::inbound::{self, NewInbound};
use dakiya_store::{budgets, costs, fx_rates, rate_cards, rate_proposals, settings};
use std::time::Duration;
use support::{SENDER, TESTER, World, morning, phone};
use tokio_util::sync::CancellationToken;

fn november() -> Month {
    Month::parse("2026-11").unwrap()
}

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

async fn spent(world: &World) -> Money {
    costs::spent(&world.store, november()).await.unwrap()
}

async fn account(world: &World) {
    world.engine.account(&CancellationToken::new()).await.unwrap();
}

async fn budget(world: &World, amount: &str) {
    let budget = Budget { month: november(), amount: rupees(amount), stop: true, warn_at: WARN_AT.to_vec() };
    budgets::put(&world.store, &budget, &TESTER, morning()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_numbers_rent_is_booked_once_a_month_at_the_cards_price() {
    let (world, clock) = World::with_manual_clock().await;
    for _ in 0..3 {
        account(&world).await;
    }
    assert_eq!(spent(&world).await, rupees("150"));
    clock.advance(Duration::from_secs(10 * 24 * 3_600));
    account(&world).await;
    assert_eq!(spent(&world).await, rupees("150"));
    assert_eq!(costs::spent(&world.store, november().plus(1)).await.unwrap(), rupees("150"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_sends_is_estimated_and_then_costs_what_twilio_says() {
    let (world, clock) = World::with_manual_clock().await;
    let written = world.simulator.inbound(&phone(1).to_string(), SENDER, "Thanks").await;
    let (day, estimated_cost, estimated_fx) =
        world.commands.inbound_cost(Channel::Sms, Segments(1)).await.unwrap();
    assert_eq!((estimated_cost, estimated_fx), (rupees("0.60"), None));
    let new = NewInbound {
        twilio_sid: written.sid.unwrap().to_string(),
        from: phone(1).to_string(),
        recipient: SENDER.to_owned(),
        channel: Channel::Sms,
        body: "Thanks".to_owned(),
        keyword: None,
        segments: Segments(1),
        day,
        estimated_cost,
        estimated_fx,
    };
    inbound::record(&world.store, &new, morning()).await.unwrap();
    assert_eq!(spent(&world).await, rupees("0.60"));
    clock.advance(Duration::from_secs(60));
    account(&world).await;
    // The simulator asks US$0.00625, and the number's rent was booked with it.
    assert_eq!(spent(&world).await, rupees("150.60"));
    let inbound: Vec<_> = costs::month(&world.store, november()).await.unwrap();
    let priced: i64 = inbound.iter().map(|line| line.costs.priced).sum();
    assert_eq!(priced, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_reckoned_with_the_dollar_of_its_day_before_and_after() {
    let (world, clock) = World::with_manual_clock().await;
    let twilio = Settings { rate_card: "twilio-list".to_owned(), ..Settings::default() };
    let today = "2026-11-22".parse().unwrap();
    settings::update(&world.store, &twilio, &TESTER, morning(), today).await.unwrap();
    let rate = |day: &str, rate| DatedFx {
        valid_from: day.parse().unwrap(),
        rate: fx_rate::parse(rate).unwrap(),
        source: "FBIL".to_owned(),
    };
    let rates = [rate("2026-11-22", "100"), rate("2026-11-23", "50")];
    fx_rates::put(&world.store, &rates, &TESTER, morning()).await.unwrap();
    let message = world.message(1, Category::Service).await;
    assert_eq!(message.estimated_cost, rupees("8.32"));
    assert_eq!(message.estimated_fx, Some(fx_rate::parse("100").unwrap()));
    world.run().await;
    // Its price is asked for when another rate is in force.
    clock.advance(Duration::from_secs(24 * 3_600));
    world.engine.settle(&CancellationToken::new()).await.unwrap();
    let settled = world.reload(&message).await;
    let (price, fx) = settled.quoted.unwrap();
    assert_eq!(fx, fx_rate::parse("100").unwrap());
    assert_eq!(settled.actual_cost.map(Money::to_micros), Some(price.in_rupees(fx).to_micros()));
    let total = Money::from_micros(settled.differences().total());
    assert_eq!(settled.estimated_cost + total, settled.actual_cost.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_beyond_the_budget_is_refused_and_a_raised_one_lets_everything_go_on() {
    let (world, _) = World::with_manual_clock().await;
    budget(&world, "2.39").await;
    let id = world.draft("Hello {{name}}", Category::Service, 0..3).await;
    let quote = world.commands.quote_campaign(id).await.unwrap().quote;
    let refused = world.commands.approve_campaign(id, &quote, &TESTER).await;
    assert!(matches!(refused, Err(CommandError::Campaign(CampaignError::OverBudget { .. }))), "{refused:?}");
    budget(&world, "2.40").await;
    world.commands.approve_campaign(id, &quote, &TESTER).await.unwrap();
    // All of it is reserved now: a single message waits, a password does not.
    let waiting = world.message(10, Category::Service).await;
    let password = world.message(11, Category::Otp).await;
    world.run().await;
    assert_eq!(world.reload(&waiting).await.status, Status::Queued);
    assert_eq!(world.reload(&waiting).await.budget_hold, Some(november()));
    assert_eq!(world.reload(&password).await.status, Status::Delivered);
    // The password used up what one of the campaign's messages needed: that one waits too.
    assert_eq!(world.counts(id).await.of(Status::Delivered), 2);
    budget(&world, "4").await;
    world.run().await;
    assert_eq!(world.reload(&waiting).await.status, Status::Delivered);
    assert_eq!(world.counts(id).await.of(Status::Delivered), 3);
    assert!(spent(&world).await <= rupees("4"));
    account(&world).await;
    let given = budgets::warnings(&world.store, november()).await.unwrap();
    assert!(
        given.iter().any(|given| given.warning.basis == WarningBasis::Actual && given.warning.percent == 100)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn prices_are_read_from_the_simulator_and_change_nothing_by_themselves() {
    let (world, _) = World::with_manual_clock().await;
    world.commands.refresh_prices(PriceSource::Simulator, &TESTER).await.unwrap();
    let second = world.commands.refresh_prices(PriceSource::Simulator, &TESTER).await.unwrap();
    let open = rate_proposals::open(&world.store).await.unwrap();
    assert_eq!(
        open.iter().map(|open| open.id).collect::<Vec<_>>(),
        [second],
        "the newer reading stands alone"
    );
    assert!(open[0].proposal.simulated && open[0].source.starts_with("The simulator, not Twilio"));
    assert!(open[0].proposal.rows.iter().all(|row| row.confidence == Confidence::Low));
    let card = || async { rate_cards::get(&world.store, "twilio-list").await.unwrap().unwrap() };
    assert_eq!(card().await, RateCard::twilio_list());
    let today = "2026-11-22".parse().unwrap();
    rate_proposals::decide(&world.store, second, true, &TESTER, morning(), today).await.unwrap();
    let fx = fx_rate::parse("96").unwrap();
    let price = card().await.outbound(Channel::Sms, Category::Service, today, fx).unwrap().expected;
    assert_eq!(price.rounded_to_paise(), rupees("0.80"));
    let yesterday = "2026-11-21".parse().unwrap();
    assert_eq!(
        card().await.outbound(Channel::Sms, Category::Service, yesterday, fx).unwrap().expected,
        rupees("7.9872")
    );
    assert!(rate_proposals::decide(&world.store, second, true, &TESTER, morning(), today).await.is_err());
}
