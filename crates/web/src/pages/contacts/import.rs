//! Contacts from a file.

use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters::grouped;
use crate::forms::Submitted;
use crate::imports::{Contacts, good_rows};
use crate::pages::upload_page::{self, Import, csv_file};
use crate::uploads::{self, Uploads};
use crate::view::{Frame, Section};
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use dakiya_core::user::Permission;
use dakiya_store::{contacts, settings};
use std::collections::HashMap;

const PURPOSE: &str = "contacts";
const SAMPLE: &str = "phone,name,language,tags,vehicle\n+919845011234,Ramesh Kumar,en,renewal;kerala,KA05MN4321\n9845022345,सुनीता जैन,hi,renewal,KA01MJ3030\n";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/contacts/import", get(ask).post(upload).layer(DefaultBodyLimit::disable()))
        .route("/contacts/import/sample.csv", get(sample))
        .route("/contacts/import/{id}", get(checked).post(commit))
        .route("/contacts/import/{id}/bad-rows.csv", get(bad_rows))
}

fn import() -> Import {
    Import {
        title: "Import contacts",
        form_href: "/contacts/import".to_owned(),
        back: "/contacts".to_owned(),
        back_words: "Contacts".to_owned(),
        columns: vec![
            (
                "phone",
                "Must be there. Indian mobile numbers in any common spelling; others with + and country code",
            ),
            ("name", "What the person is called"),
            ("language", "en, hi, mr, ta …: which language of a template they get"),
            ("tags", "Separated by ;. With this column, the tags of people already here are replaced"),
            ("anything else", "Kept with the person and usable as a placeholder of that name"),
        ],
        consequence: "People already here get the new details. Opt-outs stay as they are.",
        repeats: upload_page::FIRST_COUNTS,
        sample: "/contacts/import/sample.csv",
    }
}

async fn ask(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::Send)?;
    Ok(upload_page::form(Frame::of(&app, &person, Section::Contacts).await?, import(), ""))
}

async fn sample() -> Response {
    csv_file("contacts.csv", Body::from(SAMPLE))
}

async fn upload(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    form: Multipart,
) -> PageResult {
    person.must(Permission::Send)?;
    let again = async |fault: &str| {
        Ok(upload_page::form(Frame::of(&app, &person, Section::Contacts).await?, import(), fault))
    };
    let Some(received) = uploads::receive(&person, form).await? else {
        return again("Choose a file first").await;
    };
    let allowed = settings::get(&app.store).await?.allowed_countries;
    match uploads::check::<Contacts>(&person, PURPOSE.to_owned(), received, allowed).await? {
        Ok(upload) => {
            Ok(Redirect::to(&format!("/contacts/import/{}", waiting.keep(upload).id)).into_response())
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
    Ok(upload_page::checked(Frame::of(&app, &person, Section::Contacts).await?, import(), &upload))
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
    let rows = good_rows::<Contacts>(upload.file(), &allowed)?;
    let done = contacts::import(&app.store, rows, &person.actor(), app.clock.now()).await?;
    waiting.forget(&id);
    Ok(Redirect::to(&done_href("/contacts", done.accepted, done.duplicates, upload.checked.bad))
        .into_response())
}

/// Where an import leads, with what came of it.
pub(crate) fn done_href(path: &str, accepted: u64, duplicates: u64, bad: u64) -> String {
    format!("{path}?done=imported&accepted={accepted}&duplicates={duplicates}&bad={bad}")
}

/// What came of an import, from the address it led to.
pub(crate) fn done_words(query: &HashMap<String, String>) -> String {
    let figure = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let (accepted, duplicates, bad) = (figure("accepted"), figure("duplicates"), figure("bad"));
    let mut words = format!("{} rows imported.", grouped(accepted.into()));
    if duplicates > 0 {
        words += &format!(
            " {} had a number that came before in the file; the first one stayed.",
            grouped(duplicates.into())
        );
    }
    if bad > 0 {
        words += &format!(" {} still need fixing.", grouped(bad.into()));
    }
    words
}
