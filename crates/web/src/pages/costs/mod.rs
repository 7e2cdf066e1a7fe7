//! What was spent and what it may come to: months behind and ahead, their files, scenarios and savings.

mod chart;
mod differing;
mod export;
mod messages;
mod month;
mod projection;
mod savings;
mod scenario_form;
mod scenarios;
mod spenders;

use crate::AppState;
use crate::error::{PageError, PageResult};
use axum::Router;
use dakiya_core::time::Month;

/// Everything about costs.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .merge(projection::routes())
        .merge(month::routes())
        .merge(messages::routes())
        .merge(export::routes())
        .merge(scenarios::routes())
        .merge(savings::routes())
}

/// The month of an address.
fn month_of(text: &str) -> PageResult<Month> {
    Month::parse(text).map_err(|_| PageError::NotFound("month"))
}
