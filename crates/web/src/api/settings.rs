//! Business settings.

use super::auth::{MayAdmin, MayRead};
use super::json::Json;
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use dakiya_core::settings::{Settings, SettingsPatch};
use dakiya_store::{rate_cards, settings};

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
/// What is left out stays.
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
    if new.rate_card != old.rate_card && rate_cards::get(&app.store, &new.rate_card).await?.is_none() {
        return Err(Problem::field(
            "rate_card",
            Code::InvalidRequest,
            format!("there is no rate card \"{}\"", new.rate_card),
        ));
    }
    settings::update(&app.store, &new, &caller.actor(), app.clock.now(), app.today()).await?;
    Ok(axum::Json(new))
}
