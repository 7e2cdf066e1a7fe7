//! Prices that were read and wait for somebody's click: what they would change.

use super::{Charge, Confidence, RateCard, RateItem, RateRow, RateUnit, Route, Spread};
use crate::message::Direction;
use crate::money::{Currency, FxRate};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// New rows for a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// The card they would go into.
    pub card: String,
    /// The rows; those of the same price that are in force stay in the card's history.
    pub rows: Vec<RateRow>,
    /// Whether the simulator named them: prices that nobody will ever ask.
    #[serde(default)]
    pub simulated: bool,
}

/// One price before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The new row.
    pub row: RateRow,
    /// The price of one unit now; `None` when the card has none.
    pub before: Option<Spread>,
    /// The price of one unit with the new row.
    pub after: Spread,
}

impl Change {
    /// Whether it is another price at all.
    pub fn differs(&self) -> bool {
        self.before != Some(self.after)
    }

    /// How much dearer it becomes, in per cent of the expected price before, with one decimal.
    pub fn percent(&self) -> Option<Decimal> {
        let before = self.before?.expected.rupees();
        let more = (self.after.expected.rupees() - before).checked_div(before)?;
        Some((more * Decimal::ONE_HUNDRED).round_dp(1).normalize())
    }
}

impl Proposal {
    /// Rows from what a vendor publishes for one segment over all carriers, in dollars. `expected` is the middle one of
    /// the carriers' prices, because their shares of the traffic are not known. `None` when there is no price.
    pub fn of_segment_prices(
        card: &str,
        direction: Direction,
        mut dollars: Vec<Decimal>,
        on: NaiveDate,
        source: &str,
    ) -> Option<RateRow> {
        dollars.sort_unstable();
        let (low, high) = (*dollars.first()?, *dollars.last()?);
        let expected = dollars[dollars.len() / 2];
        let charge = Charge {
            name: "Twilio".to_owned(),
            currency: Currency::Usd,
            low,
            expected,
            high,
            free_per_month: 0,
        };
        debug_assert!(RateCard::is_key(card));
        Some(RateRow {
            item: RateItem::Sms,
            direction,
            category: None,
            route: Route::Any,
            unit: RateUnit::Segment,
            charges: vec![charge],
            valid_from: on,
            source: source.to_owned(),
            confidence: Confidence::High,
        })
    }

    /// The same prices, none of them from before a day: what was read earlier and is taken up today holds from today.
    pub fn not_before(mut self, day: NaiveDate) -> Proposal {
        self.rows.iter_mut().for_each(|row| row.valid_from = row.valid_from.max(day));
        self
    }

    /// What the rows would change on the day they begin.
    pub fn changes(&self, card: &RateCard, fx: FxRate) -> Vec<Change> {
        let change = |row: &RateRow| {
            let now = card.row(row.item, row.direction, row.category, row.route, row.valid_from).ok();
            Change { before: now.map(|now| now.unit_price(fx)), after: row.unit_price(fx), row: row.clone() }
        };
        self.rows.iter().map(change).collect()
    }

    /// The card with the rows in it. A row of the same price and day is replaced, all others are history.
    pub fn applied_to(&self, card: &RateCard) -> RateCard {
        let replaced = |old: &RateRow| {
            self.rows.iter().any(|new| new.prices_the_same(old) && new.valid_from == old.valid_from)
        };
        let mut rows: Vec<RateRow> = card.rows.iter().filter(|row| !replaced(row)).cloned().collect();
        rows.extend(self.rows.iter().cloned());
        RateCard { rows, ..card.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Category, Channel};

    const FX: FxRate = FxRate { inr_per_usd: Decimal::from_parts(96, 0, 0, false, 0) };

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn dollars(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn proposal(prices: &[&str], on: &str) -> Proposal {
        let prices = prices.iter().map(|price| dollars(price)).collect();
        let row =
            Proposal::of_segment_prices("twilio-list", Direction::Outbound, prices, day(on), "Pricing API");
        Proposal { card: "twilio-list".to_owned(), rows: row.into_iter().collect(), simulated: false }
    }

    #[test]
    fn the_middle_of_the_carriers_is_expected() {
        let proposal = proposal(&["0.1333", "0.0832", "0.1111"], "2026-11-22");
        let charge = &proposal.rows[0].charges[0];
        assert_eq!(
            (charge.low, charge.expected, charge.high),
            (dollars("0.0832"), dollars("0.1111"), dollars("0.1333"))
        );
        assert_eq!(self::proposal(&[], "2026-11-22").rows, []);
    }

    #[test]
    fn it_says_what_would_change_and_by_how_much() {
        let changes = proposal(&["0.0915"], "2026-11-22").changes(&RateCard::twilio_list(), FX);
        let shown: Vec<_> = changes
            .iter()
            .map(|change| (change.before.map(|price| price.expected.to_plain()), change.percent()))
            .collect();
        assert_eq!(shown, [(Some("7.9872".to_owned()), Some(Decimal::new(10, 0)))]);
        let same = proposal(&["0.0832"], "2026-11-22").changes(&RateCard::twilio_list(), FX);
        assert!(!same[0].differs());
    }

    #[test]
    fn what_was_read_days_ago_begins_today() {
        let proposal = proposal(&["0.10"], "2026-11-20");
        let begins = |proposal: Proposal| proposal.rows[0].valid_from;
        assert_eq!(begins(proposal.clone().not_before(day("2026-11-23"))), day("2026-11-23"));
        assert_eq!(begins(proposal.not_before(day("2026-11-01"))), day("2026-11-20"));
    }

    #[test]
    fn nothing_changes_before_its_day_and_history_stays() {
        let card = proposal(&["0.10"], "2026-12-01").applied_to(&RateCard::twilio_list());
        assert_eq!(card.rows.len(), RateCard::twilio_list().rows.len() + 1);
        let on =
            |text| card.outbound(Channel::Sms, Category::Service, day(text), FX).unwrap().expected.to_plain();
        assert_eq!((on("2026-11-30"), on("2026-12-01")), ("7.9872".to_owned(), "9.60".to_owned()));
        let again = proposal(&["0.11"], "2026-12-01").applied_to(&card);
        assert_eq!(again.rows.len(), card.rows.len());
        assert_eq!(again.validate(), Ok(()));
    }
}
