//! Instants, days and times of day.
//!
//! Instants are UTC and carry microseconds, which both databases keep. Zones appear only where people read or
//! plan.

use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// An instant, in UTC.
pub type Timestamp = DateTime<Utc>;

/// Drops what is finer than a microsecond, so that a value read back from either database equals the one written.
pub fn to_micros(at: Timestamp) -> Timestamp {
    let nanos = at.timestamp_subsec_micros() * 1_000;
    at.with_nanosecond(nanos).unwrap_or(at)
}

/// The calendar day of an instant in a zone.
pub fn day_in(at: Timestamp, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The instant at which a wall-clock time comes on a day in a zone. A time that a clock change skips comes at
/// the first instant after the gap; one that comes twice comes the first time.
pub fn instant_of(day: NaiveDate, time: TimeOfDay, zone: Tz) -> Timestamp {
    let mut wall = day.and_time(time.0);
    loop {
        if let Some(at) = zone.from_local_datetime(&wall).earliest() {
            return at.with_timezone(&Utc);
        }
        wall += chrono::Duration::minutes(1);
    }
}

/// Text that is not a day anybody asks about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a day from 2000 to 2100; write it as YYYY-MM-DD, for example 2026-11-22")]
pub struct DayError(pub String);

/// Reads a day as date fields and addresses write it: `YYYY-MM-DD`, from 2000 to 2100. What lies further off is a slip, and
/// some databases cannot keep it.
pub fn parse_day(text: &str) -> Result<NaiveDate, DayError> {
    let fault = || DayError(text.trim().chars().take(20).collect());
    let text = text.trim();
    let well_formed = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day: Option<NaiveDate> = text.parse().ok().filter(|_| well_formed);
    day.filter(|day| (2000..=2100).contains(&day.year())).ok_or_else(fault)
}

/// A wall-clock time, to the minute; written `HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay(NaiveTime);

/// A time of day that is not `HH:MM`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a time of day; write it as HH:MM, for example 09:30")]
pub struct TimeOfDayError(pub String);

impl TimeOfDay {
    /// The start of a day.
    pub const MIDNIGHT: TimeOfDay = TimeOfDay(NaiveTime::MIN);

    /// A time of day from hours (0–23) and minutes (0–59).
    pub fn new(hour: u32, minute: u32) -> Option<Self> {
        NaiveTime::from_hms_opt(hour, minute, 0).map(Self)
    }

    /// Reads `HH:MM`.
    pub fn parse(text: &str) -> Result<Self, TimeOfDayError> {
        let fault = || TimeOfDayError(text.to_owned());
        let (hour, minute) = text.split_once(':').ok_or_else(fault)?;
        let all_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        let two_digits = |part: &str| all_digits(part).then(|| part.parse().ok()).flatten();
        match (two_digits(hour), two_digits(minute)) {
            (Some(hour), Some(minute)) => Self::new(hour, minute).ok_or_else(fault),
            _ => Err(fault()),
        }
    }

    /// The time as chrono knows it.
    pub fn naive(self) -> NaiveTime {
        self.0
    }
}

impl std::fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0.hour(), self.0.minute())
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = TimeOfDayError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> Self {
        time.to_string()
    }
}

/// A calendar month; written `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    first: NaiveDate,
}

impl Month {
    /// The month of a day.
    pub fn of(day: NaiveDate) -> Self {
        Self { first: day.with_day(1).unwrap_or(day) }
    }

    /// Its first day.
    pub fn first_day(self) -> NaiveDate {
        self.first
    }

    /// Its last day.
    pub fn last_day(self) -> NaiveDate {
        self.plus(1).first.pred_opt().unwrap_or(self.first)
    }

    /// So many months later.
    pub fn plus(self, months: u32) -> Self {
        Self { first: self.first.checked_add_months(Months::new(months)).unwrap_or(self.first) }
    }

