//! What-if months kept by name, priced as things stand.

use super::auth::{MayAdmin, MayRead};
use super::fields::Fields;
use super::finance::ScenarioRequest;
use super::json::{Json, Object, Path, Query};
use super::pagination::{List, PageQuery};
use super::problem::{Code, Document, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use dakiya_core::scenario::{ScenarioCost, checked_key, checked_name};
use dakiya_core::time::Timestamp;
use dakiya_store::scenarios::{self, NewScenario, SavedScenario};
use dakiya_store::{fx_rates, rate_cards, settings};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A scenario to keep.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioPut {
    /// What people call it.
    #[schema(example = "Diwali")]
    name: String,
    /// The month.
    #[schema(value_type = ScenarioRequest)]
    scenario: Object<ScenarioRequest>,
}

/// The month of a kept scenario.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScenarioMonth {
    /// Requests for help a month.
    requests_per_month: u64,
    /// Messages sent about each.
    sms_per_request: u64,
    /// Numbers rented.
    phone_numbers: u64,
    /// Of the messages, how many per cent go by WhatsApp.
    whatsapp_percent: u32,
    /// Of the WhatsApp messages, how many per cent answer a person who wrote within 24 hours.
    in_window_percent: u32,
    /// Amounts are written with `₹`.
    rupee_sign: bool,
    /// Text messages that people send, in segments.
    inbound_sms: u64,
    /// WhatsApp messages that people send.
    inbound_whatsapp: u64,
    /// Rupees for a dollar; null: the rate in force.
    #[schema(value_type = Option<schema::Decimal>, required = true)]
    usd_inr: Option<Decimal>,
    /// The card it names; null: the one in force.
    #[schema(required = true)]
    rate_card: Option<String>,
}

/// A kept scenario, with what it costs today.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scenario)]
pub struct ScenarioDetail {
    /// Its key.
    #[schema(example = "setup-guide")]
    key: String,
    /// What people call it.
    name: String,
    /// The month.
    scenario: ScenarioMonth,
    /// The card it was priced with.
    rate_card: String,
    /// What it costs; null when the card has no price for something in it.
    #[schema(value_type = Option<schema::ScenarioCost>, required = true)]
    cost: Option<ScenarioCost>,
    /// What the card has no price for; null when it has all.
    #[schema(required = true)]
    no_price: Option<String>,
    /// When it last changed.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    updated_at: Timestamp,
}

async fn detail(app: &AppState, saved: SavedScenario) -> Result<ScenarioDetail, Problem> {
    let settings = settings::get(&app.store).await?;
    let today = app.today();
    let key = saved.rate_card.clone().unwrap_or(settings.rate_card);
    let priced = match rate_cards::get(&app.store, &key).await? {
        Some(card) => {
            let fx = fx_rates::on(&app.store, today).await?;
            saved.scenario.evaluate(&card, today, fx, settings.gst).map_err(|error| error.to_string())
        }
        None => Err(format!("there is no rate card \"{key}\" any more")),
    };
    let (cost, no_price) = match priced {
        Ok(cost) => (Some(cost), None),
        Err(why) => (None, Some(why)),
    };
    let month = saved.scenario;
    Ok(ScenarioDetail {
        key: saved.key,
        name: saved.name,
        scenario: ScenarioMonth {
            requests_per_month: month.requests_per_month,
            sms_per_request: month.sms_per_request,
            phone_numbers: month.phone_numbers,
            whatsapp_percent: month.whatsapp_percent,
            in_window_percent: month.in_window_percent,
            rupee_sign: month.rupee_sign,
            inbound_sms: month.inbound_sms,
            inbound_whatsapp: month.inbound_whatsapp,
            usd_inr: month.usd_inr,
            rate_card: saved.rate_card,
        },
        rate_card: key,
        cost,
        no_price,
        updated_at: saved.updated_at,
    })
}

/// List scenarios
#[utoipa::path(
    get, path = "/finance/scenarios", operation_id = "list_scenarios", tag = "Finance", params(PageQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "A page of scenarios, priced as things stand", body = List<ScenarioDetail>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<List<ScenarioDetail>>, Problem> {
    let (limit, cursor) = query.page()?;
    let page = scenarios::list(&app.store, cursor.as_ref(), limit).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for saved in page.items {
        items.push(detail(&app, saved).await?);
    }
    Ok(axum::Json(List { items, next_cursor: page.next.map(|cursor| cursor.to_string()) }))
}

/// Look a scenario up
#[utoipa::path(
    get, path = "/finance/scenarios/{key}", operation_id = "get_scenario", tag = "Finance",
    params(("key" = String, Path, description = "Its key", example = "setup-guide")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The scenario, priced as things stand", body = ScenarioDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(key): Path<String>,
) -> Result<axum::Json<ScenarioDetail>, Problem> {
    let saved = scenarios::get(&app.store, &key).await?.ok_or_else(|| Problem::not_found("scenario"))?;
    Ok(axum::Json(detail(&app, saved).await?))
}

/// Keep a scenario
///
/// Only the month is kept; what it costs is reckoned when somebody asks. The scenario that ships, `setup-guide`, stays as it
/// is, and no two have one name.
#[utoipa::path(
    put, path = "/finance/scenarios/{key}", operation_id = "put_scenario", tag = "Finance", request_body = ScenarioPut,
    params(("key" = String, Path, description = "Small letters, digits and hyphens; at most 64", example = "diwali")),
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "It was known and is changed", body = ScenarioDetail),
        (status = 201, description = "It is new", body = ScenarioDetail),
        (status = 409, description = "It is the one that ships, or another has this name", body = Document, content_type = "application/problem+json"),
    ),
)]
pub async fn put(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Path(key): Path<String>,
    Json(given): Json<ScenarioPut>,
) -> Result<(StatusCode, axum::Json<ScenarioDetail>), Problem> {
    let mut fields = Fields::default();
    let key = fields.keep("key", Code::InvalidRequest, checked_key(&key));
    let name = fields.keep("name", Code::InvalidRequest, checked_name(&given.name));
    let (scenario, rate_card) = given.scenario.0.read();
    for error in scenario.validate().err().unwrap_or_default() {
        fields.fault(&format!("scenario.{}", error.field), Code::InvalidRequest, error.message);
    }
    if let Some(card) = &rate_card
        && rate_cards::get(&app.store, card).await?.is_none()
    {
        let told = format!("there is no rate card \"{card}\"; GET /rate-cards lists them");
        fields.fault("scenario.rate_card", Code::InvalidRequest, told);
    }
    let (key, name) = fields.finish_with(key.zip(name))?;
    let new = NewScenario { name, rate_card, scenario };
    let is_new = scenarios::put(&app.store, &key, &new, &caller.actor(), app.clock.now()).await?;
    let saved = scenarios::get(&app.store, &key).await?.ok_or_else(|| Problem::not_found("scenario"))?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(detail(&app, saved).await?)))
}

/// Throw a scenario away
#[utoipa::path(
    delete, path = "/finance/scenarios/{key}", operation_id = "delete_scenario", tag = "Finance",
    params(("key" = String, Path, description = "Its key", example = "diwali")),
    security(("api_key" = ["admin"])),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, description = "It is the one that ships", body = Document, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    if scenarios::remove(&app.store, &key, &caller.actor(), app.clock.now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("scenario"))
    }
}
