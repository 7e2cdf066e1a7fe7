//! Money that came, and payments that nobody asks for any more: said in numbers first, then recorded.

use super::href_of;
use super::show::named;
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::forms::{Faults, Fields, Submitted};
use crate::pages::confirm::Confirm;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentEvent, parse_amount};
use dakiya_core::user::Permission;
use dakiya_store::payments::{self, Happened, Payment, PaymentReport, Reported, Reporter, money_of};
use std::collections::HashMap;

/// Of what happened to one payment.
const MOST_EVENTS: u64 = 10_000;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/reminders/payment/paid", get(ask_paid).post(paid))
        .route("/reminders/payment/take-back", get(ask_take_back).post(take_back))
        .route("/reminders/payment/cancel", get(ask_cancel).post(cancel))
}

/// Whoever keeps the money may say that it came, as well as whoever sends.
fn must_record(person: &Person) -> PageResult<()> {
    person.must(Permission::ManageMoney).or_else(|_| person.must(Permission::Send))
}

#[derive(Template)]
#[template(path = "payments/paid.html")]
struct PaidPage {
    frame: Frame,
    back: String,
    fields: Fields,
    faults: Faults,
    payment: Payment,
}

async fn ask_paid(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    must_record(&person)?;
    let payment = owed(&app, query.get("reference").map_or("", String::as_str)).await?;
    let mut fields = Fields::default();
    fields.set("amount", &payment.left().to_string());
    paid_page(&app, &person, payment, fields, Faults::default()).await
}

/// The payment, if something is still owed. Somebody may have settled it since the page was opened.
async fn owed(app: &AppState, reference: &str) -> PageResult<Payment> {
    let payment = named(app, reference).await?;
    if payment.status.is_owed() {
        Ok(payment)
    } else {
        Err(PageError::Conflict(format!("This payment is {} already. Nothing was changed.", payment.status)))
    }
}

async fn paid_page(
    app: &AppState,
    person: &Person,
    payment: Payment,
    fields: Fields,
    faults: Faults,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let frame = Frame::of(app, person, Section::Reminders).await?;
    let page = PaidPage { frame, back: href_of(&payment, ""), fields, faults, payment };
    Ok((status, view::html(&page)).into_response())
}

async fn paid(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    must_record(&person)?;
    let payment = owed(&app, fields.text("reference")).await?;
    let mut faults = Faults::default();
    let Some(amount) = faults.take("amount", parse_amount(fields.text("amount"))) else {
        return paid_page(&app, &person, payment, fields, faults).await;
    };
    let surplus = (amount - payment.left()).max(Money::ZERO);
    if surplus > Money::ZERO && surplus.to_plain() != fields.text("surplus") {
        return ask_surplus(&app, &person, &payment, amount, surplus).await;
    }
    record(&app, &person, &payment, PaymentEvent::Received(Some(amount))).await?;
    Ok(Redirect::to(&href_of(&payment, "paid")).into_response())
}

/// More than is left is more often a slip than a gift.
async fn ask_surplus(
    app: &AppState,
    person: &Person,
    payment: &Payment,
    amount: Money,
    surplus: Money,
) -> PageResult {
    let reference = payment.reference.to_string();
    let page = Confirm {
        frame: Frame::of(app, person, Section::Reminders).await?,
        title: format!("Did {} come?", amount.with_sign()),
        consequences: vec![
            format!("Only {} is left to pay.", payment.left().with_sign()),
            format!(
                "{} would be more than was asked for. The payment is paid then, and nobody is reminded of it any more.",
                surplus.with_sign()
            ),
        ],
        action: "/reminders/payment/paid".to_owned(),
        button: format!("Record {}, {} too much", amount.with_sign(), surplus.with_sign()),
        button_class: "danger",
        back: view::href("/reminders/payment/paid", &[("reference", &reference)]),
        back_words: "Record money",
        reason_label: "",
        fault: "",
        hidden: vec![
            ("reference", reference),
            ("amount", amount.to_plain()),
            ("surplus", surplus.to_plain()),
        ],
    };
    Ok(page.into_page())
}

