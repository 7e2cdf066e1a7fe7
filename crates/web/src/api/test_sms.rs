//! One text sent now, to see that sending works. Its answers have shapes of their own, older than the rest.

use super::auth::MayAdmin;
use super::body;
use super::idempotency::RequestKey;
use super::json::{self, Object};
use super::problem::Problem;
use crate::AppState;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use dakiya_core::api_key::KeyKind;
use dakiya_core::message::{Category, Channel};
use dakiya_scheduler::{Content, EnqueueRequest, SendNowError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A text to send now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestSms {
    /// The number, in any common Indian spelling.
    #[schema(required = true)]
    phone: Option<String>,
    /// The text; a plain one when absent.
    message: Option<String>,
}

/// Twilio took it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestSmsSent {
    /// Always true.
    success: bool,
    /// In words.
    message: String,
    /// Twilio's id for it.
    sid: String,
}

/// The request cannot be used.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestSmsRefused {
    /// What is wrong with it.
    error: String,
}

/// It was not sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestSmsFailed {
    /// Always false.
    success: bool,
    /// Why.
    error: String,
}

/// Send a test SMS
///
/// Sends one text at once and waits for Twilio's answer.
#[utoipa::path(
    post, path = "/test-sms/", operation_id = "test_sms", tag = "Messages", request_body = TestSms,
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "Twilio took it", body = TestSmsSent),
        (status = 400, description = "The request cannot be used", body = TestSmsRefused),
        (status = 500, description = "It was not sent, or nobody knows whether it was", body = TestSmsFailed),
    ),
)]
pub async fn send(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    key: RequestKey,
    request: Request,
) -> Result<Response, Problem> {
    let bytes = body::read(request.into_body(), body::JSON_LIMIT).await?;
    let asked: TestSms = match json::parse(&bytes) {
        Ok(Object(asked)) => asked,
        Err(problem) => return Ok(refused(problem.detail())),
    };
    let Some(phone) = asked.phone.filter(|phone| !phone.trim().is_empty()) else {
        return Ok(refused("phone is missing: give the number to send to"));
    };
    if caller.kind == KeyKind::Test {
        return Ok(refused("a test key sends nothing; use a live or a team key"));
    }
    let standard = || format!("{}: this is a test message. Sending works.", app.config.brand);
    let request = EnqueueRequest {
        to: phone,
        content: Content::Body {
            text: asked.message.unwrap_or_else(standard),
            category: Category::Transactional,
        },
        channel: Some(Channel::Sms),
        sender: None,
        send_at: None,
        expires_at: None,
        dedupe_key: key.dedupe_key(&caller),
        key: Some((caller.key, caller.kind)),
    };
    match app.commands.send_now(request).await {
        Ok(sent) => {
            let answer =
                TestSmsSent { success: true, message: "Twilio took the message".to_owned(), sid: sent.sid };
            Ok(axum::Json(answer).into_response())
        }
        Err(SendNowError::Door(error)) if error.code().is_some() => Ok(refused(&error.to_string())),
        Err(SendNowError::NotSent(why)) => Ok(failed(why)),
        Err(error) => {
            tracing::error!(%error, "a test SMS was not sent");
            Ok(failed("something failed on our side; the message log tells whether it was sent".to_owned()))
        }
    }
}

fn refused(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(TestSmsRefused { error: error.to_owned() })).into_response()
}

fn failed(error: String) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(TestSmsFailed { success: false, error })).into_response()
}
