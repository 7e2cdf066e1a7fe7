//! Payments as people, programs and spreadsheets write them.

use crate::money::{Money, MoneyError};
use chrono::{Datelike, NaiveDate};
use serde::{Serialize, Serializer};
use std::fmt;

/// What the business calls a payment: an invoice, request or policy number. Unique, and never changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaymentReference(String);

/// Why something is not part of a payment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PaymentFault {
    /// No reference.
    #[error("No reference given; write the number by which you know the payment")]
    NoReference,
    /// A reference that could not be looked up again.
    #[error(
        "\"{0}\" cannot be a reference; use up to {MOST_REFERENCE_CHARACTERS} letters, digits and signs on one line, at least one letter or digit"
    )]
    Reference(String),
    /// Not an amount.
    #[error(transparent)]
    Amount(#[from] MoneyError),
    /// Nothing, or less.
    #[error("\"{0}\" is not more than nothing; write what has to be paid")]
    NotPositive(String),
    /// Finer than a paisa.
    #[error("\"{0}\" is finer than a paisa; write at most two decimals")]
    FinerThanPaise(String),
    /// Larger than a payment.
    #[error("\"{0}\" is more than ₹10,00,00,000.00, the largest payment that Dakiya keeps")]
    TooMuch(String),
    /// No amount.
    #[error("No amount given; write what has to be paid, for example 1,499.00")]
    NoAmount,
    /// No day.
    #[error("No date given; write when it is due, for example 2026-12-05 or 05/12/2026")]
    NoDate,
    /// Not a day.
    #[error("\"{0}\" is not a date; write YYYY-MM-DD or DD/MM/YYYY, for example 2026-12-05 or 05/12/2026")]
    Date(String),
    /// Not a state.
    #[error("\"{0}\" is not a state; write open, partly_paid, paid or cancelled")]
    Status(String),
    /// Some of it came, but not how much.
    #[error("How much of it was paid is not given; write it in the column \"paid\"")]
    NoPart,
    /// Not a link.
    #[error(
        "\"{0}\" is not a link; write a whole address of at most {MOST_URL_CHARACTERS} characters, for example https://pay.example.in/4711"
    )]
    PayUrl(String),
}

impl PaymentFault {
    /// A word that programs can rely on.
    pub const fn code(&self) -> &'static str {
        match self {
            PaymentFault::NoReference | PaymentFault::Reference(_) => "invalid_reference",
            PaymentFault::NoAmount
            | PaymentFault::Amount(_)
            | PaymentFault::NotPositive(_)
            | PaymentFault::FinerThanPaise(_)
            | PaymentFault::TooMuch(_) => "invalid_amount",
            PaymentFault::NoDate | PaymentFault::Date(_) => "invalid_date",
            PaymentFault::Status(_) | PaymentFault::NoPart => "invalid_status",
            PaymentFault::PayUrl(_) => "invalid_pay_url",
        }
    }
}

const MOST_REFERENCE_CHARACTERS: usize = 100;
const MOST_URL_CHARACTERS: usize = 500;
/// In paise: ten crore rupees. Sums are kept in paise too, so that [`MOST_ADDED_UP`] of the largest payments have one.
const MOST_PAISE: i64 = 10_000_000_000;
/// More payments than ever fall due on one day.
const MOST_ADDED_UP: i64 = 400_000_000;
// Twice: what came may be a part, and then the largest amount.
const _: () = assert!((2 * MOST_PAISE).checked_mul(MOST_ADDED_UP).is_some());

impl PaymentReference {
    /// Reads a reference; space around it does not belong to it.
    pub fn parse(text: &str) -> Result<Self, PaymentFault> {
        let text = text.trim();
        let fits = text.chars().count() <= MOST_REFERENCE_CHARACTERS
            && !text.chars().any(char::is_control)
            && text.chars().any(char::is_alphanumeric);
        match text {
            "" => Err(PaymentFault::NoReference),
            _ if fits => Ok(Self(text.to_owned())),
            _ => Err(PaymentFault::Reference(shortened(text))),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PaymentReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for PaymentReference {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Reads what has to be paid: rupees and paise, with or without Indian commas and `₹` or `Rs.`.
pub fn parse_amount(text: &str) -> Result<Money, PaymentFault> {
    if text.trim().is_empty() {
        return Err(PaymentFault::NoAmount);
    }
    checked_amount(Money::parse(text)?)
}

/// Whether an amount can be owed or paid: more than nothing, whole paise, at most ten crore.
pub fn checked_amount(money: Money) -> Result<Money, PaymentFault> {
    let told = || money.to_plain();
    match money {
        _ if money <= Money::ZERO => Err(PaymentFault::NotPositive(told())),
        _ if money.rounded_to_paise() != money => Err(PaymentFault::FinerThanPaise(told())),
        _ if money > Money::from_paise(MOST_PAISE) => Err(PaymentFault::TooMuch(told())),
        _ => Ok(money),
    }
}

/// Reads a due date: `YYYY-MM-DD`, or `DD/MM/YYYY` as Indian spreadsheets write it.
pub fn parse_due_date(text: &str) -> Result<NaiveDate, PaymentFault> {
    let fault = || PaymentFault::Date(shortened(text));
    let text = text.trim();
    if text.is_empty() {
        return Err(PaymentFault::NoDate);
    }
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let [first, month, last] = parts.as_slice() else { return Err(fault()) };
    let (year, day) = if text.contains('/') { (last, first) } else { (first, last) };
    let iso = text.contains('-');
    // Spreadsheets drop the leading zero of a day or month between slashes; in the other form it is always written.
    let short = |part: &str| part.len() == 2 || (part.len() == 1 && !iso);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let well_formed = year.len() == 4
        && short(month)
        && short(day)
        && parts.iter().all(|part| digits(part))
        && !(iso && text.contains('/'));
    let number = |part: &str| part.parse().ok();
    let date = match (well_formed, year.parse().ok(), number(month), number(day)) {
        (true, Some(year), Some(month), Some(day)) => NaiveDate::from_ymd_opt(year, month, day),
        _ => None,
    };
    date.filter(|date| (2000..=2100).contains(&date.year())).ok_or_else(fault)
}

/// Reads a pay link: an address of the web, which goes into texts and onto pages.
pub fn parse_pay_url(text: &str) -> Result<String, PaymentFault> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let host_begins = rest.is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"'));
    if host_begins && plain && text.chars().count() <= MOST_URL_CHARACTERS {
        Ok(text.to_owned())
    } else {
        Err(PaymentFault::PayUrl(shortened(text)))
    }
}

/// Whether a link that a provider tells of is certainly not the one that a payment has. An address of our own that leads to
/// the provider's link is not written like it, so only links of one host are compared.
pub fn is_another_link(known: &str, told: &str) -> bool {
    let host = |url: &str| {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase()
    };
    known != told && host(known) == host(told)
}

/// What an error repeats.
pub(super) fn shortened(text: &str) -> String {
    text.trim().chars().take(60).collect()
}