    /// Its first instant in a zone.
    pub fn start(self, zone: Tz) -> Timestamp {
        instant_of(self.first, TimeOfDay::MIDNIGHT, zone)
    }

    /// Reads `YYYY-MM`.
    pub fn parse(text: &str) -> Result<Self, MonthError> {
        let fault = || MonthError(text.chars().take(20).collect());
        let (year, month) = text.split_once('-').ok_or_else(fault)?;
        let digits = |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return Err(fault());
        }
        let (year, month) = (year.parse().map_err(|_| fault())?, month.parse().map_err(|_| fault())?);
        let first = NaiveDate::from_ymd_opt(year, month, 1).filter(|_| (2_000..2_200).contains(&year));
        first.map(|first| Self { first }).ok_or_else(fault)
    }
}

/// Text that is not a month.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a month; write it as YYYY-MM, for example 2026-11")]
pub struct MonthError(pub String);

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.first.year(), self.first.month())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{America::New_York, Asia::Kolkata, Pacific::Apia};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_time_of_day_is_two_digits_a_colon_and_two_digits() {
        for text in ["00:00", "09:30", "23:59"] {
            assert_eq!(TimeOfDay::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "9:30", "09:3", "24:00", "09:60", "+9:30", "09:30:00", "0930", "-1:00", "०९:३०"]
        {
            assert!(TimeOfDay::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_of_its_zone() {
        assert_eq!(day_in(at("2026-11-22T18:29:59Z"), Kolkata), day("2026-11-22"));
        assert_eq!(day_in(at("2026-11-22T18:30:00Z"), Kolkata), day("2026-11-23"));
    }

    #[test]
    fn a_wall_clock_time_comes_once_whatever_clocks_do() {
        for (zone, on, time, instant) in [
            (Kolkata, "2026-11-22", "10:00", "2026-11-22T04:30:00Z"),
            (New_York, "2026-03-08", "02:30", "2026-03-08T07:00:00Z"),
            (New_York, "2026-11-01", "01:30", "2026-11-01T05:30:00Z"),
            // Samoa had no 30 December 2011.
            (Apia, "2011-12-30", "12:00", "2011-12-30T10:00:00Z"),
        ] {
            assert_eq!(
                instant_of(day(on), TimeOfDay::parse(time).unwrap(), zone),
                at(instant),
                "{time} on {on} in {zone}"
            );
        }
    }

    #[test]
    fn what_a_database_cannot_keep_is_dropped() {
        assert_eq!(to_micros(at("2026-11-22T10:00:00.123456789Z")), at("2026-11-22T10:00:00.123456Z"));
    }

    #[test]
    fn a_day_that_nobody_asks_about_is_none() {
        assert_eq!(parse_day(" 2026-11-22 "), Ok(day("2026-11-22")));
        for text in [
            "",
            "soon",
            "2026-1-2",
            "22/11/2026",
            "1999-12-31",
            "2101-01-01",
            "+262142-12-31",
            "-262143-01-01",
            "2026-02-30",
            "0026-11-22",
        ] {
            assert!(parse_day(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_month_is_written_with_its_year() {
        let month = Month::of(day("2026-02-28"));
        assert_eq!((month.to_string(), month.first_day()), ("2026-02".to_owned(), day("2026-02-01")));
        assert_eq!((month.last_day(), month.plus(11).to_string()), (day("2026-02-28"), "2027-01".to_owned()));
        assert_eq!(month.start(Kolkata), at("2026-01-31T18:30:00Z"));
    }

    #[test]
    fn a_month_is_four_digits_a_hyphen_and_two_digits() {
        assert_eq!(Month::parse("2026-11").map(|month| month.to_string()), Ok("2026-11".to_owned()));
        for text in ["", "2026", "2026-1", "2026-13", "2026-00", "26-11", "2026-11-01", "+026-11", "1999-12"]
        {
            assert!(Month::parse(text).is_err(), "{text}");
        }
    }
}
