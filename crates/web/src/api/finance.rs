//! What a plain month costs.

use super::auth::MayRead;
use super::json::Json;
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use dakiya_core::scenario::{Scenario, ScenarioCost};
use dakiya_core::time::day_in;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A plain month.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioRequest {
    /// Requests for help a month.
    #[schema(example = 1000)]
    requests_per_month: u64,
    /// Texts sent about each, taken to be one segment long.
    #[schema(example = 3)]
    sms_per_request: u64,
    /// Numbers rented.
    #[schema(example = 1)]
    phone_numbers: u64,
    /// `setup-guide`, `twilio-list` or one of the owner's; the one in force when absent.
    rate_card: Option<String>,
}

/// What the month costs, before tax, with GST as a line of its own.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScenarioAnswer {
    /// The rate card it was priced with.
    rate_card: String,
    /// Line by line, the total and GST.
    #[serde(flatten)]
    #[schema(inline, value_type = schema::ScenarioCost)]
    cost: ScenarioCost,
}

/// Evaluate a scenario
///
/// Prices a plain month with the rates in force today. Nothing is stored.
#[utoipa::path(
    post, path = "/finance/scenarios/evaluate", operation_id = "evaluate_scenario", tag = "Finance", request_body = ScenarioRequest,
    security(("api_key" = ["read"])),
    responses((status = 200, description = "What it costs", body = ScenarioAnswer)),
)]
pub async fn evaluate(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Json(asked): Json<ScenarioRequest>,
) -> Result<axum::Json<ScenarioAnswer>, Problem> {
    let scenario = Scenario {
        requests_per_month: asked.requests_per_month,
        sms_per_request: asked.sms_per_request,
        phone_numbers: asked.phone_numbers,
    };
    scenario.validate().map_err(Problem::fields)?;
    let settings = dakiya_store::settings::get(&app.store).await?;
    let key = asked.rate_card.unwrap_or_else(|| settings.rate_card.clone());
    let card = dakiya_store::rate_cards::get(&app.store, &key).await?;
    let card = card.ok_or_else(|| {
        Problem::field("rate_card", Code::InvalidRequest, format!("there is no rate card \"{key}\""))
    })?;
    let today = day_in(app.clock.now(), app.config.timezone);
    let cost = scenario
        .evaluate(&card, today, dakiya_store::fx_rates::on(&app.store, today).await?, settings.gst)
        .map_err(|error| Problem::new(Code::NoRate, error))?;
    Ok(axum::Json(ScenarioAnswer { rate_card: card.key, cost }))
}
