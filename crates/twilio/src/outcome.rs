//! What the answer to a POST proves. Twilio has no idempotency key, so every doubt must stay visible.

use crate::error::ApiError;
use crate::wire::Message;
use std::time::Duration;

/// The outcome of creating a message.
#[derive(Clone, Debug)]
pub enum PostOutcome {
    /// Twilio has the message: 2xx with a SID.
    Accepted(Box<Message>),
    /// Certainly not sent; sending it again is safe.
    NotSent(NotSent),
    /// Refused for good: 4xx with Twilio's code.
    Rejected(ApiError),
    /// It may or may not have reached Twilio. Never send it again blindly.
    Unknown(Doubt),
}

/// Why a message was certainly not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// Nothing was written: no connection could be made.
    #[error("could not connect to Twilio")]
    NoConnection,
    /// Nothing was written: `begin_by` had passed by the time there was a connection.
    #[error("its moment to begin had passed")]
    TooLate,
    /// HTTP 429: refused before it was processed.
    #[error("Twilio asked to slow down (429)")]
    TooManyRequests {
        /// How long Twilio asks to wait, when it says so.
        retry_after: Option<Duration>,
    },
}

/// Why it is not known whether a message was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// No answer in time.
    #[error("Twilio did not answer in time")]
    TimedOut,
    /// The connection broke after the request had begun.
    #[error("the connection to Twilio broke after the request had begun")]
    ConnectionLost,
    /// An answer that says neither yes nor no: 3xx, 408, 5xx, or a 4xx without Twilio's code.
    #[error("Twilio answered HTTP {0}")]
    Status(u16),
    /// Success without a message SID.
    #[error("Twilio answered HTTP {0} without a message SID")]
    NoSid(u16),
    /// More than 64 KiB.
    #[error("Twilio's answer (HTTP {0}) was too large to be one")]
    TooLarge(u16),
}

impl PostOutcome {
    /// Whether nothing more should be posted until a person has looked: the credentials are refused, or the
    /// account is suspended.
    pub fn stops_everything(&self) -> bool {
        match self {
            PostOutcome::Rejected(error) => error.stops_everything(),
            PostOutcome::Unknown(Doubt::Status(status)) => matches!(status, 401 | 403),
            _ => false,
        }
    }
}

/// Judges a complete answer. `body` is `None` when it was too large.
pub(crate) fn judge(status: u16, retry_after: Option<Duration>, body: Option<&[u8]>) -> PostOutcome {
    match (status, body) {
        (429, _) => PostOutcome::NotSent(NotSent::TooManyRequests { retry_after }),
        (200..=299, Some(body)) => match serde_json::from_slice::<Message>(body) {
            Ok(message) => PostOutcome::Accepted(Box::new(message)),
            Err(_) => PostOutcome::Unknown(Doubt::NoSid(status)),
        },
        (200..=299, None) => PostOutcome::Unknown(Doubt::TooLarge(status)),
        (408, _) => PostOutcome::Unknown(Doubt::Status(status)),
        (400..=499, Some(body)) => match ApiError::parse(status, body) {
            Some(error) => PostOutcome::Rejected(error),
            None => PostOutcome::Unknown(Doubt::Status(status)),
        },
        _ => PostOutcome::Unknown(Doubt::Status(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: &[u8] = br#"{"code":21211,"message":"Invalid 'To'","status":400}"#;

    #[test]
    fn only_a_429_or_a_4xx_with_twilios_code_is_a_certain_no() {
        let none = PostOutcome::NotSent(NotSent::TooManyRequests { retry_after: None });
        assert_eq!(format!("{:?}", judge(429, None, Some(ERROR))), format!("{none:?}"));
        assert!(matches!(judge(400, None, Some(ERROR)), PostOutcome::Rejected(error) if error.code == 21211));
        for (status, body) in
            [(301, ERROR), (408, ERROR), (500, ERROR), (503, ERROR), (400, b"<html>"), (404, b"{}")]
        {
            let judged = judge(status, None, Some(body));
            assert!(
                matches!(judged, PostOutcome::Unknown(Doubt::Status(s)) if s == status),
                "{status} {judged:?}"
            );
        }
    }

    #[test]
    fn only_a_2xx_with_a_sid_is_a_certain_yes() {
        let sid = br#"{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}"#;
        assert!(matches!(judge(201, None, Some(sid)), PostOutcome::Accepted(_)));
        let words = br#"{"sid":"SM0123456789abcdef0123456789abcdef","status":"a new word","num_segments":1}"#;
        assert!(matches!(judge(200, None, Some(words)), PostOutcome::Accepted(_)));
        for body in [&b"{}"[..], b"", b"<html>", br#"{"sid":null}"#, br#"{"sid":"../x"}"#, br#"["SM"]"#] {
            assert!(matches!(judge(201, None, Some(body)), PostOutcome::Unknown(Doubt::NoSid(201))));
        }
        assert!(matches!(judge(201, None, None), PostOutcome::Unknown(Doubt::TooLarge(201))));
    }

    #[test]
    fn refused_credentials_stop_everything_with_or_without_a_code() {
        let refused = br#"{"code":20003,"message":"Authenticate","status":401}"#;
        assert!(judge(401, None, Some(refused)).stops_everything());
        assert!(judge(403, None, Some(b"no")).stops_everything());
        assert!(!judge(400, None, Some(ERROR)).stops_everything());
        assert!(!judge(500, None, Some(b"")).stops_everything());
    }
}
