//! Decimals as they travel in JSON: strings, so that no program on the way turns them into floats.

use crate::money::commas_are_placed_well;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// Text that is not a plain decimal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// No digits, or something beside them.
    #[error("\"{0}\" is not a decimal; write digits with a point, for example 96.50")]
    NotPlain(String),
    /// Finer than anything is priced.
    #[error("\"{0}\" has too many decimals; write at most {MOST_DECIMALS}")]
    TooFine(String),
}

/// Places behind the point.
const MOST_DECIMALS: usize = 8;

/// Reads digits with an optional point and sign; no exponent, no grouping, at most eight decimals.
pub fn parse(text: &str) -> Result<Decimal, DecimalError> {
    let shown = || text.chars().take(40).collect();
    let fault = || DecimalError::NotPlain(shown());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    };
    if !digits(whole, 15) || !digits(fraction, usize::MAX) {
        return Err(fault());
    }
    if fraction.len() > MOST_DECIMALS {
        return Err(DecimalError::TooFine(shown()));
    }
    Decimal::from_str_exact(text).map_err(|_| fault())
}

/// What people write beside rupees.
pub const RUPEES: &[&str] = &["₹", "Rs.", "Rs", "INR"];

/// What people write beside dollars.
pub const DOLLARS: &[&str] = &["US$", "$", "USD"];

/// What people write beside a share.
pub const PER_CENT: &[&str] = &["%"];

/// Reads what a person types into a field: as [`parse`], with commas between groups and one of the field's own signs
/// before or after.
pub fn typed(text: &str, signs: &[&str]) -> Result<Decimal, DecimalError> {
    let text = text.trim();
    let without = |sign: &&str| text.strip_prefix(*sign).or_else(|| text.strip_suffix(*sign));
    let bare = signs.iter().find_map(without).unwrap_or(text).trim();
    if bare.contains(',') && commas_are_placed_well(bare) {
        parse(&bare.replace(',', ""))
    } else {
        parse(bare)
    }
}

/// Writes a decimal as it is: `18`, `0.8631`.
pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads a decimal from a string.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Decimals written with at least two decimals: `96.00`.
pub mod two_places {
    pub use super::deserialize;
    use super::{Decimal, Serializer};

    /// Writes at least two decimals.
    pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = value.normalize();
        if shown.scale() < 2 {
            shown.rescale(2);
        }
        serializer.collect_str(&shown)
    }
}

/// A decimal that may be left out.
pub mod optional {
    use super::{Decimal, Deserialize, Deserializer, parse};
    use serde::de::Error as _;

    /// Reads a decimal from a string, or nothing.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| parse(&text).map_err(D::Error::custom)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_read_with_its_own_signs_only() {
        for (text, signs, value) in [
            ("₹0.80", RUPEES, Some("0.80")),
            (" ₹ 1,250.5 ", RUPEES, Some("1250.5")),
            ("Rs. 96", RUPEES, Some("96")),
            ("US$0.0832", DOLLARS, Some("0.0832")),
            ("0.0832 USD", DOLLARS, Some("0.0832")),
            ("18 %", PER_CENT, Some("18")),
            ("18", PER_CENT, Some("18")),
            ("$0.08", RUPEES, None),
            ("₹8", DOLLARS, None),
            ("96,5", RUPEES, None),
            ("₹", RUPEES, None),
            ("", RUPEES, None),
        ] {
            assert_eq!(typed(text, signs).ok(), value.map(|value| value.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn too_many_decimals_are_named_as_such() {
        let said = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(said("0.1234567890123"), "\"0.1234567890123\" has too many decimals; write at most 8");
        assert_eq!(said("0.12x"), "\"0.12x\" is not a decimal; write digits with a point, for example 96.50");
    }

    #[test]
    fn only_plain_decimals_are_read() {
        for (text, value) in
            [("96.00", Decimal::new(9600, 2)), ("18", Decimal::from(18)), ("-0.5", Decimal::new(-5, 1))]
        {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
        for text in [
            "",
            "1e3",
            "1_000",
            "+5",
            ".5",
            "5.",
            "NaN",
            "1,000",
            " 5",
            "1.123456789",
            "1234567890123456",
            "−5",
            "٣",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
