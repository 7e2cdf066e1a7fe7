//! Pacing: the generic cell rate algorithm (GCRA, ITU-T I.371) over stored state.
//!
//! Twilio's throughput is in segments per second per sender. The state is one instant, the theoretical arrival
//! time, so that it can be a column advanced in the transaction that takes messages. Nothing is saved up: after
//! an idle hour the pace is what it was, and no second ever carries a burst.
//!
//! Slots lie half a per cent further apart than the setting says. A POST begins a little after its slot; without
//! that headroom, one late POST followed by a punctual one would put a second over the limit.

use crate::time::{TimeOfDay, Timestamp, day_in, instant_of};
use crate::window::Window;
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Tz;

/// A second and its headroom: what one second may carry is given slots over this time.
pub const STRETCHED_SECOND: TimeDelta = TimeDelta::microseconds(STRETCHED_SECOND_MICROS);
const STRETCHED_SECOND_MICROS: i64 = 1_005_000;

/// No slot is stored this far ahead. One that is was reckoned by a clock that was ahead and has been put right.
const FURTHEST_AHEAD: TimeDelta = TimeDelta::minutes(1);

/// A forecast gives up here; nobody plans a campaign for a century.
const MOST_DAYS: u32 = 36_600;

/// How many days a forecast lists one by one.
const MOST_DAYS_LISTED: usize = 366;

/// How fast something may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pace {
    /// Segments per second, at least one.
    pub segments_per_second: u32,
}

/// Where a pace stands: the earliest instant of the next slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaceState {
    /// Theoretical arrival time of the next segment.
    pub next_slot: Timestamp,
}

/// A pace and where it stands: a sender's, or a campaign's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// How fast.
    pub pace: Pace,
    /// How far.
    pub state: PaceState,
}

/// When a number of segments goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// The first slot.
    pub start: Timestamp,
    /// The last slot.
    pub finish: Timestamp,
    /// Segments per day, in order; days without any are left out. At most the first 366.
    pub days: Vec<(NaiveDate, u64)>,
}

impl Pace {
    /// The time between two segments, in whole microseconds, rounded up so that the setting is never exceeded. At up
    /// to 1,000 segments a second the rounding costs less than a thousandth.
    pub fn interval(self) -> TimeDelta {
        let rate = i64::from(self.segments_per_second.max(1));
        TimeDelta::microseconds((STRETCHED_SECOND_MICROS + rate - 1) / rate)
    }
}

impl PaceState {
    /// What was stored, as far as it can be believed at `now`.
    pub fn stored(next_slot: Timestamp, now: Timestamp) -> Self {
        Self { next_slot: if next_slot > now + FURTHEST_AHEAD { now } else { next_slot } }
    }
}

impl Lane {
    /// The earliest slot. Reserving nothing, it may be asked of many messages before one is chosen.
    pub fn ready(&self, now: Timestamp) -> Timestamp {
        self.state.next_slot.max(now)
    }

    /// Takes a slot, which may be later than the earliest, for a message of `segments`; an empty one counts as one.
    pub fn occupy(&mut self, slot: Timestamp, segments: u32) {
        let segments = i32::try_from(segments.max(1)).unwrap_or(i32::MAX);
        self.state.next_slot = slot + self.pace.interval() * segments;
    }
}

/// The earliest slot that suits every lane: a sender's and a campaign's, say.
pub fn ready(lanes: &[Lane], now: Timestamp) -> Timestamp {
    lanes.iter().map(|lane| lane.ready(now)).max().unwrap_or(now)
}

/// Predicts when `segments` go out, starting at `start`, inside `window`; what does not fit into a day spills to the
/// next. `None` for `window`: at any hour. A day at a time, however many segments.
pub fn forecast(start: Timestamp, segments: u64, pace: Pace, window: Option<&Window>, zone: Tz) -> Forecast {
    let interval = pace.interval();
    let opening = |at| window.and_then(|window| window.closed_until(at, zone)).unwrap_or(at);
    let start = opening(start);
    let mut days: Vec<(NaiveDate, u64)> = Vec::new();
    let (mut slot, mut finish, mut left) = (start, start, segments);
    for _ in 0..MOST_DAYS {
        if left == 0 {
            break;
        }
        let day = day_in(slot, zone);
        let fitting = slots_between(slot, end_of_run(slot, day, window, zone), interval).min(left);
        left -= fitting;
        finish = slot + interval_times(interval, fitting - 1);
        slot = opening(slot + interval_times(interval, fitting));
        add_to_day(&mut days, day, fitting);
    }
    Forecast { start, finish, days }
}

/// Predicts when the last of `segments` goes out, starting at `start`, inside `window`.
pub fn predict_finish(
    start: Timestamp,
    segments: u64,
    pace: Pace,
    window: Option<&Window>,
    zone: Tz,
) -> Timestamp {
    forecast(start, segments, pace, window, zone).finish
}

