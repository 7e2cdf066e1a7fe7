//! A payment added or changed by hand.

use super::show::named;
use super::{LIST, href_of};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::forms::{Faults, Fields, Submitted};
use crate::pages::contacts::is_language;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use dakiya_core::payment::{PaymentReference, parse_amount, parse_due_date, parse_pay_url};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::user::Permission;
use dakiya_store::payments::{self, Payment, PaymentFields, PaymentRow};
use dakiya_store::settings;
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "payments/edit.html")]
struct EditPage {
    frame: Frame,
    /// The reference of the payment that is changed; empty: a new one.
    known: String,
    /// Amount and due date stay as they are.
    settled: bool,
    back: String,
    fields: Fields,
    faults: Faults,
}

pub(super) async fn ask_new(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::Send)?;
    page(&app, &person, None, Fields::default(), Faults::default()).await
}

pub(super) async fn ask_known(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::Send)?;
    let payment = named(&app, query.get("reference").map_or("", String::as_str)).await?;
    let phone = payment.phone.number().ok_or_else(erased)?;
    let mut fields = Fields::default();
    for (name, value) in [
        ("phone", phone.to_string()),
        ("amount", payment.amount.to_string()),
        ("due_on", payment.due_on.to_string()),
        ("pay_url", payment.pay_url.clone().unwrap_or_default()),
        ("name", payment.name.clone().unwrap_or_default()),
        ("language", payment.language.clone().unwrap_or_default()),
        ("tags", payment.tags.join("; ")),
    ] {
        fields.set(name, &value);
    }
    page(&app, &person, Some(payment), fields, Faults::default()).await
}

fn erased() -> PageError {
    PageError::Conflict(
        "The person was erased on request; this payment is kept for the account only.".to_owned(),
    )
}

async fn page(
    app: &AppState,
    person: &Person,
    payment: Option<Payment>,
    fields: Fields,
    faults: Faults,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = EditPage {
        frame: Frame::of(app, person, Section::Reminders).await?,
        settled: payment.as_ref().is_some_and(|payment| !payment.status.is_owed()),
        back: payment.as_ref().map_or_else(|| LIST.to_owned(), |payment| href_of(payment, "")),
        known: payment.map_or_else(String::new, |payment| payment.reference.to_string()),
        fields,
        faults,
    };
    Ok((status, view::html(&page)).into_response())
}

pub(super) async fn save(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::Send)?;
    let known = match fields.text("known") {
        "" => None,
        reference => Some(named(&app, reference).await?),
    };
    if known.as_ref().is_some_and(|payment| payment.phone.number().is_none()) {
        return Err(erased());
    }
    let mut faults = Faults::default();
    let row = read(&app, known.as_ref(), &fields, &mut faults).await?;
    let Some(row) = row.filter(|_| faults.is_empty()) else {
        return page(&app, &person, known, fields, faults).await;
    };
    let (payment, _) = app.commands.put_payment(row, &person.actor()).await?;
    Ok(Redirect::to(&href_of(&payment, "saved")).into_response())
}

async fn read(
    app: &AppState,
    known: Option<&Payment>,
    fields: &Fields,
    faults: &mut Faults,
) -> PageResult<Option<PaymentRow>> {
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let reference = match known {
        Some(payment) => Some(payment.reference.clone()),
        None => faults.take("reference", PaymentReference::parse(fields.text("reference"))),
    };
    if let (None, Some(reference)) = (known, &reference)
        && payments::get(&app.store, reference).await?.is_some()
    {
        faults.add("reference", "There is a payment with this reference already; open it to change it");
    }
    let phone = faults.take("phone", PhoneNumber::parse(fields.text("phone"), &allowed));
    let amount = faults.take("amount", parse_amount(fields.text("amount")));
    let due_on = faults.take("due_on", parse_due_date(fields.text("due_on")));
    let given = |name: &str| Some(fields.text(name)).filter(|text| !text.is_empty());
    let pay_url = given("pay_url").and_then(|url| faults.take("pay_url", parse_pay_url(url)));
    let language = given("language").map(str::to_lowercase);
    if fields.text("name").chars().count() > 200 {
        faults.add("name", "At most 200 characters");
    }
    if language.as_deref().is_some_and(|language| !is_language(language)) {
        faults.add("language", "Write a language code, for example en or hi");
    }
    let row = reference.zip(phone).zip(amount.zip(due_on));
    Ok(row.map(|((reference, phone), (amount, due_on))| PaymentRow {
        reference,
        fields: PaymentFields {
            phone,
            amount,
            due_on,
            pay_url: Some(pay_url),
            name: Some(given("name").map(str::to_owned)),
            language: Some(language),
            tags: Some(fields.text("tags").split(';').map(str::to_owned).collect()),
            variables: None,
        },
    }))
}
