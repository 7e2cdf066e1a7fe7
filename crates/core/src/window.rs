//! Sending windows: the hours in which a kind of message may go out.

use crate::time::{TimeOfDay, Timestamp, day_in, instant_of};
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// In minutes.
const DAY: i64 = 24 * 60;

/// Hours of the day, from `from` until just before `until`. `from` after `until` crosses midnight; both the same
/// means always open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Opens.
    pub from: TimeOfDay,
    /// Closes.
    pub until: TimeOfDay,
}

impl Window {
    /// Whether it is never open when `other` is closed.
    pub fn lies_within(&self, other: &Window) -> bool {
        // Counted from the other's opening, midnight does not matter.
        let after =
            |from: TimeOfDay, time: TimeOfDay| (time.naive() - from.naive()).num_minutes().rem_euclid(DAY);
        let length = |window: &Window| match after(window.from, window.until) {
            0 => DAY,
            length => length,
        };
        length(other) == DAY || after(other.from, self.from) + length(self) <= length(other)
    }

    /// `None` if open at `at`; otherwise when it opens next.
    pub fn closed_until(&self, at: Timestamp, zone: Tz) -> Option<Timestamp> {
        let (opens, _) = self.opening(at, zone)?;
        (opens > at).then_some(opens)
    }

    /// When it closes next, given it is open at `at`. `None`: it never closes.
    pub fn open_until(&self, at: Timestamp, zone: Tz) -> Option<Timestamp> {
        self.opening(at, zone).map(|(_, closes)| closes)
    }

    /// The first opening that is not over at `at`: from when, until when. `None`: always open.
    ///
    /// Each day has one opening, counted in instants: where clocks go back, an hour that comes twice does not open
    /// the window a second time, and an opening that a clock change skips whole is skipped.
    fn opening(&self, at: Timestamp, zone: Tz) -> Option<(Timestamp, Timestamp)> {
        if self.from == self.until {
            return None;
        }
        // The opening of the day before may still last, if it crosses midnight.
        let first_day = day_in(at, zone).pred_opt()?;
        first_day
            .iter_days()
            .map(|day| self.opening_of(day, zone))
            .find(|(opens, closes)| closes > opens && *closes > at)
    }

    fn opening_of(&self, day: NaiveDate, zone: Tz) -> (Timestamp, Timestamp) {
        let last_day = if self.until < self.from { day.succ_opt().unwrap_or(day) } else { day };
        (instant_of(day, self.from, zone), instant_of(last_day, self.until, zone))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America::New_York, Asia::Kathmandu, Asia::Kolkata, Australia::Lord_Howe};
    use proptest::prelude::*;

