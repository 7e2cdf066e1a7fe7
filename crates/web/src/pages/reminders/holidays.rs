//! The listed holidays: days on which rules that keep working days send nothing.

use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use chrono::NaiveDate;
use dakiya_core::payment::parse_due_date;
use dakiya_core::user::Permission;
use dakiya_store::reminder_rules;
use std::collections::HashMap;

/// Days on the list.
const MOST_DAYS: usize = 1_000;

#[derive(Template)]
#[template(path = "reminders/holidays.html")]
struct HolidaysPage {
    frame: Frame,
    days: String,
    count: usize,
    faults: Faults,
    done: &'static str,
}

/// `GET /reminders/holidays`
pub(super) async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = if query.contains_key("done") { "The list is saved." } else { "" };
    let listed = reminder_rules::named_holidays(&app.store).await?;
    let lines: Vec<String> = listed.iter().map(|(day, name)| format!("{day} {name}")).collect();
    page(&app, &person, lines.join("\n"), listed.len(), Faults::default(), done).await
}

async fn page(
    app: &AppState,
    person: &Person,
    days: String,
    count: usize,
    faults: Faults,
    done: &'static str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let frame = Frame::of(app, person, Section::Reminders).await?;
    Ok((status, view::html(&HolidaysPage { frame, days, count, faults, done })).into_response())
}

/// `POST /reminders/holidays`
pub(super) async fn save(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::Send)?;
    let mut faults = Faults::default();
    let days = read(&fields, &mut faults);
    if !faults.is_empty() {
        return page(&app, &person, fields.raw("days").to_owned(), days.len(), faults, "").await;
    }
    reminder_rules::put_holidays(&app.store, &days, &person.actor(), app.clock.now()).await?;
    Ok(Redirect::to("/reminders/holidays?done=saved").into_response())
}

/// One day a line: the date, then its name.
fn read(fields: &Fields, faults: &mut Faults) -> Vec<(NaiveDate, String)> {
    let mut days = Vec::new();
    for (line, text) in fields.raw("days").lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let (date, name) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        match parse_due_date(date) {
            Ok(day) => days.push((day, name.trim().chars().take(100).collect())),
            Err(error) => faults.add("days", format!("line {}: {error}", line + 1)),
        }
    }
    if days.len() > MOST_DAYS {
        faults.add("days", format!("at most {MOST_DAYS} days"));
    }
    days
}
