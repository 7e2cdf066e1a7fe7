//! The simulator's own API, for whoever tests against it from another process.
//!
//! | method and path | does |
//! |---|---|
//! | `GET /simulator/ledger?to=…&after=N&limit=N` | every POST of a message: `{"total", "posts": […]}`, oldest first |
//! | `GET /simulator/callbacks?sid=…` | every attempt to deliver a status callback |
//! | `POST /simulator/inbound` `{"from", "to", "body", "channel"?: "sms"\|"whatsapp"}` | lets a person write; answers with what came back |
//! | `GET`, `PUT /simulator/faults` | all that goes wrong; `{}` is nothing. See [`crate::Faults`] |
//! | `PUT /simulator/webhook` `{"url": "…"\|null}` | where inbound messages are posted |
//! | `PUT /simulator/delays` | how long things take. See [`crate::Delays`] |
//! | `PUT /simulator/contents` `{"HX…": "Dear {{1}}, …"}` | templates that WhatsApp approved, by content SID |
//! | `POST /simulator/usage` `[{"day", "category", "count", "usage", "price"}]` | days from before it started |
//! | `POST /simulator/outage` `{"for_ms": N}` | refuses connections for that long |
//! | `POST /simulator/reset` | forgets everything but its credentials |
//!
//! It asks for no credentials: nothing real is behind it.

use crate::book::{Callback, Post};
use crate::config::Delays;
use crate::door::Door;
use crate::faults::Faults;
use crate::inbound;
use crate::sim::{Sim, json};
use crate::usage::UsageDay;
use axum::extract::{Json, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post, put};
use axum::{Extension, Router};
use dakiya_core::message::Channel;
use serde::Deserialize;
use serde_json::json as value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn routes(door: Door) -> Router<Arc<Sim>> {
    Router::new()
        .route("/simulator/ledger", get(ledger))
        .route("/simulator/callbacks", get(callbacks))
        .route("/simulator/inbound", post(write_in))
        .route("/simulator/faults", get(show_faults).put(set_faults))
        .route("/simulator/webhook", put(set_webhook))
        .route("/simulator/delays", put(set_delays))
        .route("/simulator/contents", put(approve))
        .route("/simulator/usage", post(add_usage))
        .route("/simulator/outage", post(outage))
        .route("/simulator/reset", post(reset))
        .layer(Extension(door))
}

#[derive(Deserialize)]
struct LedgerQuery {
    to: Option<String>,
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

async fn ledger(State(sim): State<Arc<Sim>>, Query(query): Query<LedgerQuery>) -> Response {
    let book = sim.book();
    let wanted =
        |post: &&Post| post.number > query.after && query.to.as_deref().is_none_or(|to| &*post.to == to);
    let posts: Vec<Post> =
        book.posts().filter(wanted).take(query.limit.unwrap_or(usize::MAX)).cloned().collect();
    let total = book.posts_seen();
    drop(book);
    json(StatusCode::OK, &value!({"total": total, "posts": posts}))
}

#[derive(Deserialize)]
struct CallbackQuery {
    sid: Option<String>,
}

async fn callbacks(State(sim): State<Arc<Sim>>, Query(query): Query<CallbackQuery>) -> Response {
    let wanted = |callback: &&Callback| query.sid.as_deref().is_none_or(|sid| callback.sid == sid);
    let callbacks: Vec<Callback> = sim.book().callbacks().filter(wanted).cloned().collect();
    json(StatusCode::OK, &value!({"callbacks": callbacks}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inbound {
    from: String,
    to: String,
    body: String,
    channel: Option<Channel>,
}

async fn write_in(State(sim): State<Arc<Sim>>, Json(letter): Json<Inbound>) -> Response {
    let from = match letter.channel {
        Some(Channel::Whatsapp) if !letter.from.starts_with("whatsapp:") => {
            format!("whatsapp:{}", letter.from)
        }
        _ => letter.from,
    };
    json(StatusCode::OK, &inbound::receive(&sim, &from, &letter.to, &letter.body).await)
}

async fn show_faults(State(sim): State<Arc<Sim>>) -> Response {
    json(StatusCode::OK, &sim.faults.current())
}

async fn set_faults(State(sim): State<Arc<Sim>>, Json(faults): Json<Faults>) -> Response {
    sim.faults.set(faults);
    json(StatusCode::OK, &sim.faults.current())
}

#[derive(Deserialize)]
struct Webhook {
    url: Option<String>,
}

async fn set_webhook(State(sim): State<Arc<Sim>>, Json(webhook): Json<Webhook>) -> StatusCode {
    sim.set_inbound_url(webhook.url);
    StatusCode::NO_CONTENT
}

async fn set_delays(State(sim): State<Arc<Sim>>, Json(delays): Json<Delays>) -> StatusCode {
    sim.set_delays(delays);
    StatusCode::NO_CONTENT
}

async fn approve(State(sim): State<Arc<Sim>>, Json(contents): Json<HashMap<String, String>>) -> StatusCode {
    let mut book = sim.book();
    contents.into_iter().for_each(|(content_sid, text)| book.approve(content_sid, text));
    StatusCode::NO_CONTENT
}

async fn add_usage(State(sim): State<Arc<Sim>>, Json(days): Json<Vec<UsageDay>>) -> StatusCode {
    let mut book = sim.book();
    days.iter().for_each(|day| book.usage.add_day(day));
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct Outage {
    for_ms: u64,
}

async fn outage(Extension(door): Extension<Door>, Json(outage): Json<Outage>) -> StatusCode {
    // This very request needs the door for its answer, so it closes a moment later.
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        door.set(false).await;
        tokio::time::sleep(Duration::from_millis(outage.for_ms)).await;
        door.set(true).await;
    });
    StatusCode::ACCEPTED
}

async fn reset(State(sim): State<Arc<Sim>>) -> StatusCode {
    sim.reset();
    StatusCode::NO_CONTENT
}
