//! Runs that were: those that wait for a person, the last ones, and all of them page by page.

use super::figures::PastRun;
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::extract::{Query, State};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, Run};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

const ROWS: u64 = 50;

#[derive(Template)]
#[template(path = "reminders/runs.html")]
struct RunsPage {
    frame: Frame,
    past: Vec<PastRun>,
    next: Option<String>,
}

/// `GET /reminders/runs`
pub(super) async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let found =
        reminder_runs::past(&app.store, None, app.clock.now(), view::cursor(&query).as_ref(), ROWS).await?;
    let page = RunsPage {
        frame: Frame::of(&app, &person, Section::Reminders).await?,
        next: found.next.map(|next| view::href("/reminders/runs", &[("cursor", &next.to_string())])),
        past: rows(&app, found.items).await?,
    };
    Ok(view::html(&page))
}

/// Runs with what came of them.
pub(super) async fn rows(app: &AppState, runs: Vec<Run>) -> PageResult<Vec<PastRun>> {
    let mut rules: HashMap<_, Option<StoredRule>> = HashMap::new();
    let mut rows = Vec::with_capacity(runs.len());
    for run in runs {
        let rule = match rules.entry(run.rule_id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(reminder_rules::by_id(&app.store, run.rule_id).await?),
        };
        let Some(rule) = rule else { continue };
        let results = reminder_runs::results(&app.store, &run).await?;
        rows.push(PastRun::of(rule, run, &results));
    }
    Ok(rows)
}
