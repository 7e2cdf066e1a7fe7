//! Payments from a file.

use super::LIST;
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::counted;
use crate::forms::Submitted;
use crate::imports::{Payments, last_rows};
use crate::pages::contacts::import::done_href;
use crate::pages::upload_page::{self, Import, csv_file};
use crate::uploads::{self, Uploads};
use crate::view::{Frame, Section};
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use dakiya_core::user::Permission;
use dakiya_store::{payments, settings};
use std::collections::HashMap;

const PURPOSE: &str = "payments";
const SAMPLE: &str = "reference,phone,amount,due_on,pay_url,name,language,tags,vehicle\n\
    INV/2026/4711,+919845011234,\"1,499.00\",2026-12-05,https://pay.example.in/4711,Ramesh Kumar,en,renewal,KA05MN4321\n\
    INV/2026/4712,9845022345,850,05/12/2026,https://pay.example.in/4712,सुनीता जैन,hi,renewal,KA01MJ3030\n";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/reminders/payments/import", get(ask).post(upload).layer(DefaultBodyLimit::disable()))
        .route("/reminders/payments/import/sample.csv", get(sample))
        .route("/reminders/payments/import/{id}", get(checked).post(commit))
        .route("/reminders/payments/import/{id}/bad-rows.csv", get(bad_rows))
}

fn import() -> Import {
    Import {
        title: "Import payments",
        form_href: "/reminders/payments/import".to_owned(),
        back: LIST.to_owned(),
        back_words: "Payments".to_owned(),
        columns: vec![
            ("reference", "Must be there. What you call the payment: an invoice, request or policy number"),
            ("phone", "Must be there. Who owes it"),
            ("amount", "Must be there. With or without commas and paise"),
            ("due_on", "Must be there. 2026-12-05 or 05/12/2026"),
            ("pay_url", "Where to pay"),
            ("name", "What the person is called"),
            ("language", "en, hi, mr, ta …: which language of a template they get"),
            ("tags", "Separated by ;. Rules choose payments by them"),
            ("anything else", "Kept with the payment and usable as a placeholder of that name"),
        ],
        consequence: "Payments already here get the new details. What is paid or canceled stays so, and nobody is reminded twice.",
        repeats: "Of rows with the same reference, the last one counts.",
        sample: "/reminders/payments/import/sample.csv",
    }
}

async fn ask(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::Send)?;
    Ok(upload_page::form(Frame::of(&app, &person, Section::Reminders).await?, import(), ""))
}

async fn sample() -> Response {
    csv_file("payments.csv", Body::from(SAMPLE))
}

async fn upload(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    form: Multipart,
) -> PageResult {
    person.must(Permission::Send)?;
    let again = async |fault: &str| {
        Ok(upload_page::form(Frame::of(&app, &person, Section::Reminders).await?, import(), fault))
    };
    let Some(received) = uploads::receive(&person, form).await? else {
        return again("Choose a file first").await;
    };
    let allowed = settings::get(&app.store).await?.allowed_countries;
    match uploads::check::<Payments>(&person, PURPOSE.to_owned(), received, allowed).await? {
        Ok(upload) => {
            let id = &waiting.keep(upload).id;
            Ok(Redirect::to(&format!("/reminders/payments/import/{id}")).into_response())
        }
        Err(fault) => again(&fault.to_string()).await,
    }
}

async fn checked(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    Path(id): Path<String>,
) -> PageResult {
    let upload = waiting.find(&person, PURPOSE, &id)?;
    Ok(upload_page::checked(Frame::of(&app, &person, Section::Reminders).await?, import(), &upload))
}

async fn bad_rows(
    Extension(waiting): Extension<Uploads>,
    person: Person,
    Path(id): Path<String>,
) -> PageResult {
    upload_page::bad_rows(waiting.find(&person, PURPOSE, &id)?.as_ref())
}

async fn commit(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    Path(id): Path<String>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let upload = waiting.find(&person, PURPOSE, &id)?;
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let file = upload.clone();
    let reading = tokio::task::spawn_blocking(move || last_rows(file.file(), &allowed));
    let (rows, repeated) = reading.await.map_err(|error| PageError::internal(&error))??;
    let done = payments::import(&app.store, rows, &person.actor(), app.clock.now()).await?;
    app.commands.nudge();
    waiting.forget(&id);
    let href = done_href(LIST, done.accepted, done.duplicates + repeated, upload.checked.bad);
    Ok(Redirect::to(&href).into_response())
}

/// What came of an import, from the address it led to.
pub(super) fn done_words(query: &HashMap<String, String>) -> String {
    let figure = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let (accepted, duplicates, bad) = (figure("accepted"), figure("duplicates"), figure("bad"));
    let mut words = format!("{} imported.", counted(accepted, "payment", "payments"));
    if duplicates > 0 {
        let rows = counted(duplicates, "row was", "rows were");
        words += &format!(" {rows} about a payment that came again later in the file; the last row counted.");
    }
    if bad > 0 {
        words += &format!(" {} fixing.", counted(bad, "row still needs", "rows still need"));
    }
    words
}
