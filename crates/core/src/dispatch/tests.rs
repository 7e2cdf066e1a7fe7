//! Every ending, and the order in which they come.

use super::*;
use crate::pacing::{Pace, PaceState};
use crate::phone::AllowedCountries;
use crate::time::TimeOfDay;
use chrono_tz::America::New_York;

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
        void: None,
        exceeded: None,
        days: None,
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
    let held =
        Facts { held: true, person: Person { unreachable: true, ..Person::default() }, ..facts(&settings) };
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
    let paid = Facts { void: Some(SuppressedReason::Paid), ..facts(&settings) };
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
fn no_setting_and_no_zone_lets_promotion_through_at_night_in_india() {
    let tomorrow_at_ten = Dispatch::Defer(at("2026-11-23T10:00:00+05:30"));
    let always = Window { from: TimeOfDay::MIDNIGHT, until: TimeOfDay::MIDNIGHT };
    let settings = Settings { promotional_window: always, ..Settings::default() };
    let abroad = Facts { zone: New_York, ..facts(&settings) };
    assert_eq!(dispatch(&message(Category::Promotional), &abroad, night()), tomorrow_at_ten);
    assert_eq!(dispatch(&message(Category::Service), &abroad, night()), Dispatch::Send { slot: night() });
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
    let ending = dispatch(&message(Category::Promotional), &Facts { person, ..facts(&settings) }, night());
    assert_eq!(ending, Dispatch::Suppress(SuppressedReason::OptedOut));
}

#[test]
fn a_reminder_that_keeps_to_working_days_waits_for_one() {
    use crate::reminder::{Holidays, WorkingDays};
    let settings = Settings::default();
    // 22 November 2026 is a Sunday, the day after it a holiday.
    let holidays = Holidays(["2026-11-23".parse().unwrap()].into());
    let days = Some(WorkingDays { holidays: &holidays, zone: Kolkata });
    let service = |days, now| {
        let facts = Facts { days, slots_until: now + TimeDelta::days(1), ..facts(&settings) };
        endings(&facts, now, |message| message.reminder = true)[2]
    };
    let saturday_night = at("2026-11-21T20:00:00+05:30");
    let tuesday = Dispatch::Defer(at("2026-11-24T08:00:00+05:30"));
    assert_eq!(service(None, noon()), SEND_AT_ONCE());
    assert_eq!([service(days, noon()), service(days, saturday_night)], [tuesday; 2]);
    let saturday = at("2026-11-21T18:59:59+05:30");
    assert_eq!(service(days, saturday), Dispatch::Send { slot: saturday });
}
