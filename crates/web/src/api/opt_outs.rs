//! Who asked not to be messaged.

use super::auth::{MayRead, MaySend};
use super::fields::{Fields, stored_phone};
use super::json::{OptionalJson, Path, Query};
use super::pagination::{self, List};
use super::problem::Problem;
use super::schema;
use crate::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use dakiya_scheduler::OptOutRequest;
use dakiya_store::opt_outs::{self, Entry, OptOut, OptOutFilter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MOST_REASON_CHARACTERS: usize = 1_000;
const HISTORY: u64 = 200;

/// What to stop, and how we know.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptOutPut {
    /// Everything when absent.
    #[schema(value_type = Option<schema::OptOutScope>)]
    scope: Option<OptOutScope>,
    /// The person's words, or whatever proves it.
    #[schema(example = "asked on the phone")]
    reason: Option<String>,
}

/// An opt-out in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OptOut)]
pub struct OptOutItem {
    /// The number, in E.164; null if the person was erased since.
    #[schema(value_type = Option<schema::Phone>, required = true)]
    phone: Option<PhoneNumber>,
    /// What it stops.
    #[schema(value_type = schema::OptOutScope)]
    scope: OptOutScope,
    /// Since when.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    since: Timestamp,
    /// How we learned of it.
    #[schema(value_type = schema::OptOutSource)]
    source: OptOutSource,
}

/// One entry of the history, which is only ever added to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OptOutEntry)]
pub struct EntryItem {
    /// Opted out, or in again.
    #[schema(value_type = String, example = "opt_out")]
    action: OptOutAction,
    /// Of what.
    #[schema(value_type = schema::OptOutScope)]
    scope: OptOutScope,
    /// How we learned of it.
    #[schema(value_type = schema::OptOutSource)]
    source: OptOutSource,
    /// What proves it.
    evidence: String,
    /// Who recorded it.
    recorded_by: String,
    /// When.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    at: Timestamp,
}

/// What one person asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct OptOutDetail {
    /// The number, in E.164.
    #[schema(value_type = schema::Phone)]
    phone: PhoneNumber,
    /// The widest opt-out in force; null when there is none.
    #[schema(value_type = Option<schema::OptOutScope>, required = true)]
    scope: Option<OptOutScope>,
    /// Opt-outs in force.
    opt_outs: Vec<OptOutItem>,
    /// All that was ever recorded, newest first.
    history: Vec<EntryItem>,
}

impl From<OptOut> for OptOutItem {
    fn from(opt_out: OptOut) -> Self {
        Self {
            phone: opt_out.phone.number(),
            scope: opt_out.scope,
            since: opt_out.since,
            source: opt_out.source,
        }
    }
}

