//! Reminders: the rules the way people say them, the next runs, the last ones, and what came of them.

mod figures;
mod form;
mod holidays;
mod recurring;
mod report;
mod rule;
mod run;
mod runs;

use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::{self, counted, percent};
use crate::pages::preview::{sample_opt_out_url, sample_variables};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::{get, post};
use chrono::TimeDelta;
use dakiya_core::reminder::when_in_words;
use dakiya_scheduler::{AsOf, ComingRun};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{self, StepResult};
use dakiya_store::{reminder_payments, templates};
pub(crate) use figures::{Hours, reason_of};
use figures::{NextRun, PastRun, Sums, channel_words, limits};
use std::collections::HashMap;

/// Rules, next runs and last runs on one page.
const MOST_RULES: u64 = 50;
const NEXT_RUNS: usize = 8;
const PAST_RUNS: u64 = 12;
const MOST_HELD: u64 = 50;

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
        .route("/reminders/runs", get(runs::list))
        .route("/reminders/holidays", get(holidays::show).post(holidays::save))
}

struct StepColumn {
    when: String,
    text: String,
    /// No payment is in it: the text as it might read.
    is_example: bool,
    price: String,
    paid: String,
}

struct RuleCard {
    key: String,
    name: String,
    enabled: bool,
    channel: &'static str,
    at: String,
    warning: String,
    fault: String,
    steps: Vec<StepColumn>,
    limits: Vec<(&'static str, String)>,
}

#[derive(Template)]
#[template(path = "reminders/list.html")]
struct RemindersPage {
    frame: Frame,
    done: &'static str,
    held: Vec<PastRun>,
    held_words: String,
    rules: Vec<RuleCard>,
    due_soon: u64,
    runs: Vec<NextRun>,
    next_words: String,
    /// Of when the figures of the next runs are; empty while there are none yet.
    as_of: String,
    sums: Sums,
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
    let hours = Hours::of(&app).await?;
    let next = app.commands.next_runs().await?;
    let (mut cards, mut runs) = (Vec::new(), Vec::new());
    for stored in &rules {
        let of_rule = next.rules.iter().find(|(rule, _)| rule.id == stored.id);
        let (coming, fault): (&[ComingRun], String) = match of_rule.map(|(_, runs)| runs) {
            Some(Ok(runs)) => (runs, String::new()),
            Some(Err(error)) => (&[], format!("This rule cannot run: {error}.")),
            None => (&[], String::new()),
        };
        let warning = hours.warning(&stored.rule, now);
        cards.push(RuleCard { warning, fault, ..card(&app, stored, coming, &results).await? });
        runs.extend(coming.iter().map(|run| NextRun::of(stored, run.clone(), &hours)));
    }
    runs.sort_by_key(|run| run.at);
    runs.truncate(NEXT_RUNS);
    let today = view::Zone(app.config.timezone).date(&now);
    let past = reminder_runs::past(&app.store, None, now, None, PAST_RUNS).await?.items;
    let held = runs::rows(&app, reminder_runs::held(&app.store, MOST_HELD).await?).await?;
    let page = RemindersPage {
        frame: Frame::of(&app, &person, Section::Reminders).await?,
        done,
        held_words: counted(held.len() as u64, "run", "runs"),
        held,
        due_soon: reminder_payments::due_between(&app.store, today, today + TimeDelta::days(6)).await?,
        sums: Sums::of(&runs),
        next_words: match runs.len() {
            0 => "next runs".to_owned(),
            1 => "next run".to_owned(),
            many => format!("next {many} runs"),
        },
        as_of: match next.as_of {
            AsOf::Now => "as things stand".to_owned(),
            AsOf::Then(at) => {
                let then = view::Zone(app.config.timezone).when(&at);
                format!("figures of {then}, made anew every few minutes")
            }
            AsOf::Never => String::new(),
        },
        cost_per_payment: report::cost_per_payment(&results),
        past: runs::rows(&app, past).await?,
        rules: cards,
        runs,
    };
    Ok(view::html(&page))
}

async fn card(
    app: &AppState,
    stored: &StoredRule,
    coming: &[ComingRun],
    results: &[StepResult],
) -> PageResult<RuleCard> {
    let rule = &stored.rule;
    let mut steps = Vec::new();
    for step in &rule.steps {
        let next = coming.iter().find(|run| run.run.step == step.offset_days);
        let sample = next.and_then(|run| run.reckoned.samples.first()).map(|(_, text)| text.clone());
        let is_example = sample.is_none();
        let text = match sample {
            Some(text) => text,
            None => example(app, rule.template_of(step)).await?,
        };
        let result = results.iter().find(|it| it.rule == stored.id && it.step == step.offset_days);
        steps.push(StepColumn {
            when: when_in_words(step.offset_days),
            text,
            is_example,
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
        warning: String::new(),
        fault: String::new(),
        steps,
        limits: limits(rule),
    })
}

/// A template's text as somebody might get it; empty when there is no such template.
async fn example(app: &AppState, key: &str) -> PageResult<String> {
    let Some(version) = templates::get(&app.store, key, None).await? else { return Ok(String::new()) };
    let Ok(template) = dakiya_core::template::Template::parse(&version.body) else { return Ok(version.body) };
    let link = sample_opt_out_url(&app.config.public_url);
    let values = sample_variables(&template, &app.config.brand, &link);
    Ok(template.render(&values).unwrap_or(version.body))
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
pub(crate) fn run_href(key: &str, run: &dakiya_core::reminder::ReminderRun) -> String {
    format!("/reminders/rules/{key}/runs/{}/{}", run.step, run.due_on)
}
