//! What a customer owes: how much of it is left after what happened, and what an import may change about it.

mod listed;
mod parse;

pub use listed::{Listed, parse_paid, parse_status};
pub use parse::{
    PaymentFault, PaymentReference, checked_amount, is_another_link, parse_amount, parse_due_date,
    parse_pay_url,
};

use crate::money::Money;
use crate::template::Variables;
use crate::worded_enum;
use chrono::NaiveDate;

worded_enum! {
    /// Where a payment stands.
    PaymentStatus {
        /// Nothing came yet.
        Open = "open",
        /// Some of it came.
        PartlyPaid = "partly_paid",
        /// All of it came. Nothing reopens it.
        Paid = "paid",
        /// Nobody asks for it any more. Nothing reopens it but the money itself.
        Canceled = "canceled",
    }
}

impl PaymentStatus {
    /// Whether something is still asked for.
    pub const fn is_owed(self) -> bool {
        matches!(self, PaymentStatus::Open | PaymentStatus::PartlyPaid)
    }
}

/// What is asked for, and how much of it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// What is asked for.
    pub amount: Money,
    /// What came. More than the amount when somebody paid too much.
    pub paid: Money,
    /// Somebody said that nobody asks for it any more.
    pub canceled: bool,
}

/// Something that happened to a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentEvent {
    /// So much money came; `None`: all that was left.
    Received(Option<Money>),
    /// Nobody asks for it any more.
    Canceled,
    /// Its pay link works no longer. The money is still owed.
    LinkExpired,
    /// A person recorded money by mistake, and takes that back.
    TakenBack(Money),
}

worded_enum! {
    /// What kind of thing happened to a payment.
    PaymentEventKind {
        /// Money came.
        Received = "received",
        /// Nobody asks for it any more.
        Canceled = "canceled",
        /// Its pay link works no longer.
        LinkExpired = "link_expired",
        /// Money that was recorded by mistake was taken back.
        TakenBack = "taken_back",
    }
}

impl PaymentEvent {
    /// What kind of thing it is.
    pub const fn kind(self) -> PaymentEventKind {
        match self {
            PaymentEvent::Received(_) => PaymentEventKind::Received,
            PaymentEvent::Canceled => PaymentEventKind::Canceled,
            PaymentEvent::LinkExpired => PaymentEventKind::LinkExpired,
            PaymentEvent::TakenBack(_) => PaymentEventKind::TakenBack,
        }
    }
}

/// A payment that people have settled, and that they try to settle again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Settled {
    /// All of it came.
    #[error("the payment is paid already; nothing was changed")]
    Paid,
    /// It was canceled.
    #[error("the payment is canceled; nothing was changed")]
    Canceled,
}

impl Balance {
    /// Of a new payment.
    pub const fn open(amount: Money) -> Self {
        Self { amount, paid: Money::ZERO, canceled: false }
    }

    /// Where it stands.
    pub fn status(&self) -> PaymentStatus {
        match self {
            _ if self.paid >= self.amount => PaymentStatus::Paid,
            _ if self.canceled => PaymentStatus::Canceled,
            _ if self.paid.is_zero() => PaymentStatus::Open,
            _ => PaymentStatus::PartlyPaid,
        }
    }

    /// What is still asked for: nothing when it is paid or canceled.
    pub fn left(&self) -> Money {
        if self.status().is_owed() { self.amount - self.paid } else { Money::ZERO }
    }

    /// What would have to come for it to be paid, also when nobody asks for it any more.
    pub fn left_to_pay(&self) -> Money {
        if self.paid < self.amount { self.amount - self.paid } else { Money::ZERO }
    }

    /// What came beyond what was asked for.
    pub fn surplus(&self) -> Money {
        (self.paid - self.amount).max(Money::ZERO)
    }

    /// The balance after something happened. Providers tell of things late, twice and in any order: money counts
    /// whenever it is told of, and what is paid stays paid.
    pub fn after(mut self, event: PaymentEvent) -> Self {
        match event {
            PaymentEvent::Received(_) if self.status() == PaymentStatus::Paid => {}
            PaymentEvent::Received(Some(money)) => self.paid += money,
            PaymentEvent::Received(None) => self.paid = self.amount,
            PaymentEvent::Canceled => self.canceled |= self.status() != PaymentStatus::Paid,
            PaymentEvent::LinkExpired => {}
            PaymentEvent::TakenBack(money) => self.paid = (self.paid - money).max(Money::ZERO),
        }
        self
    }

