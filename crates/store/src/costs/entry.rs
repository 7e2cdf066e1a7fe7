//! What one message adds to its day.

use crate::StoreError;
use crate::column::{Storable, Stored};
use crate::messages::tally::set_aside;
use crate::sql::Row;
use chrono::NaiveDate;
use dakiya_core::ids::{CampaignId, Id, ReminderRuleId, TemplateId};
use dakiya_core::ledger::{Charged, Differences, Expected, Outcome, differences};
use dakiya_core::message::{Category, Channel, Direction, Status};
use dakiya_core::money::{Currency, FxRate, Money, Price};
use dakiya_core::rate_card::RateItem;
use dakiya_core::time::Month;
use rust_decimal::Decimal;
use sea_orm::{QueryResult, Value};
use std::ops::{AddAssign, Sub};
use uuid::Uuid;

/// What a roll-up row is about. Ordered as its primary key, so that two transactions write rows in one order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) day: NaiveDate,
    pub(crate) item: RateItem,
    pub(crate) direction: Direction,
    pub(crate) category: Option<Category>,
    pub(crate) template: Option<TemplateId>,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) reminder_rule: Option<ReminderRuleId>,
    pub(crate) sender: String,
}

/// Stands in place of a sender for what comes from the vendor's usage records. No sender's address is like it.
pub(crate) const USAGE_RECORDS: &str = "usage records";

/// Stands for no category in a key.
const NO_CATEGORY: i16 = -1;

impl Key {
    /// The columns of a key beside its day or month.
    pub(crate) const COLUMNS: &str =
        "item, direction, category, template_id, campaign_id, reminder_rule_id, sender";

    /// The day and the columns.
    pub(crate) fn values(&self) -> [Value; 8] {
        self.values_of(self.day.into())
    }

    /// The month and the columns.
    pub(crate) fn values_of_month(&self) -> [Value; 8] {
        self.values_of(Stored(self.month()).into())
    }

    fn values_of(&self, period: Value) -> [Value; 8] {
        let id = |id: Option<Uuid>| Value::from(id.unwrap_or(Uuid::nil()));
        [
            period,
            Stored(self.item).into(),
            Stored(self.direction).into(),
            self.category.map_or(NO_CATEGORY, |category| category.to_raw()).into(),
            id(self.template.map(Id::uuid)),
            id(self.campaign.map(Id::uuid)),
            id(self.reminder_rule.map(Id::uuid)),
            self.sender.clone().into(),
        ]
    }

    pub(crate) fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let id = |column| -> Result<Option<Uuid>, StoreError> {
            Ok(Some(row.try_get::<Uuid>("", column)?).filter(|id| !id.is_nil()))
        };
        Ok(Self {
            day: row.try_get("", "day")?,
            item: row.read("item")?,
            direction: row.read("direction")?,
            category: category(row)?,
            template: id("template_id")?.map(Id::from_uuid),
            campaign: id("campaign_id")?.map(Id::from_uuid),
            reminder_rule: id("reminder_rule_id")?.map(Id::from_uuid),
            sender: row.try_get("", "sender")?,
        })
    }

    pub(crate) fn month(&self) -> Month {
        Month::of(self.day)
    }
}

/// The category of a row of roll-ups.
pub(super) fn category(row: &QueryResult) -> Result<Option<Category>, StoreError> {
    let category: i16 = row.try_get("", "category")?;
    let category = (category != NO_CATEGORY).then(|| Category::from_raw(category));
    category.transpose().map_err(StoreError::Inconsistent)
}

/// What is added up; money in micro-rupees, before tax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Messages that reached Twilio or may have.
    pub(crate) messages: i64,
    /// Billed parts: Twilio's figure where it is known, ours otherwise.
    pub(crate) segments: i64,
    /// Of the messages, those that did not arrive.
    pub(crate) failed: i64,
    /// Of the messages, those with a price.
    pub(crate) priced: i64,
    pub(crate) estimated: i64,
    pub(crate) actual: i64,
    /// Estimates of those that have no price yet and may get one.
    pub(crate) outstanding: i64,
    pub(crate) differences: Differences,
}

impl Entry {
    pub(crate) const COLUMNS: [&str; 12] = [
        "messages",
        "segments",
        "failed",
        "priced",
        "estimated",
        "actual",
        "outstanding",
        "volume_difference",
        "segments_difference",
        "rate_difference",
        "fx_difference",
        "failure_difference",
    ];

    pub(crate) fn values(&self) -> [i64; 12] {
        let by = self.differences;
        [
            self.messages,
            self.segments,
            self.failed,
            self.priced,
            self.estimated,
            self.actual,
            self.outstanding,
            by.volume,
            by.segments,
            by.rate,
            by.fx,
            by.failure,
        ]
    }

