//! Twilio's error codes in plain words: what happened, what to do, may it be tried again, was it charged.
//!
//! The catalogue is data (`data/errors.csv`). A code it does not know is shown raw; nobody guesses.

use dakiya_core::opt_out::OptOutScope;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Twilio refused a request, with a code.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("Twilio error {code} (HTTP {http_status})")]
pub struct ApiError {
    /// Twilio's code.
    pub code: u32,
    /// The status of the answer.
    pub http_status: u16,
    /// What Twilio wrote. It may contain a phone number: for pages, never for logs.
    pub message: String,
}

/// Leaves out Twilio's text, which may contain a phone number.
impl std::fmt::Debug for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl ApiError {
    /// Reads an error document. `None` if it carries no code of Twilio's.
    pub fn parse(http_status: u16, body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(deserialize_with = "crate::wire::integer")]
            code: Option<u32>,
            #[serde(default)]
            message: Option<String>,
        }
        let wire: Wire = serde_json::from_slice(body).ok()?;
        let code = wire.code.filter(|code| *code >= 10_000)?;
        Some(Self { code, http_status, message: wire.message.unwrap_or_default() })
    }

    /// What the catalogue says about it.
    pub fn explanation(&self) -> Option<&'static Explanation> {
        explain(self.code)
    }

    /// Whether nothing more should be posted until a person has looked.
    pub fn stops_everything(&self) -> bool {
        self.http_status == 401 || stops_everything(self.code)
    }
}

/// A read, or a cancellation, that did not succeed. All of them may be tried again without harm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TwilioError {
    /// No connection.
    #[error("could not connect to Twilio; check the network and the base URL")]
    NoConnection,
    /// No answer in time.
    #[error("Twilio did not answer in time; try again")]
    TimedOut,
    /// The connection broke.
    #[error("the connection to Twilio broke; try again")]
    ConnectionLost,
    /// An answer with Twilio's code.
    #[error(transparent)]
    Api(ApiError),
    /// An answer without one.
    #[error("Twilio answered HTTP {0}; try again")]
    Status(u16),
    /// An answer that cannot be read.
    #[error("Twilio's answer cannot be used: {0}")]
    Malformed(&'static str),
    /// The HTTP client could not be built.
    #[error("the HTTP client could not be set up; check the system's TLS certificates")]
    Setup,
}

impl TwilioError {
    /// Twilio does not know the thing.
    pub fn is_not_found(&self) -> bool {
        match self {
            Self::Api(error) => error.http_status == 404,
            Self::Status(status) => *status == 404,
            _ => false,
        }
    }

    /// Whether the same question may be answered soon: Twilio is away or overloaded, or does not take our credentials.
    pub fn may_pass(&self) -> bool {
        let may_pass = |status: u16| matches!(status, 401 | 403 | 408 | 429 | 500..);
        match self {
            Self::NoConnection | Self::TimedOut | Self::ConnectionLost | Self::Setup => true,
            Self::Api(error) => may_pass(error.http_status),
            Self::Status(status) => may_pass(*status),
            Self::Malformed(_) => false,
        }
    }

    /// Twilio asked to slow down.
    pub fn is_too_many_requests(&self) -> bool {
        match self {
            Self::Api(error) => error.http_status == 429,
            Self::Status(status) => *status == 429,
            _ => false,
        }
    }
}

/// Whether the same message may succeed when sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// As it is, later.
    Yes,
    /// Not without a change.
    No,
    /// Once at most, and only if a duplicate would do no harm.
    Unknown,
}

/// What a code says about the person behind the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactEffect {
    /// Nothing.
    None,
    /// They asked for no more messages.
    OptedOut,
    /// The number does not receive messages.
    MarkUnreachable,
    /// It may not; believe it after repeats.
    SuspectUnreachable,
    /// They are not on WhatsApp.
    NotOnChannel,
    /// Twilio blocks the number for some hours.
    TemporarilyBlocked,
}

/// Whether a message that ended with a code was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charged {
    /// Refused before anything was sent.
    No,
    /// If it reached the carrier, it was: the price on the message tells.
    SeePrice,
}

/// One code in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Twilio's code.
    pub code: u32,
    /// Twilio's own title.
    pub title: String,
    /// What it means.
    pub meaning: String,
    /// What to do.
    pub fix: String,
    /// Whether to try again.
    pub retry: Retry,
    /// Whether it cost anything.
    pub charged: Charged,
    /// What it says about the person.
    pub contact_effect: ContactEffect,
}

/// What the catalogue says about a code. `None`: not in it; show the code itself.
pub fn explain(code: u32) -> Option<&'static Explanation> {
    CATALOGUE.get(&code)
}