    /// The balance if just this money came; `None` among it: all that was left. When money is taken back, what was told
    /// of while the payment seemed paid counts after all.
    pub fn with_money(self, told: impl IntoIterator<Item = Option<Money>>) -> Self {
        let paid = told.into_iter().fold(Money::ZERO, |paid, money| match money {
            Some(money) => paid + money,
            None => paid.max(self.amount),
        });
        Self { paid, ..self }
    }

    /// Whether a person or a program of ours may report this. They look first, and should hear of a mistake, so they
    /// may not pay for what is canceled, nor cancel or pay more for what is paid; saying the same again is fine.
    pub fn allows(&self, event: PaymentEvent) -> Result<(), Settled> {
        match (self.status(), event) {
            (PaymentStatus::Paid, PaymentEvent::Received(Some(_)) | PaymentEvent::Canceled) => {
                Err(Settled::Paid)
            }
            (PaymentStatus::Canceled, PaymentEvent::Received(_)) => Err(Settled::Canceled),
            _ => Ok(()),
        }
    }
}

/// What a payment asks for: the part that a settled payment keeps, whatever a list says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How much.
    pub amount: Money,
    /// By when.
    pub due_on: NaiveDate,
}

/// The balance and due date of a known payment after a list, a program or a form says what it asks for. What is paid or
/// canceled keeps both: a list written before the money came must not ask for it again.
pub fn merged(balance: Balance, due_on: NaiveDate, given: Terms) -> (Balance, NaiveDate) {
    if balance.status().is_owed() {
        (Balance { amount: given.amount, ..balance }, given.due_on)
    } else {
        (balance, due_on)
    }
}

worded_enum! {
    /// How long something has been owed, in days after the due date.
    AgeBucket {
        /// Due today or later.
        NotDue = "not_due",
        /// 1 to 7 days.
        UpTo7 = "1_7",
        /// 8 to 30 days.
        UpTo30 = "8_30",
        /// 31 to 60 days.
        UpTo60 = "31_60",
        /// More than 60 days.
        Over60 = "over_60",
    }
}

impl AgeBucket {
    /// The bucket of what was due on a day.
    pub fn of(due_on: NaiveDate, today: NaiveDate) -> Self {
        match today.signed_duration_since(due_on).num_days() {
            ..=0 => AgeBucket::NotDue,
            1..=7 => AgeBucket::UpTo7,
            8..=30 => AgeBucket::UpTo30,
            31..=60 => AgeBucket::UpTo60,
            _ => AgeBucket::Over60,
        }
    }
}

/// What a reminder may say about a payment.
#[derive(Clone, Copy, Debug)]
pub struct PaymentFacts<'a> {
    /// Its reference.
    pub reference: &'a PaymentReference,
    /// What is left of it.
    pub left: Money,
    /// By when.
    pub due_on: NaiveDate,
    /// Where to pay; `None` also when the link has expired.
    pub pay_url: Option<&'a str>,
    /// Who owes it.
    pub name: Option<&'a str>,
    /// The further columns of the list it came with.
    pub variables: &'a Variables,
}

impl PaymentFacts<'_> {
    /// What the placeholders stand for: `request_id` (the reference), `amount` (what is left, in Indian grouping and
    /// without the rupee sign, which would cost a segment), `due_on`, `pay_url`, `name` and the further columns. What is
    /// not known is left out, so that a text that needs it is not sent: better silent than a dead link.
    pub fn placeholders(&self) -> Variables {
        let mut values = self.variables.clone();
        values.insert("request_id".to_owned(), self.reference.to_string());
        values.insert("amount".to_owned(), self.left.to_string());
        values.insert("due_on".to_owned(), self.due_on.format("%-d %b %Y").to_string());
        for (name, value) in [("pay_url", self.pay_url), ("name", self.name)] {
            match value {
                Some(value) => values.insert(name.to_owned(), value.to_owned()),
                None => values.remove(name),
            };
        }
        values
    }
}

#[cfg(test)]
mod tests;
