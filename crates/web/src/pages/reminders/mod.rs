//! Reminders: the rules the way people say them, the next runs, the last ones, and what came of them.

mod figures;
mod form;
mod holidays;
mod recurring;
mod report;
mod rule;
mod run;

use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::{self, percent};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use chrono::TimeDelta;
use dakiya_core::money::Money;
use dakiya_core::reminder::when_in_words;
use dakiya_scheduler::ComingRun;
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, StepResult};
use dakiya_store::{reminder_payments, templates};
use figures::{NextRun, PastRun, channel_words, limits};
use std::collections::HashMap;

/// Rules, next runs and last runs on one page.
const MOST_RULES: u64 = 50;
const NEXT_RUNS: usize = 8;
const PAST_RUNS: u64 = 12;

/// A payment counts for a reminder that came so many days before the money.
const PAID_WITHIN_DAYS: u32 = 7;

/// Everything about reminders but the payments.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/reminders", get(list))
        .route("/reminders/rules/new", get(rule::ask))
        .route("/reminders/rules", post(rule::create))
        .route("/reminders/rules/{key}", get(rule::show).post(rule::save))
        .route("/reminders/rules/{key}/switch", post(rule::switch))
        .route("/reminders/rules/{key}/runs/{step}/{due_on}", get(run::show))
        .route("/reminders/rules/{key}/runs/{step}/{due_on}/{action}", post(run::act))
        .route("/reminders/report", get(report::show))
        .route("/reminders/recurring", get(recurring::list).post(recurring::create))
        .route("/reminders/recurring/{key}", get(recurring::show).post(recurring::save))
        .route("/reminders/holidays", get(holidays::show).post(holidays::save))
}

struct StepColumn {
    when: String,
    text: String,
    price: String,
    paid: String,
}

struct RuleCard {
    key: String,
    name: String,
    enabled: bool,
    channel: &'static str,
    at: String,
    fault: String,
    steps: Vec<StepColumn>,
    limits: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "reminders/list.html")]
struct RemindersPage {
    frame: Frame,
    done: &'static str,
    rules: Vec<RuleCard>,
    due_soon: u64,
    runs: Vec<NextRun>,
    total_matched: u64,
    total_sends: u64,
    total_cost: Money,
    cost_per_payment: String,
    past: Vec<PastRun>,
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = match query.get("done").map(String::as_str) {
        Some("saved") => "Rule saved.",
        Some("on") => "The rule is on: reminders go out by themselves from its next run on.",
        Some("off") => "The rule is off: nothing of it begins any more, and what waits is not sent.",
        _ => "",
    };
    let now = app.clock.now();
    let rules = reminder_rules::list(&app.store, None, MOST_RULES).await?.items;
    let results =
        reminder_runs::step_results(&app.store, now - TimeDelta::days(30), now, PAID_WITHIN_DAYS).await?;
    let (mut cards, mut runs) = (Vec::new(), Vec::new());
    for stored in &rules {
        let (coming, fault) = coming(&app, stored).await?;
        cards.push(card(&app, stored, &coming, &results, fault).await?);
        if stored.rule.enabled {
            runs.extend(coming.into_iter().map(|run| NextRun::of(stored, run)));
        }
    }
    runs.sort_by_key(|run| run.at);
    runs.truncate(NEXT_RUNS);
    let today = view::Zone(app.config.timezone).date(&now);
    let page = RemindersPage {
        frame: Frame::of(&app, &person, Section::Reminders).await?,
        done,
        due_soon: reminder_payments::due_between(&app.store, today, today + TimeDelta::days(6)).await?,
        total_matched: runs.iter().map(|run| run.matched).sum(),
        total_sends: runs.iter().map(|run| run.will_send).sum(),
        total_cost: runs.iter().map(|run| run.cost).sum(),
        cost_per_payment: report::cost_per_payment(&results),
        past: past(&app, &rules).await?,
        rules: cards,
        runs,
    };
    Ok(view::html(&page))
}

/// A rule's next runs, or why they cannot be reckoned.
async fn coming(app: &AppState, stored: &StoredRule) -> PageResult<(Vec<ComingRun>, String)> {
    match app.commands.coming_runs(&stored.rule, Some(stored), NEXT_RUNS, 1).await {
        Ok(runs) => Ok((runs, String::new())),
        Err(dakiya_scheduler::QuoteError::Store(error)) => Err(error.into()),
        Err(error) => Ok((Vec::new(), format!("This rule cannot run: {error}."))),
    }
}

async fn card(
    app: &AppState,
    stored: &StoredRule,
    coming: &[ComingRun],
    results: &[StepResult],
    fault: String,
) -> PageResult<RuleCard> {
    let rule = &stored.rule;
    let mut steps = Vec::new();
    for step in &rule.steps {
        let next = coming.iter().find(|run| run.run.step == step.offset_days);
        let sample = next.and_then(|run| run.reckoned.samples.first()).map(|(_, text)| text.clone());
        let text = match sample {
            Some(text) => text,
            None => templates::get(&app.store, rule.template_of(step), None)
                .await?
                .map_or_else(String::new, |version| version.body),
        };
        let result = results.iter().find(|it| it.rule == stored.id && it.step == step.offset_days);
        steps.push(StepColumn {
            when: when_in_words(step.offset_days),
            text,
            price: figures::price_of_one(next),
            paid: result.map_or_else(|| "–".to_owned(), |it| percent(it.paid, it.sent)),
        });
    }
    Ok(RuleCard {
        key: stored.key.clone(),
        name: rule.name.clone(),
        enabled: rule.enabled,
        channel: channel_words(rule.channel),
        at: format!("{} {}", rule.at, view::Zone(rule.zone.0).short_name()),
        fault,
        steps,
        limits: limits(rule),
    })
}

async fn past(app: &AppState, rules: &[StoredRule]) -> PageResult<Vec<PastRun>> {
    let found = reminder_runs::past(&app.store, None, None, PAST_RUNS).await?.items;
    let mut past = Vec::with_capacity(found.len());
    for run in found {
        let Some(rule) = rules.iter().find(|rule| rule.id == run.rule_id) else { continue };
        let results = reminder_runs::results(&app.store, &run).await?;
        past.push(PastRun::of(rule, run, &results));
    }
    Ok(past)
}

/// The rule of an address.
async fn find(app: &AppState, key: &str) -> PageResult<StoredRule> {
    reminder_rules::get(&app.store, key).await?.ok_or(PageError::NotFound("reminder rule"))
}

/// A key made of a name.
fn key_of(name: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(50)
        .collect();
    let plain = plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
    if plain.is_empty() { "rule".to_owned() } else { plain }
}

/// The address of one run.
fn run_href(key: &str, run: &dakiya_core::reminder::ReminderRun) -> String {
    format!("/reminders/rules/{key}/runs/{}/{}", run.step, run.due_on)
}
