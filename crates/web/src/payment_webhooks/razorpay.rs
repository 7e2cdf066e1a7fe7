//! Razorpay's payment links. Amounts come in paise, and as what a link brought in all, so that a lost or late event is made
//! good by the next one.

use super::Refusal;
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentEvent, PaymentReference, checked_amount};
use dakiya_store::payments::{PaymentReport, Reported, Reporter};
use serde::Deserialize;

pub(super) const SIGNATURE_HEADER: &str = "x-razorpay-signature";

#[derive(Deserialize)]
struct Body {
    event: String,
    payload: Option<Payload>,
}

#[derive(Deserialize)]
struct Payload {
    payment_link: Option<Entity>,
}

#[derive(Deserialize)]
struct Entity {
    entity: PaymentLink,
}

#[derive(Deserialize)]
struct PaymentLink {
    id: String,
    reference_id: Option<String>,
    currency: Option<String>,
    amount_paid: Option<i64>,
    short_url: Option<String>,
}

/// What a signed body reports; `None`: it is about something else, or about a link without a reference of ours.
pub(super) fn report(bytes: &[u8], by: Reporter) -> Result<Option<PaymentReport>, Refusal> {
    let unreadable = |error: serde_json::Error| Refusal::Unreadable(error.to_string());
    let event: Body = match serde_json::from_slice(bytes) {
        Ok(body) => body,
        Err(error) => {
            // Events about other things have other shapes; they are not ours to refuse.
            #[derive(Deserialize)]
            struct Name {
                event: String,
            }
            let name: Name = serde_json::from_slice(bytes).map_err(unreadable)?;
            return if kind_of(&name.event).is_some() { Err(unreadable(error)) } else { Ok(None) };
        }
    };
    let Some(kind) = kind_of(&event.event) else { return Ok(None) };
    let told = || Refusal::Unreadable("payload.payment_link is missing".to_owned());
    let link = event.payload.and_then(|payload| payload.payment_link).ok_or_else(told)?.entity;
    let Some(reference) = link.reference_id.as_deref().filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let brought = link.amount_paid.unwrap_or(0);
    Ok(Some(PaymentReport {
        reference: PaymentReference::parse(reference)?,
        // Razorpay's own id of the event comes in a header, which is not signed: anybody could give it another one.
        external_id: Some(format!("{}:{}:{brought}", link.id, event.event)),
        pay_url: link.short_url.clone(),
        what: kind.reported(&link, brought)?,
        by,
    }))
}

#[derive(Clone, Copy)]
enum Kind {
    Paid,
    PartiallyPaid,
    Cancelled,
    Expired,
}

fn kind_of(event: &str) -> Option<Kind> {
    match event {
        "payment_link.paid" => Some(Kind::Paid),
        "payment_link.partially_paid" => Some(Kind::PartiallyPaid),
        "payment_link.cancelled" => Some(Kind::Cancelled),
        "payment_link.expired" => Some(Kind::Expired),
        _ => None,
    }
}

impl Kind {
    fn reported(self, link: &PaymentLink, brought: i64) -> Result<Reported, Refusal> {
        let fault = |told: &str| Err(Refusal::Unreadable(format!("payload.payment_link.entity.{told}")));
        let money = matches!(self, Kind::Paid | Kind::PartiallyPaid);
        if money && link.currency.as_deref().is_some_and(|currency| currency != "INR") {
            return fault("currency: only INR can be counted");
        }
        if brought < 0 || (matches!(self, Kind::PartiallyPaid) && brought == 0) {
            return fault("amount_paid: say in paise what the link brought");
        }
        Ok(match self {
            Kind::Paid if brought == 0 => Reported::Event(PaymentEvent::Received(None)),
            Kind::Paid | Kind::PartiallyPaid => match checked_amount(Money::from_paise(brought)) {
                Ok(total) => Reported::LinkTotal { link: link.id.clone(), total },
                Err(error) => return fault(&format!("amount_paid: {error}")),
            },
            Kind::Cancelled => Reported::Event(PaymentEvent::Canceled),
            Kind::Expired => Reported::Event(PaymentEvent::LinkExpired),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(event: &str, link: &str) -> Result<Option<PaymentReport>, Refusal> {
        let text = format!(
            r#"{{"entity":"event","event":"{event}","contains":["payment_link"],"created_at":1,
                "payload":{{"payment_link":{{"entity":{link}}},"payment":{{"entity":{{"amount":40000}}}}}}}}"#
        );
        report(text.as_bytes(), Reporter::Provider("razorpay".to_owned()))
    }

    const LINK: &str = r#"{"id":"plink_1","reference_id":"INV/1","currency":"INR","amount":100000,"amount_paid":40050,
        "short_url":"https://rzp.io/i/a","status":"partially_paid"}"#;

    #[test]
    fn a_links_events_become_reports_in_rupees() {
        let total =
            Reported::LinkTotal { link: "plink_1".to_owned(), total: Money::parse("400.50").unwrap() };
        for (event, what) in [
            ("payment_link.paid", total.clone()),
            ("payment_link.partially_paid", total),
            ("payment_link.cancelled", Reported::Event(PaymentEvent::Canceled)),
            ("payment_link.expired", Reported::Event(PaymentEvent::LinkExpired)),
        ] {
            let report = read(event, LINK).unwrap().unwrap();
            assert_eq!((report.what, report.reference.as_str()), (what, "INV/1"));
            assert_eq!(report.external_id, Some(format!("plink_1:{event}:40050")));
        }
    }

    #[test]
    fn what_is_not_about_a_payment_of_ours_is_left_alone() {
        assert!(read("payment.captured", LINK).unwrap().is_none());
        assert!(read("payment_link.paid", r#"{"id":"plink_1","reference_id":""}"#).unwrap().is_none());
        assert!(read("payment_link.paid", r#"{"id":"plink_1","reference_id":null}"#).unwrap().is_none());
        let other = br#"{"event":"order.paid","payload":{"payment_link":[]}}"#;
        let by = Reporter::Provider("razorpay".to_owned());
        assert!(report(other, by).unwrap().is_none());
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        for link in [
            r#"{"id":"p","reference_id":"1","currency":"USD","amount_paid":5}"#,
            r#"{"id":"p","reference_id":"1","currency":"INR","amount_paid":-5}"#,
            r#"{"id":"p","reference_id":"1","currency":"INR","amount_paid":0}"#,
            r#"{"id":"p","reference_id":"1","currency":"INR","amount_paid":10000000001}"#,
            r#"{"id":"p","reference_id":"1","currency":"INR","amount_paid":9223372036854775807}"#,
            r#"{"id":"p","reference_id":"//","currency":"INR","amount_paid":5}"#,
            r#"{"reference_id":"1"}"#,
        ] {
            assert!(read("payment_link.partially_paid", link).is_err(), "{link}");
        }
    }
}