fn add_to_day(days: &mut Vec<(NaiveDate, u64)>, day: NaiveDate, segments: u64) {
    let listed = days.len();
    match days.last_mut() {
        Some((last, count)) if *last == day => *count += segments,
        _ if listed < MOST_DAYS_LISTED => days.push((day, segments)),
        _ => {}
    }
}

/// Until when slots follow each other without a break, or without the day ending.
fn end_of_run(slot: Timestamp, day: NaiveDate, window: Option<&Window>, zone: Tz) -> Timestamp {
    let midnight = instant_of(day.succ_opt().unwrap_or(day), TimeOfDay::MIDNIGHT, zone);
    let closes = window.and_then(|window| window.open_until(slot, zone)).unwrap_or(midnight);
    closes.min(midnight)
}

/// How many slots begin in `from..until`, the first at `from`; at least that one.
fn slots_between(from: Timestamp, until: Timestamp, interval: TimeDelta) -> u64 {
    let length = micros(until - from).max(1);
    length.div_ceil(micros(interval).max(1))
}

fn micros(delta: TimeDelta) -> u64 {
    delta.num_microseconds().and_then(|micros| u64::try_from(micros).ok()).unwrap_or(0)
}

/// `count` intervals; `count` is at most what fits into a day.
fn interval_times(interval: TimeDelta, count: u64) -> TimeDelta {
    TimeDelta::microseconds(i64::try_from(micros(interval).saturating_mul(count)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America::New_York, Asia::Kolkata};
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn lane(segments_per_second: u32, next_slot: Timestamp) -> Lane {
        Lane { pace: Pace { segments_per_second }, state: PaceState { next_slot } }
    }

    fn window(from: u32, until: u32) -> Window {
        let time = |minute: u32| TimeOfDay::new(minute / 60, minute % 60).unwrap();
        Window { from: time(from), until: time(until) }
    }

    fn reserve(lanes: &mut [Lane], now: Timestamp, segments: u32) -> Timestamp {
        let slot = ready(lanes, now);
        lanes.iter_mut().for_each(|lane| lane.occupy(slot, segments));
        slot
    }

    /// What the scheduler does, segment by segment.
    fn simulate(
        start: Timestamp,
        segments: u64,
        pace: Pace,
        window: Option<&Window>,
        zone: Tz,
    ) -> Vec<Timestamp> {
        let mut lane = Lane { pace, state: PaceState { next_slot: start } };
        let mut now = start;
        let mut slots = Vec::new();
        while (slots.len() as u64) < segments {
            let slot = lane.ready(now);
            assert!(slot >= now, "a slot in the past");
            match window.and_then(|window| window.closed_until(slot, zone)) {
                Some(opens) => now = opens,
                None => {
                    lane.occupy(slot, 1);
                    slots.push(slot);
                }
            }
        }
        slots
    }

    #[test]
    fn an_idle_pace_starts_at_once_and_saves_nothing_up() {
        let (old, now) = (at("2026-11-22T00:00:00Z"), at("2026-11-22T10:00:00Z"));
        let mut lanes = [lane(10, old)];
        assert_eq!(reserve(&mut lanes, now, 1), now);
        assert_eq!(reserve(&mut lanes, now, 1) - now, TimeDelta::microseconds(100_500));
    }

    #[test]
    fn a_pace_set_by_a_clock_that_was_ahead_does_not_stand_still_until_then() {
        let now = at("2026-11-22T10:00:00Z");
        let stored = |next_slot| PaceState::stored(next_slot, now).next_slot;
        assert_eq!(stored(at("2027-11-22T10:00:00Z")), now);
        assert_eq!(stored(at("2026-11-22T09:00:00Z")), at("2026-11-22T09:00:00Z"));
        // The longest message there is, at the slowest pace, holds the lane for less.
        let mut slow = [lane(1, now)];
        reserve(&mut slow, now, 24);
        let held_until = slow[0].state.next_slot;
        assert_eq!(stored(held_until), held_until);
    }

    #[test]
    fn a_message_takes_as_long_as_its_segments() {
        let now = at("2026-11-22T10:00:00Z");
        let mut lane = lane(10, now);
        lane.occupy(now, 3);
        assert_eq!(lane.state.next_slot - now, TimeDelta::microseconds(301_500));
    }

    #[test]
    fn of_two_lanes_the_later_decides_and_both_move_on() {
        let now = at("2026-11-22T10:00:00Z");
        let later = now + TimeDelta::milliseconds(700);
        let mut lanes = [lane(10, now), lane(1, later)];
        assert_eq!(reserve(&mut lanes, now, 1), later);
        assert_eq!(
            lanes.map(|lane| (lane.state.next_slot - later).num_microseconds()),
            [Some(100_500), Some(1_005_000)]
        );
        assert_eq!(reserve(&mut [], now, 1), now);
    }

    #[test]
    fn what_does_not_fit_into_a_day_spills_to_the_next() {
        let ten_to_nine = window(10 * 60, 21 * 60);
        let pace = Pace { segments_per_second: 1 };
        let start = at("2026-11-22T20:59:50+05:30");
        let forecast = forecast(start, 39_420, pace, Some(&ten_to_nine), Kolkata);
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        // 10 before closing, 39,403 in eleven hours, 7 on the third morning.
        assert_eq!(forecast.days, [(day(22), 10), (day(23), 39_403), (day(24), 7)]);
        assert_eq!(forecast.start, start);
        assert_eq!(forecast.finish, at("2026-11-24T10:00:06.030+05:30"));
    }

    #[test]
    fn a_slot_that_falls_on_closing_time_waits_for_the_morning() {
        // 40,000 intervals of 100.5 ms fill 67 minutes exactly.
        let window = window(600, 667);
        let start = at("2026-11-22T10:00:00+05:30");
        let forecast = forecast(start, 40_001, Pace { segments_per_second: 10 }, Some(&window), Kolkata);
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
        assert_eq!(forecast.days, [(day(22), 40_000), (day(23), 1)]);
    }

    #[test]
    fn a_forecast_starts_when_the_window_opens_and_needs_no_window() {
        let pace = Pace { segments_per_second: 100 };
        let night = at("2026-11-22T23:00:00+05:30");
        let forecast_in = |window: Option<&Window>| forecast(night, 1, pace, window, Kolkata);
        let opens = at("2026-11-23T10:00:00+05:30");
        assert_eq!(forecast_in(Some(&window(600, 1260))).start, opens);
        assert_eq!(predict_finish(night, 1, pace, Some(&window(600, 1260)), Kolkata), opens);
        assert_eq!(forecast_in(None).finish, night);
        assert_eq!(
            forecast(night, 0, pace, None, Kolkata),
            Forecast { start: night, finish: night, days: vec![] }
        );
    }

    #[test]
    fn a_million_segments_are_forecast_day_by_day() {
        let start = at("2026-11-22T10:00:00+05:30");
        let pace = Pace { segments_per_second: 10 };
        let forecast = forecast(start, 1_000_000, pace, None, Kolkata);
        assert_eq!(forecast.finish, start + TimeDelta::microseconds(100_500 * 999_999));
        assert_eq!(forecast.days.iter().map(|(_, segments)| segments).sum::<u64>(), 1_000_000);
    }

    #[test]
    fn an_absurd_number_of_segments_ends_all_the_same() {
        let start = at("2026-11-22T10:00:00+05:30");
        let forecast =
            forecast(start, u64::MAX, Pace { segments_per_second: 1 }, Some(&window(600, 601)), Kolkata);
        assert_eq!(forecast.days.len(), MOST_DAYS_LISTED);
    }

    proptest! {
        #[test]
        fn no_second_carries_more_than_the_setting(
            rate in 1u32..=1_000, pauses in prop::collection::vec(0i64..300_000, 1..400),
        ) {
            let mut lane = lane(rate, at("2026-11-22T00:00:00Z"));
            let mut now = at("2026-11-22T10:00:00Z");
            let slots: Vec<Timestamp> = pauses.iter().map(|pause| {
                now += TimeDelta::microseconds(*pause);
                reserve(std::slice::from_mut(&mut lane), now, 1)
            }).collect();
            for pair in slots.windows(rate as usize + 1) {
                prop_assert!(pair[rate as usize] - pair[0] >= TimeDelta::seconds(1));
            }
        }

        #[test]
        fn the_mean_rate_is_within_one_per_cent_of_the_setting(rate in 1u32..=1_000) {
            let pace = Pace { segments_per_second: rate };
            let seconds = 1_000.0;
            let slots = seconds * 1e6 / micros(pace.interval()) as f64;
            prop_assert!(slots <= seconds * f64::from(rate) && slots >= seconds * f64::from(rate) * 0.99);
        }

        #[test]
        fn a_forecast_is_what_the_reservations_will_do(
            rate in 1u32..20, from in 0u32..1440, length in 1u32..1440, minute in 0i64..3_000, micros in 0i64..60_000_000,
            segments in 1u64..2_000, zone in prop::sample::select(vec![Kolkata, New_York]), windowed: bool,
        ) {
            let window = windowed.then(|| window(from, (from + length) % 1440));
            let pace = Pace { segments_per_second: rate };
            // Over the weekend on which New York's clocks go forward.
            let start = at("2026-03-06T20:00:00Z") + TimeDelta::minutes(minute) + TimeDelta::microseconds(micros);
            let slots = simulate(start, segments, pace, window.as_ref(), zone);
            let forecast = forecast(start, segments, pace, window.as_ref(), zone);
            prop_assert_eq!(Some(&forecast.start), slots.first());
            prop_assert_eq!(Some(&forecast.finish), slots.last());
            let mut days: Vec<(NaiveDate, u64)> = Vec::new();
            slots.iter().for_each(|slot| add_to_day(&mut days, day_in(*slot, zone), 1));
            prop_assert_eq!(forecast.days, days);
        }
    }
}
