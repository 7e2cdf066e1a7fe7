//! GST, always its own line.

use crate::money::Money;
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

#[cfg(test)]
mod tests {
    use super::*;

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
