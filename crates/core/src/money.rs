//! Rupees, foreign prices and the rate between them. Exact decimals, never floats.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub, SubAssign};

crate::worded_enum! {
    /// What a price is quoted in.
    Currency {
        /// Indian rupees.
        Inr = "INR",
        /// US dollars.
        Usd = "USD",
    }
}

/// An amount of Indian rupees: exact, signed, rounded only when it is shown or stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(Decimal);

/// Text that is not an amount of rupees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a plain decimal number.
    #[error("\"{0}\" is not an amount; write digits with at most six decimals, for example 1,250.50")]
    NotANumber(String),
    /// More than nine trillion rupees, which the database cannot hold.
    #[error("\"{0}\" is larger than Dakiya can account for")]
    TooLarge(String),
    /// An amount in another currency than rupees.
    #[error("amounts are in INR, not {0}")]
    WrongCurrency(String),
}

const MICROS_PER_RUPEE: i64 = 1_000_000;

impl Money {
    /// No money.
    pub const ZERO: Money = Money(Decimal::ZERO);

    /// That many rupees.
    pub const fn new(rupees: Decimal) -> Self {
        Self(rupees)
    }

    /// The amount in rupees.
    pub const fn rupees(self) -> Decimal {
        self.0
    }

    /// Whether it is no money at all.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// From micro-rupees, as both databases keep them.
    pub fn from_micros(micros: i64) -> Self {
        Self(Decimal::new(micros, 6))
    }

    /// To micro-rupees, rounded half up (away from zero). `None` beyond ±9.2 trillion rupees.
    pub fn to_micros(self) -> Option<i64> {
        let micros = self.0.checked_mul(Decimal::from(MICROS_PER_RUPEE))?;
        i64::try_from(micros.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)).ok()
    }

    /// From whole paise.
    pub fn from_paise(paise: i64) -> Self {
        Self(Decimal::new(paise, 2))
    }

    /// To paise; what is finer is left out. `None` beyond ±92 quadrillion rupees.
    pub fn to_paise(self) -> Option<i64> {
        i64::try_from(self.0.checked_mul(Decimal::ONE_HUNDRED)?.trunc()).ok()
    }

    /// Rounded half up to paise: once, for display and invoices.
    pub fn rounded_to_paise(self) -> Self {
        Self(self.0.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }

    /// Reads what a person or a spreadsheet writes: `1250`, `1,250.50`, `₹12,34,567.5`, `Rs. 500`.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let fault = || MoneyError::NotANumber(text.trim().to_owned());
        let bare =
            ["₹", "Rs.", "Rs", "INR"].iter().fold(text.trim(), |rest, sign| rest.trim_start_matches(sign));
        let bare = bare.trim();
        let digits: String = bare.chars().filter(|c| *c != ',').collect();
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, "0"));
        let unsigned = whole.strip_prefix('-').unwrap_or(whole);
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(unsigned)
            || !all_digits(fraction)
            || fraction.len() > 6
            || !commas_are_placed_well(bare)
        {
            return Err(fault());
        }
        let money =
            Self(Decimal::from_str_exact(&digits).map_err(|_| MoneyError::TooLarge(text.to_owned()))?);
        money.to_micros().map(|_| money).ok_or_else(|| MoneyError::TooLarge(text.to_owned()))
    }

    /// The plain decimal of the API: at least two decimals, at most six, no grouping.
    pub fn to_plain(self) -> String {
        let rounded = self.0.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero).normalize();
        let mut shown = if rounded.is_zero() { Decimal::ZERO } else { rounded };
        if shown.scale() < 2 {
            shown.rescale(2);
        }
        shown.to_string()
    }

    /// With the rupee sign and Indian grouping, to the paisa: `₹12,34,567.50`, `−₹50.00`.
    pub fn with_sign(self) -> String {
        let shown = self.rounded_to_paise();
        let sign = if shown.0.is_sign_negative() && !shown.0.is_zero() { "−" } else { "" };
        format!("{sign}₹{}", Self(shown.0.abs()))
    }
}

/// A comma may stand only between digits, in front of groups of two or three that end at the decimal point.
pub(crate) fn commas_are_placed_well(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or(text).trim_start_matches('-');
    let fraction_has_comma = text.split_once('.').is_some_and(|(_, fraction)| fraction.contains(','));
    let groups: Vec<&str> = whole.split(',').collect();
    let (Some(first), Some(last)) = (groups.first(), groups.last()) else { return false };
    let middle_fits = |group: &&str| group.len() == 2 || group.len() == 3;
    !fraction_has_comma
        && (groups.len() == 1
            || (!first.is_empty()
                && first.len() <= 3
                && last.len() == 3
                && groups[1..groups.len() - 1].iter().all(middle_fits)))
}

