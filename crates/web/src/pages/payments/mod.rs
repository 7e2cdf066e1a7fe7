//! What customers owe: found, added up by age, and everything about one payment on one page.

mod edit;
mod import;
mod settle;
mod show;

use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters;
use crate::pages::imports;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use chrono::NaiveDate;
use dakiya_core::money::Money;
use dakiya_core::payment::{AgeBucket, PaymentStatus, parse_due_date};
use dakiya_core::phone::PhoneNumber;
use dakiya_store::payments::{self, Payment, PaymentFilter, Standing, Sum, Totals};
use std::collections::HashMap;

const LIST: &str = "/reminders/payments";
const ROWS: u64 = 50;

/// Everything about payments.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route(LIST, get(list).post(edit::save))
        .route("/reminders/payments/new", get(edit::ask_new))
        .route("/reminders/payments/edit", get(edit::ask_known))
        .merge(imports::routes::<import::PaymentList>())
        .route("/reminders/payment", get(show::show))
        .merge(settle::routes())
}

/// The page of one payment. By its reference in the query: references may hold whatever an address has a meaning for.
fn href_of(payment: &Payment, done: &str) -> String {
    view::href("/reminders/payment", &[("reference", payment.reference.as_str()), ("done", done)])
}

struct Row {
    href: String,
    reference: String,
    name: String,
    /// `None`: the person was erased since.
    phone: Option<PhoneNumber>,
    status: PaymentStatus,
    amount: Money,
    left: Money,
    due_on: String,
    late: String,
}

impl Row {
    fn of(payment: Payment, today: NaiveDate) -> Self {
        Row {
            href: href_of(&payment, ""),
            left: payment.left(),
            late: if payment.status.is_owed() { late_words(payment.due_on, today) } else { String::new() },
            due_on: day_words(payment.due_on),
            reference: payment.reference.to_string(),
            name: payment.name.unwrap_or_default(),
            phone: payment.phone.number(),
            status: payment.status,
            amount: payment.amount,
        }
    }
}

/// `5 Dec 2026`
fn day_words(day: NaiveDate) -> String {
    day.format("%-d %b %Y").to_string()
}

/// `due today`, `3 days late`, `in 2 days`
fn late_words(due_on: NaiveDate, today: NaiveDate) -> String {
    let days = today.signed_duration_since(due_on).num_days();
    match days {
        0 => "due today".to_owned(),
        1.. => format!("{} late", filters::counted(days.unsigned_abs(), "day", "days")),
        _ => format!("in {}", filters::counted(days.unsigned_abs(), "day", "days")),
    }
}

struct Tab {
    /// As the address says it.
    show: &'static str,
    words: &'static str,
    count: u64,
    href: String,
    current: bool,
}

struct Age {
    words: &'static str,
    sum: Sum,
    /// What is owed but not late needs nobody's attention.
    late: bool,
}

