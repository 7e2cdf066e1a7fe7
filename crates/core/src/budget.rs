//! How much may be spent in a month, and what is left of it. Before tax, as all costs are.

use crate::field_error::FieldError;
use crate::money::Money;
use crate::time::Month;
use crate::worded_enum;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde::{Deserialize, Serialize};

/// At which shares of a budget somebody is warned, unless the owner says otherwise.
pub const WARN_AT: [u32; 3] = [50, 80, 100];

/// More warnings than anybody would read.
pub const MOST_WARNINGS: usize = 10;

/// Per cent of a budget beyond which no warning makes sense.
pub const HIGHEST_WARNING: u32 = 1_000;

/// What may be spent in one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Which month, in the business's zone.
    pub month: Month,
    /// How much, before tax.
    pub amount: Money,
    /// Whether sending stops when it is used up; OTPs go on.
    pub stop: bool,
    /// Per cent of the amount at which somebody is warned; ascending.
    pub warn_at: Vec<u32>,
}

/// Where a month stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Charged by Twilio, and what was sent and is not charged yet, at its estimate.
    pub spent: Money,
    /// Set aside for campaigns that were approved, as far as it is not sent.
    pub reserved: Money,
}

worded_enum! {
    /// What a warning is about.
    WarningBasis {
        /// What was spent.
        Actual = "actual",
        /// What the month is expected to cost.
        Forecast = "forecast",
    }
}

/// A share of a budget that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Warning {
    /// By what.
    pub basis: WarningBasis,
    /// Per cent of the budget.
    pub percent: u32,
}

impl Standing {
    /// Spent and set aside.
    pub fn committed(self) -> Money {
        self.spent + self.reserved
    }

    /// In paise, for pages: what is spent is rounded once, and so is the sum of both; what is set aside is the rest.
    pub fn shown(self) -> Standing {
        let spent = self.spent.rounded_to_paise();
        Standing { spent, reserved: self.committed().rounded_to_paise() - spent }
    }
}

impl Budget {
    /// What is neither spent nor set aside; negative when the budget was lowered below it.
    pub fn left(&self, standing: Standing) -> Money {
        self.amount - standing.committed()
    }

    /// What a message may cost for which a reservation was made: the reservations of others are not its concern.
    pub fn left_for_reserved(&self, standing: Standing) -> Money {
        self.amount - standing.spent
    }

    /// Whether a campaign of this cost may be approved. A budget that does not stop only warns.
    pub fn admits(&self, standing: Standing, cost: Money) -> bool {
        !self.stop || cost <= self.left(standing)
    }

    /// An amount in per cent of the budget, rounded down, so that it never says more than is true. `None`: of a budget of
    /// nothing there are no shares.
    pub fn percent(&self, amount: Money) -> Option<u64> {
        let share = (amount.rupees() * Decimal::ONE_HUNDRED).checked_div(self.amount.rupees())?;
        share.max(Decimal::ZERO).floor().to_u64()
    }

    /// Every share that spending or the forecast for the whole month has reached, in the order of the shares.
    pub fn warnings(&self, spent: Money, forecast: Money) -> Vec<Warning> {
        let reached = |basis, amount: Money| {
            self.warn_at
                .iter()
                .filter(move |percent| amount * 100_u64 >= self.amount * u64::from(**percent))
                .map(move |percent| Warning { basis, percent: *percent })
        };
        if self.amount.is_zero() && spent.is_zero() && forecast.is_zero() {
            return Vec::new();
        }
        reached(WarningBasis::Actual, spent).chain(reached(WarningBasis::Forecast, forecast)).collect()
    }

