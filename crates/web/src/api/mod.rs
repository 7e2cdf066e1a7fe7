//! The HTTP API: one file per noun, each with its JSON shapes and handlers.

pub(crate) mod auth;
mod backfill;
pub(crate) mod body;
mod budgets;
mod campaign_recipients;
mod campaigns;
mod closing;
pub(crate) mod contacts;
mod estimates;
mod fields;
mod finance;
mod finance_months;
mod idempotency;
mod imports;
pub(crate) mod json;
mod messages;
mod opt_outs;
mod pagination;
mod payment_shapes;
mod payments;
pub(crate) mod problem;
mod projections;
mod rate_cards;
mod reconciliation;
mod reminder_rule_shapes;
mod reminder_rules;
mod scenarios;
mod schema;
mod senders;
mod sending;
mod settings;
mod templates;
mod test_sms;

pub use estimates::Estimate;
pub use imports::{Imported, RejectedRow};

use crate::AppState;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use problem::{Code, Problem};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes below `/api`.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let (v1, _) = v1().split_for_parts();
    let v1 = v1
        // The contract's address ends with a slash; who leaves it out means the same.
        .route("/test-sms", post(test_sms::send))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(state.clone(), idempotency::once))
        .layer(middleware::from_fn_with_state(state.clone(), auth::require_key))
        .layer(DefaultBodyLimit::disable());
    Router::new()
        .nest("/api/v1", v1)
        .route("/api/openapi.json", get(crate::openapi::document))
        .route("/api/docs", get(crate::openapi::docs))
        .route("/api", axum::routing::any(nothing_here))
        .route("/api/", axum::routing::any(nothing_here))
        .route("/api/{*rest}", axum::routing::any(nothing_here))
        .layer(CatchPanicLayer::custom(panicked))
}

/// The addresses and shapes of the API.
pub(crate) fn describe() -> utoipa::openapi::OpenApi {
    let introduction = crate::openapi::introduction().merge_from(finance_months::CsvAddress::openapi());
    OpenApiRouter::<AppState>::with_openapi(introduction).nest("/api/v1", v1()).into_openapi()
}

fn v1() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(messages::send, messages::list))
        .routes(routes!(messages::get))
        .routes(routes!(test_sms::send))
        .routes(routes!(estimates::estimate))
        .routes(routes!(campaigns::create, campaigns::list))
        .routes(routes!(campaigns::get))
        .routes(routes!(campaign_recipients::add))
        .routes(routes!(campaigns::estimate))
        .routes(routes!(campaigns::approve))
        .routes(routes!(campaigns::pause))
        .routes(routes!(campaigns::resume))
        .routes(routes!(campaigns::cancel))
        .routes(routes!(opt_outs::list))
        .routes(routes!(opt_outs::get, opt_outs::put, opt_outs::delete))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::get, contacts::put, contacts::delete))
        .routes(routes!(contacts::import))
        .routes(routes!(payments::list))
        .routes(routes!(payments::get, payments::put))
        .routes(routes!(payments::paid))
        .routes(routes!(payments::cancel))
        .routes(routes!(payments::import))
        .routes(routes!(templates::list))
        .routes(routes!(templates::get, templates::put))
        .routes(routes!(senders::list))
        .routes(routes!(senders::put))
        .routes(routes!(reminder_rules::list))
        .routes(routes!(reminder_rules::get, reminder_rules::put))
        .routes(routes!(reminder_rules::runs))
        .routes(routes!(settings::get, settings::change))
        .routes(routes!(sending::get))
        .routes(routes!(sending::stop))
        .routes(routes!(sending::resume))
        .routes(routes!(finance::evaluate))
        .routes(routes!(finance_months::get))
        .routes(routes!(scenarios::list))
        .routes(routes!(scenarios::get, scenarios::put, scenarios::delete))
        .routes(routes!(backfill::backfill))
        .routes(routes!(closing::close))
        .routes(routes!(closing::get_closed))
        .routes(routes!(reconciliation::read))
        .routes(routes!(projections::get))
        .routes(routes!(budgets::list))
        .routes(routes!(budgets::get, budgets::put, budgets::delete))
        .routes(routes!(rate_cards::list))
        .routes(routes!(rate_cards::get, rate_cards::put, rate_cards::remove))
}

async fn nothing_here() -> Problem {
    Problem::new(Code::NotFound, "there is nothing at this address; see /api/docs")
}

async fn wrong_method() -> Problem {
    Problem::new(Code::MethodNotAllowed, "this address does not take this method; see /api/docs")
}

/// A bug: one request fails, the server goes on.
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> axum::response::Response {
    axum::response::IntoResponse::into_response(Problem::internal(&"a handler panicked"))
}
