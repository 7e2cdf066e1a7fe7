//! What a message is expected to cost: dated rows, never code.

use crate::message::{Category, Channel, Direction};
use crate::money::{Currency, FxRate, Money, Price};
use crate::worded_enum;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::iter::Sum;
use std::ops::{Add, Mul};

mod check;
mod compare;
mod presets;
mod priced;
mod proposal;

pub use check::STALE_AFTER_DAYS;
pub use compare::{Comparison, compare};
pub use priced::Priced;
pub use proposal::{Change, Proposal};

worded_enum! {
    /// What is paid for.
    RateUnit {
        /// One segment of an SMS.
        Segment = "segment",
        /// One message.
        Message = "message",
        /// One calendar month of a number.
        Month = "month",
    }
}

worded_enum! {
    /// How sure we are of a figure.
    Confidence {
        /// Several agreeing readings.
        High = "high",
        /// One reading.
        Medium = "medium",
        /// Contradicted or undated.
        Low = "low",
    }
}

worded_enum! {
    /// What a row prices.
    RateItem {
        /// Text messages.
        Sms = "sms",
        /// WhatsApp messages.
        Whatsapp = "whatsapp",
        /// A phone number's rent.
        Number = "number",
        /// Whatever else a vendor charges. No card prices it; it is known after, from usage records.
        Other = "other",
    }
}

worded_enum! {
    /// Whether a WhatsApp message opens a conversation or answers inside the 24-hour window.
    Route {
        /// Any.
        Any = "any",
        /// We write first.
        BusinessInitiated = "business_initiated",
        /// The person wrote within 24 hours.
        InWindow = "in_window",
    }
}

/// Low, expected and high of something, in rupees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// If all goes well.
    pub low: Money,
    /// What to plan with.
    pub expected: Money,
    /// If all goes badly.
    pub high: Money,
}

/// One charge of a row; a row may combine several (Meta's fee in INR and Twilio's in USD).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Who charges it.
    pub name: String,
    /// Quoted in.
    pub currency: Currency,
    /// If all goes well.
    pub low: Decimal,
    /// What to plan with.
    pub expected: Decimal,
    /// If all goes badly.
    pub high: Decimal,
    /// Units free of this charge each month, per sender.
    #[serde(default)]
    pub free_per_month: u64,
}

/// A dated price. The row in force on a day is the one with the latest `valid_from` not after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateRow {
    /// What it prices.
    pub item: RateItem,
    /// From us or to us.
    pub direction: Direction,
    /// For one category, or all.
    pub category: Option<Category>,
    /// For one route, or any.
    pub route: Route,
    /// Per what.
    pub unit: RateUnit,
    /// The charges, added up.
    pub charges: Vec<Charge>,
    /// First day in force.
    pub valid_from: NaiveDate,
    /// Where the figure comes from.
    pub source: String,
    /// How sure we are.
    pub confidence: Confidence,
}

/// A named set of dated rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateCard {
    /// `setup-guide`, `twilio-list`, or one of the owner's.
    pub key: String,
    /// As people read it.
    pub name: String,
    /// Its rows, all dates.
    pub rows: Vec<RateRow>,
}

/// No row prices this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rate card \"{card}\" has no {direction} {item} price{} on {on}; add a row before sending", of_category(*category))]
pub struct NoRate {
    /// Which card was asked.
    pub card: String,
    /// What was to be priced.
    pub item: RateItem,
    /// Its direction.
    pub direction: Direction,
    /// Its category, where it has one.
    pub category: Option<Category>,
    /// For which day.
    pub on: NaiveDate,
}

fn of_category(category: Option<Category>) -> String {
    category.map(|category| format!(" for {category} messages")).unwrap_or_default()
}

impl Spread {
    /// Nothing.
    pub const ZERO: Spread = Spread { low: Money::ZERO, expected: Money::ZERO, high: Money::ZERO };

    /// A price that is known, not guessed.
    pub const fn exact(price: Money) -> Spread {
        Spread { low: price, expected: price, high: price }
    }
}

impl Add for Spread {
    type Output = Spread;
    fn add(self, other: Spread) -> Spread {
        Spread {
            low: self.low + other.low,
            expected: self.expected + other.expected,
            high: self.high + other.high,
        }
    }
}

