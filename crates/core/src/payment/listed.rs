//! What a list of payments says has become of them already.

use super::{Balance, PaymentEvent, PaymentFault, PaymentStatus, parse::shortened, parse_amount};
use crate::money::Money;

/// Where a list says that a payment stands. Saying the same twice is nothing new, and nothing reopens what is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// What came of it so far, in all.
    pub paid: Option<Money>,
    /// Its state.
    pub status: Option<PaymentStatus>,
}

impl Listed {
    /// What happened to a payment, if the list is right about it.
    pub fn events(&self, balance: &Balance) -> impl Iterator<Item = PaymentEvent> + use<> {
        let all = self.status == Some(PaymentStatus::Paid);
        let paid = if all { Some(balance.amount) } else { self.paid };
        let more = paid.map(|paid| paid - balance.paid).filter(|more| *more > Money::ZERO);
        let received = more.filter(|_| balance.status() != PaymentStatus::Paid);
        let received = received.map(|more| PaymentEvent::Received(Some(more)));
        let after = received.map_or(*balance, |event| balance.after(event));
        let canceled = self.status == Some(PaymentStatus::Canceled) && after.status().is_owed();
        received.into_iter().chain(canceled.then_some(PaymentEvent::Canceled))
    }
}

/// Reads what came of a payment so far: an amount as [`parse_amount`] reads it, or nothing.
pub fn parse_paid(text: &str) -> Result<Option<Money>, PaymentFault> {
    match Money::parse(text) {
        Ok(money) if money.is_zero() => Ok(None),
        _ if text.trim().is_empty() => Ok(None),
        _ => parse_amount(text).map(Some),
    }
}

/// Reads a payment's state: `open`, `partly_paid`, `paid` or `cancelled`, in any case; `None` when nothing is said.
pub fn parse_status(text: &str) -> Result<Option<PaymentStatus>, PaymentFault> {
    let word = text.trim().to_lowercase().replace([' ', '-'], "_");
    match word.as_str() {
        "" => Ok(None),
        "cancelled" => Ok(Some(PaymentStatus::Canceled)),
        word => PaymentStatus::ALL
            .iter()
            .find(|status| status.as_str() == word)
            .map(|status| Some(*status))
            .ok_or_else(|| PaymentFault::Status(shortened(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rupees(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn events(paid: &str, status: &str, balance: Balance) -> Vec<PaymentEvent> {
        let listed = Listed { paid: parse_paid(paid).unwrap(), status: parse_status(status).unwrap() };
        let events: Vec<_> = listed.events(&balance).collect();
        let after = events.iter().fold(balance, |balance, event| balance.after(*event));
        assert_eq!(listed.events(&after).count(), 0, "said twice, it is nothing new");
        events
    }

    #[test]
    fn a_list_settles_what_it_says_is_settled_and_reopens_nothing() {
        let received = |text: &str| vec![PaymentEvent::Received(Some(rupees(text)))];
        let open = Balance::open(rupees("1000"));
        let partly = Balance { paid: rupees("400"), ..open };
        let paid = Balance { paid: rupees("1000"), ..open };
        let canceled = Balance { canceled: true, ..open };
        assert_eq!(events("", "", open), []);
        assert_eq!(events("0", "open", partly), [], "nothing is taken back");
        assert_eq!(events("", "Paid", open), received("1000"));
        assert_eq!(events("", "paid", partly), received("600"));
        assert_eq!(events("400", "partly paid", open), received("400"));
        assert_eq!(events("500", "", partly), received("100"), "in all, not on top");
        assert_eq!(events("300", "", partly), []);
        assert_eq!(events("", "Cancelled", open), [PaymentEvent::Canceled]);
        let both = [received("250"), vec![PaymentEvent::Canceled]].concat();
        assert_eq!(events("250", "canceled", open), both);
        assert_eq!(events("1200", "cancelled", open), received("1200"), "all of it came");
        assert_eq!(events("", "cancelled", paid), []);
        assert_eq!(events("", "open", canceled), []);
    }

    #[test]
    fn what_is_no_state_or_amount_is_refused() {
        assert!(matches!(parse_status("settled"), Err(PaymentFault::Status(_))));
        assert!(matches!(parse_paid("-5"), Err(PaymentFault::NotPositive(_))));
        assert!(parse_paid("some").is_err());
    }
}
