//! The switch that stops everything, and holds.

use super::auth::{MayAdmin, MayRead, MaySend};
use super::json::OptionalJson;
use super::problem::Problem;
use crate::AppState;
use axum::extract::State;
use dakiya_core::time::Timestamp;
use dakiya_store::sending::{self, Halt, SendingState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether anything may be sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sending {
    /// Stopped by a person or a program.
    stopped: bool,
    /// Why it is stopped.
    #[schema(required = true)]
    reason: Option<String>,
    /// Since when it is stopped.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    since: Option<Timestamp>,
    /// What else keeps everything from being sent until a person has looked.
    holds: Vec<Hold>,
}

/// A hold: nothing is sent until a person says so.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hold {
    /// In words.
    reason: String,
    /// Since when.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    since: Timestamp,
}

/// Why sending is stopped.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// In words, for whoever wonders later.
    #[schema(example = "Wrong amount in the reminder text")]
    reason: Option<String>,
}

/// Nothing to say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl From<SendingState> for Sending {
    fn from(state: SendingState) -> Self {
        let (reason, since) = state.stopped.map(|Halt { reason, since }| (reason, since)).unzip();
        let holds = state.held.map(|Halt { reason, since }| Hold { reason, since });
        Self { stopped: since.is_some(), reason, since, holds: holds.into_iter().collect() }
    }
}

async fn present(app: &AppState) -> Result<axum::Json<Sending>, Problem> {
    Ok(axum::Json(sending::state(&app.store).await?.into()))
}

/// Ask whether anything may be sent
#[utoipa::path(
    get, path = "/sending", operation_id = "get_sending", tag = "Sending",
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The switch and holds", body = Sending)),
)]
pub async fn get(MayRead(_): MayRead, State(app): State<AppState>) -> Result<axum::Json<Sending>, Problem> {
    present(&app).await
}

/// Stop all sending
///
/// When this answers, no message can begin any more. Stopping what is stopped is harmless.
#[utoipa::path(
    post, path = "/sending/stop", operation_id = "stop_sending", tag = "Sending", request_body = Option<Stop>,
    security(("api_key" = ["send"])),
    responses((status = 200, description = "Nothing is sent any more", body = Sending)),
)]
pub async fn stop(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    OptionalJson(stop): OptionalJson<Stop>,
) -> Result<axum::Json<Sending>, Problem> {
    let reason =
        stop.reason.filter(|reason| !reason.trim().is_empty()).unwrap_or_else(|| "stopped by API".to_owned());
    app.commands.stop_sending(&reason, &caller.actor()).await?;
    present(&app).await
}

/// Let sending go on
///
/// Lifts the stop and every hold.
#[utoipa::path(
    post, path = "/sending/resume", operation_id = "resume_sending", tag = "Sending",
    security(("api_key" = ["admin"])),
    responses((status = 200, description = "Messages that are due go out", body = Sending)),
)]
pub async fn resume(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    OptionalJson(_): OptionalJson<Nothing>,
) -> Result<axum::Json<Sending>, Problem> {
    caller.must_be_live()?;
    app.commands.resume_sending(&caller.actor()).await?;
    present(&app).await
}
