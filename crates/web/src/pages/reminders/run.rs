//! One run: whom it reaches, what they get, and skipping it or sending it now.

use super::figures::{Hours, left_out, reason_of, result_of};
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
use dakiya_core::message::Status;
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::reminder::{ReminderRun, RunState, SkipReason, when_in_words};
use dakiya_core::time::{Timestamp, parse_day};
use dakiya_core::user::Permission;
use dakiya_scheduler::{QuoteError, Reckoned};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, Run, RunResults, SteerError};
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
    goes_at: Option<Timestamp>,
    due_on: String,
    state: &'static str,
    class: &'static str,
    reason: String,
    done: &'static str,
    figures: Figures,
    base: String,
    /// Messages and their cost, if a person may begin it now.
    send_now: Option<(u64, Money)>,
    may_skip: bool,
    may_restore: bool,
}

/// Whom a run reaches or reached: `left_out` and `messages` add up to `matched`.
#[derive(Default)]
struct Figures {
    matched: u64,
    left_out: Vec<(&'static str, u64)>,
    message_words: &'static str,
    messages: u64,
    /// Where those that were sent are.
    results: Vec<(&'static str, u64)>,
    cost_words: &'static str,
    cost: Money,
    /// What was expected when it was written down.
    expected: Option<Money>,
    text_words: &'static str,
    texts: Vec<(PhoneNumber, String)>,
    no_text_words: &'static str,
}

impl Figures {
    /// As things stand, before it begins.
    fn to_come(reckoned: Reckoned) -> Self {
        Self {
            matched: reckoned.matched(),
            left_out: left_out(&reckoned.suppressed),
            message_words: "Will send",
            messages: reckoned.will_send,
            cost_words: "Expected cost, before GST",
            cost: reckoned.cost,
            text_words: "What people get",
            texts: reckoned.samples,
            no_text_words: "Nobody would be written to now.",
            ..Self::default()
        }
    }

    /// Of a run that was skipped.
    fn skipped(run: &Run) -> Self {
        Self {
            matched: run.matched,
            left_out: vec![("Not reminded, the run is skipped", run.matched)],
            message_words: "Sent",
            cost_words: "Cost, before GST",
            text_words: "What people get",
            no_text_words: "Nothing: the run is skipped.",
            ..Self::default()
        }
    }

    /// Of a run whose messages are written down, by what became of them.
    fn of_messages(run: &Run, results: &RunResults, texts: Vec<(PhoneNumber, String)>) -> Self {
        let left = [
            Status::Accepted,
            Status::Sent,
            Status::Delivered,
            Status::Read,
            Status::Undelivered,
            Status::Failed,
        ];
        let by_status = |statuses: &[Status]| -> Vec<(&'static str, u64)> {
            let found = statuses.iter().map(|status| (status_words(*status), results.of(*status)));
            found.filter(|(_, count)| *count > 0).collect()
        };
        let mut not_sent = left_out(&run.suppressed_with(results));
        not_sent.extend(by_status(&[
            Status::Canceled,
            Status::Expired,
            Status::Rejected,
            Status::Queued,
            Status::Posting,
            Status::Unknown,
        ]));
        let messages = results.sent();
        let waits = results.of(Status::Queued) + results.of(Status::Posting) > 0;
        Self {
            matched: not_sent.iter().map(|(_, count)| count).sum::<u64>() + messages,
            left_out: not_sent,
            message_words: "Sent",
            messages,
            results: by_status(&left),
            cost_words: "Cost, before GST",
            cost: results.cost,
            expected: Some(run.cost),
            text_words: if waits { "What people get" } else { "What people got" },
            texts,
            no_text_words: "Nobody was written to.",
        }
    }
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
    let (reckoned, trouble) = match app.commands.reckon_run(&stored, &run, SAMPLES).await {
        Ok(coming) if coming.skipped == Some(SkipReason::Superseded) => {
            let instead = "A later step of the same payments comes at the same time and goes instead.";
            (coming.reckoned, instead.to_owned())
        }
        Ok(coming) => (coming.reckoned, String::new()),
        Err(QuoteError::Store(error)) => return Err(error.into()),
        Err(error) => (Reckoned::default(), format!("This run cannot be written out: {error}.")),
    };
    let done = match query.get("done").map(String::as_str) {
        Some("skip") => "This run is skipped. Nobody is reminded by it.",
        Some("restore") => "This run comes after all.",
        Some("send") => "This run has begun. Its messages go out inside the sending hours.",
        _ => "",
    };
    let is_to_come = run.at > app.clock.now();
    let send_now = (reckoned.will_send > 0).then_some((reckoned.will_send, reckoned.cost));
    let mut page = RunPage {
        frame: Frame::of(&app, &person, Section::Reminders).await?,
        rule: stored.rule.name.clone(),
        step: when_in_words(run.step),
        at: run.at,
        goes_at: Hours::of(&app).await?.opens(&stored.rule, run.at).filter(|_| is_to_come),
        due_on: run.due_on.format("%a %-d %b %Y").to_string(),
        state: "To come",
        class: "info",
        reason: trouble,
        done,
        figures: Figures::to_come(reckoned),
        base: run_href(&stored.key, &run),
        send_now,
        may_skip: known.is_none(),
        may_restore: false,
    };
    if let Some(known) = known {
        let results = reminder_runs::results(&app.store, &known).await?;
        (page.state, page.class) = result_of(&known, &results);
        page.reason = reason_of(&known);
        page.may_skip = known.state == RunState::Held;
        page.may_restore = known.state == RunState::Skipped && is_to_come;
        match known.state {
            RunState::Planning => page.send_now = None,
            RunState::Planned => {
                let texts = reminder_runs::texts(&app.store, &known, SAMPLES as u64).await?;
                page.figures = Figures::of_messages(&known, &results, texts);
                page.send_now = None;
            }
            RunState::Skipped => page.figures = Figures::skipped(&known),
            RunState::Held => {}
        }
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
    let due_on = parse_day(due_on).map_err(|_| PageError::NotFound("run"))?;
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
