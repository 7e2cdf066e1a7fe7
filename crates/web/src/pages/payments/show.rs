//! One payment: what is left of it, what happened to it, and its reminders.

use super::{LIST, day_words, late_words};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::pages::explain;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::extract::{Query, State};
use dakiya_core::ids::ReminderRuleId;
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentEvent, PaymentReference};
use dakiya_core::reminder::when_in_words;
use dakiya_core::time::Timestamp;
use dakiya_store::messages::{self, Message};
use dakiya_store::payments::{self, Happened, Payment};
use dakiya_store::reminder_rules;
use std::collections::{HashMap, HashSet};

const MOST_EVENTS: u64 = 200;
const MOST_REMINDERS: u64 = 100;

struct EventRow {
    words: String,
    who: String,
    at: Timestamp,
    taken_back: bool,
    /// Where it is taken back; empty when it cannot be.
    take_back_href: String,
}

impl EventRow {
    fn of(happened: Happened, taken_back: bool, reference: &str) -> Self {
        let take_back_href = if happened.may_be_taken_back() && !taken_back {
            let event = happened.id.to_string();
            view::href("/reminders/payment/take-back", &[("reference", reference), ("event", &event)])
        } else {
            String::new()
        };
        let words = match happened.event {
            PaymentEvent::Received(Some(money)) if money.is_zero() => {
                "Told again; nothing new came".to_owned()
            }
            PaymentEvent::Received(Some(money)) => format!("{} came", money.with_sign()),
            PaymentEvent::Received(None) => "All that was left came".to_owned(),
            PaymentEvent::Canceled => "Canceled".to_owned(),
            PaymentEvent::LinkExpired => "The pay link expired".to_owned(),
            PaymentEvent::TakenBack(money) => format!("{} taken back", money.with_sign()),
        };
        let who = match happened.source.as_str() {
            "page" => happened.actor,
            "api" => format!("API, {}", happened.actor),
            "list" => format!("A list, {}", happened.actor),
            "erasure" => format!("Erased on request, {}", happened.actor),
            provider => format!("{provider}, by webhook"),
        };
        Self { words, who, at: happened.at, taken_back, take_back_href }
    }
}

struct Reminder {
    /// `Fees, 3 days before`; empty when the rule is gone.
    step: String,
    message: Message,
    why: String,
}

#[derive(Template)]
#[template(path = "payments/show.html")]
struct PaymentPage {
    frame: Frame,
    due_on: String,
    late: String,
    tags: String,
    reference: String,
    history: Vec<EventRow>,
    reminders: Vec<Reminder>,
    done: &'static str,
    edit_href: String,
    pay_href: String,
    cancel_href: String,
    may_record: bool,
    payment: Payment,
}

/// The payment that an address or a form names.
pub(super) async fn named(app: &AppState, reference: &str) -> PageResult<Payment> {
    let missing = || PageError::NotFound("payment");
    let reference = PaymentReference::parse(reference).map_err(|_| missing())?;
    payments::get(&app.store, &reference).await?.ok_or_else(missing)
}

/// The names of the rules that some messages come from.
async fn rules_of(app: &AppState, reminders: &[Message]) -> PageResult<HashMap<ReminderRuleId, String>> {
    let ids: HashSet<_> =
        reminders.iter().filter_map(|message| message.reminder).map(|(_, rule, _)| rule).collect();
    let mut names = HashMap::new();
    for id in ids {
        if let Some(rule) = reminder_rules::by_id(&app.store, id).await? {
            names.insert(id, rule.rule.name);
        }
    }
    Ok(names)
}

pub(super) async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let payment = named(&app, query.get("reference").map_or("", String::as_str)).await?;
    let frame = Frame::of(&app, &person, Section::Reminders).await?;
    let history = payments::history(&app.store, &payment.reference, MOST_EVENTS).await?;
    let reminders = messages::of_payment(&app.store, payment.id, MOST_REMINDERS).await?;
    let reference = payment.reference.to_string();
    let taken_back: HashSet<_> = history.iter().filter_map(|happened| happened.takes_back).collect();
    let row = |happened: Happened| {
        let taken_back = taken_back.contains(&happened.id);
        EventRow::of(happened, taken_back, &reference)
    };
    let rows = history.into_iter().map(row).collect();
    let rules = rules_of(&app, &reminders).await?;
    let reminder = |message: Message| Reminder {
        step: message.reminder.map_or_else(String::new, |(_, rule, step)| {
            rules
                .get(&rule)
                .map_or_else(String::new, |name| format!("{name}, {}", when_in_words(step).to_lowercase()))
        }),
        why: explain::why(&message),
        message,
    };
    let to = |path: &str| view::href(path, &[("reference", &reference)]);
    let late = late_words(payment.due_on, frame.zone.date(&frame.now));
    let page = PaymentPage {
        due_on: day_words(payment.due_on),
        late: if payment.status.is_owed() { late } else { String::new() },
        tags: payment.tags.join(", "),
        history: rows,
        reminders: reminders.into_iter().map(reminder).collect(),
        done: done_words(&query, &payment),
        edit_href: to(&format!("{LIST}/edit")),
        pay_href: to("/reminders/payment/paid"),
        cancel_href: to("/reminders/payment/cancel"),
        may_record: frame.may_record_payments(),
        reference,
        payment,
        frame,
    };
    Ok(view::html(&page))
}

fn done_words(query: &HashMap<String, String>, payment: &Payment) -> &'static str {
    match query.get("done").map(String::as_str) {
        Some("saved") => "Payment saved.",
        Some("paid") if payment.status.is_owed() => "Recorded. Reminders go on for what is left.",
        Some("paid") => "Recorded. No reminder of this payment begins any more.",
        Some("taken-back") => "Taken back. The history keeps both.",
        Some("canceled") => "Canceled. No reminder of this payment begins any more.",
        _ => "",
    }
}