impl From<Entry> for EntryItem {
    fn from(entry: Entry) -> Self {
        Self {
            action: entry.action,
            scope: entry.scope,
            source: entry.source,
            evidence: entry.evidence,
            recorded_by: entry.actor,
            at: entry.at,
        }
    }
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OptOutQuery {
    /// A number, or the beginning of one.
    phone: Option<String>,
    /// `all` or `promotional`.
    scope: Option<String>,
    /// How it was learned of: `link`, `sms`, `whatsapp`, `twilio_error`, `person`, `csv` or `api`.
    source: Option<String>,
    /// Items on a page: 1 to 500.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List opt-outs
#[utoipa::path(
    get, path = "/opt-outs", operation_id = "list_opt_outs", tag = "Opt-outs", params(OptOutQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "A page of opt-outs in force", body = List<OptOutItem>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<OptOutQuery>,
) -> Result<axum::Json<List<OptOutItem>>, Problem> {
    let (limit, cursor) = pagination::page(query.limit.as_deref(), query.cursor)?;
    let mut fields = Fields::default();
    let filter = OptOutFilter {
        scope: fields.word("scope", query.scope.as_deref()),
        source: fields.word("source", query.source.as_deref()),
        search: query.phone,
    };
    fields.finish()?;
    let page = opt_outs::page(&app.store, &filter, cursor.as_ref(), limit).await?;
    Ok(axum::Json(List::of(page, OptOutItem::from)))
}

/// Look up what one person asked for
#[utoipa::path(
    get, path = "/opt-outs/{phone}", operation_id = "get_opt_out", tag = "Opt-outs",
    params(("phone" = String, Path, description = "The number, in any common Indian spelling")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "Opt-outs in force and the history", body = OptOutDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(phone): Path<String>,
) -> Result<axum::Json<OptOutDetail>, Problem> {
    let phone = stored_phone(&app, &phone).await?.ok_or_else(not_found)?;
    let detail = detail(&app, phone).await?;
    if detail.history.is_empty() { Err(not_found()) } else { Ok(axum::Json(detail)) }
}

async fn detail(app: &AppState, phone: PhoneNumber) -> Result<OptOutDetail, Problem> {
    let opt_outs: Vec<OptOutItem> =
        opt_outs::state(&app.store, phone).await?.into_iter().map(OptOutItem::from).collect();
    let history =
        opt_outs::history(&app.store, phone, HISTORY).await?.into_iter().map(EntryItem::from).collect();
    Ok(OptOutDetail { phone, scope: opt_outs.iter().map(|opt_out| opt_out.scope).min(), opt_outs, history })
}

fn not_found() -> Problem {
    Problem::not_found("opt-out")
}

/// Opt a person out
///
/// Messages that wait are not sent. When this answers, no message it covers can begin any more.
#[utoipa::path(
    put, path = "/opt-outs/{phone}", operation_id = "put_opt_out", tag = "Opt-outs", request_body = Option<OptOutPut>,
    params(("phone" = String, Path, description = "The number, in any common Indian spelling")),
    security(("api_key" = ["send"])),
    responses((status = 200, description = "It is recorded and obeyed", body = OptOutDetail)),
)]
pub async fn put(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(phone): Path<String>,
    OptionalJson(given): OptionalJson<OptOutPut>,
) -> Result<axum::Json<OptOutDetail>, Problem> {
    let mut fields = Fields::default();
    // Whoever wants no messages is listened to, wherever their number is from.
    let phone = match stored_phone(&app, &phone).await? {
        Some(phone) => Some(phone),
        None => {
            let allowed = dakiya_store::settings::get(&app.store).await?.allowed_countries;
            fields.phone("phone", &phone, &allowed)
        }
    };
    let reason = given.reason.unwrap_or_default();
    fields.at_most("reason", &reason, MOST_REASON_CHARACTERS);
    let phone = fields.finish_with(phone)?;
    let scope = given.scope.unwrap_or(OptOutScope::All);
    app.commands.opt_out(request(phone, scope, reason, &caller)).await?;
    Ok(axum::Json(detail(&app, phone).await?))
}

fn request(
    phone: PhoneNumber,
    scope: OptOutScope,
    evidence: String,
    caller: &super::auth::Caller,
) -> OptOutRequest {
    OptOutRequest { phone, scope, source: OptOutSource::Api, evidence, actor: caller.actor() }
}

/// Opt a person in again
///
/// Lifts every opt-out of theirs.
#[utoipa::path(
    delete, path = "/opt-outs/{phone}", operation_id = "delete_opt_out", tag = "Opt-outs",
    params(("phone" = String, Path, description = "The number, in any common Indian spelling")),
    security(("api_key" = ["send"])),
    responses((status = 204, description = "They may be messaged again")),
)]
pub async fn delete(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(phone): Path<String>,
) -> Result<StatusCode, Problem> {
    let phone = stored_phone(&app, &phone).await?.ok_or_else(not_found)?;
    if opt_outs::state(&app.store, phone).await?.is_empty() {
        return Err(not_found());
    }
    app.commands.opt_in(request(phone, OptOutScope::All, "deleted by API".to_owned(), &caller)).await?;
    Ok(StatusCode::NO_CONTENT)
}
