//! What one unit costs today, by the rate card in force.

use crate::AppState;
use crate::error::PageResult;
use crate::view::Zone;
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::FxRate;
use dakiya_core::rate_card::{RateCard, Spread};
use dakiya_store::{fx_rates, rate_cards, settings};

/// The rate card and settings in force, for pricing single texts.
pub(crate) struct Prices {
    card: Option<RateCard>,
    fx: FxRate,
    today: chrono::NaiveDate,
}

impl Prices {
    /// As they are now.
    pub(crate) async fn now(app: &AppState) -> PageResult<Prices> {
        let settings = settings::get(&app.store).await?;
        let card = rate_cards::get(&app.store, &settings.rate_card).await?;
        let today = Zone(app.config.timezone).date(&app.clock.now());
        Ok(Prices { card, fx: fx_rates::on(&app.store, today).await?, today })
    }

    /// The price of one unit; `None` when nothing prices it.
    pub(crate) fn unit(&self, channel: Channel, category: Category) -> Option<Spread> {
        self.card.as_ref()?.outbound(channel, category, self.today, self.fx).ok()
    }

    /// `₹0.80 a segment`
    pub(crate) fn words(&self, channel: Channel, category: Category) -> String {
        let unit = match channel {
            Channel::Sms => "a segment",
            Channel::Whatsapp => "a message",
        };
        self.unit(channel, category)
            .map_or_else(|| "no price".to_owned(), |price| format!("₹{} {unit}", price.expected.to_plain()))
    }

    /// What the card is called.
    pub(crate) fn card_name(&self) -> &str {
        self.card.as_ref().map_or("none", |card| &card.name)
    }
}