    fn window(from: &str, until: &str) -> Window {
        Window { from: TimeOfDay::parse(from).unwrap(), until: TimeOfDay::parse(until).unwrap() }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_opens_and_closes_by_the_clock_of_its_zone() {
        let day = ("10:00", "21:00");
        let night = ("22:00", "06:00");
        for (zone, (from, until), now, opens) in [
            (Kolkata, day, "2026-11-22T04:29:59+05:30", Some("2026-11-22T10:00:00+05:30")),
            (Kolkata, day, "2026-11-22T09:59:59.999999+05:30", Some("2026-11-22T10:00:00+05:30")),
            (Kolkata, day, "2026-11-22T10:00:00+05:30", None),
            (Kolkata, day, "2026-11-22T20:59:59.999999+05:30", None),
            (Kolkata, day, "2026-11-22T21:00:00+05:30", Some("2026-11-23T10:00:00+05:30")),
            (Kolkata, day, "2026-12-31T23:59:00+05:30", Some("2027-01-01T10:00:00+05:30")),
            (Kolkata, night, "2026-11-22T23:00:00+05:30", None),
            (Kolkata, night, "2026-11-22T05:59:59+05:30", None),
            (Kolkata, night, "2026-11-22T06:00:00+05:30", Some("2026-11-22T22:00:00+05:30")),
            (Kolkata, ("00:00", "00:00"), "2026-11-22T03:00:00+05:30", None),
            (Kathmandu, day, "2026-11-22T09:59:00+05:45", Some("2026-11-22T10:00:00+05:45")),
            // New York skips 02:00–03:00 on 8 March 2026: a window that lies there has no opening that day.
            (New_York, ("02:10", "02:50"), "2026-03-08T01:30:00-05:00", Some("2026-03-09T02:10:00-04:00")),
            (New_York, ("02:30", "09:00"), "2026-03-08T01:59:00-05:00", Some("2026-03-08T03:00:00-04:00")),
            (New_York, ("10:00", "21:00"), "2026-03-08T06:00:00-04:00", Some("2026-03-08T10:00:00-04:00")),
            // It has 01:00–02:00 twice on 1 November 2026: the window closes the first time and stays closed.
            (New_York, ("20:00", "01:30"), "2026-11-01T01:29:00-04:00", None),
            (New_York, ("20:00", "01:30"), "2026-11-01T01:15:00-05:00", Some("2026-11-01T20:00:00-05:00")),
            (New_York, ("01:15", "03:00"), "2026-11-01T01:10:00-05:00", None),
            // Lord Howe moves by half an hour.
            (Lord_Howe, ("02:15", "09:00"), "2026-10-04T01:59:00+10:30", Some("2026-10-04T02:30:00+11:00")),
        ] {
            let expected = opens.map(at);
            assert_eq!(
                window(from, until).closed_until(at(now), zone),
                expected,
                "{from}–{until} at {now} in {zone}"
            );
        }
    }

    #[test]
    fn an_open_window_says_when_it_closes() {
        let open_until = |from, until, now| window(from, until).open_until(at(now), Kolkata);
        assert_eq!(
            open_until("10:00", "21:00", "2026-11-22T12:00:00+05:30"),
            Some(at("2026-11-22T21:00:00+05:30"))
        );
        assert_eq!(
            open_until("22:00", "06:00", "2026-11-22T23:00:00+05:30"),
            Some(at("2026-11-23T06:00:00+05:30"))
        );
        assert_eq!(
            open_until("22:00", "06:00", "2026-11-22T01:00:00+05:30"),
            Some(at("2026-11-22T06:00:00+05:30"))
        );
        assert_eq!(open_until("09:00", "09:00", "2026-11-22T01:00:00+05:30"), None);
    }

    #[test]
    fn a_window_is_written_as_two_times() {
        let json = r#"{"from":"10:00","until":"21:00"}"#;
        assert_eq!(serde_json::from_str::<Window>(json).unwrap(), window("10:00", "21:00"));
        assert_eq!(serde_json::to_string(&window("10:00", "21:00")).unwrap(), json);
        assert!(serde_json::from_str::<Window>(r#"{"from":"10:00","until":"24:00"}"#).is_err());
        assert!(serde_json::from_str::<Window>(r#"{"from":"10:00","until":"21:00","zone":"IST"}"#).is_err());
    }

    #[test]
    fn a_window_lies_within_another_when_it_never_lets_more_through() {
        let legal = window("10:00", "21:00");
        for (from, until, within) in [
            ("10:00", "21:00", true),
            ("12:00", "12:30", true),
            ("09:59", "21:00", false),
            ("10:00", "21:01", false),
            ("21:00", "10:00", false),
            ("20:00", "11:00", false),
            ("12:00", "12:00", false),
        ] {
            assert_eq!(window(from, until).lies_within(&legal), within, "{from}–{until}");
        }
        assert!(window("23:00", "05:00").lies_within(&window("22:00", "06:00")));
        assert!(legal.lies_within(&window("00:00", "00:00")));
    }

    proptest! {
        #[test]
        fn where_clocks_never_change_a_window_is_open_exactly_between_its_times(
            from in 0u32..1440, until in 0u32..1440, second in 0i64..864_000,
        ) {
            let time = |minute: u32| TimeOfDay::new(minute / 60, minute % 60).unwrap();
            let window = Window { from: time(from), until: time(until) };
            let now = at("2026-02-25T00:00:00+05:30") + chrono::Duration::seconds(second);
            let minute = u32::try_from(second % 86_400 / 60).unwrap();
            let open = match from.cmp(&until) {
                std::cmp::Ordering::Less => (from..until).contains(&minute),
                std::cmp::Ordering::Equal => true,
                std::cmp::Ordering::Greater => minute >= from || minute < until,
            };
            prop_assert_eq!(window.closed_until(now, Kolkata).is_none(), open);
        }

        #[test]
        fn a_window_is_open_when_it_says_it_will_be_and_closed_when_it_says(
            from in 0u32..1440, until in 0u32..1440, minute in 0i64..600_000, zone in 0usize..3,
        ) {
            let zone = [New_York, Lord_Howe, Kathmandu][zone];
            let time = |minute: u32| TimeOfDay::new(minute / 60, minute % 60).unwrap();
            let window = Window { from: time(from), until: time(until) };
            let now = at("2026-01-01T00:00:00Z") + chrono::Duration::minutes(minute);
            let opens = window.closed_until(now, zone).unwrap_or(now);
            prop_assert!(opens >= now && opens - now < chrono::Duration::hours(49));
            prop_assert_eq!(window.closed_until(opens, zone), None);
            if let Some(closes) = window.open_until(opens, zone) {
                prop_assert!(closes > opens);
                prop_assert_eq!(window.closed_until(closes - chrono::Duration::microseconds(1), zone), None);
                prop_assert!(window.closed_until(closes, zone).is_some());
            }
        }
    }
}
