//! Estimate against actual, message by message: how far apart they are, and why.
//!
//! The difference of a message is split so that its parts add up to it exactly, to the micro-rupee.

use crate::money::{Currency, FxRate, Money, Price};
use crate::worded_enum;
use rust_decimal::Decimal;
use std::ops::{Add, AddAssign, Neg};

worded_enum! {
    /// Why something cost another amount than expected.
    Cause {
        /// It was not sent after all.
        Volume = "volume",
        /// Twilio billed more or fewer segments than we counted.
        Segments = "segments",
        /// A segment or message cost another price.
        Rate = "rate",
        /// A dollar cost another price than on the day of the estimate.
        Fx = "fx",
        /// It failed, and was charged differently from one that arrives.
        Failure = "failure",
    }
}

/// What a message was expected to cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Before tax.
    pub cost: Money,
    /// Billed parts as we count them; one on WhatsApp.
    pub segments: u32,
    /// The exchange rate it was reckoned with; `None` when no dollars were in it.
    pub fx: Option<FxRate>,
}

/// What became of it, as far as it decides about money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It may still be charged: nothing can be said yet.
    Open,
    /// It never went out, and will not be charged.
    NotSent,
    /// Twilio charged it, be it nothing.
    Charged(Charged),
}

/// What Twilio charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charged {
    /// Before tax, in rupees.
    pub cost: Money,
    /// Billed parts as Twilio counts them, where it said so.
    pub segments: Option<u32>,
    /// As Twilio quoted it, and the rate it was converted with.
    pub quoted: Option<(Price, FxRate)>,
    /// It did not arrive.
    pub failed: bool,
}

/// A difference between actual and estimate by its causes, in micro-rupees; positive when it cost more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    /// See [`Cause::Volume`].
    pub volume: i64,
    /// See [`Cause::Segments`].
    pub segments: i64,
    /// See [`Cause::Rate`].
    pub rate: i64,
    /// See [`Cause::Fx`].
    pub fx: i64,
    /// See [`Cause::Failure`].
    pub failure: i64,
}

impl Differences {
    /// All causes together: actual less estimate.
    pub fn total(self) -> i64 {
        self.volume + self.segments + self.rate + self.fx + self.failure
    }

    /// The part that has a cause.
    pub fn of(self, cause: Cause) -> Money {
        Money::from_micros(match cause {
            Cause::Volume => self.volume,
            Cause::Segments => self.segments,
            Cause::Rate => self.rate,
            Cause::Fx => self.fx,
            Cause::Failure => self.failure,
        })
    }

    /// Causes that made a difference, and how large a one.
    pub fn causes(self) -> impl Iterator<Item = (Cause, Money)> {
        Cause::ALL.iter().map(move |cause| (*cause, self.of(*cause))).filter(|(_, amount)| !amount.is_zero())
    }
}

impl Add for Differences {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            volume: self.volume + other.volume,
            segments: self.segments + other.segments,
            rate: self.rate + other.rate,
            fx: self.fx + other.fx,
            failure: self.failure + other.failure,
        }
    }
}