#[derive(Template)]
#[template(path = "payments/list.html")]
struct PaymentsPage {
    frame: Frame,
    owed: Sum,
    overdue: Sum,
    ages: Vec<Age>,
    tabs: Vec<Tab>,
    query: String,
    due_from: String,
    due_until: String,
    fault: String,
    narrowed: bool,
    rows: Vec<Row>,
    shown: &'static str,
    next: Option<String>,
    done: String,
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let text = |name: &str| query.get(name).map_or_else(String::new, |value| value.trim().to_owned());
    let (search, due_from, due_until, shown) = (text("q"), text("from"), text("until"), text("show"));
    let mut fault = String::new();
    let mut day = |text: &str| {
        let read = (!text.is_empty()).then(|| parse_due_date(text)).transpose();
        read.unwrap_or_else(|error| {
            fault = error.to_string();
            None
        })
    };
    let filter = PaymentFilter {
        search: (!search.is_empty()).then(|| search.clone()),
        standing: standing_of(&shown),
        phone: None,
        due_from: day(&due_from),
        due_until: day(&due_until),
    };
    let frame = Frame::of(&app, &person, Section::Reminders).await?;
    let today = frame.zone.date(&frame.now);
    let totals = payments::totals(&app.store, today).await?;
    let found = payments::page(&app.store, &filter, view::cursor(&query).as_ref(), ROWS).await?;
    let kept = [("q", search.as_str()), ("from", &due_from), ("until", &due_until)];
    let href = |show: &str, cursor: &str| {
        let mut pairs = kept.to_vec();
        pairs.extend([("show", show), ("cursor", cursor)]);
        view::href(LIST, &pairs)
    };
    let page = PaymentsPage {
        tabs: tabs(&totals, &shown, |show| href(show, "")),
        next: found.next.map(|next| href(&shown, &next.to_string())),
        owed: totals.owed(),
        overdue: totals.overdue(),
        ages: ages(&totals),
        narrowed: !search.is_empty() || !due_from.is_empty() || !due_until.is_empty(),
        rows: found.items.into_iter().map(|payment| Row::of(payment, today)).collect(),
        shown: if search.is_empty() { order_words(filter.standing) } else { "by reference" },
        query: search,
        due_from,
        due_until,
        fault,
        done: done_words(&query),
        frame,
    };
    Ok(view::html(&page))
}

/// What a list shows, as its address says it; what is owed, when it says nothing.
fn standing_of(shown: &str) -> Option<Standing> {
    match shown {
        "part" => Some(Standing::In(PaymentStatus::PartlyPaid)),
        "paid" => Some(Standing::In(PaymentStatus::Paid)),
        "canceled" => Some(Standing::In(PaymentStatus::Canceled)),
        "all" => None,
        _ => Some(Standing::Owed),
    }
}

fn order_words(standing: Option<Standing>) -> &'static str {
    match standing {
        Some(Standing::Owed | Standing::In(PaymentStatus::PartlyPaid)) => "owed longest first",
        _ => "latest due date first",
    }
}

fn tabs(totals: &Totals, shown: &str, href: impl Fn(&str) -> String) -> Vec<Tab> {
    let all = totals.by_status.values().map(|sum| sum.payments).sum();
    let of = |status| totals.of(status).payments;
    let tab = |(show, words, count): (&'static str, &'static str, u64)| Tab {
        show,
        words,
        count,
        href: href(show),
        current: standing_of(show) == standing_of(shown),
    };
    [
        ("", "To be paid", totals.owed().payments),
        ("part", "Partly paid", of(PaymentStatus::PartlyPaid)),
        ("paid", "Paid", of(PaymentStatus::Paid)),
        ("canceled", "Canceled", of(PaymentStatus::Canceled)),
        ("all", "All", all),
    ]
    .map(tab)
    .into()
}

fn ages(totals: &Totals) -> Vec<Age> {
    let age = |bucket: &AgeBucket| Age {
        words: age_words(*bucket),
        sum: totals.aged(*bucket),
        late: *bucket != AgeBucket::NotDue,
    };
    AgeBucket::ALL.iter().map(age).collect()
}

/// How long something has been owed, as people say it.
pub(crate) fn age_words(bucket: AgeBucket) -> &'static str {
    match bucket {
        AgeBucket::NotDue => "Not late yet",
        AgeBucket::UpTo7 => "1 to 7 days late",
        AgeBucket::UpTo30 => "8 to 30 days late",
        AgeBucket::UpTo60 => "31 to 60 days late",
        AgeBucket::Over60 => "Over 60 days late",
    }
}

fn done_words(query: &HashMap<String, String>) -> String {
    match query.get("done").map(String::as_str) {
        Some("imported") => imports::done_words(query, import::LAST_COUNTED),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lateness_is_said_in_days() {
        let today: NaiveDate = "2026-11-22".parse().unwrap();
        for (due_on, words) in [
            ("2026-11-22", "due today"),
            ("2026-11-21", "1 day late"),
            ("2026-09-22", "61 days late"),
            ("2026-11-24", "in 2 days"),
        ] {
            assert_eq!(late_words(due_on.parse().unwrap(), today), words);
        }
    }
}
