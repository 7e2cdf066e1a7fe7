//! Rules that remind of payments, and their runs: those to come and those that were.

use super::auth::{MayRead, MaySend};
use super::fields::Fields;
use super::json::{Json, Path, Query};
use super::pagination::{self, List, PageQuery};
use super::problem::{Code, Problem};
use super::reminder_rule_shapes::{ReminderRuleDetail, ReminderRulePut, RunItem, RunQuery};
use crate::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use dakiya_core::reminder::{ReminderRule, ReminderRun, may_remind};
use dakiya_core::time::Timestamp;
use dakiya_scheduler::{ComingRun, QuoteError};
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::{Cursor, StoreError, reminder_runs, templates};

/// List reminder rules
#[utoipa::path(
    get, path = "/reminder-rules", operation_id = "list_reminder_rules", tag = "Reminders", params(PageQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "A page of rules", body = List<ReminderRuleDetail>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<List<ReminderRuleDetail>>, Problem> {
    let (limit, cursor) = query.page()?;
    let page = reminder_rules::list(&app.store, cursor.as_ref(), limit).await?;
    Ok(axum::Json(List::of(page, ReminderRuleDetail::from)))
}

/// Look a reminder rule up
#[utoipa::path(
    get, path = "/reminder-rules/{key}", operation_id = "get_reminder_rule", tag = "Reminders",
    params(("key" = String, Path, description = "The rule's key")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The rule", body = ReminderRuleDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(key): Path<String>,
) -> Result<axum::Json<ReminderRuleDetail>, Problem> {
    Ok(axum::Json(known(&app, &key).await?.into()))
}

/// Store a reminder rule
///
/// What is left out has its default. A rule that is new, switched on or moved counts from now on: nothing that it would have
/// sent before is made up for, and no step of a payment is sent twice.
#[utoipa::path(
    put, path = "/reminder-rules/{key}", operation_id = "put_reminder_rule", tag = "Reminders",
    request_body = ReminderRulePut,
    params(("key" = String, Path, description = "Letters, digits, `_` and `-`; at most 64")),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "It was known and is changed", body = ReminderRuleDetail),
        (status = 201, description = "It is new", body = ReminderRuleDetail),
    ),
)]
pub async fn put(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(key): Path<String>,
    Json(given): Json<ReminderRulePut>,
) -> Result<(StatusCode, axum::Json<ReminderRuleDetail>), Problem> {
    caller.must_be_live()?;
    let mut fields = Fields::default();
    if !is_key(&key) {
        fields.fault("key", Code::InvalidRequest, "1 to 64 letters, digits, _ or -");
    }
    let rule = given.read(app.config.timezone, &mut fields);
    if let Some(rule) = &rule {
        check_templates(&app, rule, &mut fields).await?;
    }
    let rule = fields.finish_with(rule)?;
    let new = reminder_rules::get(&app.store, &key).await?.is_none();
    let stored = app.commands.put_reminder_rule(&key, &rule, &caller.actor()).await?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, axum::Json(stored.into())))
}

/// List a rule's runs
///
/// The next ones that reach anybody, with whom they reach and what they cost as things stand; with `past=true` those that
/// were begun, held or skipped, the latest first.
#[utoipa::path(
    get, path = "/reminder-rules/{key}/runs", operation_id = "list_reminder_runs", tag = "Reminders",
    params(("key" = String, Path, description = "The rule's key"), RunQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "Runs", body = List<RunItem>)),
)]
pub async fn runs(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(key): Path<String>,
    Query(query): Query<RunQuery>,
) -> Result<axum::Json<List<RunItem>>, Problem> {
    let (limit, cursor) = pagination::page(query.limit.as_deref(), query.cursor)?;
    let past = match query.past.as_deref() {
        None | Some("false" | "0") => false,
        Some("true" | "1" | "") => true,
        Some(_) => return Err(Problem::field("past", Code::InvalidRequest, "true or false")),
    };
    let stored = known(&app, &key).await?;
    if !past {
        if !stored.rule.enabled {
            return Ok(axum::Json(List::whole(Vec::new())));
        }
        return coming(&app, &stored, limit, cursor.as_ref()).await.map(axum::Json);
    }
    let page =
        reminder_runs::past(&app.store, Some(stored.id), app.clock.now(), cursor.as_ref(), limit).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for run in page.items {
        let results = reminder_runs::results(&app.store, &run).await?;
        items.push(RunItem::past(run, &results));
    }
    Ok(axum::Json(List { items, next_cursor: page.next.map(|cursor| cursor.to_string()) }))
}

/// The runs to come after one of them.
async fn coming(
    app: &AppState,
    stored: &StoredRule,
    limit: u64,
    after: Option<&Cursor>,
) -> Result<List<RunItem>, Problem> {
    let after = after.map(run_of).transpose()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // How many come before the page is not known.
    let most = if after.is_some() { usize::MAX } else { limit + 1 };
    let runs = app.commands.coming_runs(&stored.rule, Some(stored), most, 0).await.map_err(cannot_reckon)?;
    let mut runs: Vec<ComingRun> =
        runs.into_iter().skip_while(|coming| after.is_some_and(|after| coming.run <= after)).collect();
    let more = runs.len() > limit;
    runs.truncate(limit);
    let next_cursor = runs.last().filter(|_| more).map(|last| cursor_of(&last.run).to_string());
    Ok(List { items: runs.into_iter().map(RunItem::coming).collect(), next_cursor })
}

/// A run as a cursor names it.
fn cursor_of(run: &ReminderRun) -> Cursor {
    Cursor::new(format!("{}_{}_{}", run.at.timestamp_micros(), run.step, run.due_on))
}

fn run_of(cursor: &Cursor) -> Result<ReminderRun, Problem> {
    let text = cursor.to_string();
    let read = || {
        let mut parts = text.splitn(3, '_');
        let at = Timestamp::from_timestamp_micros(parts.next()?.parse().ok()?)?;
        Some(ReminderRun { at, step: parts.next()?.parse().ok()?, due_on: parts.next()?.parse().ok()? })
    };
    read().ok_or_else(|| StoreError::Cursor(text.clone()).into())
}

async fn known(app: &AppState, key: &str) -> Result<StoredRule, Problem> {
    reminder_rules::get(&app.store, key).await?.ok_or_else(|| Problem::not_found("reminder rule"))
}

/// Notes every template of a rule that there is not, or that is none for reminders.
async fn check_templates(app: &AppState, rule: &ReminderRule, fields: &mut Fields) -> Result<(), Problem> {
    let own = rule.steps.iter().filter_map(|step| step.template.as_deref());
    for (field, key) in
        std::iter::once(("template", rule.template.as_str())).chain(own.map(|key| ("templates", key)))
    {
        match templates::get(&app.store, key, None).await? {
            None => {
                let told = format!("there is no template \"{key}\"; GET /templates lists them");
                fields.fault(field, Code::UnknownTemplate, told);
            }
            Some(version) => {
                if let Err(error) = may_remind(version.category) {
                    fields.fault(field, Code::InvalidRequest, format!("\"{key}\" cannot remind: {error}"));
                }
            }
        }
    }
    Ok(())
}

fn cannot_reckon(error: QuoteError) -> Problem {
    match error {
        QuoteError::Store(error) => error.into(),
        other => Problem::new(Code::InvalidState, other.to_string()),
    }
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
