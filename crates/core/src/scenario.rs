//! A plain month, priced: so many requests, so many texts each, so many numbers.

use crate::field_error::FieldError;
use crate::message::{Category, Channel};
use crate::money::{FxRate, Money};
use crate::rate_card::{NoRate, RateCard, RateUnit};
use crate::tax::Gst;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a month looks like. Texts are taken to be one segment long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Requests for help a month.
    pub requests_per_month: u64,
    /// Texts sent about each.
    pub sms_per_request: u64,
    /// Numbers rented.
    pub phone_numbers: u64,
}

/// One line of the result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioLine {
    /// What is paid for.
    pub name: &'static str,
    /// How many of it.
    pub quantity: u64,
    /// Of what.
    pub unit: RateUnit,
    /// Expected price of one.
    pub rate: Money,
    /// Expected price of all, before tax.
    pub amount: Money,
}

/// What a month costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioCost {
    /// Line by line.
    pub lines: Vec<ScenarioLine>,
    /// The lines' sum, before tax.
    pub total: Money,
    /// On the total.
    pub gst: Money,
}

impl Scenario {
    /// Refuses numbers that no business reaches, so that every sum stays exact.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let too_large = |(field, value, most): (&str, u64, u64)| {
            (value > most).then(|| {
                FieldError::new(
                    field,
                    "out_of_range",
                    format!("{field} is {value}; it may be at most {most}"),
                )
            })
        };
        let errors: Vec<FieldError> = [
            ("requests_per_month", self.requests_per_month, 1_000_000_000),
            ("sms_per_request", self.sms_per_request, 1_000),
            ("phone_numbers", self.phone_numbers, 1_000_000),
        ]
        .into_iter()
        .filter_map(too_large)
        .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Prices the month with the rows in force on a day.
    pub fn evaluate(
        &self,
        card: &RateCard,
        on: NaiveDate,
        fx: FxRate,
        gst: Gst,
    ) -> Result<ScenarioCost, NoRate> {
        let segment = card.outbound(Channel::Sms, Category::Service, on, fx)?.expected;
        let rent = card.number_rent(on, fx)?.expected;
        let texts = self.requests_per_month.saturating_mul(self.sms_per_request);
        let lines = vec![
            line("Outbound SMS", texts, RateUnit::Segment, segment),
            line("Phone numbers", self.phone_numbers, RateUnit::Month, rent),
        ];
        let total = lines.iter().map(|line| line.amount).sum();
        Ok(ScenarioCost { lines, total, gst: gst.on(total) })
    }
}

fn line(name: &'static str, quantity: u64, unit: RateUnit, rate: Money) -> ScenarioLine {
    ScenarioLine { name, quantity, unit, rate, amount: rate * quantity }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tax::GstMode;
    use rust_decimal::Decimal;

    const PLAIN: Scenario = Scenario { requests_per_month: 1_000, sms_per_request: 3, phone_numbers: 1 };

    fn evaluate(card: &RateCard) -> ScenarioCost {
        let fx = FxRate { inr_per_usd: Decimal::from(96) };
        let gst = Gst { mode: GstMode::VendorCharged, rate: Decimal::from(18) };
        PLAIN.evaluate(card, NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(), fx, gst).unwrap()
    }

    #[test]
    fn the_plain_month_costs_2550_by_the_setup_guide() {
        let cost = evaluate(&RateCard::setup_guide());
        let amounts: Vec<String> = cost.lines.iter().map(|line| line.amount.to_string()).collect();
        assert_eq!(amounts, ["2,400.00", "150.00"]);
        assert_eq!((cost.total.to_plain(), cost.gst.to_plain()), ("2550.00".to_owned(), "459.00".to_owned()));
    }

    #[test]
    fn the_plain_month_costs_24072_by_twilios_list() {
        let cost = evaluate(&RateCard::twilio_list());
        assert_eq!(
            (cost.total.to_plain(), cost.gst.to_plain()),
            ("24072.00".to_owned(), "4332.96".to_owned())
        );
    }

    #[test]
    fn a_month_no_business_has_is_refused_and_the_largest_one_is_priced() {
        let largest =
            Scenario { requests_per_month: 1_000_000_000, sms_per_request: 1_000, phone_numbers: 1_000_000 };
        assert_eq!(largest.validate(), Ok(()));
        let beyond =
            Scenario { requests_per_month: u64::MAX, sms_per_request: 1_001, phone_numbers: 1_000_001 };
        let fields: Vec<String> =
            beyond.validate().unwrap_err().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["requests_per_month", "sms_per_request", "phone_numbers"]);
    }
}
