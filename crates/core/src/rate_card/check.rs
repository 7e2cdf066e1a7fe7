//! Whether a card makes sense, and how old it is.

use super::{Charge, RateCard, RateItem, RateRow, RateUnit};
use crate::field_error::FieldError;
use crate::message::Direction;
use crate::money::Currency;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A card whose newest price is older than this is doubtful; Meta changes prices each quarter.
pub const STALE_AFTER_DAYS: i64 = 90;

/// Rows of a card: enough for ten years of changes of everything there is to price.
const MOST_ROWS: usize = 2_000;

/// Charges of one row.
const MOST_CHARGES: usize = 10;

/// No message and no number costs as much, in either currency.
const HIGHEST_PRICE: i64 = 1_000_000;

impl RateRow {
    /// Whether dollars are in its price.
    pub fn in_dollars(&self) -> bool {
        self.charges.iter().any(|charge| charge.currency == Currency::Usd && !charge.expected.is_zero())
    }

    /// Every value that makes no sense; fields begin with `at`.
    fn faults(&self, at: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut fault = |field: &str, code, message: &str| {
            errors.push(FieldError::new(&format!("{at}.{field}"), code, message));
        };
        let unit_fits = match self.item {
            RateItem::Sms => self.unit == RateUnit::Segment,
            RateItem::Whatsapp => self.unit == RateUnit::Message,
            RateItem::Number => self.unit == RateUnit::Month,
            RateItem::Other => false,
        };
        if !unit_fits {
            fault(
                "unit",
                "invalid_unit",
                "sms is priced by the segment, whatsapp by the message, number by the month",
            );
        }
        if self.item == RateItem::Number && (self.direction == Direction::Inbound || self.category.is_some())
        {
            fault("direction", "invalid_direction", "a number's rent is outbound and has no category");
        }
        if self.source.trim().is_empty() || self.source.chars().count() > 300 {
            fault("source", "required", "say where the price was read, in at most 300 characters");
        }
        if self.charges.is_empty() || self.charges.len() > MOST_CHARGES {
            fault("charges", "required", "between one and ten charges; a free message has one of 0");
        }
        for (index, charge) in self.charges.iter().enumerate() {
            if let Some(message) = charge.fault() {
                fault(&format!("charges[{index}]"), "invalid_price", message);
            }
        }
        errors
    }
}

impl Charge {
    fn fault(&self) -> Option<&'static str> {
        let amounts = [self.low, self.expected, self.high];
        let range = Decimal::ZERO..=Decimal::from(HIGHEST_PRICE);
        if self.name.trim().is_empty() || self.name.chars().count() > 60 {
            Some("say who charges it, in at most 60 characters")
        } else if !amounts.iter().all(|amount| range.contains(amount)) {
            Some("a price is not negative and at most 1000000")
        } else if amounts.iter().any(|amount| amount.normalize().scale() > 8) {
            Some("a price has at most eight decimals")
        } else if self.low > self.expected || self.expected > self.high {
            Some("low, expected and high must ascend")
        } else {
            None
        }
    }
}

impl RateCard {
    /// Whether a text can be a card's key.
    pub fn is_key(text: &str) -> bool {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        (1..=40).contains(&text.len())
            && text.chars().all(fits)
            && !text.starts_with('-')
            && !text.ends_with('-')
    }

    /// Every value that makes no sense, not just the first.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        if !Self::is_key(&self.key) {
            let message = "small letters, digits and hyphens, at most 40, for example our-contract";
            errors.push(FieldError::new("key", "invalid_key", message));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 80 {
            errors.push(FieldError::new("name", "required", "a name of at most 80 characters"));
        }
        if self.rows.len() > MOST_ROWS {
            errors.push(FieldError::new("rows", "out_of_range", format!("at most {MOST_ROWS} rows")));
            return Err(errors);
        }
        for (index, row) in self.rows.iter().enumerate() {
            errors.extend(row.faults(&format!("rows[{index}]")));
            if self.rows[..index].iter().any(|other| other.prices_the_same_from_the_same_day(row)) {
                let message = "another row prices the same from the same day; keep one of them";
                errors.push(FieldError::new(&format!("rows[{index}]"), "repeated", message));
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Days since its newest price in force began, when that is too long.
    pub fn stale_for(&self, today: NaiveDate) -> Option<i64> {
        let age = (today - self.dated(today)?).num_days();
        (age > STALE_AFTER_DAYS).then_some(age)
    }
}

impl RateRow {
    /// Whether two rows are about the same price, whatever it is.
    pub(super) fn prices_the_same(&self, other: &RateRow) -> bool {
        (self.item, self.direction, self.category, self.route)
            == (other.item, other.direction, other.category, other.route)
    }

    fn prices_the_same_from_the_same_day(&self, other: &RateRow) -> bool {
        self.prices_the_same(other) && self.valid_from == other.valid_from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(card: &RateCard) -> Vec<(String, &'static str)> {
        let errors = card.validate().err().unwrap_or_default();
        errors.into_iter().map(|error| (error.field, error.code)).collect()
    }

    #[test]
    fn the_presets_make_sense() {
        for card in RateCard::presets() {
            assert_eq!(fields(&card), [], "{}", card.key);
        }
    }

    #[test]
    fn every_fault_is_named_with_its_row() {
        let mut card = RateCard::setup_guide();
        card.key = "Our Card".to_owned();
        card.rows[0].unit = RateUnit::Message;
        card.rows[1].charges[0].low = Decimal::from(2);
        card.rows[2].source.clear();
        card.rows.push(card.rows[3].clone());
        let expected = [
            ("key", "invalid_key"),
            ("rows[0].unit", "invalid_unit"),
            ("rows[1].charges[0]", "invalid_price"),
            ("rows[2].source", "required"),
            ("rows[5]", "repeated"),
        ];
        assert_eq!(fields(&card), expected.map(|(field, code)| (field.to_owned(), code)));
    }

    #[test]
    fn a_card_is_stale_after_ninety_days() {
        let card = RateCard::setup_guide();
        let day = |text: &str| text.parse().unwrap();
        assert_eq!(card.stale_for(day("2026-04-01")), None);
        assert_eq!(card.stale_for(day("2026-04-02")), Some(91));
        assert_eq!(card.stale_for(day("2025-01-01")), None);
    }

    #[test]
    fn dollars_are_noticed() {
        assert!(RateCard::setup_guide().rows.iter().all(|row| !row.in_dollars()));
        assert!(RateCard::twilio_list().rows.iter().all(RateRow::in_dollars));
    }
}
