//! Consent to promotional messages, as people write it down.

use crate::time::Timestamp;
use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

/// What a person says about promotional messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// They agree.
    Given {
        /// Since when. `None`: since they first did, or since now.
        at: Option<Timestamp>,
        /// How we know: a form, a call, a file. `None` leaves what is on record.
        evidence: Option<String>,
    },
    /// They do not, or no longer.
    Withdrawn,
}

/// A text that says neither yes nor no, and is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is neither yes nor no nor a date; write yes, no, or the day of the consent as 2026-08-18 or 18/08/2026"
)]
pub struct ConsentError(pub String);

impl Consent {
    /// Reads a cell: yes, no, or the day on which they agreed, which is taken as a day in UTC. Nothing in an empty one.
    pub fn parse(text: &str) -> Result<Option<Consent>, ConsentError> {
        match text.trim().to_lowercase().as_str() {
            "" => Ok(None),
            "yes" | "y" | "true" | "1" => Ok(Some(Consent::Given { at: None, evidence: None })),
            "no" | "n" | "false" | "0" => Ok(Some(Consent::Withdrawn)),
            day => match day_of(day) {
                Some(day) => {
                    let at = Some(day.and_time(NaiveTime::MIN).and_utc());
                    Ok(Some(Consent::Given { at, evidence: None }))
                }
                None => Err(ConsentError(text.trim().to_owned())),
            },
        }
    }

    /// The same consent with how we know it, if it was given.
    pub fn with_evidence(self, evidence: &str) -> Consent {
        match self {
            Consent::Given { at, .. } if !evidence.is_empty() => {
                Consent::Given { at, evidence: Some(evidence.to_owned()) }
            }
            other => other,
        }
    }
}

/// A day as lists write it: year first, or day first as in India.
fn day_of(text: &str) -> Option<NaiveDate> {
    let digits = |part: &str, count: usize| part.len() <= count && part.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let [first, month, last] = parts[..] else { return None };
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    if year.len() != 4 || !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
        return None;
    }
    NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_says_yes_no_or_since_when() {
        let given = |at: Option<&str>| {
            Ok(Some(Consent::Given { at: at.map(|at| at.parse().unwrap()), evidence: None }))
        };
        for (text, meaning) in [
            ("", Ok(None)),
            (" YES ", given(None)),
            ("1", given(None)),
            ("No", Ok(Some(Consent::Withdrawn))),
            ("2026-08-18", given(Some("2026-08-18T00:00:00Z"))),
            ("18/08/2026", given(Some("2026-08-18T00:00:00Z"))),
            ("8-9-2026", given(Some("2026-09-08T00:00:00Z"))),
        ] {
            assert_eq!(Consent::parse(text), meaning, "{text}");
        }
        for text in ["maybe", "31/02/2026", "18/08/26", "2026", "08/18/2026", "+1/01/2026", "2026-08-18-1"] {
            assert_eq!(Consent::parse(text), Err(ConsentError(text.to_owned())));
        }
    }

    #[test]
    fn evidence_belongs_to_a_consent_that_was_given() {
        let given = Consent::Given { at: None, evidence: None };
        let known = Consent::Given { at: None, evidence: Some("signed form".to_owned()) };
        assert_eq!(given.clone().with_evidence("signed form"), known);
        assert_eq!(known.clone().with_evidence(""), known);
        assert_eq!(Consent::Withdrawn.with_evidence("signed form"), Consent::Withdrawn);
    }
}
