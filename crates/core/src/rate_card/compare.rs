//! Cards side by side: what each asks for the same thing on the same day.

use super::{RateCard, RateItem, RateUnit, Route, Spread};
use crate::message::{Category, Direction};
use crate::money::FxRate;
use chrono::NaiveDate;

/// One thing that is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priced {
    /// What.
    pub item: RateItem,
    /// From us or to us.
    pub direction: Direction,
    /// Of which category, where it matters.
    pub category: Option<Category>,
    /// Who began.
    pub route: Route,
    /// Per what.
    pub unit: RateUnit,
}

/// One thing, and what each card asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What.
    pub priced: Priced,
    /// The price of one unit by each card, in their order; `None` where a card has none.
    pub prices: Vec<Option<Spread>>,
}

/// Compares cards on a day. What none of them prices is left out.
pub fn compare(cards: &[RateCard], on: NaiveDate, fx: FxRate) -> Vec<Comparison> {
    let price = |card: &RateCard, priced: &Priced| {
        let row = card.row(priced.item, priced.direction, priced.category, priced.route, on);
        row.ok().map(|row| row.unit_price(fx))
    };
    everything()
        .into_iter()
        .map(|priced| Comparison { prices: cards.iter().map(|card| price(card, &priced)).collect(), priced })
        .filter(|line| line.prices.iter().any(Option::is_some))
        .collect()
}

/// Everything that is ever paid for, in the order in which people ask.
fn everything() -> Vec<Priced> {
    let priced = |item, direction, category, route, unit| Priced { item, direction, category, route, unit };
    let (sms, whatsapp) = (RateItem::Sms, RateItem::Whatsapp);
    let (out, inbound) = (Direction::Outbound, Direction::Inbound);
    let mut all = vec![
        priced(sms, out, Some(Category::Service), Route::Any, RateUnit::Segment),
        priced(sms, inbound, None, Route::Any, RateUnit::Segment),
    ];
    for category in [Category::Promotional, Category::Service, Category::Otp] {
        all.push(priced(whatsapp, out, Some(category), Route::BusinessInitiated, RateUnit::Message));
    }
    all.push(priced(whatsapp, out, Some(Category::Service), Route::InWindow, RateUnit::Message));
    all.push(priced(whatsapp, inbound, None, Route::Any, RateUnit::Message));
    all.push(priced(RateItem::Number, out, None, Route::Any, RateUnit::Month));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    #[test]
    fn the_presets_side_by_side() {
        let fx = FxRate { inr_per_usd: Decimal::from(96) };
        let on = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let lines = compare(&RateCard::presets(), on, fx);
        let shown: Vec<(RateItem, Direction, Vec<Option<String>>)> = lines
            .iter()
            .map(|line| {
                let expected = |price: &Option<Spread>| price.map(|price| price.expected.to_plain());
                (line.priced.item, line.priced.direction, line.prices.iter().map(expected).collect())
            })
            .collect();
        let row = |item, direction, guide: Option<&str>, list: Option<&str>| {
            (item, direction, vec![guide.map(str::to_owned), list.map(str::to_owned)])
        };
        let (out, inbound) = (Direction::Outbound, Direction::Inbound);
        assert_eq!(
            shown,
            [
                row(RateItem::Sms, out, Some("0.80"), Some("7.9872")),
                row(RateItem::Sms, inbound, Some("0.60"), None),
                row(RateItem::Whatsapp, out, Some("0.60"), Some("1.3431")),
                row(RateItem::Whatsapp, out, Some("0.60"), Some("0.595")),
                row(RateItem::Whatsapp, out, Some("0.60"), Some("0.595")),
                row(RateItem::Whatsapp, out, Some("0.00"), Some("0.595")),
                row(RateItem::Whatsapp, inbound, None, Some("0.48")),
                row(RateItem::Number, out, Some("150.00"), Some("110.40")),
            ]
        );
    }
}
