//! What was spent and what it may come to: months, their files, and what-if scenarios.

mod export;
mod messages;
mod month;
mod savings;
mod scenario_form;
mod scenarios;

use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use dakiya_core::time::Month;

/// Everything about costs.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/costs", get(this_month))
        .merge(month::routes())
        .merge(messages::routes())
        .merge(export::routes())
        .merge(scenarios::routes())
        .merge(savings::routes())
}

async fn this_month(State(app): State<AppState>, _: Person) -> PageResult {
    Ok(Redirect::to(&format!("/costs/{}", Month::of(app.today()))).into_response())
}

/// The month of an address.
fn month_of(text: &str) -> PageResult<Month> {
    Month::parse(text).map_err(|_| PageError::NotFound("month"))
}
