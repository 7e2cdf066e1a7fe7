//! Phone numbers: read in any common Indian spelling, kept as E.164.

mod cell;
mod plain;
mod plain_data;
mod rules;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// A number that can receive messages, in E.164. `Display` shows it whole; `Debug` masks it, so that logs do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(u64);

/// The countries the owner sends to, as ISO 3166 two-letter codes. India alone by default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AllowedCountries(pub Vec<String>);

impl AllowedCountries {
    /// Whether the owner sends to a country.
    pub fn contains(&self, country: &str) -> bool {
        self.0.iter().any(|allowed| allowed.eq_ignore_ascii_case(country))
    }
}

impl Default for AllowedCountries {
    fn default() -> Self {
        Self(vec!["IN".to_owned()])
    }
}

/// A number read from a spreadsheet cell, and what had to be repaired to read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedPhone {
    /// The number.
    pub number: PhoneNumber,
    /// What was repaired, when anything was.
    pub repair: Option<Repair>,
}

/// Damage that could be undone without guessing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Excel's `.0` at the end.
    TrailingPointZero,
    /// Excel's apostrophe in front.
    LeadingApostrophe,
}

/// Why a text is not a number we can message. The text itself is in the error for the person who gave it; it is
/// never logged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing there.
    #[error("No phone number given")]
    Empty,
    /// Excel's scientific notation: the last digits are gone.
    #[error(
        "Excel damaged this number: {text} has lost its last digits. Format the column as text and export it again"
    )]
    Scientific {
        /// What stood there.
        text: String,
    },
    /// A letter among the digits.
    #[error("\"{letter}\" in {text} is a letter; write the number with digits only")]
    Letter {
        /// What stood there.
        text: String,
        /// The letter.
        letter: char,
    },
    /// A sign that phone numbers do not have.
    #[error("\"{character}\" cannot be part of a phone number: {text}")]
    Character {
        /// What stood there.
        text: String,
        /// The sign.
        character: char,
    },
    /// More than one number.
    #[error("Several numbers in one place: {text}. Give each its own row")]
    Several {
        /// What stood there.
        text: String,
    },
    /// Fewer digits than the country's numbers have.
    #[error("Too short: {digits} digits, needs {needed}")]
    TooShort {
        /// What stood there.
        text: String,
        /// Digits given, without country code and leading zero.
        digits: usize,
        /// Digits needed.
        needed: usize,
    },
    /// More digits than the country's numbers have.
    #[error("Too long: {digits} digits, needs {needed}")]
    TooLong {
        /// What stood there.
        text: String,
        /// Digits given, without country code and leading zero.
        digits: usize,
        /// Digits needed.
        needed: usize,
    },
    /// A landline.
    #[error("{number} is a landline; text messages need a mobile number")]
    Landline {
        /// The number in E.164.
        number: String,
    },
    /// A telemarketing, helpline, toll-free or machine number.
    #[error("{text} is a {kind}; text messages need a person's mobile number")]
    Special {
        /// What stood there.
        text: String,
        /// Which series it belongs to.
        kind: SpecialSeries,
    },
    /// No operator has such numbers.
    #[error("{text} is not a mobile number: no operator has numbers that begin like this")]
    NotInUse {
        /// What stood there.
        text: String,
    },
    /// A number of a country the owner does not send to.
    #[error(
        "{text} is a number of {country}, which is not among the countries you send to. Settings has the list"
    )]
    CountryNotAllowed {
        /// What stood there.
        text: String,
        /// ISO 3166, or the calling code where several countries share it.
        country: String,
    },
}

/// Indian number series that look like numbers of people and are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialSeries {
    /// 140…: telemarketing.
    Telemarketing,
    /// 1600…, 1601…: service calls of banks and government.
    ServiceCalls,
    /// 1800…: toll-free.
    TollFree,
    /// 1860…: helplines at local rates.
    Helpline,
    /// 13 digits: machine to machine.
    Machine,
}

impl fmt::Display for SpecialSeries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SpecialSeries::Telemarketing => "telemarketing number (140)",
            SpecialSeries::ServiceCalls => "service call number (160)",
            SpecialSeries::TollFree => "toll-free number (1800)",
            SpecialSeries::Helpline => "helpline (1860)",
            SpecialSeries::Machine => "machine-to-machine number (13 digits)",
        })
    }
}

impl PhoneError {
    /// The API's code: `invalid_phone` or `country_not_allowed`.
    pub fn code(&self) -> &'static str {
        match self {
            PhoneError::CountryNotAllowed { .. } => "country_not_allowed",
            _ => "invalid_phone",
        }
    }
}

impl PhoneNumber {
    /// Reads a number as people write it; region India unless it is in international form.
    pub fn parse(text: &str, allowed: &AllowedCountries) -> Result<PhoneNumber, PhoneError> {
        Self::parse_cell(text, allowed).map(|parsed| parsed.number)
    }

    /// Reads a spreadsheet cell, undoing what can be undone without guessing.
    pub fn parse_cell(text: &str, allowed: &AllowedCountries) -> Result<ParsedPhone, PhoneError> {
        match plain::read(text) {
            Some(plain::Plain::Mobile(number)) if allowed.contains("IN") => {
                Ok(ParsedPhone { number, repair: None })
            }
            _ => {
                let cell = cell::read(text)?;
                let number = rules::judge(text, &cell.dialled, allowed)?;
                Ok(ParsedPhone { number, repair: cell.repair })
            }
        }
    }

    /// Reads `+` and 7 to 15 digits as stored or as Twilio writes it, asking nothing about country or type.
    pub fn from_e164(text: &str) -> Option<PhoneNumber> {
        let digits = text.strip_prefix('+')?;
        let shaped = (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|b| b.is_ascii_digit());
        if shaped { digits.parse().ok().map(PhoneNumber) } else { None }
    }

    /// The country the number belongs to, as ISO 3166.
    pub fn country(self) -> Option<String> {
        if plain::is_indian(self) { Some("IN".to_owned()) } else { rules::country(self) }
    }

    /// For logs and crowded pages: `+91******3210`.
    pub fn masked(self) -> String {
        let digits = self.0.to_string();
        let (head, tail) = (&digits[..2], &digits[digits.len() - 4..]);
        format!("+{head}{}{tail}", "*".repeat(digits.len() - 6))
    }
}

/// Whether numbers of this country are known: two capital letters, as in ISO 3166.
pub fn is_country(code: &str) -> bool {
    rules::is_country(code)
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl Serialize for PhoneNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PhoneNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        PhoneNumber::from_e164(&text).ok_or_else(|| serde::de::Error::custom("not a number in E.164"))
    }
}

#[cfg(test)]
mod tests;
