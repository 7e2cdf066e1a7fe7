//! What payment providers tell us. Believed only when signed with the secret we share; told late, twice, in any order and of
//! payments we do not know yet, and kept in every case.

mod generic;
mod razorpay;
mod signature;

pub use signature::WebhookSecret;

use crate::AppState;
use crate::api::body;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use dakiya_core::payment::PaymentFault;
use dakiya_store::StoreError;
use dakiya_store::audit::Actor;
use dakiya_store::payments::{OUR_SOURCES, PaymentReport, Recorded, Reporter};
use serde::Serialize;

/// Larger than anything a provider tells.
const BODY_LIMIT: u64 = 256 << 10;

/// The name under which Razorpay's own form is understood; every other name is ours.
const RAZORPAY: &str = "razorpay";

/// The secrets shared with payment providers. Without its secret a webhook does not exist.
#[derive(Clone, Debug, Default)]
pub struct PaymentWebhooks {
    /// `DAKIYA_PAYMENT_WEBHOOK_SECRET`: of our own form, under any name.
    pub generic: Option<WebhookSecret>,
    /// `DAKIYA_RAZORPAY_WEBHOOK_SECRET`: of Razorpay's.
    pub razorpay: Option<WebhookSecret>,
}

/// Why a webhook changes nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// No secret is configured for it.
    #[error("no such webhook")]
    Unknown,
    /// Not signed, or with another secret, or for another body.
    #[error("forbidden")]
    Forged,
    /// Larger than anything a provider tells.
    #[error("too large")]
    TooLarge,
    /// Signed, but not what such a webhook carries.
    #[error("{0}")]
    Unreadable(String),
    /// The database failed; the provider tries again.
    #[error("not stored")]
    Store(#[from] StoreError),
}

impl From<PaymentFault> for Refusal {
    fn from(fault: PaymentFault) -> Self {
        Self::Unreadable(fault.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match &self {
            Refusal::Unknown => StatusCode::NOT_FOUND,
            Refusal::Forged => StatusCode::FORBIDDEN,
            Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Unreadable(_) => StatusCode::BAD_REQUEST,
            Refusal::Store(error) => {
                tracing::error!(%error, "a payment webhook was not stored");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (status, self.to_string()).into_response()
    }
}

/// What came of it, for whoever reads the provider's log.
#[derive(Serialize)]
struct Told {
    result: &'static str,
}

/// `POST /webhooks/payments/{name}`
pub(crate) async fn receive(
    State(app): State<AppState>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, content) = request.into_parts();
    let report = read(&app, &name, &parts.headers, content).await?;
    let result = match report {
        Some(report) => {
            result_of(&app.commands.record_payment(&report, &Actor::System("payment webhook")).await?)
        }
        None => "ignored",
    };
    metrics::counter!("dakiya_payment_webhooks_total", "result" => result).increment(1);
    Ok(Json(Told { result }).into_response())
}

/// Checks the signature before a byte of the content is believed. `None`: it is about something else.
async fn read(
    app: &AppState,
    name: &str,
    headers: &HeaderMap,
    content: axum::body::Body,
) -> Result<Option<PaymentReport>, Refusal> {
    let secrets = &app.config.payment_webhooks;
    let (secret, header) = match name {
        RAZORPAY => (&secrets.razorpay, razorpay::SIGNATURE_HEADER),
        _ if is_name(name) => (&secrets.generic, generic::SIGNATURE_HEADER),
        _ => return Err(Refusal::Unknown),
    };
    let secret = secret.as_ref().ok_or(Refusal::Unknown)?;
    let bytes = body::read(content, BODY_LIMIT).await.map_err(|_| Refusal::TooLarge)?;
    let given = headers.get(header).and_then(|value| value.to_str().ok()).ok_or(Refusal::Forged)?;
    if !secret.has_signed(&bytes, given) {
        return Err(Refusal::Forged);
    }
    let by = Reporter::Provider(name.to_owned());
    match name {
        RAZORPAY => razorpay::report(&bytes, by),
        _ => generic::report(&bytes, by).map(Some),
    }
}

/// What an owner may call a provider.
fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !OUR_SOURCES.contains(&name)
}

fn result_of(recorded: &Recorded) -> &'static str {
    match recorded {
        Recorded::Changed(_) => "changed",
        Recorded::Unchanged(_) => "unchanged",
        Recorded::Repeated => "repeated",
        Recorded::Early => "early",
    }
}
