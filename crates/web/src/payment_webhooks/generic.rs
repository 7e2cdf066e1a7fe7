//! Our own form of a payment webhook, for providers and systems that can be told what to send.

use super::Refusal;
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentEvent, PaymentReference, checked_amount, parse_amount};
use dakiya_core::worded_enum;
use dakiya_store::payments::{PaymentReport, Reported, Reporter};
use serde::Deserialize;

pub(super) const SIGNATURE_HEADER: &str = "x-dakiya-signature";

const MOST_ID_CHARACTERS: usize = 200;

worded_enum! {
    /// What happened.
    Status {
        /// Money came: `amount`, or all that was left.
        Paid = "paid",
        /// A part of it came: `amount`.
        PartiallyPaid = "partially_paid",
        /// Nobody asks for it any more.
        Cancelled = "cancelled",
        /// Its pay link works no longer.
        Expired = "expired",
    }
}

#[derive(Deserialize)]
struct Body {
    event_id: String,
    reference: String,
    status: Status,
    amount: Option<Amount>,
    pay_url: Option<String>,
}

/// As the API writes money, or a decimal as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum Amount {
    Plain(String),
    Whole(Money),
}

/// What a signed body reports.
pub(super) fn report(bytes: &[u8], by: Reporter) -> Result<PaymentReport, Refusal> {
    let body: Body = serde_json::from_slice(bytes).map_err(|error| Refusal::Unreadable(error.to_string()))?;
    let event_id = body.event_id.trim();
    if event_id.is_empty() || event_id.chars().count() > MOST_ID_CHARACTERS || event_id.contains('\0') {
        let told = format!("event_id: write 1 to {MOST_ID_CHARACTERS} characters that no other event has");
        return Err(Refusal::Unreadable(told));
    }
    let amount = match body.amount {
        Some(Amount::Plain(text)) => Some(parse_amount(&text)?),
        Some(Amount::Whole(money)) => Some(checked_amount(money)?),
        None => None,
    };
    let event = match (body.status, amount) {
        (Status::PartiallyPaid, None) => {
            return Err(Refusal::Unreadable("amount: say how much of it was paid".to_owned()));
        }
        (Status::Paid | Status::PartiallyPaid, amount) => PaymentEvent::Received(amount),
        (Status::Cancelled, _) => PaymentEvent::Canceled,
        (Status::Expired, _) => PaymentEvent::LinkExpired,
    };
    Ok(PaymentReport {
        reference: PaymentReference::parse(&body.reference)?,
        what: Reported::Event(event),
        by,
        external_id: Some(event_id.to_owned()),
        pay_url: body.pay_url,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PaymentReport, Refusal> {
        report(text.as_bytes(), Reporter::Provider("bank".to_owned()))
    }

    #[test]
    fn each_status_is_what_it_says() {
        let received = |text: &str| PaymentEvent::Received(Some(Money::parse(text).unwrap()));
        for (rest, event) in [
            (r#""status":"paid""#, PaymentEvent::Received(None)),
            (r#""status":"paid","amount":"1,250.50""#, received("1250.50")),
            (r#""status":"partially_paid","amount":{"amount":"100","currency":"INR"}"#, received("100")),
            (r#""status":"cancelled""#, PaymentEvent::Canceled),
            (r#""status":"expired","unknown":[1]"#, PaymentEvent::LinkExpired),
        ] {
            let read = read(&format!(r#"{{"event_id":"e1","reference":"INV/1",{rest}}}"#)).unwrap();
            assert_eq!(
                (read.what, read.external_id.as_deref()),
                (Reported::Event(event), Some("e1")),
                "{rest}"
            );
        }
    }

    #[test]
    fn what_is_not_such_an_event_is_refused() {
        for text in [
            "",
            "[]",
            r#"{"event_id":"e1","reference":"1","status":"partially_paid"}"#,
            r#"{"event_id":"e1","reference":"1","status":"refunded"}"#,
            r#"{"event_id":"","reference":"1","status":"paid"}"#,
            r#"{"event_id":"e1","reference":"","status":"paid"}"#,
            r#"{"event_id":"e1","reference":"1","status":"paid","amount":100}"#,
            r#"{"event_id":"e1","reference":"1","status":"paid","amount":"-1"}"#,
            r#"{"event_id":"e1","reference":"1","status":"paid","amount":{"amount":"1","currency":"USD"}}"#,
        ] {
            assert!(matches!(read(text), Err(Refusal::Unreadable(_))), "{text}");
        }
    }
}