/// Recorded money that a form or an address names, if it may be taken back.
async fn mistake(app: &AppState, payment: &Payment, event: &str) -> PageResult<(Happened, Money)> {
    let history = payments::history(&app.store, &payment.reference, MOST_EVENTS).await?;
    let taken_back = |id| history.iter().any(|happened| happened.takes_back == Some(id));
    let found = history.iter().find(|happened| happened.id.to_string() == event);
    let found = found.ok_or(PageError::NotFound("payment of money"))?;
    if taken_back(found.id) {
        return Err(PageError::Conflict(
            "This money was taken back already. Nothing was changed.".to_owned(),
        ));
    }
    if !found.may_be_taken_back() {
        return Err(PageError::Conflict("Only money that was recorded here can be taken back.".to_owned()));
    }
    let others: Vec<Happened> = history.iter().filter(|other| other.id != found.id).cloned().collect();
    Ok((found.clone(), payment.balance().with_money(money_of(&others)).left()))
}

async fn ask_take_back(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    must_record(&person)?;
    let text = |name: &str| query.get(name).map_or("", String::as_str);
    let payment = named(&app, text("reference")).await?;
    let (mistake, left) = mistake(&app, &payment, text("event")).await?;
    let money = match mistake.event {
        PaymentEvent::Received(Some(money)) => money.with_sign(),
        _ => "this money".to_owned(),
    };
    let frame = Frame::of(&app, &person, Section::Reminders).await?;
    let page = Confirm {
        title: format!("Take back {money}?"),
        consequences: vec![
            format!(
                "It was recorded by {}, {}. The history keeps both.",
                mistake.actor,
                frame.zone.when(&mistake.at)
            ),
            format!("Then {} is left to pay.", left.with_sign()),
            "Reminders that are still to come go out for what is left. Those that were canceled meanwhile stay canceled."
                .to_owned(),
        ],
        frame,
        action: "/reminders/payment/take-back".to_owned(),
        button: format!("Take back {money}"),
        button_class: "danger",
        back: href_of(&payment, ""),
        back_words: "Payment",
        reason_label: "",
        fault: "",
        hidden: vec![("reference", payment.reference.to_string()), ("event", mistake.id.to_string())],
    };
    Ok(page.into_page())
}

async fn take_back(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    must_record(&person)?;
    let payment = named(&app, fields.text("reference")).await?;
    let (mistake, _) = mistake(&app, &payment, fields.text("event")).await?;
    let now = app.clock.now();
    payments::take_back(&app.store, &payment.reference, mistake.id, &person.actor(), now).await?;
    app.commands.nudge();
    Ok(Redirect::to(&href_of(&payment, "taken-back")).into_response())
}

async fn ask_cancel(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::Send)?;
    let payment = owed(&app, query.get("reference").map_or("", String::as_str)).await?;
    let page = Confirm {
        frame: Frame::of(&app, &person, Section::Reminders).await?,
        title: format!("Cancel payment {}?", payment.reference),
        consequences: vec![
            format!("{} is left to pay. Nobody will be reminded of it any more.", payment.left().with_sign()),
            "A canceled payment cannot be opened again, and importing it again does not open it either. Money that \
             comes for it all the same is counted."
                .to_owned(),
        ],
        action: "/reminders/payment/cancel".to_owned(),
        button: format!("Cancel payment of {}", payment.amount.with_sign()),
        button_class: "danger",
        back: href_of(&payment, ""),
        back_words: "Payment",
        reason_label: "",
        fault: "",
        hidden: vec![("reference", payment.reference.to_string())],
    };
    Ok(page.into_page())
}

async fn cancel(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::Send)?;
    let payment = named(&app, fields.text("reference")).await?;
    record(&app, &person, &payment, PaymentEvent::Canceled).await?;
    Ok(Redirect::to(&href_of(&payment, "canceled")).into_response())
}

async fn record(app: &AppState, person: &Person, payment: &Payment, event: PaymentEvent) -> PageResult<()> {
    let report = PaymentReport {
        reference: payment.reference.clone(),
        what: Reported::Event(event),
        by: Reporter::Ours("page"),
        external_id: None,
        pay_url: None,
    };
    app.commands.record_payment(&report, &person.actor()).await?;
    Ok(())
}
