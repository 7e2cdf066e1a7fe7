//! What a plain month costs.

use super::auth::MayRead;
use super::json::Json;
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use dakiya_core::scenario::{Scenario, ScenarioCost};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A plain month. What is left out has none of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioRequest {
    /// Requests for help a month.
    #[schema(example = 1000)]
    requests_per_month: u64,
    /// Messages sent about each: texts, or WhatsApp messages as far as `whatsapp_percent` says so.
    #[schema(example = 3)]
    sms_per_request: u64,
    /// Numbers rented.
    #[schema(example = 1)]
    phone_numbers: u64,
    /// Of the messages, how many per cent go by WhatsApp.
    #[serde(default)]
    #[schema(required = false, example = 0)]
    whatsapp_percent: u32,
    /// Of the WhatsApp messages, how many per cent answer a person who wrote within 24 hours.
    #[serde(default)]
    #[schema(required = false, example = 0)]
    in_window_percent: u32,
    /// Amounts are written with `₹`, which makes texts UCS-2, not with `Rs.`.
    #[serde(default)]
    #[schema(required = false)]
    rupee_sign: bool,
    /// Text messages that people send, in segments.
    #[serde(default)]
    #[schema(required = false, example = 0)]
    inbound_sms: u64,
    /// WhatsApp messages that people send.
    #[serde(default)]
    #[schema(required = false, example = 0)]
    inbound_whatsapp: u64,
    /// Rupees for a dollar; the rate in force when absent.
    #[serde(default, deserialize_with = "dakiya_core::decimal::optional::deserialize")]
    #[schema(value_type = Option<schema::Decimal>)]
    usd_inr: Option<Decimal>,
    /// `setup-guide`, `twilio-list` or one of the owner's; the one in force when absent.
    rate_card: Option<String>,
}

impl ScenarioRequest {
    /// The month, and the card it names.
    pub(super) fn read(self) -> (Scenario, Option<String>) {
        let scenario = Scenario {
            requests_per_month: self.requests_per_month,
            sms_per_request: self.sms_per_request,
            phone_numbers: self.phone_numbers,
            whatsapp_percent: self.whatsapp_percent,
            in_window_percent: self.in_window_percent,
            rupee_sign: self.rupee_sign,
            inbound_sms: self.inbound_sms,
            inbound_whatsapp: self.inbound_whatsapp,
            usd_inr: self.usd_inr,
        };
        (scenario, self.rate_card)
    }
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
    let (scenario, key) = asked.read();
    scenario.validate().map_err(Problem::fields)?;
    let settings = dakiya_store::settings::get(&app.store).await?;
    let key = key.unwrap_or(settings.rate_card);
    let card = dakiya_store::rate_cards::get(&app.store, &key).await?;
    let card = card.ok_or_else(|| {
        Problem::field("rate_card", Code::InvalidRequest, format!("there is no rate card \"{key}\""))
    })?;
    let today = app.today();
    let cost = scenario
        .evaluate(&card, today, dakiya_store::fx_rates::on(&app.store, today).await?, settings.gst)
        .map_err(|error| Problem::new(Code::NoRate, error))?;
    Ok(axum::Json(ScenarioAnswer { rate_card: card.key, cost }))
}
