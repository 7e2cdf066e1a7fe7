//! The decision about one due message, made inside the transaction that commits it to being posted.

use crate::message::{Category, Channel, SuppressedReason};
use crate::money::Money;
use crate::opt_out::OptOutScope;
use crate::pacing::{self, Lane};
use crate::phone::PhoneNumber;
use crate::reminder::{ReminderHours, WorkingDays};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::window::Window;
use chrono::TimeDelta;
use chrono_tz::{Asia::Kolkata, Tz};

/// When a message that the stop-all switch or a hold keeps back is looked at again.
pub const HELD_FOR: TimeDelta = TimeDelta::seconds(1);

/// What to do with one due message. Deferring is an ordinary answer: the caller stores the new time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dispatch {
    /// Post it, not before the slot; the caller occupies the slot in every lane.
    Send {
        /// When its pacing slot comes.
        slot: Timestamp,
    },
    /// Look again then: sending is held, the window is closed, or no slot is near.
    Defer(Timestamp),
    /// Keep it until its budget has room again.
    HoldForBudget,
    /// Do not send it, for this reason.
    Suppress(SuppressedReason),
    /// Too late to make sense.
    Expire,
}

/// A message whose time has come, as far as the decision needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct DueMessage {
    /// To whom.
    pub to: PhoneNumber,
    /// How.
    pub channel: Channel,
    /// Why.
    pub category: Category,
    /// Whether it asks for a payment, which has hours of its own.
    pub reminder: bool,
    /// When it stops making sense.
    pub expires_at: Option<Timestamp>,
    /// Expected cost before tax.
    pub cost: Money,
}

/// What is known of the person a number belongs to; the default is a stranger, of whom nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Person<'a> {
    /// Their opt-outs in force.
    pub opt_outs: &'a [OptOutScope],
    /// Their consent to promotional messages is on record.
    pub consented: bool,
    /// Their number is known not to receive messages.
    pub unreachable: bool,
}

/// What is known at the moment of the decision, read in the same transaction. Whether its campaign is paused or
/// canceled is not here: such messages are not chosen.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The owner's rules.
    pub settings: &'a Settings,
    /// The business's time zone.
    pub zone: Tz,
    /// The stop-all switch is on, or a hold waits for a person.
    pub held: bool,
    /// The person the number belongs to.
    pub person: Person<'a>,
    /// Why a reminder has become void: paid, called off, changed, or its rule switched off.
    pub void: Option<SuppressedReason>,
    /// Which limit of its own a reminder would exceed at this moment.
    pub exceeded: Option<SuppressedReason>,
    /// The days to which a reminder's rule keeps; `None`: it goes on any.
    pub days: Option<WorkingDays<'a>>,
    /// Messages to the number in the last hour; for an OTP, OTPs alone, otherwise all others.
    pub sent_last_hour: u32,
    /// The sender is declared fit for promotional messages.
    pub sender_promotional: bool,
    /// What this message may cost by the budgets that stop sending, when there are any.
    pub budget_left: Option<Money>,
    /// The sender's lane, and the campaign's when it has a pace of its own.
    pub lanes: &'a [Lane],
    /// Slots after this instant are not given out yet.
    pub slots_until: Timestamp,
}

/// Decides. In this order, the first that applies:
///
/// 1. held: defer, nothing is decided until a person says so;
/// 2. too late: expire;
/// 3. what no waiting would change: void, country, opt-out, consent, unreachable number, unfit sender: suppress;
/// 4. no slot near, or the window closed at the slot: defer. Before the limits, because those are about the moment
///    of sending, and this is not yet it;
/// 5. a reminder's own limits, the number's hourly limit: suppress; then the budget (OTPs go on): hold;
/// 6. otherwise: send.
pub fn dispatch(message: &DueMessage, facts: &Facts<'_>, now: Timestamp) -> Dispatch {
    if facts.held {
        return Dispatch::Defer(now + HELD_FOR);
    }
    if message.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Dispatch::Expire;
    }
    if let Some(reason) = facts.void {
        return Dispatch::Suppress(reason);
    }
    let DueMessage { to, channel, category, .. } = *message;
    if let Some(reason) =
        unsendable(to, channel, category, &facts.person, facts.sender_promotional, facts.settings)
    {
        return Dispatch::Suppress(reason);
    }
    let slot = pacing::ready(facts.lanes, now);
    if slot > facts.slots_until {
        return Dispatch::Defer(slot);
    }
    if let Some(opens_at) = closed_until(message, facts, slot) {
        return Dispatch::Defer(opens_at);
    }
    if let Some(reason) = facts.exceeded {
        return Dispatch::Suppress(reason);
    }
    if facts.sent_last_hour >= hourly_limit(message.category, facts.settings) {
        return Dispatch::Suppress(SuppressedReason::RateLimited);
    }
    if message.category != Category::Otp && facts.budget_left.is_some_and(|left| message.cost > left) {
        return Dispatch::HoldForBudget;
    }
    Dispatch::Send { slot }
}

/// Why no waiting would make it right to send such a message to a person. The estimate asks the same, so that what it
/// counts as suppressed is what will be.
pub fn unsendable(
    to: PhoneNumber,
    channel: Channel,
    category: Category,
    person: &Person<'_>,
    sender_promotional: bool,
    settings: &Settings,
) -> Option<SuppressedReason> {
    let promotional = category == Category::Promotional;
    if !country_allowed(to, settings) {
        return Some(SuppressedReason::CountryNotAllowed);
    }
    if person.opt_outs.iter().any(|scope| scope.covers(category)) {
        return Some(SuppressedReason::OptedOut);
    }
    if promotional && settings.require_consent && !person.consented {
        return Some(SuppressedReason::NoConsent);
    }
    if person.unreachable {
        return Some(SuppressedReason::Unreachable);
    }
    if promotional && channel == Channel::Sms && !sender_promotional {
        return Some(SuppressedReason::SenderNotPromotional);
    }
    None
}

fn country_allowed(to: PhoneNumber, settings: &Settings) -> bool {
    to.country().is_some_and(|country| settings.allowed_countries.0.contains(&country))
}

/// Messages an hour to one number, for a category.
pub fn hourly_limit(category: Category, settings: &Settings) -> u32 {
    if category == Category::Otp { settings.otp_hourly_limit } else { settings.per_number_hourly_limit }
}

/// The window a message has to keep: promotional messages and reminders have one, others go at any hour.
pub fn window_for(category: Category, reminder: bool, settings: &Settings) -> Option<&Window> {
    match category {
        Category::Promotional => Some(&settings.promotional_window),
        _ if reminder => Some(&settings.reminder_window),
        Category::Otp | Category::Transactional | Category::Service => None,
    }
}

fn closed_until(message: &DueMessage, facts: &Facts<'_>, at: Timestamp) -> Option<Timestamp> {
    let window = window_for(message.category, message.reminder, facts.settings)?;
    let opens = ReminderHours { window, zone: facts.zone, days: facts.days }.opening(at);
    let own = (opens > at).then_some(opens);
    // Whatever is set and wherever the business is: the law counts for people in India, by their clock.
    let by_law = message.category == Category::Promotional && message.to.country().as_deref() == Some("IN");
    let legal = by_law.then(|| Settings::legal_promotional_window().closed_until(at, Kolkata)).flatten();
    own.max(legal)
}

#[cfg(test)]
mod tests;
