//! The decision about one due message, made inside the transaction that commits it to being posted.

use crate::message::{Category, Channel, SuppressedReason};
use crate::money::Money;
use crate::opt_out::OptOutScope;
use crate::pacing::{self, Lane};
use crate::phone::PhoneNumber;
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::window::Window;
use chrono::TimeDelta;
use chrono_tz::Tz;

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
    /// What a reminder asks for is paid or called off.
    pub paid: bool,
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
/// 3. what no waiting would change: paid, country, opt-out, consent, unreachable number, unfit sender: suppress;
/// 4. no slot near, or the window closed at the slot: defer. Before the limits, because those are about the moment
///    of sending, and this is not yet it;
/// 5. the number's hourly limit: suppress; then the budget (OTPs go on): hold;
/// 6. otherwise: send.
pub fn dispatch(message: &DueMessage, facts: &Facts<'_>, now: Timestamp) -> Dispatch {
    if facts.held {
        return Dispatch::Defer(now + HELD_FOR);
    }
    if message.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Dispatch::Expire;
    }
    if facts.paid {
        return Dispatch::Suppress(SuppressedReason::Paid);
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
    window_for(message.category, message.reminder, facts.settings)?.closed_until(at, facts.zone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pacing::{Pace, PaceState};
    use crate::phone::AllowedCountries;
    use chrono_tz::Asia::Kolkata;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn noon() -> Timestamp {
        at("2026-11-22T12:00:00+05:30")
    }

    fn night() -> Timestamp {
        at("2026-11-22T23:00:00+05:30")
    }

    fn message(category: Category) -> DueMessage {
        DueMessage {
            to: PhoneNumber::from_e164("+919876543210").unwrap(),
            channel: Channel::Sms,
            category,
            reminder: false,
            expires_at: None,
            cost: Money::from_micros(800_000),
        }
    }

    /// Facts that let everything pass at noon.
    fn facts(settings: &Settings) -> Facts<'_> {
        Facts {
            settings,
            zone: Kolkata,
            held: false,
            person: Person { opt_outs: &[], consented: true, unreachable: false },
            paid: false,
            sent_last_hour: 0,
            sender_promotional: true,
            budget_left: None,
            lanes: &[],
            slots_until: night() + TimeDelta::days(1),
        }
    }

    fn lane(next_slot: Timestamp) -> Lane {
        Lane { pace: Pace { segments_per_second: 10 }, state: PaceState { next_slot } }
    }

    /// What becomes of a message of each category: OTP, transactional, service, promotional.
    fn endings(facts: &Facts<'_>, now: Timestamp, change: impl Fn(&mut DueMessage)) -> Vec<Dispatch> {
        let decide = |category: &Category| {
            let mut message = message(*category);
            change(&mut message);
            dispatch(&message, facts, now)
        };
        Category::ALL.iter().map(decide).collect()
    }

    const SEND_AT_ONCE: fn() -> Dispatch = || Dispatch::Send { slot: noon() };

    /// The promotional message ends so, the others are sent at once.
    fn promotional_alone(ending: Dispatch) -> Vec<Dispatch> {
        vec![SEND_AT_ONCE(), SEND_AT_ONCE(), SEND_AT_ONCE(), ending]
    }

    #[test]
    fn what_nothing_stands_against_is_sent_at_once() {
        let settings = Settings { require_consent: true, ..Settings::default() };
        assert_eq!(endings(&facts(&settings), noon(), |_| {}), vec![SEND_AT_ONCE(); 4]);
    }

    #[test]
    fn while_sending_is_held_nothing_is_sent_and_nothing_is_given_up() {
        let settings = Settings::default();
        let held = Facts {
            held: true,
            person: Person { unreachable: true, ..Person::default() },
            ..facts(&settings)
        };
        let past = |message: &mut DueMessage| message.expires_at = Some(noon() - TimeDelta::hours(1));
        assert_eq!(endings(&held, noon(), past), vec![Dispatch::Defer(noon() + HELD_FOR); 4]);
    }

    #[test]
    fn what_comes_too_late_expires() {
        let settings = Settings::default();
        let expiring = |at| move |message: &mut DueMessage| message.expires_at = Some(at);
        assert_eq!(endings(&facts(&settings), noon(), expiring(noon())), vec![Dispatch::Expire; 4]);
        let later = noon() + TimeDelta::microseconds(1);
        assert_eq!(endings(&facts(&settings), noon(), expiring(later)), vec![SEND_AT_ONCE(); 4]);
    }

    #[test]
    fn a_country_the_owner_does_not_send_to_is_suppressed() {
        let settings =
            Settings { allowed_countries: AllowedCountries(vec!["AE".to_owned()]), ..Settings::default() };
        let ending = Dispatch::Suppress(SuppressedReason::CountryNotAllowed);
        assert_eq!(endings(&facts(&settings), noon(), |_| {}), vec![ending; 4]);
    }

    #[test]
    fn an_opt_out_stops_what_its_scope_covers() {
        let settings = Settings::default();
        let opted_out = |opt_outs| Facts {
            person: Person { opt_outs, consented: true, unreachable: false },
            ..facts(&settings)
        };
        let ending = Dispatch::Suppress(SuppressedReason::OptedOut);
        assert_eq!(endings(&opted_out(&[OptOutScope::All]), noon(), |_| {}), vec![ending; 4]);
        let promotional = opted_out(&[OptOutScope::Promotional]);
        assert_eq!(endings(&promotional, noon(), |_| {}), promotional_alone(ending));
    }

    #[test]
    fn what_is_paid_is_not_asked_for() {
        let settings = Settings::default();
        let paid = Facts { paid: true, ..facts(&settings) };
        assert_eq!(endings(&paid, noon(), |_| {}), vec![Dispatch::Suppress(SuppressedReason::Paid); 4]);
    }

    #[test]
    fn promotion_needs_consent_where_the_owner_demands_it() {
        let stranger = Person::default();
        let demanding = Settings { require_consent: true, ..Settings::default() };
        let ending = Dispatch::Suppress(SuppressedReason::NoConsent);
        let no_consent = Facts { person: stranger, ..facts(&demanding) };
        assert_eq!(endings(&no_consent, noon(), |_| {}), promotional_alone(ending));
        let easy = Settings::default();
        let not_needed = Facts { person: stranger, ..facts(&easy) };
        assert_eq!(endings(&not_needed, noon(), |_| {}), vec![SEND_AT_ONCE(); 4]);
    }

    #[test]
    fn a_number_that_never_receives_is_not_paid_for() {
        let settings = Settings::default();
        let person = Person { unreachable: true, consented: true, opt_outs: &[] };
        let unreachable = Facts { person, ..facts(&settings) };
        let ending = Dispatch::Suppress(SuppressedReason::Unreachable);
        assert_eq!(endings(&unreachable, noon(), |_| {}), vec![ending; 4]);
    }

    #[test]
    fn promotional_texts_need_a_sender_fit_for_them_and_whatsapp_does_not() {
        let settings = Settings::default();
        let unfit = Facts { sender_promotional: false, ..facts(&settings) };
        let ending = Dispatch::Suppress(SuppressedReason::SenderNotPromotional);
        assert_eq!(endings(&unfit, noon(), |_| {}), promotional_alone(ending));
        let by_whatsapp = |message: &mut DueMessage| message.channel = Channel::Whatsapp;
        assert_eq!(endings(&unfit, noon(), by_whatsapp), vec![SEND_AT_ONCE(); 4]);
    }

    #[test]
    fn promotion_waits_for_its_window_and_reminders_for_theirs() {
        let settings = Settings::default();
        let tomorrow_at_ten = Dispatch::Defer(at("2026-11-23T10:00:00+05:30"));
        let tomorrow_at_eight = Dispatch::Defer(at("2026-11-23T08:00:00+05:30"));
        let now = Dispatch::Send { slot: night() };
        assert_eq!(endings(&facts(&settings), night(), |_| {}), [now, now, now, tomorrow_at_ten]);
        let reminder = |message: &mut DueMessage| message.reminder = true;
        let deferred = [tomorrow_at_eight, tomorrow_at_eight, tomorrow_at_eight, tomorrow_at_ten];
        assert_eq!(endings(&facts(&settings), night(), reminder), deferred);
    }

    #[test]
    fn the_window_must_be_open_when_the_slot_comes_not_when_it_is_given_out() {
        let settings = Settings::default();
        let closing = at("2026-11-22T21:00:00+05:30");
        let lanes = [lane(closing)];
        let late = Facts { lanes: &lanes, ..facts(&settings) };
        let before = closing - TimeDelta::milliseconds(500);
        let ending = dispatch(&message(Category::Promotional), &late, before);
        assert_eq!(ending, Dispatch::Defer(at("2026-11-23T10:00:00+05:30")));
    }

    #[test]
    fn the_slot_is_that_of_the_slowest_lane_and_one_too_far_ahead_is_not_given_out() {
        let settings = Settings::default();
        let slot = noon() + TimeDelta::milliseconds(900);
        let lanes = [lane(noon()), lane(slot)];
        let paced = |slots_until| Facts { lanes: &lanes, slots_until, ..facts(&settings) };
        assert_eq!(endings(&paced(slot), noon(), |_| {}), vec![Dispatch::Send { slot }; 4]);
        let near = paced(slot - TimeDelta::microseconds(1));
        assert_eq!(endings(&near, noon(), |_| {}), vec![Dispatch::Defer(slot); 4]);
    }

    #[test]
    fn a_number_gets_its_messages_for_an_hour_and_passwords_have_their_own_count() {
        let settings = Settings { per_number_hourly_limit: 5, otp_hourly_limit: 3, ..Settings::default() };
        let sent = |sent_last_hour| Facts { sent_last_hour, ..facts(&settings) };
        let limited = Dispatch::Suppress(SuppressedReason::RateLimited);
        let send = SEND_AT_ONCE();
        for (count, expected) in [(2, [send; 4]), (3, [limited, send, send, send]), (5, [limited; 4])] {
            assert_eq!(endings(&sent(count), noon(), |_| {}), expected, "{count} in the last hour");
        }
    }

    #[test]
    fn a_used_up_budget_holds_everything_but_passwords() {
        let settings = Settings::default();
        let left = |micros| Facts { budget_left: Some(Money::from_micros(micros)), ..facts(&settings) };
        assert_eq!(endings(&left(800_000), noon(), |_| {}), vec![SEND_AT_ONCE(); 4]);
        let held = Dispatch::HoldForBudget;
        assert_eq!(endings(&left(799_999), noon(), |_| {}), [SEND_AT_ONCE(), held, held, held]);
    }

    #[test]
    fn limits_are_about_the_moment_of_sending_not_about_the_night_before() {
        let settings = Settings::default();
        let busy = Facts { sent_last_hour: 5, budget_left: Some(Money::ZERO), ..facts(&settings) };
        let ending = dispatch(&message(Category::Promotional), &busy, night());
        assert_eq!(ending, Dispatch::Defer(at("2026-11-23T10:00:00+05:30")));
    }

    #[test]
    fn an_opt_out_is_told_at_once_even_while_the_window_is_closed() {
        let settings = Settings::default();
        let person = Person { opt_outs: &[OptOutScope::Promotional], ..Person::default() };
        let ending =
            dispatch(&message(Category::Promotional), &Facts { person, ..facts(&settings) }, night());
        assert_eq!(ending, Dispatch::Suppress(SuppressedReason::OptedOut));
    }
}
