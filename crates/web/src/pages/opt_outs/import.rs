//! Opt-outs from a file, and as one.

use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::forms::Submitted;
use crate::imports::{Kind, good_rows};
use crate::pages::contacts::import::done_href;
use crate::pages::upload_page::{self, Import, csv_file};
use crate::uploads::{self, Uploads, safe_cell};
use crate::view::{Frame, Section};
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Multipart, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use dakiya_core::opt_out::OptOutScope;
use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use dakiya_core::table::{Row, RowError, Table, TableError};
use dakiya_core::user::Permission;
use dakiya_store::opt_outs::{self, OptOut, OptOutRow};
use dakiya_store::{Cursor, Store, settings};
use std::fs::File;

pub(super) use crate::pages::contacts::import::done_words;

const PURPOSE: &str = "opt-outs";
const SAMPLE: &str =
    "phone,scope,reason\n+919845011234,all,call to support 12 Aug\n9845022345,promotional,\n";

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/opt-outs/import", get(ask).post(upload).layer(DefaultBodyLimit::disable()))
        .route("/opt-outs/import/sample.csv", get(sample))
        .route("/opt-outs/import/{id}", get(checked).post(commit))
        .route("/opt-outs/import/{id}/bad-rows.csv", get(bad_rows))
        .route("/opt-outs/export.csv", get(export))
}

fn import() -> Import {
    Import {
        title: "Import opt-outs",
        form_href: "/opt-outs/import".to_owned(),
        back: "/opt-outs".to_owned(),
        back_words: "Opt-outs".to_owned(),
        columns: vec![
            ("phone", "Must be there"),
            ("scope", "all or promotional; empty means all"),
            ("reason", "How they asked; kept in the history"),
        ],
        consequence: "Opt-outs that are here already stay as they are. An import never allows anybody again.",
        repeats: upload_page::FIRST_COUNTS,
        sample: "/opt-outs/import/sample.csv",
    }
}

/// The columns of a file of opt-outs.
struct OptOuts {
    phone: usize,
    scope: Option<usize>,
    reason: Option<usize>,
}

impl Kind for OptOuts {
    type Item = OptOutRow;

    fn of(table: &Table<File>) -> Result<Self, TableError> {
        Ok(Self {
            phone: table.require(&["phone"])?,
            scope: table.column("scope"),
            reason: table.column("reason"),
        })
    }

    fn read(&self, row: &Row<'_>, allowed: &AllowedCountries) -> Result<OptOutRow, RowError> {
        let cell = row.cell(self.phone);
        let phone = PhoneNumber::parse(cell, allowed)
            .map_err(|error| RowError::cell(row.line(), "phone", cell, error.code(), error))?;
        let scope = match self.scope.map_or("", |at| row.cell(at)) {
            "" => OptOutScope::All,
            word => OptOutScope::parse(&word.to_lowercase())
                .map_err(|error| RowError::cell(row.line(), "scope", word, "invalid_scope", error))?,
        };
        let reason: String = self.reason.map_or("", |at| row.cell(at)).chars().take(300).collect();
        let separator = if reason.is_empty() { "" } else { ": " };
        Ok(OptOutRow { phone, scope, evidence: format!("line {}{separator}{reason}", row.line()) })
    }
}

async fn ask(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::ManageOptOuts)?;
    Ok(upload_page::form(Frame::of(&app, &person, Section::OptOuts).await?, import(), ""))
}

async fn sample() -> Response {
    csv_file("opt-outs.csv", Body::from(SAMPLE))
}

async fn upload(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    form: Multipart,
) -> PageResult {
    person.must(Permission::ManageOptOuts)?;
    let again = async |fault: &str| {
        Ok(upload_page::form(Frame::of(&app, &person, Section::OptOuts).await?, import(), fault))
    };
    let Some(received) = uploads::receive(&person, form).await? else {
        return again("Choose a file first").await;
    };
    let allowed = settings::get(&app.store).await?.allowed_countries;
    match uploads::check::<OptOuts>(&person, PURPOSE.to_owned(), received, allowed).await? {
        Ok(upload) => {
            Ok(Redirect::to(&format!("/opt-outs/import/{}", waiting.keep(upload).id)).into_response())
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
    Ok(upload_page::checked(Frame::of(&app, &person, Section::OptOuts).await?, import(), &upload))
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
    person.must(Permission::ManageOptOuts)?;
    let upload = waiting.find(&person, PURPOSE, &id)?;
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let name = upload.checked.file_name.clone();
    let rows = good_rows::<OptOuts>(upload.file(), &allowed)?
        .map(move |row| OptOutRow { evidence: format!("{name}, {}", row.evidence), ..row });
    let done = opt_outs::import(&app.store, rows, &person.actor(), app.clock.now()).await?;
    app.commands.nudge();
    waiting.forget(&id);
    Ok(Redirect::to(&done_href("/opt-outs", done.accepted, done.duplicates, upload.checked.bad))
        .into_response())
}

/// Rows per read of an export.
const PAGE: u64 = 1_000;

async fn export(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::View)?;
    let header = Bytes::from_static(b"phone,scope,source,since\n");
    let pages = futures::stream::try_unfold(Next::First, move |next| {
        let store = app.store.clone();
        async move { lines(&store, next).await }
    });
    let stream = futures::stream::StreamExt::chain(futures::stream::iter([Ok(header)]), pages);
    Ok(csv_file("opt-outs.csv", Body::from_stream(stream)))
}

enum Next {
    First,
    After(Cursor),
    End,
}

async fn lines(store: &Store, next: Next) -> Result<Option<(Bytes, Next)>, std::io::Error> {
    let cursor = match next {
        Next::First => None,
        Next::After(cursor) => Some(cursor),
        Next::End => return Ok(None),
    };
    let page = opt_outs::page(store, None, cursor.as_ref(), PAGE).await.map_err(std::io::Error::other)?;
    let text: String = page.items.iter().filter_map(line).collect();
    Ok(Some((Bytes::from(text), page.next.map_or(Next::End, Next::After))))
}

/// One line; people who were erased are not in it.
fn line(opt_out: &OptOut) -> Option<String> {
    let phone = opt_out.phone.number()?;
    Some(format!(
        "{},{},{},{}\n",
        safe_cell(&phone.to_string()),
        opt_out.scope,
        opt_out.source,
        opt_out.since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    ))
}