/// A code as one sentence or two for a person: what it means and what to do; the bare code if the catalogue lacks it.
pub fn plain_words(code: u32) -> String {
    match explain(code) {
        Some(entry) => format!("{}. {}.", entry.meaning, entry.fix),
        None => format!("Twilio error {code}"),
    }
}

/// The opt-out that a code means, if it means one. 63033 is about marketing alone.
pub fn opt_out_scope(code: u32) -> Option<OptOutScope> {
    match code {
        63033 => Some(OptOutScope::Promotional),
        _ if explain(code)?.contact_effect == ContactEffect::OptedOut => Some(OptOutScope::All),
        _ => None,
    }
}

/// The codes of messages that Twilio took and that did not arrive because of the number, in ascending order. Not among them:
/// what a carrier blocks or does not explain.
pub fn unreachable_codes() -> Vec<u32> {
    let of_the_number = |entry: &&Explanation| {
        entry.charged == Charged::SeePrice
            && entry.code < 60_000
            && matches!(
                entry.contact_effect,
                ContactEffect::MarkUnreachable | ContactEffect::SuspectUnreachable
            )
            && !matches!(entry.code, 30004 | 30008)
    };
    let mut codes: Vec<u32> = CATALOGUE.values().filter(of_the_number).map(|entry| entry.code).collect();
    codes.sort_unstable();
    codes
}

/// Whether a code means that every further message will fail too: credentials refused, account suspended, or the
/// WhatsApp account locked.
pub fn stops_everything(code: u32) -> bool {
    matches!(code, 20003 | 20005 | 20403 | 10001 | 30002 | 30037 | 63051)
}

static CATALOGUE: LazyLock<HashMap<u32, Explanation>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Row {
        code: u32,
        title: String,
        retryable: Retry,
        meaning: String,
        fix: String,
        layer: String,
        contact_effect: ContactEffect,
    }
    let rows =
        csv::Reader::from_reader(include_bytes!("../data/errors.csv").as_slice()).into_deserialize::<Row>();
    // A row that cannot be read would be a slip in our own file; a test reads all of them.
    let entries = rows.flatten().map(|row| {
        let charged = if row.layer == "delivery" { Charged::SeePrice } else { Charged::No };
        let Row { code, title, retryable: retry, meaning, fix, contact_effect, .. } = row;
        (code, Explanation { code, title, meaning, fix, retry, charged, contact_effect })
    });
    entries.collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_catalogue_is_read() {
        let lines = include_str!("../data/errors.csv").lines().count();
        assert_eq!(CATALOGUE.len(), lines - 1);
        assert!(CATALOGUE.values().all(|entry| !entry.meaning.is_empty() && !entry.fix.is_empty()));
    }

    #[test]
    fn the_groups_are_those_of_twilios_pages() {
        let with = |effect| {
            let mut codes: Vec<u32> = CATALOGUE
                .values()
                .filter(|entry| entry.contact_effect == effect)
                .map(|entry| entry.code)
                .collect();
            codes.sort_unstable();
            codes
        };
        assert_eq!(with(ContactEffect::OptedOut), [21610, 30630, 63014, 63033]);
        assert_eq!(with(ContactEffect::MarkUnreachable), [21211, 21265, 21401, 21614, 21635, 30005, 30006]);
        assert_eq!(unreachable_codes(), [30003, 30005, 30006]);
        assert_eq!(opt_out_scope(21610), Some(OptOutScope::All));
        assert_eq!(opt_out_scope(63033), Some(OptOutScope::Promotional));
        assert_eq!(opt_out_scope(30003), None);
        for code in [20003, 20005, 20403, 10001, 30002, 30037, 63051] {
            assert!(stops_everything(code) && explain(code).is_some(), "{code}");
        }
        assert!(!stops_everything(21211));
    }

    #[test]
    fn an_unknown_code_is_not_guessed_at() {
        assert_eq!(explain(99_999), None);
        assert_eq!(plain_words(99_999), "Twilio error 99999");
        assert!(plain_words(30005).starts_with("The number is unknown"));
        assert_eq!(explain(21610).unwrap().charged, Charged::No);
        assert_eq!(explain(30005).unwrap().charged, Charged::SeePrice);
    }

    #[test]
    fn an_error_shows_its_code_but_never_twilios_text() {
        let error = ApiError::parse(400, br#"{"code":"21211","message":"Invalid +919876543210"}"#).unwrap();
        assert_eq!(error.code, 21211);
        assert!(!format!("{error:?} {error}").contains("98765"));
        assert!(ApiError::parse(400, br#"{"code":1}"#).is_none());
        assert!(ApiError::parse(400, br#"{"error":"bad"}"#).is_none());
    }
}