    /// Reads the columns, or sums of them, by their names.
    pub(crate) fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let of = |column: &str| -> Result<i64, StoreError> { Ok(row.try_get("", column)?) };
        Ok(Self {
            messages: of("messages")?,
            segments: of("segments")?,
            failed: of("failed")?,
            priced: of("priced")?,
            estimated: of("estimated")?,
            actual: of("actual")?,
            outstanding: of("outstanding")?,
            differences: Differences {
                volume: of("volume_difference")?,
                segments: of("segments_difference")?,
                rate: of("rate_difference")?,
                fx: of("fx_difference")?,
                failure: of("failure_difference")?,
            },
        })
    }

    /// What counts against a budget.
    pub(crate) fn spent(&self) -> i64 {
        self.actual + self.outstanding
    }

    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Entry {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.segments += other.segments;
        self.failed += other.failed;
        self.priced += other.priced;
        self.estimated += other.estimated;
        self.actual += other.actual;
        self.outstanding += other.outstanding;
        self.differences += other.differences;
    }
}

impl Sub for Entry {
    type Output = Self;
    fn sub(mut self, other: Self) -> Self {
        self += Self {
            messages: -other.messages,
            segments: -other.segments,
            failed: -other.failed,
            priced: -other.priced,
            estimated: -other.estimated,
            actual: -other.actual,
            outstanding: -other.outstanding,
            differences: -other.differences,
        };
        self
    }
}

/// Everything about a message that decides what it adds.
#[derive(Clone, Debug)]
pub(crate) struct MessageMoney<'a> {
    pub(crate) channel: Channel,
    pub(crate) status: Status,
    pub(crate) has_sid: bool,
    pub(crate) segments: i32,
    pub(crate) twilio_segments: Option<i32>,
    pub(crate) estimated: i64,
    pub(crate) estimated_fx: Option<&'a str>,
    pub(crate) actual: Option<i64>,
    pub(crate) price: Option<(&'a str, &'a str, &'a str)>,
}

impl MessageMoney<'_> {
    /// What it adds to its day; nothing while it waits, or if it certainly never reached Twilio.
    pub(crate) fn entry(&self) -> Entry {
        if !self.counts() {
            return Entry::default();
        }
        let outstanding = set_aside(self.status, self.has_sid, self.estimated, self.actual);
        Entry {
            messages: 1,
            segments: i64::from(self.billed().unwrap_or(self.segments)),
            failed: i64::from(self.failed()),
            priced: i64::from(self.actual.is_some()),
            estimated: self.estimated,
            actual: self.actual.unwrap_or(0),
            outstanding,
            differences: self.differences(),
        }
    }

    /// Whether Twilio has it or may have it.
    fn counts(&self) -> bool {
        match self.status {
            Status::Queued | Status::Suppressed | Status::Expired | Status::Rejected => false,
            Status::Failed | Status::Canceled => self.has_sid,
            _ => true,
        }
    }

    fn failed(&self) -> bool {
        matches!(self.status, Status::Failed | Status::Undelivered | Status::Canceled)
    }

    /// Twilio's count of billed parts; on WhatsApp messages are billed, not parts.
    fn billed(&self) -> Option<i32> {
        self.twilio_segments.filter(|count| *count > 0 && self.channel == Channel::Sms)
    }

    /// Why it cost something else than expected.
    pub(crate) fn differences(&self) -> Differences {
        let count = |count: i32| u32::try_from(count).unwrap_or(0);
        let expected = Expected {
            cost: Money::from_micros(self.estimated),
            segments: count(self.segments),
            fx: self.estimated_fx.and_then(fx),
        };
        let outcome = match self.actual {
            Some(actual) => Outcome::Charged(Charged {
                cost: Money::from_micros(actual),
                segments: self.billed().map(count),
                quoted: self.price.and_then(|(amount, unit, rate)| quoted(amount, unit, rate)),
                failed: self.failed(),
            }),
            None if set_aside(self.status, self.has_sid, 1, None) == 0 => Outcome::NotSent,
            None => Outcome::Open,
        };
        differences(&expected, &outcome)
    }
}

/// A price as it is stored: amount, currency, rate.
pub(crate) fn quoted(amount: &str, unit: &str, rate: &str) -> Option<(Price, FxRate)> {
    let price =
        Price { amount: Decimal::from_str_exact(amount).ok()?, currency: Currency::parse(unit).ok()? };
    Some((price, fx(rate)?))
}

fn fx(rate: &str) -> Option<FxRate> {
    Decimal::from_str_exact(rate).ok().map(|inr_per_usd| FxRate { inr_per_usd })
}