    /// Every value that makes no sense; sorts the warnings.
    pub fn checked(mut self) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        if self.amount < Money::ZERO {
            errors.push(FieldError::new("amount", "out_of_range", "a budget cannot be negative"));
        }
        if self.amount != self.amount.rounded_to_paise() {
            let told =
                format!("{} has a fraction of a paisa; write at most two decimals", self.amount.to_plain());
            errors.push(FieldError::new("amount", "invalid_request", told));
        }
        self.warn_at.sort_unstable();
        self.warn_at.dedup();
        if self.warn_at.len() > MOST_WARNINGS {
            errors.push(FieldError::new(
                "warn_at",
                "out_of_range",
                format!("at most {MOST_WARNINGS} warnings"),
            ));
        }
        if self.warn_at.iter().any(|percent| !(1..=HIGHEST_WARNING).contains(percent)) {
            let range = format!("per cent of the budget, each between 1 and {HIGHEST_WARNING}");
            errors.push(FieldError::new("warn_at", "out_of_range", range));
        }
        if errors.is_empty() { Ok(self) } else { Err(errors) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rupees(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn budget(amount: &str, stop: bool) -> Budget {
        Budget {
            month: Month::parse("2026-11").unwrap(),
            amount: rupees(amount),
            stop,
            warn_at: WARN_AT.to_vec(),
        }
    }

    fn standing(spent: &str, reserved: &str) -> Standing {
        Standing { spent: rupees(spent), reserved: rupees(reserved) }
    }

    #[test]
    fn what_is_set_aside_is_not_left_for_others() {
        let (budget, standing) = (budget("1000", true), standing("300", "600.40"));
        assert_eq!(budget.left(standing), rupees("99.60"));
        assert_eq!(budget.left_for_reserved(standing), rupees("700"));
        assert!(budget.admits(standing, rupees("99.60")));
        assert!(!budget.admits(standing, rupees("99.600001")));
    }

    #[test]
    fn a_budget_is_in_paise() {
        assert!(budget("1.23", true).checked().is_ok());
        let errors = budget("1.234", true).checked().unwrap_err();
        let told = "1.234 has a fraction of a paisa; write at most two decimals";
        assert_eq!(
            errors.iter().map(|error| (error.field.as_str(), error.message.as_str())).collect::<Vec<_>>(),
            [("amount", told)]
        );
    }

    #[test]
    fn a_budget_that_does_not_stop_only_warns() {
        assert!(budget("1000", false).admits(standing("5000", "0"), rupees("1")));
    }

    #[test]
    fn warnings_come_when_a_share_is_reached_not_a_paisa_before() {
        let reached = |spent, forecast| {
            let warnings = budget("1000", false).warnings(rupees(spent), rupees(forecast));
            warnings.iter().map(|warning| (warning.basis.as_str(), warning.percent)).collect::<Vec<_>>()
        };
        assert_eq!(reached("499.99", "499.99"), []);
        assert_eq!(reached("500", "799.99"), [("actual", 50), ("forecast", 50)]);
        assert_eq!(
            reached("800", "1000"),
            [("actual", 50), ("actual", 80), ("forecast", 50), ("forecast", 80), ("forecast", 100)]
        );
        assert_eq!(budget("0", true).warnings(Money::ZERO, Money::ZERO), []);
    }

    #[test]
    fn a_share_is_what_it_is_rounded_down() {
        let percent = |amount, of| budget(of, true).percent(rupees(amount));
        assert_eq!(percent("222", "225"), Some(98));
        assert_eq!(percent("224.999999", "225"), Some(99));
        assert_eq!(percent("5962.92", "3000"), Some(198));
        assert_eq!((percent("0", "225"), percent("-1", "225"), percent("1", "0")), (Some(0), Some(0), None));
    }

    #[test]
    fn what_is_shown_of_a_month_adds_up() {
        let shown = standing("0.005", "0.005").shown();
        assert_eq!(
            (shown.spent, shown.reserved, shown.committed()),
            (rupees("0.01"), rupees("0"), rupees("0.01"))
        );
        assert_eq!(standing("183.25", "0").shown(), standing("183.25", "0"));
    }

    #[test]
    fn a_budget_that_makes_no_sense_is_refused_whole() {
        let wrong = Budget { warn_at: vec![0, 50], amount: rupees("-1"), ..budget("1", true) };
        let fields: Vec<String> = wrong.checked().unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["amount", "warn_at"]);
        let mixed = Budget { warn_at: vec![100, 50, 50], ..budget("1", true) };
        assert_eq!(mixed.checked().unwrap().warn_at, [50, 100]);
    }
}
