//! What was spent and what it may come to: the months ahead.

mod chart;
mod projection;
mod spenders;

use crate::AppState;
use axum::Router;

/// Everything about costs.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().merge(projection::routes())
}