impl Mul<u64> for Spread {
    type Output = Spread;
    fn mul(self, count: u64) -> Spread {
        Spread { low: self.low * count, expected: self.expected * count, high: self.high * count }
    }
}

impl Sum for Spread {
    fn sum<I: Iterator<Item = Spread>>(spreads: I) -> Spread {
        spreads.fold(Spread::ZERO, Add::add)
    }
}

impl Charge {
    /// The charge for one unit, in rupees, when nothing of it is free.
    pub fn in_rupees(&self, fx: FxRate) -> Spread {
        let rupees = |amount| Price { amount, currency: self.currency }.in_rupees(fx);
        Spread { low: rupees(self.low), expected: rupees(self.expected), high: rupees(self.high) }
    }
}

impl RateRow {
    /// The price of one unit: all charges together, allowances used up.
    pub fn unit_price(&self, fx: FxRate) -> Spread {
        self.charges.iter().map(|charge| charge.in_rupees(fx)).sum()
    }

    /// The price of `units` of one sender in one month, each charge less its free allowance.
    pub fn month_price(&self, units: u64, fx: FxRate) -> Spread {
        let billed = |charge: &Charge| units.saturating_sub(charge.free_per_month);
        self.charges.iter().map(|charge| charge.in_rupees(fx) * billed(charge)).sum()
    }

    /// What may be free: the low price of a charge, and of how many units a month of one sender it is not asked.
    pub fn allowances(&self, fx: FxRate) -> Vec<(Money, u64)> {
        let free = self.charges.iter().filter(|charge| charge.free_per_month > 0);
        free.map(|charge| (charge.in_rupees(fx).low, charge.free_per_month)).collect()
    }

    fn prices(
        &self,
        item: RateItem,
        direction: Direction,
        category: Option<Category>,
        route: Route,
        on: NaiveDate,
    ) -> bool {
        self.item == item
            && self.direction == direction
            && (self.category.is_none() || self.category == category)
            && (self.route == Route::Any || self.route == route)
            && self.valid_from <= on
    }
}

impl From<Channel> for RateItem {
    fn from(channel: Channel) -> RateItem {
        match channel {
            Channel::Sms => RateItem::Sms,
            Channel::Whatsapp => RateItem::Whatsapp,
        }
    }
}

impl RateCard {
    /// The card that a key names, when it is one of those that ship.
    pub fn preset(key: &str) -> Option<RateCard> {
        RateCard::presets().into_iter().find(|card| card.key == key)
    }

    /// The row in force on a day: one for the category goes before one for any, then one for the route before one for
    /// any, then the latest. `category` is `None` for what has none, such as a number's rent.
    pub fn row(
        &self,
        item: RateItem,
        direction: Direction,
        category: Option<Category>,
        route: Route,
        on: NaiveDate,
    ) -> Result<&RateRow, NoRate> {
        self.rows
            .iter()
            .filter(|row| row.prices(item, direction, category, route, on))
            .max_by_key(|row| (row.category.is_some(), row.route != Route::Any, row.valid_from))
            .ok_or_else(|| NoRate { card: self.key.clone(), item, direction, category, on })
    }

    /// The price of one unit of an outbound message (a segment of SMS, a message of WhatsApp) on a day, when we write
    /// first.
    pub fn outbound(
        &self,
        channel: Channel,
        category: Category,
        on: NaiveDate,
        fx: FxRate,
    ) -> Result<Spread, NoRate> {
        let row =
            self.row(channel.into(), Direction::Outbound, Some(category), Route::BusinessInitiated, on)?;
        Ok(row.unit_price(fx))
    }

    /// The price of one unit of what people send us (a segment of SMS, a message of WhatsApp) on a day.
    pub fn inbound(&self, channel: Channel, on: NaiveDate, fx: FxRate) -> Result<Spread, NoRate> {
        self.row(channel.into(), Direction::Inbound, None, Route::Any, on).map(|row| row.unit_price(fx))
    }

    /// A phone number's rent for the month that a day lies in.
    pub fn number_rent(&self, on: NaiveDate, fx: FxRate) -> Result<Spread, NoRate> {
        self.row(RateItem::Number, Direction::Outbound, None, Route::Any, on).map(|row| row.unit_price(fx))
    }
}

#[cfg(test)]
mod tests;
