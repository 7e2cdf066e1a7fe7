//! A local Twilio over real HTTP: the same paths, ids, statuses, signed callbacks, inbound messages, prices, opt-outs,
//! error numbers and rate limits, and faults that can be switched on.
//!
//! It is what Dakiya talks to without credentials, and the only test double there is. [`Simulator::start`] runs one in
//! the process; [`control`] is the same by HTTP.
//!
//! A POST is answered before its first callback. The first status has no callback; `queued` has one for messaging
//! services alone. Prices are null until rated, then negative. After STOP a number refuses with 21610 at once, a service
//! accepts and lets the message fail. WhatsApp text outside the 24-hour window ends with 63016.

mod admission;
mod answer;
mod book;
mod callbacks;
mod config;
pub mod control;
mod door;
mod faults;
mod inbound;
mod messages;
mod past;
mod pricing;
mod progress;
mod sim;
mod usage;

pub use book::{Callback, Post};
pub use config::{AccountKind, Delays, Now, RateLimit, SimulatorConfig};
pub use faults::{
    Answer, Bill, BillFault, CallbackFaults, DeliveryFault, Fate, FaultSwitch, Faults, PostFault, Rule,
};
pub use inbound::InboundReport;
pub use past::Past;
pub use usage::UsageDay;

use crate::callbacks::Courier;
use crate::door::Door;
use crate::sim::{Sim, api_error, json};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::middleware;
use axum::response::Response;
use axum::routing::{get, post};
use dakiya_twilio::{AccountSid, AuthToken, CredentialError, MessageSid, install_crypto};
use serde_json::json as value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use url::Url;

/// Why a simulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not this machine's.
    #[error("the simulator cannot listen on {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// The credentials that it should have are none.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// Its HTTP client, or its URL.
    #[error("the simulator cannot be set up: {0}")]
    Setup(&'static str),
}

/// A running simulator. It stops when it is dropped.
pub struct Simulator {
    sim: Arc<Sim>,
    door: Door,
    account_sid: AccountSid,
    base_url: Url,
    tasks: JoinSet<()>,
}

impl Simulator {
    /// Starts on the configured address.
    pub async fn start(config: SimulatorConfig) -> Result<Self, StartError> {
        install_crypto();
        let account_sid = AccountSid::parse(&config.account_sid)?;
        let token = AuthToken::parse(&config.auth_token)?;
        let listen = config.listen;
        let (door, doorway) = Door::bind(listen).await.map_err(|error| StartError::Listen(listen, error))?;
        let address =
            axum::serve::Listener::local_addr(&doorway).map_err(|error| StartError::Listen(listen, error))?;
        let base_url = Url::parse(&format!("http://{address}")).map_err(|_| StartError::Setup("no URL"))?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .pool_max_idle_per_host(64)
            .build()
            .map_err(|_| StartError::Setup("no HTTP client"))?;
        let (courier, lanes) = Courier::new();
        let past = config.past.map(|past| past.days(&config)).unwrap_or_default();
        let sim = Arc::new(Sim::new(config, format!("http://{address}"), token, http, courier));
        past.iter().for_each(|day| sim.book().usage.add_day(day));
        let mut tasks = JoinSet::new();
        lanes.run(&sim, &mut tasks);
        tasks.spawn(progress::run(sim.clone()));
        let router = router(sim.clone(), door.clone());
        tasks.spawn(async move {
            // Serving ends only with the task.
            let _ = axum::serve(doorway, router).await;
        });
        Ok(Self { sim, door, account_sid, base_url, tasks })
    }

    /// Where it listens: the base URL of both the REST and the Pricing API.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The account.
    pub fn account_sid(&self) -> &AccountSid {
        &self.account_sid
    }

    /// Its token.
    pub fn auth_token(&self) -> &AuthToken {
        &self.sim.token
    }

    /// Every POST of a message since it started, oldest first.
    pub fn ledger(&self) -> Vec<Post> {
        self.sim.book().posts().cloned().collect()
    }

    /// Every POST of a message to one address (as written, `whatsapp:` included), oldest first.
    pub fn posts_to(&self, to: &str) -> Vec<Post> {
        self.sim.book().posts().filter(|post| &*post.to == to).cloned().collect()
    }

    /// How many POSTs of a message there were, also those forgotten since.
    pub fn post_count(&self) -> u64 {
        self.sim.book().posts_seen()
    }

