//! What machines ask of a running server: is it up, can it work, what has it done.

use crate::AppState;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use std::sync::LazyLock;
use std::time::Duration;

/// Nobody waits longer for a database that does not answer.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// Upper bounds of the answer times that are counted, in seconds.
const ANSWER_SECONDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0];

/// Everything this process counts. There can be one recorder in a process; `None`: another one was installed.
static METRICS: LazyLock<Option<PrometheusHandle>> = LazyLock::new(|| {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &ANSWER_SECONDS)
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| tracing::warn!(%error, "metrics are not recorded"))
        .ok()
});

#[derive(Serialize)]
struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// `GET /healthz`: the process is up.
pub(crate) async fn healthz() -> Response {
    axum::Json(Health { status: "ok", reason: None }).into_response()
}

/// `GET /readyz`: the process can do its work.
pub(crate) async fn readyz(State(app): State<AppState>) -> Response {
    let reason = match tokio::time::timeout(PING_TIMEOUT, app.store.ping()).await {
        Ok(Ok(())) if !app.commands.engine_is_alive() => {
            tracing::warn!("not ready: the scheduler's timers do not call");
            "the scheduler has stopped"
        }
        Ok(Ok(())) => return axum::Json(Health { status: "ready", reason: None }).into_response(),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            "the database refuses"
        }
        Err(_) => "the database does not answer",
    };
    (StatusCode::SERVICE_UNAVAILABLE, axum::Json(Health { status: "unavailable", reason: Some(reason) }))
        .into_response()
}

/// `GET /metrics`, as Prometheus reads it.
pub(crate) async fn metrics() -> Response {
    let Some(metrics) = METRICS.as_ref() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "metrics are recorded elsewhere in this process\n")
            .into_response();
    };
    metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
}

/// Starts to record. Called before anything counts.
pub(crate) fn record_metrics() {
    LazyLock::force(&METRICS);
}

/// Counts a request under its route, never under its address: addresses are without number.
pub(crate) async fn measure(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let began = app.clock.monotonic();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let method = request.method().as_str().to_owned();
    let response = next.run(request).await;
    let labels = [
        ("method", known_method(method)),
        ("route", route),
        ("status", response.status().as_str().to_owned()),
    ];
    metrics::counter!("dakiya_http_requests_total", &labels).increment(1);
    metrics::histogram!("dakiya_http_answer_seconds", &labels[..2])
        .record((app.clock.monotonic() - began).as_secs_f64());
    response
}

/// A client may invent methods; labels are of a closed list.
fn known_method(method: String) -> String {
    if matches!(method.as_str(), "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") {
        method
    } else {
        "OTHER".to_owned()
    }
}
