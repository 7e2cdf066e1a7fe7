//! Numbers that arrive as numbers or as strings, and may be null.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(serde_json::Number),
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl Scalar {
    fn text(self) -> Option<String> {
        match self {
            Scalar::Number(number) => Some(number.to_string()),
            Scalar::Text(text) => Some(text),
            Scalar::Other(_) => None,
        }
    }
}

/// An exact decimal, from `-0.0075`, `"-0.0075"` or `1e-3`. `None` for null and for what is no number.
pub(crate) fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
    let text = Scalar::deserialize(deserializer)?.text();
    Ok(text.and_then(|text| Decimal::from_str_exact(&text).or_else(|_| Decimal::from_scientific(&text)).ok()))
}

/// A whole number, from `30005` or `"30005"`. `None` for null and for what is no number.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    Ok(Scalar::deserialize(deserializer)?.text().and_then(|text| text.parse().ok()))
}

/// Text, also of a number. `None` for null and for anything else.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Scalar::deserialize(deserializer)?.text())
}
