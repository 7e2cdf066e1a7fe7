//! GST, always its own line.

use crate::money::Money;
use crate::time::Month;
use crate::worded_enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

worded_enum! {
    /// Who accounts for GST.
    GstMode {
        /// The vendor adds it to its invoice.
        VendorCharged = "vendor_charged",
        /// The customer assesses it itself.
        ReverseCharge = "reverse_charge",
        /// None applies.
        None = "none",
    }
}

/// How GST is reckoned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gst {
    /// Who accounts for it.
    pub mode: GstMode,
    /// Per cent, for instance 18.
    #[serde(with = "crate::decimal")]
    pub rate: Decimal,
}

impl Gst {
    /// The tax on an amount, unrounded. Zero when none applies.
    pub fn on(&self, amount: Money) -> Money {
        match self.mode {
            GstMode::None => Money::ZERO,
            GstMode::VendorCharged | GstMode::ReverseCharge => amount * self.rate * Decimal::new(1, 2),
        }
    }
}

/// GST month by month: what is set now holds from its month on, and months before keep what held in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GstHistory {
    /// What held in the months before one, the earliest first.
    past: Vec<(Month, Gst)>,
    now: Gst,
}

impl GstHistory {
    /// What held in the months before some, in any order, and what holds from the last of them on.
    pub fn new(mut past: Vec<(Month, Gst)>, now: Gst) -> Self {
        past.sort_by_key(|(before, _)| *before);
        Self { past, now }
    }

    /// How GST is reckoned in a month.
    pub fn on(&self, month: Month) -> Gst {
        self.past.iter().find(|(before, _)| month < *before).map_or(self.now, |(_, gst)| *gst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_holds_from_its_month_on_and_the_past_keeps_what_held_in_it() {
        let at = |rate: i64| Gst { mode: GstMode::VendorCharged, rate: Decimal::from(rate) };
        let month = |text| Month::parse(text).unwrap();
        let history = GstHistory::new(vec![(month("2026-11"), at(18)), (month("2026-04"), at(12))], at(5));
        for (text, rate) in
            [("2020-01", 12), ("2026-03", 12), ("2026-04", 18), ("2026-10", 18), ("2026-11", 5)]
        {
            assert_eq!(history.on(month(text)), at(rate), "{text}");
        }
        assert_eq!(GstHistory::new(Vec::new(), at(5)).on(month("2020-01")), at(5));
    }

    #[test]
    fn tax_is_reckoned_unless_there_is_none() {
        let hundred = Money::new(Decimal::from(100));
        for (mode, rate, tax) in [
            (GstMode::VendorCharged, "18", "18.00"),
            (GstMode::ReverseCharge, "18", "18.00"),
            (GstMode::VendorCharged, "0", "0.00"),
            (GstMode::VendorCharged, "0.25", "0.25"),
            (GstMode::None, "18", "0.00"),
        ] {
            let gst = Gst { mode, rate: Decimal::from_str_exact(rate).unwrap() };
            assert_eq!(gst.on(hundred).to_plain(), tax, "{mode} at {rate} %");
        }
    }

    #[test]
    fn tax_is_not_rounded_before_the_sum_is() {
        let gst = Gst { mode: GstMode::VendorCharged, rate: Decimal::from(18) };
        assert_eq!(gst.on(Money::from_micros(800_000)).to_plain(), "0.144");
    }
}
