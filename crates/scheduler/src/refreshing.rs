//! Reads what the vendor asks today, and proposes it for the rate card. Nothing changes until a person agrees.

use crate::context::Context;
use dakiya_core::ids::RateProposalId;
use dakiya_core::message::Direction;
use dakiya_core::rate_card::{Confidence, Proposal, RateRow};
use dakiya_core::time::day_in;
use dakiya_store::audit::Actor;
use dakiya_store::{StoreError, rate_cards, rate_proposals};
use dakiya_twilio::TwilioError;
use dakiya_twilio::pricing::{CountryPrices, NumberPrice};
use rust_decimal::Decimal;

/// The card that Twilio's own prices belong to.
const CARD: &str = "twilio-list";

/// Where its figures are for.
const COUNTRY: &str = "IN";

/// Kinds of number, the most likely first: the price of the first that has any is taken.
const NUMBER_TYPES: [&str; 4] = ["local", "mobile", "shortcode", "toll free"];

/// Who is asked for prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceSource {
    /// Twilio's Pricing API.
    Twilio,
    /// The simulator, whose prices nobody will ever ask.
    Simulator,
}

/// Why no prices were proposed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Twilio could not be asked.
    #[error("Twilio's prices could not be read: {0}")]
    Twilio(#[from] TwilioError),
    /// It answered, but with no price that can be used.
    #[error("Twilio lists no SMS price for {COUNTRY} in US dollars today")]
    NoPrices,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads prices and keeps them as a proposal.
pub(crate) async fn refresh_prices(
    context: &Context,
    source: PriceSource,
    actor: &Actor,
) -> Result<RateProposalId, RefreshError> {
    let prices = context.client.messaging_prices(COUNTRY).await?;
    let now = context.clock.now();
    let day = day_in(now, context.config.timezone);
    let simulated = source == PriceSource::Simulator;
    let (source, confidence) = match source {
        PriceSource::Twilio => (format!("Twilio's Pricing API, read on {day}"), Confidence::High),
        PriceSource::Simulator => (format!("The simulator, not Twilio, read on {day}"), Confidence::Low),
    };
    if prices.price_unit != "USD" {
        return Err(RefreshError::NoPrices);
    }
    let row = |direction, dollars| Proposal::of_segment_prices(CARD, direction, dollars, day, &source);
    let rows = [
        row(Direction::Outbound, outbound(&prices)),
        row(Direction::Inbound, of_kind(&prices.inbound_sms_prices)),
    ];
    let rows: Vec<_> = rows.into_iter().flatten().map(|row| RateRow { confidence, ..row }).collect();
    if rows.is_empty() || rate_cards::get(&context.store, CARD).await?.is_none() {
        return Err(RefreshError::NoPrices);
    }
    let proposal = Proposal { card: CARD.to_owned(), rows, simulated };
    Ok(rate_proposals::propose(&context.store, &proposal, &source, actor, now).await?)
}

/// One price per carrier.
fn outbound(prices: &CountryPrices) -> Vec<Decimal> {
    prices.outbound_sms_prices.iter().flat_map(|carrier| of_kind(&carrier.prices)).collect()
}

/// What this account pays from the most likely kind of number that has a price.
fn of_kind(prices: &[NumberPrice]) -> Vec<Decimal> {
    let of = |kind: &&str| {
        let known = prices.iter().filter(|price| price.number_type == *kind);
        known.filter_map(|price| price.current_price).collect::<Vec<_>>()
    };
    NUMBER_TYPES.iter().map(of).find(|found| !found.is_empty()).unwrap_or_default()
}
