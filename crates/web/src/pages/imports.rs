//! The pages that import a list: upload, what checking found, and storing. Each kind of list says what is its own.

use super::upload_page::{self, Import, csv_file};
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters::{counted, grouped};
use crate::forms::Submitted;
use crate::imports::Kind;
use crate::uploads::{self, Upload, Uploads};
use crate::view::{Frame, Section};
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use dakiya_core::phone::AllowedCountries;
use dakiya_core::user::Permission;
use dakiya_store::audit::Actor;
use dakiya_store::imports::Imported;
use dakiya_store::settings;
use std::collections::HashMap;
use std::sync::Arc;

/// A kind of list that can be imported. Its pages live at `<PATH>/import`.
pub(crate) trait Listing: Send + Sync + 'static {
    /// How its rows are read.
    type Rows: Kind + 'static;
    /// What its files are called.
    const NAME: &'static str;
    /// The list's own address.
    const PATH: &'static str;
    /// Which page of the menu it belongs to.
    const SECTION: Section;
    /// What whoever imports it must be allowed to do.
    const NEEDS: Permission;
    /// An example of such a file.
    const SAMPLE: &'static str;

    /// What its pages say.
    fn import() -> Import;

    /// Stores the good rows of a file.
    fn store(
        app: &AppState,
        actor: &Actor,
        upload: &Arc<Upload>,
        allowed: &AllowedCountries,
    ) -> impl Future<Output = PageResult<Imported>> + Send;
}

/// A kind's routes.
pub(crate) fn routes<L: Listing>() -> Router<AppState> {
    let path = |rest: &str| format!("{}/import{rest}", L::PATH);
    Router::new()
        .route(&path(""), get(ask::<L>).post(upload::<L>).layer(DefaultBodyLimit::disable()))
        .route(&path("/sample.csv"), get(sample::<L>))
        .route(&path("/{id}"), get(checked::<L>).post(commit::<L>))
        .route(&path("/{id}/bad-rows.csv"), get(bad_rows::<L>))
}

async fn form<L: Listing>(app: &AppState, person: &Person, fault: &str) -> PageResult {
    Ok(upload_page::form(Frame::of(app, person, L::SECTION).await?, L::import(), fault))
}

async fn gone<L: Listing>(app: &AppState, person: &Person) -> PageResult {
    Ok(upload_page::gone(Frame::of(app, person, L::SECTION).await?, L::import()))
}

async fn ask<L: Listing>(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(L::NEEDS)?;
    form::<L>(&app, &person, "").await
}

async fn sample<L: Listing>() -> Response {
    csv_file(&format!("{}.csv", L::NAME), Body::from(L::SAMPLE))
}

async fn upload<L: Listing>(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    file: Multipart,
) -> PageResult {
    person.must(L::NEEDS)?;
    let Some(received) = uploads::receive(&person, file).await? else {
        return form::<L>(&app, &person, "Choose a file first").await;
    };
    let allowed = settings::get(&app.store).await?.allowed_countries;
    match uploads::check::<L::Rows>(&person, L::NAME.to_owned(), received, allowed).await? {
        Ok(upload) => {
            Ok(Redirect::to(&format!("{}/import/{}", L::PATH, waiting.keep(upload).id)).into_response())
        }
        Err(fault) => form::<L>(&app, &person, &fault.to_string()).await,
    }
}

async fn checked<L: Listing>(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    Path(id): Path<String>,
) -> PageResult {
    person.must(L::NEEDS)?;
    match waiting.find(&person, L::NAME, &id) {
        Some(upload) => {
            Ok(upload_page::checked(Frame::of(&app, &person, L::SECTION).await?, L::import(), &upload))
        }
        None => gone::<L>(&app, &person).await,
    }
}

async fn bad_rows<L: Listing>(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    Path(id): Path<String>,
) -> PageResult {
    person.must(L::NEEDS)?;
    match waiting.find(&person, L::NAME, &id) {
        Some(upload) => upload_page::bad_rows(&upload),
        None => gone::<L>(&app, &person).await,
    }
}

async fn commit<L: Listing>(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    Path(id): Path<String>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(L::NEEDS)?;
    let Some(upload) = waiting.find(&person, L::NAME, &id) else {
        return gone::<L>(&app, &person).await;
    };
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let done = L::store(&app, &person.actor(), &upload, &allowed).await?;
    waiting.forget(&id);
    Ok(Redirect::to(&done_href(L::PATH, done, &upload)).into_response())
}

/// Where an import leads, with what came of it.
pub(crate) fn done_href(path: &str, done: Imported, upload: &Upload) -> String {
    let Imported { accepted, duplicates } = done;
    format!("{path}?done=imported&accepted={accepted}&duplicates={duplicates}&bad={}", upload.checked.bad)
}

/// What is said of rows that repeat a number.
pub(crate) const FIRST_STAYED: &str = "had a number that came before in the file; the first one stayed.";

/// What came of an import, from the address it led to; `repeated` says what became of rows that repeat another.
pub(crate) fn done_words(query: &HashMap<String, String>, repeated: &str) -> String {
    let figure = |name: &str| query.get(name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let (accepted, duplicates, bad) = (figure("accepted"), figure("duplicates"), figure("bad"));
    let mut words = format!("{} imported.", counted(accepted, "row", "rows"));
    if duplicates > 0 {
        words += &format!(" {} {repeated}", grouped(duplicates.into()));
    }
    if bad > 0 {
        let verb = if bad == 1 { "needs" } else { "need" };
        words += &format!(" {} still {verb} fixing.", grouped(bad.into()));
    }
    words
}