/// Groups digits the Indian way: thousands, then lakhs and crores in twos.
pub fn group_indian(digits: &str) -> String {
    let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
    let mut groups: Vec<&str> = Vec::new();
    let mut rest = head;
    while !rest.is_empty() {
        let (left, group) = rest.split_at(rest.len().saturating_sub(2));
        groups.push(group);
        rest = left;
    }
    groups.reverse();
    groups.push(tail);
    groups.join(",")
}

/// Indian grouping to the paisa, without a sign for the currency: `12,34,567.50`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut paise = self.rounded_to_paise().0;
        paise.rescale(2);
        let plain = paise.abs().to_string();
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, "00"));
        let sign = if paise.is_sign_negative() && !paise.is_zero() { "-" } else { "" };
        write!(f, "{sign}{}.{fraction}", group_indian(whole))
    }
}

impl Add for Money {
    type Output = Money;
    fn add(self, other: Money) -> Money {
        Money(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Money;
    fn sub(self, other: Money) -> Money {
        Money(self.0 - other.0)
    }
}

impl Neg for Money {
    type Output = Money;
    fn neg(self) -> Money {
        Money(-self.0)
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Money) {
        self.0 += other.0;
    }
}

impl SubAssign for Money {
    fn sub_assign(&mut self, other: Money) {
        self.0 -= other.0;
    }
}

impl Mul<Decimal> for Money {
    type Output = Money;
    fn mul(self, factor: Decimal) -> Money {
        Money(self.0 * factor)
    }
}

impl Mul<u64> for Money {
    type Output = Money;
    fn mul(self, count: u64) -> Money {
        Money(self.0 * Decimal::from(count))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Money>>(amounts: I) -> Money {
        amounts.fold(Money::ZERO, Add::add)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an amount such as {\"amount\": \"1499.00\", \"currency\": \"INR\"}"
)]
struct MoneyJson {
    amount: String,
    #[serde(default = "inr")]
    currency: String,
}

fn inr() -> String {
    Currency::Inr.as_str().to_owned()
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        MoneyJson { amount: self.to_plain(), currency: inr() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = MoneyJson::deserialize(deserializer)?;
        if json.currency != Currency::Inr.as_str() {
            return Err(D::Error::custom(MoneyError::WrongCurrency(json.currency)));
        }
        Money::parse(&json.amount).map_err(D::Error::custom)
    }
}

/// A price as a vendor quotes it, before it becomes rupees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// How much.
    pub amount: Decimal,
    /// Of what.
    pub currency: Currency,
}

/// How many rupees a dollar costs, and since when we say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FxRate {
    /// Rupees for one US dollar.
    pub inr_per_usd: Decimal,
}

impl Price {
    /// The price in rupees at a rate.
    pub fn in_rupees(self, fx: FxRate) -> Money {
        match self.currency {
            Currency::Inr => Money(self.amount),
            Currency::Usd => Money(self.amount * fx.inr_per_usd),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rupees(text: &str) -> Money {
        Money::new(Decimal::from_str_exact(text).unwrap())
    }

    #[test]
    fn amounts_are_grouped_in_lakhs_and_crores() {
        for (amount, shown) in [
            ("0", "0.00"),
            ("999", "999.00"),
            ("100000", "1,00,000.00"),
            ("-50164.54", "-50,164.54"),
            ("10000000", "1,00,00,000.00"),
            ("123456789.005", "12,34,56,789.01"),
        ] {
            assert_eq!(rupees(amount).to_string(), shown);
        }
    }

    #[test]
    fn what_people_write_is_read_and_what_they_mistype_is_refused() {
        for (text, amount) in [
            ("1250", "1250"),
            ("1,250.50", "1250.50"),
            ("₹12,34,567.5", "1234567.5"),
            ("Rs. 500", "500"),
            ("-3", "-3"),
        ] {
            assert_eq!(Money::parse(text), Ok(rupees(amount)), "{text}");
        }
        for text in
            ["", "1e3", "1_000", "+5", "5.", ".5", "1,2,3", "12,50", "1.234,5", "12.3456789", "abc", "--1"]
        {
            assert!(Money::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn micro_rupees_round_half_up() {
        assert_eq!(rupees("0.0000005").to_micros(), Some(1));
        assert_eq!(rupees("-0.0000005").to_micros(), Some(-1));
        assert_eq!(Money::from_micros(800_000).to_plain(), "0.80");
        assert_eq!(rupees("7.9872").to_plain(), "7.9872");
    }

    #[test]
    fn json_money_is_a_decimal_string_in_rupees() {
        let json = serde_json::to_string(&rupees("0.8")).unwrap();
        assert_eq!(json, r#"{"amount":"0.80","currency":"INR"}"#);
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap(), rupees("0.8"));
        assert!(serde_json::from_str::<Money>(r#"{"amount":0.8}"#).is_err());
        assert!(serde_json::from_str::<Money>(r#"{"amount":"1","currency":"USD"}"#).is_err());
    }
}
