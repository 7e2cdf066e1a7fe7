//! Keeps the books by itself: rents, prices of what people send, what budgets hold back, and their warnings.

use crate::composing::rate_card;
use crate::context::Context;
use crate::projecting::{expected, rents_on};
use dakiya_core::encoding::Segments;
use dakiya_core::message::{Channel, Direction};
use dakiya_core::money::{FxRate, Money};
use dakiya_core::projection::FORECAST_MONTHS;
use dakiya_core::rate_card::Route;
use dakiya_core::time::{Month, day_in};
use dakiya_store::costs;
use dakiya_store::inbound::{self, PriceFinding, Unpriced};
use dakiya_store::{StoreError, budgets, fx_rates, settings};
use dakiya_twilio::{Message, MessageSid};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

/// Prices asked for in one go, and questions to Twilio under way at the same time.
const BATCH: u64 = 64;
const IN_FLIGHT: usize = 8;

/// Lets go on what budgets held back, where there is room again. Harmless to repeat.
pub(crate) async fn release(context: &Context) -> Result<(), StoreError> {
    let (now, zone) = (context.clock.now(), context.config.timezone);
    while budgets::release(&context.store, now, zone).await? > 0 {
        context.nudge();
    }
    Ok(())
}

/// Books what is due to be booked, and warns. Harmless to repeat.
pub(crate) async fn tick(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    while !shutdown.is_cancelled() && costs::catch_up(&context.store, context.config.timezone).await? {}
    rents(context).await?;
    inbound_prices(context, shutdown).await?;
    warn(context).await
}

/// Every number of ours costs its rent once a month.
async fn rents(context: &Context) -> Result<(), StoreError> {
    let day = day_in(context.clock.now(), context.config.timezone);
    costs::book_rents(&context.store, &rents_on(context, day).await?, day).await?;
    Ok(())
}

async fn inbound_prices(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    while !shutdown.is_cancelled() {
        let due = inbound::unpriced(&context.store, context.clock.now(), BATCH).await?;
        if due.is_empty() {
            return Ok(());
        }
        let rates = fx_rates::history(&context.store).await?;
        let asked = futures::stream::iter(due).map(|message| {
            let fx = rates.on(message.day);
            ask(context, message, fx)
        });
        let findings: Vec<PriceFinding> = asked.buffer_unordered(IN_FLIGHT).collect().await;
        inbound::record_prices(&context.store, &findings).await?;
    }
    Ok(())
}

async fn ask(context: &Context, message: Unpriced, fx: FxRate) -> PriceFinding {
    let found = match MessageSid::try_from(message.twilio_sid) {
        Ok(sid) => context.client.fetch(&sid).await.ok(),
        Err(_) => None,
    };
    let price = found.as_ref().and_then(Message::charge).map(|price| (price, fx));
    PriceFinding { id: message.id, price, at: context.clock.now() }
}

/// Warns when a share of a budget is reached by what was spent, or by what its month is expected to cost: this month's, and those
/// of the coming months for which there is a forecast.
async fn warn(context: &Context) -> Result<(), StoreError> {
    let now = context.clock.now();
    let this = Month::of(day_in(now, context.config.timezone));
    let budgets = budgets::list(&context.store, this, this.plus(FORECAST_MONTHS)).await?;
    let months: Vec<Month> = budgets.iter().map(|stored| stored.budget.month).collect();
    for (month, expected) in expected(context, &months).await? {
        let spent = budgets::standing(&context.store, month).await?.spent;
        for warning in budgets::note_warnings(&context.store, month, spent, expected, now).await? {
            tracing::warn!(%month, percent = warning.percent, basis = %warning.basis, "a share of the budget is reached");
            metrics::counter!("dakiya_budget_warnings_total").increment(1);
        }
    }
    Ok(())
}

/// What a message that comes in now is expected to cost; nothing where the rate card has no price.
pub(crate) async fn inbound_cost(
    context: &Context,
    channel: Channel,
    segments: Segments,
) -> Result<(chrono::NaiveDate, Money, Option<FxRate>), StoreError> {
    let day = day_in(context.clock.now(), context.config.timezone);
    let settings = settings::get(&context.store).await?;
    let card = rate_card(&context.store, &settings).await?;
    let Ok(row) = card.row(channel.into(), Direction::Inbound, None, Route::Any, day) else {
        return Ok((day, Money::ZERO, None));
    };
    let fx = fx_rates::on(&context.store, day).await?;
    let units = match channel {
        Channel::Sms => u64::from(segments.0),
        Channel::Whatsapp => 1,
    };
    Ok((day, row.unit_price(fx).expected * units, row.in_dollars().then_some(fx)))
}
