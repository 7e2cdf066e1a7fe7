//! One run: whom it reaches, what they get, and skipping it or sending it now.

use super::figures::{left_out, reason_of, result_of};
use super::{find, run_href};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::{self, status_words};
use crate::forms::Submitted;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect};
use chrono::NaiveDate;
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::reminder::{ReminderRun, RunState, when_in_words};
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_scheduler::{QuoteError, Reckoned};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, SteerError};
use std::collections::HashMap;

/// Texts shown.
const SAMPLES: usize = 5;

#[derive(Template)]
#[template(path = "reminders/run.html")]
struct RunPage {
    frame: Frame,
    rule: String,
    step: String,
    at: Timestamp,
    due_on: String,
    state: &'static str,
    class: &'static str,
    reason: String,
    done: &'static str,
    samples: Vec<(PhoneNumber, String)>,
    matched: u64,
    left_out: Vec<(&'static str, u64)>,
    will_send: u64,
    cost: Money,
    results: Vec<(&'static str, u64)>,
    base: String,
    may_send_now: bool,
    may_skip: bool,
    may_restore: bool,
}

/// `GET /reminders/rules/{key}/runs/{step}/{due_on}`
pub(super) async fn show(
    State(app): State<AppState>,
    person: Person,
    Path((key, step, due_on)): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let (stored, run) = address(&app, &key, &step, &due_on).await?;
    let known = reminder_runs::get(&app.store, stored.id, run.step, run.due_on).await?;
    let (reckoned, trouble) = match app.commands.reckon_run(&stored.rule, &run, SAMPLES).await {
        Ok(reckoned) => (reckoned, String::new()),
        Err(QuoteError::Store(error)) => return Err(error.into()),
        Err(error) => (Reckoned::default(), format!("This run cannot be written out: {error}.")),
    };
    let base = run_href(&stored.key, &run);
    let done = match query.get("done").map(String::as_str) {
        Some("skip") => "This run is skipped. Nobody is reminded by it.",
        Some("restore") => "This run comes after all.",
        Some("send") => "This run has begun. Its messages go out inside the sending hours.",
        _ => "",
    };
    let mut page = RunPage {
        frame: Frame::of(&app, &person, Section::Reminders).await?,
        rule: stored.rule.name.clone(),
        step: when_in_words(run.step),
        at: run.at,
        due_on: run.due_on.format("%a %-d %b %Y").to_string(),
        state: "To come",
        class: "info",
        reason: trouble,
        done,
        matched: reckoned.matched(),
        left_out: left_out(&reckoned.suppressed),
        will_send: reckoned.will_send,
        cost: reckoned.cost,
        samples: reckoned.samples,
        results: Vec::new(),
        base,
        may_send_now: known.is_none() && reckoned.will_send > 0,
        may_skip: known.is_none(),
        may_restore: false,
    };
    if let Some(known) = known {
        let results = reminder_runs::results(&app.store, &known).await?;
        (page.state, page.class) = result_of(&known, &results);
        page.reason = reason_of(&known);
        let decided = matches!(known.state, RunState::Planning | RunState::Planned);
        if decided {
            page.matched = known.matched;
            page.left_out = left_out(&known.suppressed);
            page.will_send = known.will_send;
            page.cost = known.cost;
            page.results =
                results.statuses.iter().map(|(status, count)| (status_words(*status), *count)).collect();
        }
        page.may_send_now = !decided && reckoned.will_send > 0;
        page.may_skip = known.state == RunState::Held;
        page.may_restore = known.state == RunState::Skipped && run.at > app.clock.now();
    }
    Ok(view::html(&page))
}

/// `POST …/skip`, `…/send`, `…/restore`
pub(super) async fn act(
    State(app): State<AppState>,
    Path((key, step, due_on, action)): Path<(String, String, String, String)>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let (stored, run) = address(&app, &key, &step, &due_on).await?;
    let actor = person.actor();
    let steered = match action.as_str() {
        "skip" => app.commands.skip_run(&stored, run, &actor).await,
        "send" => app.commands.send_run_now(&stored, run, &actor).await,
        "restore" => {
            app.commands.restore_run(&stored, run, &actor).await.map(|_| ()).map_err(SteerError::from)
        }
        _ => return Err(PageError::NotFound("run")),
    };
    let base = run_href(&stored.key, &run);
    match steered {
        Ok(()) => Ok(Redirect::to(&format!("{base}?done={action}")).into_response()),
        // Somebody was faster, or the run began: the page says where it is now.
        Err(SteerError::State(_)) => Ok(Redirect::to(&base).into_response()),
        Err(SteerError::Store(error)) => Err(error.into()),
    }
}

/// The rule and run of an address.
async fn address(
    app: &AppState,
    key: &str,
    step: &str,
    due_on: &str,
) -> PageResult<(StoredRule, ReminderRun)> {
    let stored = find(app, key).await?;
    let step: i32 = step.parse().map_err(|_| PageError::NotFound("run"))?;
    let due_on: NaiveDate = due_on.parse().map_err(|_| PageError::NotFound("run"))?;
    if let Some(known) = reminder_runs::get(&app.store, stored.id, step, due_on).await? {
        return Ok((stored, known.run));
    }
    if stored.rule.step(step).is_none() {
        return Err(PageError::NotFound("run"));
    }
    let holidays = reminder_rules::holidays(&app.store).await?;
    let run = stored.rule.run(step, due_on, &holidays);
    Ok((stored, run))
}
