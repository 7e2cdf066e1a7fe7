//! The account of one message in words: what Twilio asked, and why it differs from the estimate.

use dakiya_core::ledger::Cause;
use dakiya_core::money::{Currency, Money};
use dakiya_store::messages::Message;

/// `US$0.0832 at ₹96 a dollar`, once Twilio has said so.
pub(crate) fn quoted_words(message: &Message) -> Option<String> {
    let (price, fx) = message.quoted?;
    let amount = price.amount.normalize();
    Some(match price.currency {
        Currency::Inr => format!("₹{amount}"),
        Currency::Usd => format!("US${amount} at ₹{} a dollar", fx.inr_per_usd.normalize()),
    })
}

/// Each cause that made a difference: what it is, and how much.
pub(crate) fn difference_words(message: &Message) -> Vec<(&'static str, String)> {
    let differences = message.differences();
    let words = |cause| match cause {
        Cause::Volume => "not sent",
        Cause::Segments => "number of segments",
        Cause::Rate => "price",
        Cause::Fx => "dollar",
        Cause::Failure => "did not arrive",
    };
    differences
        .causes()
        .map(|(cause, amount)| {
            let sign = if amount.rupees().is_sign_negative() { "−" } else { "+" };
            (words(cause), format!("{sign}₹{}", Money::new(amount.rupees().abs()).to_plain()))
        })
        .collect()
}
