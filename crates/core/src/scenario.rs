//! A plain month, priced: so many requests, so many messages each, on which channel, and what they cost on a card.

mod pricing;
mod text;

pub use pricing::{ScenarioCost, ScenarioLine};
pub use text::segments_per_text;

use crate::field_error::FieldError;
use crate::fx_rate;
use crate::money::group_indian;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What a month looks like. Only the first three have to be said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Requests for help a month.
    pub requests_per_month: u64,
    /// Messages sent about each.
    pub sms_per_request: u64,
    /// Numbers rented.
    pub phone_numbers: u64,
    /// Of the messages, how many per cent go by WhatsApp.
    #[serde(default)]
    pub whatsapp_percent: u32,
    /// Of the WhatsApp messages, how many per cent answer a person who wrote within 24 hours.
    #[serde(default)]
    pub in_window_percent: u32,
    /// Amounts are written with `₹`, not with `Rs.`.
    #[serde(default)]
    pub rupee_sign: bool,
    /// Text messages that people send, in segments.
    #[serde(default)]
    pub inbound_sms: u64,
    /// WhatsApp messages that people send.
    #[serde(default)]
    pub inbound_whatsapp: u64,
    /// Rupees for a dollar; the rate in force when absent.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_rate",
        deserialize_with = "crate::decimal::optional::deserialize"
    )]
    pub usd_inr: Option<Decimal>,
}

fn write_rate<S: serde::Serializer>(rate: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
    match rate {
        Some(rate) => serializer.collect_str(rate),
        None => serializer.serialize_none(),
    }
}

/// The key of the plain month that ships. It stays as it is, for comparison.
pub const SHIPPED: &str = "setup-guide";

/// Characters of a scenario's name.
const MOST_NAME_CHARACTERS: usize = 100;

/// Characters of a scenario's key.
const MOST_KEY_CHARACTERS: usize = 64;

impl Scenario {
    /// Refuses numbers that no business reaches, so that every sum stays exact.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        for (field, value, most) in [
            ("requests_per_month", self.requests_per_month, 1_000_000_000),
            ("sms_per_request", self.sms_per_request, 1_000),
            ("phone_numbers", self.phone_numbers, 1_000_000),
            ("whatsapp_percent", self.whatsapp_percent.into(), 100),
            ("in_window_percent", self.in_window_percent.into(), 100),
            ("inbound_sms", self.inbound_sms, 1_000_000_000),
            ("inbound_whatsapp", self.inbound_whatsapp, 1_000_000_000),
        ] {
            if value > most {
                let grouped = |number: u64| group_indian(&number.to_string());
                let message = format!("{} is too much; it may be at most {}", grouped(value), grouped(most));
                errors.push(FieldError::new(field, "out_of_range", message));
            }
        }
        if let Some(rate) = self.usd_inr
            && let Err(error) = fx_rate::checked(rate)
        {
            errors.push(FieldError::new("usd_inr", "out_of_range", error.to_string()));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Messages that go out: by text message and by WhatsApp. Half a message counts as one by WhatsApp.
    pub fn messages(&self) -> (u64, u64) {
        let all = self.requests_per_month.saturating_mul(self.sms_per_request);
        let whatsapp = share(all, self.whatsapp_percent);
        (all - whatsapp, whatsapp)
    }
}

/// So many per cent of a number, rounded half up.
fn share(all: u64, percent: u32) -> u64 {
    let hundredths = u128::from(all) * u128::from(percent.min(100)) + 50;
    u64::try_from(hundredths / 100).unwrap_or(all).min(all)
}

/// Refuses a name that is none.
pub fn checked_name(name: &str) -> Result<String, String> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MOST_NAME_CHARACTERS || name.chars().any(char::is_control) {
        return Err(format!("give it a name of 1 to {MOST_NAME_CHARACTERS} characters"));
    }
    Ok(name.to_owned())
}

/// Refuses a key that cannot stand in an address.
pub fn checked_key(key: &str) -> Result<String, String> {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    // `new` is the address of the form for a new one.
    if key.is_empty() || key.len() > MOST_KEY_CHARACTERS || key == "new" || !key.bytes().all(fits) {
        return Err(format!(
            "1 to {MOST_KEY_CHARACTERS} small letters, digits and hyphens; not the word \"new\""
        ));
    }
    Ok(key.to_owned())
}

/// A key made of a name: `Diwali 2026` becomes `diwali-2026`.
pub fn key_of_name(name: &str) -> String {
    let mut key = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            key.push(character);
        } else if !key.is_empty() && !key.ends_with('-') {
            key.push('-');
        }
        if key.len() >= MOST_KEY_CHARACTERS - 8 {
            break;
        }
    }
    let key = key.trim_end_matches('-');
    if key.is_empty() || key == "new" { "scenario".to_owned() } else { key.to_owned() }
}

#[cfg(test)]
mod tests;