    /// Every attempt to deliver a status callback, oldest first.
    pub fn callbacks(&self) -> Vec<Callback> {
        self.sim.book().callbacks().cloned().collect()
    }

    /// What can be made to go wrong.
    pub fn faults(&self) -> &FaultSwitch {
        &self.sim.faults
    }

    /// Where inbound messages are posted.
    pub fn set_inbound_url(&self, url: &str) {
        self.sim.set_inbound_url(Some(url.to_owned()));
    }

    /// How long things take from now on.
    pub fn set_delays(&self, delays: Delays) {
        self.sim.set_delays(delays);
    }

    /// Lets a person write to one of the account's senders, and comes back when the webhook has answered.
    /// `whatsapp:` in front of an address makes it WhatsApp.
    pub async fn inbound(&self, from: &str, to: &str, body: &str) -> InboundReport {
        inbound::receive(&self.sim, from, to, body).await
    }

    /// The text that a message was accepted with, trial prefix included.
    pub fn body_of(&self, sid: &MessageSid) -> Option<String> {
        let book = self.sim.book();
        let number = book.find(sid.as_str())?;
        book.message(number).map(|message| message.body.to_string())
    }

    /// WhatsApp approved a template: what `{{1}}`, `{{2}}` … stand for comes with each message.
    pub fn approve_content(&self, content_sid: &str, text: &str) {
        self.sim.book().approve(content_sid.to_owned(), text.to_owned());
    }

    /// Adds usage of days before it started.
    pub fn add_usage(&self, day: &UsageDay) {
        self.sim.book().usage.add_day(day);
    }

    /// What the messages of some days (UTC, both included) cost by now: the sum of their own prices, in USD.
    pub fn invoice(&self, first: chrono::NaiveDate, last: chrono::NaiveDate) -> rust_decimal::Decimal {
        self.sim.book().invoice(first, last, self.sim.now())
    }

    /// Refuses connections, and closes those there are, until [`Self::accept_connections`].
    pub async fn refuse_connections(&self) {
        self.door.set(false).await;
    }

    /// Listens again on the same port.
    pub async fn accept_connections(&self) {
        self.door.set(true).await;
    }

    /// Comes back when nothing is to come any more: every message has ended and is rated, every callback delivered
    /// or given up.
    pub async fn settled(&self) {
        self.sim.work.done().await;
    }

    /// Forgets everything but its credentials.
    pub fn reset(&self) {
        self.sim.reset();
    }

    /// Stops, and waits until nothing of it runs.
    pub async fn shutdown(mut self) {
        self.door.end_connections();
        self.tasks.shutdown().await;
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.door.end_connections();
    }
}

fn router(sim: Arc<Sim>, door: Door) -> Router {
    let account = Router::new()
        .route("/2010-04-01/Accounts/{file}", get(account))
        .route("/2010-04-01/Accounts/{sid}/Messages.json", post(messages::create).get(messages::list))
        .route("/2010-04-01/Accounts/{sid}/Messages/{file}", post(messages::update).get(messages::fetch))
        .route("/2010-04-01/Accounts/{sid}/Balance.json", get(usage::balance))
        .route("/2010-04-01/Accounts/{sid}/Usage/Records.json", get(usage::all_time))
        .route("/2010-04-01/Accounts/{sid}/Usage/Records/{file}", get(usage::records))
        .route("/v1/Messaging/Countries", get(pricing::countries))
        .route("/v1/Messaging/Countries/{iso}", get(pricing::country))
        .layer(middleware::from_fn_with_state(sim.clone(), sim::authenticate));
    account
        .merge(control::routes(door))
        .fallback(|| async { api_error(StatusCode::NOT_FOUND, 20404) })
        .with_state(sim)
}

/// `GET /2010-04-01/Accounts/{sid}.json`
async fn account(State(sim): State<Arc<Sim>>, Path(file): Path<String>) -> Response {
    if file.strip_suffix(".json") != Some(&sim.config.account_sid) {
        return api_error(StatusCode::NOT_FOUND, 20404);
    }
    let kind = match sim.config.account {
        AccountKind::Full | AccountKind::TestCredentials => "Full",
        AccountKind::Trial { .. } | AccountKind::LegacyTrial { .. } => "Trial",
    };
    let sid = &sim.config.account_sid;
    json(
        StatusCode::OK,
        &value!({"sid": sid, "friendly_name": "Simulated", "status": "active", "type": kind}),
    )
}
