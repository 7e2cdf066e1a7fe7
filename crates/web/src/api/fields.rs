//! Faults of fields, gathered so that a client hears of all at once.

use super::problem::{Code, Problem};
use crate::AppState;
use chrono::NaiveDate;
use chrono_tz::Tz;
use dakiya_core::field_error::FieldError;
use dakiya_core::phone::{AllowedCountries, PhoneError, PhoneNumber};
use dakiya_core::time::{TimeOfDay, Timestamp, instant_of, parse_day};

/// Clocks differ and requests take time: so much past is still "now".
const MOST_PAST: chrono::TimeDelta = chrono::TimeDelta::hours(1);

/// What was found wrong so far.
#[derive(Debug, Default)]
pub struct Fields {
    errors: Vec<FieldError>,
}

impl Fields {
    /// Notes a fault.
    pub fn fault(&mut self, field: &str, code: Code, message: impl ToString) {
        self.errors.push(FieldError::new(field, code.as_str(), message.to_string()));
    }

    /// Keeps a good value, or notes why it is none.
    pub fn keep<T, E: ToString>(&mut self, field: &str, code: Code, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.fault(field, code, error)).ok()
    }

    /// Reads a phone number.
    pub fn phone(&mut self, field: &str, text: &str, allowed: &AllowedCountries) -> Option<PhoneNumber> {
        PhoneNumber::parse(text, allowed).map_err(|error| self.fault(field, phone_code(&error), error)).ok()
    }

    /// Reads an optional word of a closed list.
    pub fn word<T: std::str::FromStr<Err = dakiya_core::words::UnknownWord>>(
        &mut self,
        field: &str,
        text: Option<&str>,
    ) -> Option<T> {
        self.keep(field, Code::InvalidRequest, text?.parse())
    }

    /// Reads an optional instant.
    pub fn instant(&mut self, field: &str, text: Option<&str>) -> Option<Timestamp> {
        let fault = "write it as in RFC 3339, with an offset, for example 2026-11-22T10:00:00+05:30";
        self.keep(field, Code::InvalidRequest, instant(text?).ok_or(fault))
    }

    /// Reads the beginning of a time range: an instant, or a day from its start.
    pub fn range_start(&mut self, field: &str, text: Option<&str>, zone: Tz) -> Option<Timestamp> {
        self.range_edge(field, text?, |day| start_of(day, zone))
    }

    /// Reads the end of a time range: an instant, or a day to its end.
    pub fn range_end(&mut self, field: &str, text: Option<&str>, zone: Tz) -> Option<Timestamp> {
        self.range_edge(field, text?, |day| start_of(day.succ_opt().unwrap_or(day), zone))
    }

    fn range_edge(
        &mut self,
        field: &str,
        text: &str,
        of_day: impl Fn(NaiveDate) -> Timestamp,
    ) -> Option<Timestamp> {
        let fault = "write a day from 2000 to 2100, for example 2026-11-22, or an instant as in RFC 3339, for example \
                     2026-11-22T10:00:00+05:30";
        let edge = parse_day(text).map(of_day).ok().or_else(|| instant(text));
        self.keep(field, Code::InvalidRequest, edge.ok_or(fault))
    }

    /// Reads an optional id.
    pub fn id<T: std::str::FromStr>(&mut self, field: &str, text: Option<&str>) -> Option<T> {
        self.keep(field, Code::InvalidRequest, text?.parse().map_err(|_| "not an id"))
    }

    /// An instant from which a message may go out. One that lies well back is more likely a slip than a wish.
    pub fn send_at(&mut self, field: &str, text: Option<&str>, now: Timestamp) -> Option<Timestamp> {
        let at = self.instant(field, text)?;
        if at < now - MOST_PAST {
            self.fault(field, Code::InvalidRequest, "lies in the past; leave it out to send at once");
        }
        Some(at)
    }

    /// Refuses a text that is too long.
    pub fn at_most(&mut self, field: &str, text: &str, characters: usize) {
        if text.chars().count() > characters {
            self.fault(field, Code::InvalidRequest, format!("at most {characters} characters"));
        }
    }

    /// How many faults there are.
    pub fn count(&self) -> usize {
        self.errors.len()
    }

    /// Goes on only if nothing is wrong.
    pub fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::fields(self.errors)) }
    }

    /// A value that [`Fields::finish`] vouches for.
    pub fn finish_with<T>(mut self, value: Option<T>) -> Result<T, Problem> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => {
                if self.errors.is_empty() {
                    self.fault("body", Code::InvalidRequest, "incomplete");
                }
                Err(Problem::fields(self.errors))
            }
        }
    }
}

/// Reads the number of somebody who may be stored here, from whatever country. `None`: nobody can have this number.
pub async fn stored_phone(app: &AppState, text: &str) -> Result<Option<PhoneNumber>, Problem> {
    let allowed = dakiya_store::settings::get(&app.store).await?.allowed_countries;
    Ok(PhoneNumber::parse(text, &allowed).ok().or_else(|| PhoneNumber::from_e164(text.trim())))
}

/// The API's word for what is wrong with a number.
pub fn phone_code(error: &PhoneError) -> Code {
    Code::parse(error.code()).unwrap_or(Code::InvalidPhone)
}

fn start_of(day: NaiveDate, zone: Tz) -> Timestamp {
    let midnight = TimeOfDay::new(0, 0);
    midnight.map_or_else(
        || day.and_time(chrono::NaiveTime::MIN).and_utc(),
        |midnight| instant_of(day, midnight, zone),
    )
}

/// An instant of RFC 3339 that both databases can keep and sort.
pub fn instant(text: &str) -> Option<Timestamp> {
    use chrono::Datelike;
    // In a query an unescaped + arrives as a space.
    let at = chrono::DateTime::parse_from_rfc3339(&text.replace(' ', "+")).ok()?.to_utc();
    (1970..=9999).contains(&at.year()).then(|| dakiya_core::time::to_micros(at))
}
