//! When something that recurs is due: a cron expression in a named zone, for people who think in them.

use crate::time::{Timestamp, to_micros};
use chrono::Utc;
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// A cron expression: minute, hour, day of the month, month, day of the week. Where both days are given, both have to
/// fit, as with the timers of the scheduler.
#[derive(Clone, Debug)]
pub struct Recurrence {
    text: String,
    cron: Cron,
    zone: Tz,
}

/// A text that is no recurrence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecurrenceError {
    /// Not a cron expression.
    #[error(
        "\"{text}\" is not a cron expression ({fault}); write minute hour day month weekday, for example 0 10 1 * *"
    )]
    Cron {
        /// What was given.
        text: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Not a zone.
    #[error("\"{0}\" is not a time zone; write its name, for example Asia/Kolkata")]
    Zone(String),
    /// It names a day that never comes, such as 30 February.
    #[error("\"{0}\" never comes")]
    Never(String),
}

impl Recurrence {
    /// Reads an expression in a zone. One that is never due after `now` is none.
    pub fn parse(text: &str, zone: &str, now: Timestamp) -> Result<Self, RecurrenceError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let fault = |fault: &dyn std::fmt::Display| RecurrenceError::Cron {
            text: text.clone(),
            fault: fault.to_string(),
        };
        let zone = zone.trim().parse().map_err(|_| RecurrenceError::Zone(zone.to_owned()))?;
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .dom_and_dow(true)
            .build();
        let cron = parser.parse(&text).map_err(|error| fault(&error))?;
        let recurrence = Self { cron, zone, text };
        match recurrence.next(now) {
            Some(_) => Ok(recurrence),
            None => Err(RecurrenceError::Never(recurrence.text)),
        }
    }

    /// The expression, with single spaces.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whose clock it is read by.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first time after an instant.
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let next = self.cron.find_next_occurrence(&after.with_timezone(&self.zone), false).ok()?;
        Some(to_micros(next.with_timezone(&Utc)))
    }

    /// The next times after an instant.
    pub fn upcoming(&self, after: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next(after), |at| self.next(*at)).take(count).collect()
    }

    /// The last time that is due, of those after `first` (which counts itself) and until `now`. All between are
    /// missed: what recurs is made up for once, not once for each.
    pub fn latest(&self, first: Timestamp, now: Timestamp) -> Timestamp {
        let due = std::iter::successors(Some(first), |at| self.next(*at)).take_while(|at| *at <= now);
        // An expression of every minute over years of downtime is not worth walking through.
        due.take(MOST_STEPS).last().unwrap_or(first)
    }
}

const MOST_STEPS: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn upcoming(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let recurrence = Recurrence::parse(cron, zone, at(after)).unwrap();
        let times = recurrence.upcoming(at(after), count);
        times.iter().map(|time| time.with_timezone(&recurrence.zone()).to_rfc3339()).collect()
    }

    #[test]
    fn it_is_due_by_the_clock_of_its_zone() {
        assert_eq!(
            upcoming("0 10 1 * *", "Asia/Kolkata", "2026-11-22T00:00:00Z", 3),
            ["2026-12-01T10:00:00+05:30", "2027-01-01T10:00:00+05:30", "2027-02-01T10:00:00+05:30"]
        );
        assert_eq!(
            upcoming("30 9 31 * *", "Asia/Kathmandu", "2026-11-22T00:00:00Z", 3),
            ["2026-12-31T09:30:00+05:45", "2027-01-31T09:30:00+05:45", "2027-03-31T09:30:00+05:45"]
        );
        assert_eq!(
            upcoming("0 10 L * *", "Asia/Kolkata", "2027-01-31T12:00:00Z", 2),
            ["2027-02-28T10:00:00+05:30", "2027-03-31T10:00:00+05:30"]
        );
    }

    #[test]
    fn an_hour_that_is_skipped_or_comes_twice_is_due_once() {
        // New York skips 02:00–03:00 on 8 March 2026 and has 01:00–02:00 twice on 1 November.
        let spring = upcoming("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", 2);
        assert_eq!(spring, ["2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"]);
        let autumn = upcoming("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z", 2);
        assert_eq!(autumn, ["2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"]);
        // Lord Howe moves by half an hour.
        let howe = upcoming("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00:00Z", 2);
        assert_eq!(howe, ["2026-10-04T02:30:00+11:00", "2026-10-05T02:15:00+11:00"]);
    }

    #[test]
    fn a_day_of_the_month_and_a_weekday_both_have_to_fit() {
        let both = upcoming("0 9 1,15 * MON", "Asia/Kolkata", "2026-11-22T00:00:00Z", 1);
        assert_eq!(both, ["2027-02-01T09:00:00+05:30"]);
    }

    #[test]
    fn what_is_no_recurrence_is_refused_in_words() {
        let now = at("2026-11-22T00:00:00Z");
        let fault = |cron: &str, zone: &str| Recurrence::parse(cron, zone, now).unwrap_err().to_string();
        for cron in ["", "every day", "0 25 * * *", "* * * * * *", "0 10 1 *"] {
            assert!(fault(cron, "Asia/Kolkata").contains("is not a cron expression"), "{cron}");
        }
        assert_eq!(fault("0 10 30 2 *", "Asia/Kolkata"), "\"0 10 30 2 *\" never comes");
        assert!(fault("0 10 * * *", "India").contains("is not a time zone"));
    }

    #[test]
    fn what_was_missed_is_made_up_for_once() {
        let recurrence = Recurrence::parse("0 10 * * *", "Asia/Kolkata", at("2026-11-22T00:00:00Z")).unwrap();
        let first = at("2026-11-22T10:00:00+05:30");
        assert_eq!(
            recurrence.latest(first, at("2026-11-25T09:00:00+05:30")),
            at("2026-11-24T10:00:00+05:30")
        );
        assert_eq!(recurrence.latest(first, first), first);
    }

    proptest! {
        #[test]
        fn times_go_forward_and_fit_the_hour(hour in 0u32..24, day in 1u32..29, start in 0i64..100_000_000) {
            use chrono::{Datelike, Timelike};
            let after = at("2026-01-01T00:00:00Z") + chrono::Duration::seconds(start);
            let recurrence = Recurrence::parse(&format!("0 {hour} {day} * *"), "Asia/Kathmandu", after).unwrap();
            let times = recurrence.upcoming(after, 5);
            prop_assert_eq!(times.len(), 5);
            prop_assert!(times[0] > after && times.windows(2).all(|pair| pair[0] < pair[1]));
            for time in times {
                let local = time.with_timezone(&recurrence.zone());
                prop_assert_eq!((local.hour(), local.day(), local.minute()), (hour, day, 0));
            }
        }
    }
}