impl AddAssign for Differences {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Neg for Differences {
    type Output = Self;
    fn neg(self) -> Self {
        Self {
            volume: -self.volume,
            segments: -self.segments,
            rate: -self.rate,
            fx: -self.fx,
            failure: -self.failure,
        }
    }
}

/// Splits the difference of one message by cause.
///
/// What was not sent is volume, what failed is failure, whatever it was charged. Otherwise segments come first, at the
/// expected price of one; then what the dollar did since the estimate, if dollars were in it; the rest is the rate.
pub fn differences(expected: &Expected, outcome: &Outcome) -> Differences {
    let estimate = micros(expected.cost);
    let charged = match outcome {
        Outcome::Open => return Differences::default(),
        Outcome::NotSent => return Differences { volume: -estimate, ..Differences::default() },
        Outcome::Charged(charged) => charged,
    };
    let whole = micros(charged.cost) - estimate;
    if charged.failed {
        return Differences { failure: whole, ..Differences::default() };
    }
    let segments = match charged.segments {
        Some(billed) if expected.segments > 0 && billed != expected.segments => {
            let more = Decimal::from(billed) - Decimal::from(expected.segments);
            micros(expected.cost * (more / Decimal::from(expected.segments)))
        }
        _ => 0,
    };
    let fx = match (expected.fx, charged.quoted) {
        (Some(then), Some((price, now))) if price.currency == Currency::Usd => {
            micros(Money::new(price.amount * (now.inr_per_usd - then.inr_per_usd)))
        }
        _ => 0,
    };
    Differences { segments, fx, rate: whole - segments - fx, ..Differences::default() }
}

/// Amounts of single messages are far below what the database can hold.
fn micros(money: Money) -> i64 {
    money.to_micros().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rupees(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn fx(rate: &str) -> FxRate {
        FxRate { inr_per_usd: Decimal::from_str_exact(rate).unwrap() }
    }

    fn dollars(text: &str) -> Price {
        Price { amount: Decimal::from_str_exact(text).unwrap(), currency: Currency::Usd }
    }

    fn charged(price: &str, rate: &str, segments: u32) -> Charged {
        let (price, rate) = (dollars(price), fx(rate));
        Charged {
            cost: price.in_rupees(rate),
            segments: Some(segments),
            quoted: Some((price, rate)),
            failed: false,
        }
    }

    fn causes(expected: &Expected, outcome: Outcome) -> Vec<(Cause, String)> {
        differences(expected, &outcome).causes().map(|(cause, amount)| (cause, amount.to_plain())).collect()
    }

    /// One segment of Twilio's list at ₹96: the worked example of the finance guide.
    const LIST: fn() -> Expected = || Expected { cost: rupees("7.9872"), segments: 1, fx: Some(fx("96")) };

    #[test]
    fn each_cause_by_itself() {
        assert_eq!(causes(&LIST(), Outcome::Charged(charged("0.0832", "96", 1))), []);
        assert_eq!(causes(&LIST(), Outcome::Open), []);
        assert_eq!(causes(&LIST(), Outcome::NotSent), [(Cause::Volume, "-7.9872".to_owned())]);
        let twice = Outcome::Charged(charged("0.1664", "96", 2));
        assert_eq!(causes(&LIST(), twice), [(Cause::Segments, "7.9872".to_owned())]);
        let dearer = Outcome::Charged(charged("0.0900", "96", 1));
        assert_eq!(causes(&LIST(), dearer), [(Cause::Rate, "0.6528".to_owned())]);
        let weaker = Outcome::Charged(charged("0.0832", "98", 1));
        assert_eq!(causes(&LIST(), weaker), [(Cause::Fx, "0.1664".to_owned())]);
        let failed = Charged { failed: true, ..charged("0.001", "98", 1) };
        assert_eq!(causes(&LIST(), Outcome::Charged(failed)), [(Cause::Failure, "-7.8892".to_owned())]);
    }

    #[test]
    fn several_at_once_add_up() {
        let outcome = Outcome::Charged(charged("0.18", "98", 2));
        let parts = causes(&LIST(), outcome);
        let expected = [(Cause::Segments, "7.9872"), (Cause::Rate, "1.3056"), (Cause::Fx, "0.36")]
            .map(|(c, a)| (c, a.to_owned()));
        assert_eq!(parts, expected);
        assert_eq!(differences(&LIST(), &outcome).total(), 17_640_000 - 7_987_200);
    }

    #[test]
    fn an_estimate_in_rupees_knows_no_dollar() {
        let guide = Expected { cost: rupees("0.80"), segments: 1, fx: None };
        let outcome = Outcome::Charged(charged("0.0832", "98", 1));
        assert_eq!(causes(&guide, outcome), [(Cause::Rate, "7.3536".to_owned())]);
    }

    proptest! {
        #[test]
        fn the_parts_always_add_up_to_the_difference(
            estimate in 0i64..100_000_000, ours in 0u32..12, theirs in proptest::option::of(0u32..12),
            price in 0i64..2_000_000, then in 80_0000i64..120_0000, now in 80_0000i64..120_0000,
            failed: bool, in_dollars: bool,
        ) {
            let rate = |value| FxRate { inr_per_usd: Decimal::new(value, 4) };
            let expected = Expected {
                cost: Money::from_micros(estimate), segments: ours, fx: in_dollars.then(|| rate(then)),
            };
            let quoted = Price { amount: Decimal::new(price, 5), currency: Currency::Usd };
            let cost = quoted.in_rupees(rate(now));
            let outcome = Charged { cost, segments: theirs, quoted: Some((quoted, rate(now))), failed };
            let parts = differences(&expected, &Outcome::Charged(outcome));
            prop_assert_eq!(parts.total(), cost.to_micros().unwrap() - estimate);
        }
    }
}
