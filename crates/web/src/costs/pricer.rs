//! Prices what-if months as things stand today, on any card.

use crate::AppState;
use dakiya_core::money::FxRate;
use dakiya_core::rate_card::{NoRate, RateCard};
use dakiya_core::scenario::{Scenario, ScenarioCost};
use dakiya_core::tax::Gst;
use dakiya_store::{StoreError, fx_rates, rate_cards, settings};

/// Cards that stand side by side.
const MOST_CARDS: usize = 12;

/// Today's prices.
pub(crate) struct Pricer {
    /// The cards, the one in force first.
    pub(crate) cards: Vec<RateCard>,
    /// Whether there are more.
    pub(crate) more: bool,
    /// The key of the card in force.
    pub(crate) in_force: String,
    /// The dollar's price in force.
    pub(crate) fx: FxRate,
    /// How GST is reckoned.
    pub(crate) gst: Gst,
    today: chrono::NaiveDate,
}

/// The card in force, and how old it is.
pub(crate) struct CardInForce {
    pub(crate) key: String,
    pub(crate) name: String,
    /// From when on its oldest price holds.
    pub(crate) dated: Option<chrono::NaiveDate>,
    pub(crate) days: i64,
    /// Too old to rely on.
    pub(crate) stale: bool,
}

impl Pricer {
    /// Reads the cards, the dollar and GST.
    pub(crate) async fn now(app: &AppState) -> Result<Pricer, StoreError> {
        let settings = settings::get(&app.store).await?;
        let mut keys: Vec<String> =
            rate_cards::list(&app.store).await?.into_iter().map(|card| card.key).collect();
        // Stable: the others stay in their order.
        keys.sort_by_key(|key| *key != settings.rate_card);
        let more = keys.len() > MOST_CARDS;
        let mut cards = Vec::new();
        for key in keys.iter().take(MOST_CARDS) {
            cards.extend(rate_cards::get(&app.store, key).await?);
        }
        let today = app.today();
        let fx = fx_rates::on(&app.store, today).await?;
        Ok(Pricer { cards, more, in_force: settings.rate_card, fx, gst: settings.gst, today })
    }

    /// A card by its key.
    pub(crate) fn card(&self, key: &str) -> Option<&RateCard> {
        self.cards.iter().find(|card| card.key == key)
    }

    /// The card in force.
    pub(crate) fn card_in_force(&self) -> Option<CardInForce> {
        let card = self.card(&self.in_force)?;
        let dated = card.dated(self.today);
        Some(CardInForce {
            key: card.key.clone(),
            name: card.name.clone(),
            days: dated.map_or(0, |dated| (self.today - dated).num_days()),
            stale: card.stale_for(self.today).is_some(),
            dated,
        })
    }

    /// What the month costs on a card.
    pub(crate) fn price(&self, scenario: &Scenario, card: &RateCard) -> Result<ScenarioCost, NoRate> {
        scenario.evaluate(card, self.today, self.fx, self.gst)
    }
}
