//! Whether a card makes sense.

use super::{Charge, RateCard, RateItem, RateRow, RateUnit, Route};
use crate::field_error::FieldError;
use crate::message::Direction;
use crate::money::Currency;
use chrono::Datelike as _;
use rust_decimal::Decimal;

/// A price older than this is doubtful; Meta changes prices each quarter.
pub const STALE_AFTER_DAYS: i64 = 90;

/// Rows of a card: enough for ten years of changes of everything there is to price.
const MOST_ROWS: usize = 2_000;

/// Characters of a card's key.
const MOST_KEY_CHARACTERS: usize = 40;

/// Keys tried for one name.
const MOST_ALIKE: u32 = 1_000;

/// Charges of one row.
const MOST_CHARGES: usize = 10;

/// Years in which a price may begin; any other was mistyped.
const YEARS: std::ops::Range<i32> = 2_000..2_100;

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
        if self.item == RateItem::Other {
            let message = "no card prices other charges; choose sms, whatsapp or number";
            fault("item", "invalid_item", message);
        } else if !unit_fits {
            fault(
                "unit",
                "invalid_unit",
                "sms is priced by the segment, whatsapp by the message, number by the month",
            );
        }
        // What nothing ever asks for would stand in the card as if it held.
        let outbound = self.direction == Direction::Outbound;
        if self.item == RateItem::Number && !outbound {
            fault("direction", "invalid_direction", "a number's rent is outbound");
        }
        if self.category.is_some() && (!outbound || self.item == RateItem::Number) {
            let message = "only messages out have a category; leave it out, or choose all";
            fault("category", "invalid_category", message);
        }
        if self.route != Route::Any && (!outbound || self.item != RateItem::Whatsapp) {
            fault("route", "invalid_route", "only WhatsApp messages out have a route; choose any");
        }
        if !YEARS.contains(&self.valid_from.year()) {
            fault("valid_from", "invalid_date", "a first day lies in the years 2000 to 2099");
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
        (1..=MOST_KEY_CHARACTERS).contains(&text.len())
            && text.chars().all(fits)
            && !text.starts_with('-')
            && !text.ends_with('-')
    }

    /// Refuses a name that is none.
    pub fn checked_name(name: &str) -> Result<String, &'static str> {
        let name = name.trim();
        let fits = (1..=80).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if fits { Ok(name.to_owned()) } else { Err("give the card a name of at most 80 characters") }
    }

    /// Keys made of a name, the plainest first: `Our contract` becomes `our-contract`, then `our-contract-2`.
    pub fn keys_of_name(name: &str) -> impl Iterator<Item = String> {
        let mut stem = String::new();
        for character in name.chars().flat_map(char::to_lowercase) {
            if character.is_ascii_alphanumeric() {
                stem.push(character);
            } else if !stem.is_empty() && !stem.ends_with('-') {
                stem.push('-');
            }
        }
        stem.truncate(MOST_KEY_CHARACTERS - 8);
        let stem = stem.trim_end_matches('-');
        // An address of the pages is no card.
        let plain = !stem.is_empty() && !["use", "refresh", "proposals"].contains(&stem);
        let stem =
            if plain { stem.to_owned() } else { format!("card-{stem}").trim_end_matches('-').to_owned() };
        (1..=MOST_ALIKE).map(move |n| if n == 1 { stem.clone() } else { format!("{stem}-{n}") })
    }

    /// Every value that makes no sense, not just the first.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        if !Self::is_key(&self.key) {
            let message = "small letters, digits and hyphens, at most 40, for example our-contract";
            errors.push(FieldError::new("key", "invalid_key", message));
        }
        if let Err(message) = Self::checked_name(&self.name) {
            errors.push(FieldError::new("name", "required", message));
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
    use crate::message::Category;

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
    fn a_price_that_nothing_would_ever_use_is_refused() {
        let faults = |change: fn(&mut RateRow)| {
            let mut card = RateCard::setup_guide();
            card.rows.iter_mut().for_each(change);
            let mut faults = fields(&card);
            faults.sort();
            faults
        };
        let fault = |field: &str, code| (field.to_owned(), code);
        // The card's rows: SMS out, SMS in, WhatsApp out twice, a number.
        assert_eq!(
            faults(|row| row.category = Some(Category::Otp)),
            [fault("rows[1].category", "invalid_category"), fault("rows[4].category", "invalid_category")]
        );
        assert_eq!(
            faults(|row| if row.item != RateItem::Whatsapp {
                row.route = Route::InWindow
            }),
            [
                fault("rows[0].route", "invalid_route"),
                fault("rows[1].route", "invalid_route"),
                fault("rows[4].route", "invalid_route")
            ]
        );
    }

    #[test]
    fn a_key_is_made_of_a_name_and_fits_an_address() {
        let first = |name: &str| RateCard::keys_of_name(name).next().unwrap();
        for (name, key) in [
            ("Our contract, 2026", "our-contract-2026"),
            ("हमारा", "card"),
            ("Use", "card-use"),
            ("A name that goes on and on and on, and on", "a-name-that-goes-on-and-on-and-o"),
        ] {
            assert_eq!(first(name), key, "{name}");
            assert!(RateCard::keys_of_name(name).all(|key| RateCard::is_key(&key)), "{name}");
        }
        assert_eq!(RateCard::keys_of_name("Ours").nth(1).unwrap(), "ours-2");
    }

    #[test]
    fn a_first_day_in_a_mistyped_year_is_refused() {
        for (day, fits) in [
            ("0001-01-01", false),
            ("0026-11-22", false),
            ("1999-12-31", false),
            ("2000-01-01", true),
            ("2099-12-31", true),
            ("2926-11-22", false),
            ("9999-12-31", false),
        ] {
            let mut card = RateCard::setup_guide();
            card.rows[0].valid_from = day.parse().unwrap();
            let expected = [("rows[0].valid_from".to_owned(), "invalid_date")];
            assert_eq!(fields(&card), if fits { &[][..] } else { &expected[..] }, "{day}");
        }
    }

    #[test]
    fn dollars_are_noticed() {
        assert!(RateCard::setup_guide().rows.iter().all(|row| !row.in_dollars()));
        assert!(RateCard::twilio_list().rows.iter().all(RateRow::in_dollars));
    }
}
