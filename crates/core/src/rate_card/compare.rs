//! Cards side by side: what each asks for the same thing on the same day.

use super::{Priced, RateCard, RateItem, RateUnit, Route, Spread};
use crate::message::{Category, Direction};
use crate::money::FxRate;
use chrono::NaiveDate;

/// One thing, and what each card asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What.
    pub priced: Priced,
    /// Whether some categories have lines of their own, and this one is for the others.
    pub others: bool,
    /// The price of one unit by each card, in their order; `None` where a card has none.
    pub prices: Vec<Option<Spread>>,
}

/// Compares cards on a day, with a line for each category that any of them prices apart. What none of them prices is
/// left out.
pub fn compare(cards: &[RateCard], on: NaiveDate, fx: FxRate) -> Vec<Comparison> {
    let price =
        |card: &RateCard, priced: &Priced| card.row_for(priced, on).ok().map(|row| row.unit_price(fx));
    let line = |(priced, others): (Priced, bool)| Comparison {
        prices: cards.iter().map(|card| price(card, &priced)).collect(),
        priced,
        others,
    };
    let lines = kinds().into_iter().flat_map(|kind| by_category(cards, kind, on)).map(line);
    lines.filter(|line| line.prices.iter().any(Option::is_some)).collect()
}

/// Everything that is ever paid for, whatever its category, in the order in which people ask.
fn kinds() -> [Priced; 6] {
    let kind = |item, direction, route, unit| Priced { item, direction, category: None, route, unit };
    let (sms, whatsapp) = (RateItem::Sms, RateItem::Whatsapp);
    let (out, inbound) = (Direction::Outbound, Direction::Inbound);
    [
        kind(sms, out, Route::Any, RateUnit::Segment),
        kind(sms, inbound, Route::Any, RateUnit::Segment),
        kind(whatsapp, out, Route::BusinessInitiated, RateUnit::Message),
        kind(whatsapp, out, Route::InWindow, RateUnit::Message),
        kind(whatsapp, inbound, Route::Any, RateUnit::Message),
        kind(RateItem::Number, out, Route::Any, RateUnit::Month),
    ]
}

/// The lines of one kind: one for each category that a card has a row of its own for, and one for the rest of them.
fn by_category(cards: &[RateCard], kind: Priced, on: NaiveDate) -> Vec<(Priced, bool)> {
    let of = |category: Category| Priced { category: Some(category), ..kind };
    let is_apart =
        |card: &RateCard, category| card.row_for(&of(category), on).is_ok_and(|row| row.category.is_some());
    let apart: Vec<Category> = Category::ALL
        .iter()
        .copied()
        .filter(|category| cards.iter().any(|card| is_apart(card, *category)))
        .collect();
    let rest = (apart.len() < Category::ALL.len()).then_some((kind, !apart.is_empty()));
    apart.into_iter().map(|category| (of(category), false)).chain(rest).collect()
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
        let free = || row(RateItem::Whatsapp, out, Some("0.00"), Some("0.595"));
        let mut promotional_answers = free();
        promotional_answers.2[1] = Some("1.3431".to_owned());
        assert_eq!(
            shown,
            [
                row(RateItem::Sms, out, Some("0.80"), Some("7.9872")),
                row(RateItem::Sms, inbound, Some("0.60"), None),
                row(RateItem::Whatsapp, out, Some("0.60"), Some("0.595")),
                row(RateItem::Whatsapp, out, Some("0.60"), Some("0.595")),
                row(RateItem::Whatsapp, out, Some("0.60"), Some("0.595")),
                row(RateItem::Whatsapp, out, Some("0.60"), Some("1.3431")),
                free(),
                free(),
                free(),
                promotional_answers,
                row(RateItem::Whatsapp, inbound, None, Some("0.48")),
                row(RateItem::Number, out, Some("150.00"), Some("110.40")),
            ]
        );
    }

    #[test]
    fn a_category_that_one_card_prices_apart_has_a_line_of_its_own() {
        let fx = FxRate { inr_per_usd: Decimal::from(96) };
        let on = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let guide = RateCard::setup_guide();
        let mut ours = guide.clone();
        let mut row = guide.rows[0].clone();
        row.category = Some(Category::Otp);
        row.charges[0].expected = Decimal::new(70, 2);
        ours.rows.push(row);
        let lines: Vec<_> = compare(&[guide, ours], on, fx)
            .into_iter()
            .filter(|line| line.priced.item == RateItem::Sms && line.priced.direction == Direction::Outbound)
            .map(|line| {
                let prices: Vec<_> =
                    line.prices.iter().map(|price| price.unwrap().expected.to_plain()).collect();
                (line.priced.category, line.others, prices.join(" "))
            })
            .collect();
        let line = |category, others, prices: &str| (category, others, prices.to_owned());
        assert_eq!(lines, [line(Some(Category::Otp), false, "0.80 0.70"), line(None, true, "0.80 0.80")]);
    }
}
