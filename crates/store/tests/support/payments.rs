//! Builders for payments and what happens to them.
#![allow(dead_code, reason = "each test file uses what it needs")]

use super::{TESTER, later, now, phone};
use chrono::NaiveDate;
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentEvent, PaymentReference, PaymentStatus};
use dakiya_store::payments::{
    self, Payment, PaymentFields, PaymentFilter, PaymentReport, PaymentRow, Recorded, Reported, Reporter,
};
use dakiya_store::{Store, StoreError};

/// An amount.
pub fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

/// A day.
pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A reference.
pub fn reference(text: &str) -> PaymentReference {
    PaymentReference::parse(text).unwrap()
}

/// A row of a list, about a person's payment.
pub fn row(name: &str, person: u64, amount: &str, due_on: &str) -> PaymentRow {
    let fields = PaymentFields {
        phone: phone(person),
        amount: rupees(amount),
        due_on: day(due_on),
        pay_url: Some(Some(format!("https://pay.example.in/{person}"))),
        name: Some(Some(format!("Person {person}"))),
        language: None,
        tags: None,
        variables: None,
    };
    PaymentRow { reference: reference(name), fields }
}

/// Stores a payment.
pub async fn put(store: &Store, row: PaymentRow) -> Payment {
    payments::put(store, row, &TESTER, now()).await.unwrap().0
}

/// A payment as it is stored.
pub async fn stored(store: &Store, name: &str) -> Payment {
    payments::get(store, &reference(name)).await.unwrap().unwrap()
}

/// Something to be recorded.
pub fn report(name: &str, event: PaymentEvent, by: Reporter, id: Option<&str>) -> PaymentReport {
    PaymentReport {
        reference: reference(name),
        what: Reported::Event(event),
        by,
        external_id: id.map(str::to_owned),
        pay_url: None,
    }
}

/// Money came.
pub fn received(text: &str) -> PaymentEvent {
    PaymentEvent::Received(Some(rupees(text)))
}

/// A provider.
pub fn bank() -> Reporter {
    Reporter::Provider("bank".to_owned())
}

/// A person records something.
pub async fn ours(store: &Store, name: &str, event: PaymentEvent) -> Result<Recorded, StoreError> {
    payments::record(store, &report(name, event, Reporter::Ours("page"), None), &TESTER, later(5)).await
}

/// The provider tells something.
pub async fn told(store: &Store, name: &str, event: PaymentEvent, id: &str) -> Recorded {
    payments::record(store, &report(name, event, bank(), Some(id)), &TESTER, later(5)).await.unwrap()
}

/// The provider tells what a link brought in all.
pub async fn link_brought(store: &Store, name: &str, link: &str, total: &str, id: &str) -> Recorded {
    let what = Reported::LinkTotal { link: link.to_owned(), total: rupees(total) };
    let report = PaymentReport { what, ..report(name, PaymentEvent::Canceled, bank(), Some(id)) };
    payments::record(store, &report, &TESTER, later(5)).await.unwrap()
}

/// The sums that are kept, and the same reckoned from every payment.
pub async fn sums_fit(store: &Store) {
    let mut all = Vec::new();
    let mut cursor = None;
    loop {
        let page = payments::page(store, &PaymentFilter::default(), cursor.as_ref(), 100).await.unwrap();
        all.extend(page.items);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let totals = payments::totals(store, day("2026-11-22")).await.unwrap();
    for status in PaymentStatus::ALL {
        let of: Vec<_> = all.iter().filter(|payment| payment.status == *status).collect();
        let sum = totals.of(*status);
        assert_eq!(sum.payments, of.len() as u64, "{status}");
        assert_eq!(sum.amount, of.iter().map(|payment| payment.amount).sum(), "{status}");
        assert_eq!(sum.paid, of.iter().map(|payment| payment.paid).sum(), "{status}");
    }
    assert_eq!(totals.owed().left(), all.iter().map(Payment::left).sum());
}
