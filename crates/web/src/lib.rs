//! What people and clients see: pages, the API, webhooks and the public opt-out page, over one router.

mod api;
mod assets;
mod auth;
mod costs;
mod downloads;
mod error;
mod filters;
mod forms;
mod headers;
pub mod imports;
mod method;
mod openapi;
mod ops;
mod pages;
mod payment_webhooks;
mod public;
mod uploads;
mod view;
mod webhooks;

pub use api::{Estimate, Imported, RejectedRow};
pub use auth::password;
pub use payment_webhooks::{PaymentWebhooks, WebhookSecret};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use chrono_tz::Tz;
use dakiya_core::message::Channel;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::SenderAddress;
use dakiya_scheduler::Commands;
use dakiya_scheduler::clock::SharedClock;
use dakiya_store::Store;
use dakiya_twilio::AuthToken;
use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use url::Url;

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub store: Store,
    /// What the scheduler does on request.
    pub commands: Commands,
    /// The time.
    pub clock: SharedClock,
    /// What the owner configured.
    pub config: Arc<WebConfig>,
}

impl AppState {
    /// The business day it is now.
    pub(crate) fn today(&self) -> chrono::NaiveDate {
        dakiya_core::time::day_in(self.clock.now(), self.config.timezone)
    }
}

/// Lets a simulated person write, and comes back with what they were answered.
pub type SimulatedPeople = Arc<dyn Fn(SimulatedText) -> BoxFuture<'static, Vec<String>> + Send + Sync>;

/// What a simulated person writes.
#[derive(Clone, Debug)]
pub struct SimulatedText {
    /// Who writes.
    pub from: PhoneNumber,
    /// To which of our senders.
    pub to: SenderAddress,
    /// How.
    pub channel: Channel,
    /// What.
    pub text: String,
}

/// The part of the configuration that pages and webhooks need.
pub struct WebConfig {
    /// Where Twilio and people reach this server, without a slash at the end of its path.
    pub public_url: Url,
    /// What the business is called on pages.
    pub brand: String,
    /// The business's zone; pages show every time in it.
    pub timezone: Tz,
    /// With the simulator, of which every page tells: lets a visitor write back as one of its people. `None`: messages
    /// go to a real account.
    pub simulated_people: Option<SimulatedPeople>,
    /// What webhooks are signed with.
    pub twilio_auth_token: AuthToken,
    /// What payment providers sign with.
    pub payment_webhooks: PaymentWebhooks,
}

/// Forms are small; uploads have a limit of their own on their routes.
const BODY_LIMIT_BYTES: usize = 2 * 1024 * 1024;

/// The whole route table.
pub fn router(state: AppState) -> Router {
    let pages = pages::routes().layer(middleware::from_fn_with_state(state.clone(), forms::same_origin));
    ops::record_metrics();
    Router::new()
        .merge(pages)
        .merge(api::routes(&state))
        .route("/webhooks/twilio/status", post(webhooks::status))
        .route("/webhooks/twilio/inbound", post(webhooks::inbound))
        .route("/webhooks/payments/{name}", post(payment_webhooks::receive))
        .route("/o", get(public::ask).post(public::record))
        .route("/healthz", get(ops::healthz))
        .route("/readyz", get(ops::readyz))
        .route("/metrics", get(ops::metrics))
        .route("/assets/{name}", get(assets::serve))
        .fallback(error::no_such_page)
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(middleware::from_fn(api::body::small_first))
        .layer(middleware::from_fn_with_state(state.clone(), ops::measure))
        .layer(middleware::from_fn(headers::security))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(error::panicked))
        .with_state(state)
}

/// Serves until `shutdown`, then finishes what was begun.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    let service = router(state).into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(listener, service).with_graceful_shutdown(async move { shutdown.cancelled().await }).await
}
