//! Reminder rules: which payments are reminded of, on which days before and after they are due, how and how often.

mod hours;
mod missed;
mod schedule;
#[cfg(test)]
mod tests;
mod validation;

pub use hours::{ReminderHours, WorkingDays};
pub use missed::{ON_TIME_WITHIN, RunDecision, RunFacts, SkipReason, decide_run, overtaken};
pub use schedule::{Holidays, ReminderRun, Schedule};

use crate::message::{Category, Channel, SuppressedReason};
use crate::money::Money;
use crate::time::{TimeOfDay, Timestamp};
use crate::worded_enum;
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

worded_enum! {
    /// How reminders travel.
    ReminderChannel {
        /// By text message.
        Sms = "sms",
        /// On WhatsApp.
        Whatsapp = "whatsapp",
        /// On WhatsApp, and by text message after some hours if that was not delivered.
        WhatsappThenSms = "whatsapp_then_sms",
    }
}

worded_enum! {
    /// Where a run is.
    RunState {
        /// Its messages are being written down.
        Planning = "planning",
        /// Its messages are written down; they go out by themselves.
        Planned = "planned",
        /// It would cost more than the rule allows, and waits for a person.
        Held = "held",
        /// Deliberately not sent, with a reason.
        Skipped = "skipped",
    }
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderRule {
    /// What people call it.
    pub name: String,
    /// The template of every step that has none of its own, by key.
    pub template: String,
    /// When it reminds, the earliest first.
    pub steps: Vec<ReminderStep>,
    /// At what time of those days.
    pub at: TimeOfDay,
    /// By whose clock.
    pub zone: ZoneName,
    /// How.
    pub channel: ReminderChannel,
    /// Hours after which a text message follows what WhatsApp did not deliver.
    pub fallback_after_hours: u32,
    /// Which payments.
    pub payments: PaymentFilter,
    /// How often and for how much at most.
    pub limits: ReminderLimits,
    /// What would fall on a Sunday or a holiday comes on the next working day.
    pub working_days_only: bool,
    /// A run that was missed is made up for once; otherwise it is skipped.
    pub catch_up: bool,
    /// How late a run may be, in hours.
    pub maximum_lateness_hours: u32,
    /// Whether it runs.
    pub enabled: bool,
}

/// One day on which a rule reminds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReminderStep {
    /// Days after the due date; negative: before it.
    pub offset_days: i32,
    /// A template of its own, by key.
    pub template: Option<String>,
}

/// Which payments a rule covers; the default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PaymentFilter {
    /// Those that carry one of these tags; empty: whatever they carry.
    pub tags: Vec<String>,
    /// Those of which this much is left or more.
    pub least: Option<Money>,
    /// Those of which this much is left or less.
    pub most: Option<Money>,
}

/// What a rule never exceeds; the default is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReminderLimits {
    /// Reminders to one person in one day, of all rules together.
    pub per_person_a_day: Option<u32>,
    /// Reminders of one payment in all, of all rules together.
    pub per_payment: Option<u32>,
    /// Expected cost of one run before tax; a run that would cost more waits for a person.
    pub cost_per_run: Option<Money>,
}

/// A time zone by its IANA name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ZoneName(pub Tz);

impl TryFrom<String> for ZoneName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let named = text.trim().parse().map(ZoneName);
        named.map_err(|_| format!("\"{text}\" is not a time zone; write its name, for example Asia/Kolkata"))
    }
}

impl From<ZoneName> for String {
    fn from(zone: ZoneName) -> Self {
        zone.0.name().to_owned()
    }
}

/// Whether a reminder may be of this category: a code proves who somebody is, and an offer needs consent and its own hours.
pub const fn may_remind(category: Category) -> Result<(), CannotRemind> {
    match category {
        Category::Transactional | Category::Service => Ok(()),
        Category::Otp | Category::Promotional => Err(CannotRemind(category)),
    }
}

/// A template whose category is none for reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its category is {0}; reminders need a transactional or service template")]
pub struct CannotRemind(pub Category);

impl PaymentFilter {
    /// Whether it covers a payment with these tags of which this much is left.
    pub fn covers(&self, tags: &[String], left: Money) -> bool {
        let tagged = self.tags.is_empty() || self.tags.iter().any(|tag| tags.contains(tag));
        tagged && self.least.is_none_or(|least| left >= least) && self.most.is_none_or(|most| left <= most)
    }

    /// Whether both cover some payments by what they ask for; by tags that some payments happen to have, any two may.
    pub fn overlaps(&self, other: &PaymentFilter) -> bool {
        let tagged = self.tags.is_empty()
            || other.tags.is_empty()
            || self.tags.iter().any(|tag| other.tags.contains(tag));
        let apart = |most: Option<Money>, least: Option<Money>| {
            most.zip(least).is_some_and(|(most, least)| most < least)
        };
        tagged && !apart(self.most, other.least) && !apart(other.most, self.least)
    }
}

impl ReminderLimits {
    /// Which limit one more reminder would exceed, after so many to the person that day and so many of the payment.
    pub fn exceeded(&self, to_person: u32, of_payment: u32) -> Option<SuppressedReason> {
        let reached = |limit: Option<u32>, sent: u32| limit.is_some_and(|limit| sent >= limit);
        if reached(self.per_person_a_day, to_person) {
            Some(SuppressedReason::DailyLimit)
        } else if reached(self.per_payment, of_payment) {
            Some(SuppressedReason::PaymentLimit)
        } else {
            None
        }
    }

    /// Whether it depends on what was sent before who is reminded.
    pub fn counts(&self) -> bool {
        self.per_person_a_day.is_some() || self.per_payment.is_some()
    }
}

impl ReminderChannel {
    /// The channel a reminder is first sent by.
    pub const fn first(self) -> Channel {
        match self {
            ReminderChannel::Sms => Channel::Sms,
            ReminderChannel::Whatsapp | ReminderChannel::WhatsappThenSms => Channel::Whatsapp,
        }
    }
}

impl ReminderRule {
    /// The step of an offset.
    pub fn step(&self, offset_days: i32) -> Option<&ReminderStep> {
        self.steps.iter().find(|step| step.offset_days == offset_days)
    }

    /// The key of a step's template.
    pub fn template_of<'a>(&'a self, step: &'a ReminderStep) -> &'a str {
        step.template.as_deref().unwrap_or(&self.template)
    }

    /// How late a run may be.
    pub fn maximum_lateness(&self) -> TimeDelta {
        TimeDelta::hours(self.maximum_lateness_hours.into())
    }

    /// When a text message follows a WhatsApp message that is due at `due_at`; `None`: never.
    pub fn fallback_at(&self, due_at: Timestamp) -> Option<Timestamp> {
        let follows = self.channel == ReminderChannel::WhatsappThenSms;
        follows.then(|| due_at + TimeDelta::hours(self.fallback_after_hours.into()))
    }
}

/// How people say when a step comes: `3 days before`.
pub fn when_in_words(offset_days: i32) -> String {
    let days = offset_days.unsigned_abs();
    let plural = if days == 1 { "day" } else { "days" };
    match offset_days.signum() {
        0 => "On the due date".to_owned(),
        -1 => format!("{days} {plural} before"),
        _ => format!("{days} {plural} after"),
    }
}
