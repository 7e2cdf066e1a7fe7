//! What one send will cost: exact in segments, honest in price.

use crate::encoding::Segments;
use crate::message::SuppressedReason;
use crate::money::Money;
use crate::rate_card::Spread;
use crate::tax::Gst;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The result of an estimate. Segments, histogram and cost cover the sendable recipients only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Everyone in the audience.
    pub recipients: u64,
    /// Those a message would go to.
    pub sendable: u64,
    /// Those it would not, and why.
    pub suppressed: BTreeMap<SuppressedReason, u64>,
    /// Billed parts in all.
    pub segments: u64,
    /// How many people get how many segments.
    pub histogram: BTreeMap<u32, u64>,
    /// Before tax.
    pub cost: Spread,
    /// On the expected cost.
    pub gst: Money,
}

/// Adds recipients up, one at a time; memory does not grow with their number.
#[derive(Clone, Debug)]
pub struct Estimator {
    unit_price: Spread,
    allowances: Vec<(Money, u64)>,
    gst: Gst,
    estimate: Estimate,
}

impl Estimator {
    /// Starts at nothing, with the price of one unit (segment of SMS, message of WhatsApp).
    pub fn new(unit_price: Spread, gst: Gst) -> Self {
        Self { unit_price, allowances: Vec::new(), gst, estimate: Estimate::default() }
    }

    /// Takes free allowances off the low price: nobody knows how much of them is left when the messages go out. The
    /// expected and the high price reckon with none.
    pub fn with_allowances(self, allowances: Vec<(Money, u64)>) -> Self {
        Self { allowances, ..self }
    }

    /// Counts a recipient that gets a text of `segments`; a WhatsApp message counts as one.
    pub fn send(&mut self, segments: Segments) {
        self.estimate.recipients += 1;
        self.estimate.sendable += 1;
        self.estimate.segments += u64::from(segments.0);
        *self.estimate.histogram.entry(segments.0).or_default() += 1;
    }

    /// Counts a recipient that gets nothing.
    pub fn suppress(&mut self, reason: SuppressedReason) {
        self.estimate.recipients += 1;
        *self.estimate.suppressed.entry(reason).or_default() += 1;
    }

    /// The sum: exact, for every segment costs the same.
    pub fn finish(self) -> Estimate {
        let mut cost = self.unit_price * self.estimate.segments;
        for (price, free) in self.allowances {
            cost.low -= price * free.min(self.estimate.segments);
        }
        Estimate { cost, gst: self.gst.on(cost.expected), ..self.estimate }
    }
}

impl Estimate {
    /// The cost and its tax.
    pub fn cost_range(&self) -> CostRange {
        CostRange { low: self.cost.low, expected: self.cost.expected, high: self.cost.high, gst: self.gst }
    }
}

/// A cost with its tax beside it, not in it. Exact; amounts are rounded where they are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostRange {
    /// If all goes well, before tax.
    pub low: Money,
    /// What to plan with, before tax.
    pub expected: Money,
    /// If all goes badly, before tax.
    pub high: Money,
    /// On the expected cost.
    pub gst: Money,
}

impl CostRange {
    /// Expected cost with tax, rounded once, to the paisa.
    pub fn payable(&self) -> Money {
        (self.expected + self.gst).rounded_to_paise()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tax::GstMode;
    use rust_decimal::Decimal;

    fn rupees(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn estimator(expected: &str) -> Estimator {
        let unit_price = Spread { low: rupees("0.60"), expected: rupees(expected), high: rupees("1.20") };
        Estimator::new(unit_price, Gst { mode: GstMode::VendorCharged, rate: Decimal::from(18) })
    }

    #[test]
    fn a_thousand_texts_at_81_paise_and_a_quarter_are_rounded_once() {
        let mut estimator = estimator("0.8125");
        (0..1_000).for_each(|_| estimator.send(Segments(1)));
        let cost = estimator.finish().cost_range();
        assert_eq!(
            (cost.expected, cost.gst, cost.payable()),
            (rupees("812.5"), rupees("146.25"), rupees("958.75"))
        );
        assert_eq!((cost.low, cost.high), (rupees("600"), rupees("1200")));
    }

    #[test]
    fn everybody_is_counted_and_only_the_sendable_are_priced() {
        let mut estimator = estimator("0.80");
        for segments in [1, 1, 2, 1, 3] {
            estimator.send(Segments(segments));
        }
        estimator.suppress(SuppressedReason::OptedOut);
        estimator.suppress(SuppressedReason::OptedOut);
        estimator.suppress(SuppressedReason::MissingVariable);
        let estimate = estimator.finish();
        assert_eq!((estimate.recipients, estimate.sendable, estimate.segments), (8, 5, 8));
        assert_eq!(estimate.histogram, BTreeMap::from([(1, 3), (2, 1), (3, 1)]));
        let suppressed = [(SuppressedReason::OptedOut, 2), (SuppressedReason::MissingVariable, 1)];
        assert_eq!(estimate.suppressed, BTreeMap::from(suppressed));
        assert_eq!(estimate.cost.expected, rupees("6.40"));
        assert_eq!(estimate.gst, rupees("1.152"));
    }

    #[test]
    fn what_may_be_free_makes_the_low_price_lower_and_no_other() {
        let with = |allowances: &[(&str, u64)]| {
            let allowances = allowances.iter().map(|(price, free)| (rupees(price), *free)).collect();
            let mut estimator = estimator("0.80").with_allowances(allowances);
            (0..1_500).for_each(|_| estimator.send(Segments(1)));
            estimator.finish().cost
        };
        let whole = with(&[]);
        assert_eq!((whole.low, whole.expected, whole.high), (rupees("900"), rupees("1200"), rupees("1800")));
        assert_eq!(with(&[("0.115", 1_000)]), Spread { low: rupees("785"), ..whole });
        assert_eq!(with(&[("0.60", 9_999)]), Spread { low: Money::ZERO, ..whole });
    }

    #[test]
    fn nobody_costs_nothing() {
        assert_eq!(estimator("0.80").finish(), Estimate::default());
    }
}
