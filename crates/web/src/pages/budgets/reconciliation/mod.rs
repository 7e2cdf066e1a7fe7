//! Our books against Twilio's records, a month at a time; reading records again; closing a month.

mod closing;
mod export;
mod view;

use super::{Tab, tabs};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self as pages, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use chrono::NaiveDate;
use closing::CloseView;
use dakiya_core::ids::FindingId;
use dakiya_core::time::Month;
use dakiya_core::user::Permission;
use dakiya_scheduler::{BACKFILL_MONTHS, BackfillError, MOST_BACKFILL_MONTHS};
use dakiya_store::reconciliation;
use std::collections::HashMap;
use std::time::Duration;
use view::{Asked, MonthView};

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/budgets/reconciliation", get(show))
        .route("/budgets/reconciliation/export.csv", get(export::differences))
        .route("/budgets/reconciliation/read", post(read_again))
        .route("/budgets/reconciliation/backfill", post(backfill))
        .route("/budgets/reconciliation/explain", post(explain))
        .route("/budgets/reconciliation/close", post(close))
}

/// A visitor waits this long for records; what takes longer goes on by itself.
const WAIT: Duration = Duration::from_secs(20);

#[derive(Template)]
#[template(path = "budgets/reconciliation.html")]
struct ReconciliationPage {
    frame: Frame,
    tabs: Vec<Tab>,
    month: MonthView,
    closing: CloseView,
    fields: Fields,
    faults: Faults,
    done: &'static str,
    problem: String,
}

async fn page(
    app: &AppState,
    person: &Person,
    fields: Fields,
    faults: Faults,
    (done, problem): (&'static str, String),
) -> PageResult {
    let this = Month::of(app.today());
    let month = Month::parse(fields.text("month")).unwrap_or(this);
    let day: Option<NaiveDate> = fields.text("day").parse().ok().filter(|day| Month::of(*day) == month);
    let asked = Asked { day, after: fields.text("cursor").to_owned() };
    let status = match (faults.is_empty(), problem.is_empty()) {
        (false, _) => StatusCode::UNPROCESSABLE_ENTITY,
        (_, false) => StatusCode::BAD_GATEWAY,
        _ => StatusCode::OK,
    };
    let page = ReconciliationPage {
        frame: Frame::of(app, person, Section::Budgets).await?,
        tabs: tabs("/budgets/reconciliation"),
        month: MonthView::of(app, month, asked).await?,
        closing: CloseView::of(app, month, this).await?,
        fields,
        faults,
        done,
        problem,
    };
    Ok((status, pages::html(&page)).into_response())
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::View)?;
    let done = match query.get("done").map(String::as_str) {
        Some("read") => "Twilio’s records were read again and compared.",
        Some("backfill") => {
            "The account’s past was read. Days before the first message of our own count as Twilio’s totals."
        }
        Some("on") => "This takes longer and goes on by itself. Open the page again in a few minutes.",
        Some("explained") => "Noted. The amount stays part of its day’s difference.",
        Some("closed") => {
            "Month closed. Its figures stay as they are; later corrections are shown beside them."
        }
        _ => "",
    };
    let fields = Fields::from_pairs(query.into_iter().collect());
    let mut faults = Faults::default();
    if !fields.text("month").is_empty() {
        faults.take("month", Month::parse(fields.text("month")));
    }
    page(&app, &person, fields, faults, (done, String::new())).await
}

fn back(month: &str, done: &str) -> PageResult {
    let href = pages::href("/budgets/reconciliation", &[("month", month), ("done", done)]);
    Ok(Redirect::to(&href).into_response())
}

/// Waits a while for what was asked of the engine; it goes on in any case.
async fn waited<T: Send + 'static>(
    work: impl Future<Output = Result<T, BackfillError>> + Send + 'static,
) -> Option<Result<T, BackfillError>> {
    match tokio::time::timeout(WAIT, tokio::spawn(work)).await {
        Ok(Ok(ended)) => Some(ended),
        // A task that ended in a panic has been logged.
        Ok(Err(_)) => Some(Err(BackfillError::Stopped)),
        Err(_) => None,
    }
}

async fn answer<T>(
    app: &AppState,
    person: &Person,
    fields: Fields,
    ended: Option<Result<T, BackfillError>>,
    done: &str,
) -> PageResult {
    let month = fields.text("month").to_owned();
    match ended {
        Some(Ok(_)) => back(&month, done),
        None => back(&month, "on"),
        Some(Err(BackfillError::Store(error))) => Err(error.into()),
        Some(Err(error)) => {
            let problem = format!("{error}. What was read before stays; try again later.");
            page(app, person, fields, Faults::default(), ("", problem)).await
        }
    }
}

async fn read_again(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let month = Month::parse(fields.text("month")).map_err(|_| PageError::NotFound("month"))?;
    let (commands, actor) = (app.commands.clone(), person.actor());
    let ended = waited(async move { commands.reconcile(month, &actor).await }).await;
    answer(&app, &person, fields, ended, "read").await
}

async fn backfill(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let mut faults = Faults::default();
    let months = match fields.text("months") {
        "" => Some(BACKFILL_MONTHS),
        text => text.parse().ok().filter(|months| (1..=MOST_BACKFILL_MONTHS).contains(months)),
    };
    let Some(months) = months else {
        faults.add("months", format!("A whole number between 1 and {MOST_BACKFILL_MONTHS}"));
        return page(&app, &person, fields, faults, ("", String::new())).await;
    };
    let (commands, actor) = (app.commands.clone(), person.actor());
    let ended = waited(async move { commands.backfill(months, &actor, &|_| {}).await }).await;
    answer(&app, &person, fields, ended, "backfill").await
}

async fn explain(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let id: FindingId = fields.text("finding").parse().map_err(|_| PageError::NotFound("difference"))?;
    let note = fields.text("note");
    if note.is_empty() || note.chars().count() > 300 {
        let mut faults = Faults::default();
        faults.add(format!("note-{id}"), "Say why in at most 300 characters");
        return page(&app, &person, fields, faults, ("", String::new())).await;
    }
    reconciliation::explain(&app.store, id, note, &person.actor(), app.clock.now()).await?;
    let place = ["month", "day", "cursor"].map(|name| (name, fields.text(name)));
    let href = pages::href("/budgets/reconciliation", &[&place[..], &[("done", "explained")]].concat());
    Ok(Redirect::to(&href).into_response())
}

async fn close(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let mut faults = Faults::default();
    if fields.text("close_note").chars().count() > 300 {
        faults.add("close_note", "At most 300 characters");
    }
    if !fields.has("sure") {
        faults.add("sure", "Tick the box: closing cannot be undone");
    }
    if faults.is_empty() {
        let month = Month::parse(fields.text("month")).map_err(|_| PageError::NotFound("month"))?;
        match closing::close(&app, &person, month, fields.text("close_note")).await? {
            None => return back(fields.text("month"), "closed"),
            Some(refusal) => faults.add("sure", refusal),
        }
    }
    page(&app, &person, fields, faults, ("", String::new())).await
}
