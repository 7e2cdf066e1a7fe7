//! Business settings.

use super::auth::{MayAdmin, MayRead};
use super::json::Json;
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use dakiya_core::settings::{Settings, SettingsPatch};
use dakiya_store::{StoreError, settings};

/// Read the settings
#[utoipa::path(
    get, path = "/settings", operation_id = "get_settings", tag = "Settings",
    security(("api_key" = ["read"])),
    responses((status = 200, description = "All settings", body = schema::Settings)),
)]
pub async fn get(MayRead(_): MayRead, State(app): State<AppState>) -> Result<axum::Json<Settings>, Problem> {
    Ok(axum::Json(settings::on(&app.store, app.today()).await?))
}

/// Change settings
///
/// What is left out stays. A rate card that has no price for what goes out is refused.
#[utoipa::path(
    patch, path = "/settings", operation_id = "change_settings", tag = "Settings", request_body = schema::SettingsPatch,
    security(("api_key" = ["admin"])),
    responses((status = 200, description = "All settings, as they are now", body = schema::Settings)),
)]
pub async fn change(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Json(patch): Json<SettingsPatch>,
) -> Result<axum::Json<Settings>, Problem> {
    let old = settings::on(&app.store, app.today()).await?;
    let new = patch.apply(&old).map_err(Problem::fields)?;
    match settings::update(&app.store, &new, &caller.actor(), app.clock.now(), app.today()).await {
        Ok(()) => Ok(axum::Json(new)),
        // Only the card may not fit what is stored: it is not there, or has no price for what goes out.
        Err(StoreError::Conflict(detail)) => Err(Problem::field("rate_card", Code::InvalidRequest, detail)),
        Err(error) => Err(error.into()),
    }
}
