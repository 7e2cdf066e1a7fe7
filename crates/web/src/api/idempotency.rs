//! Writes that are done once, however often they are asked for with one Idempotency-Key.

use super::auth::Caller;
use super::body::{self, Spooled};
use super::problem::{Code, Problem};
use crate::AppState;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dakiya_store::idempotency::{self, Begin};
use sha2::{Digest, Sha256};
use std::convert::Infallible;
use std::time::Duration;
use tokio_util::io::ReaderStream;

/// The header.
const HEADER: &str = "idempotency-key";
/// How often the second request looks whether the first was answered, and how often at most.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const MOST_LOOKS: u32 = 100;
/// The largest answer to a write, ten thousand refused rows, is smaller.
const ANSWER_LIMIT: usize = 16 << 20;

/// What makes a request the same one when it comes again. Empty for requests without the header.
#[derive(Clone, Debug, Default)]
pub struct RequestKey(Option<String>);

impl RequestKey {
    /// What makes a message the same message, should the answer to the first request be lost in a crash.
    pub fn dedupe_key(&self, caller: &Caller) -> Option<String> {
        self.0.as_ref().map(|key| format!("api:{}:{key}", caller.key))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequestKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<RequestKey>().cloned().unwrap_or_default())
    }
}

/// Answers a write that names itself with its first answer. Runs behind `require_key`: keys of two callers never meet.
pub async fn once(
    State(app): State<AppState>,
    caller: axum::Extension<Caller>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(key) = key_of(request.headers())? else { return Ok(next.run(request).await) };
    if *request.method() == Method::GET {
        return Ok(next.run(request).await);
    }
    let (mut parts, content) = request.into_parts();
    // Every address has its own limit; this one only keeps the disk from filling.
    let Spooled { file, sha256 } = body::spool(content, body::FILE_LIMIT).await?;
    let hash = hash_of(&parts, &sha256);
    parts.extensions.insert(RequestKey(Some(format!("{key}:{}", hex(&hash[..8])))));
    let request =
        Request::from_parts(parts, Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file))));
    for _ in 0..MOST_LOOKS {
        match idempotency::begin(&app.store, caller.key, &key, hash, app.clock.now()).await? {
            Begin::Fresh => return first_answer(app, caller.key, key, request, next).await,
            Begin::Replay { status, body } => return Ok(replay(status, body)),
            Begin::Reused => return Err(reused()),
            Begin::InFlight => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
    Err(Problem::new(
        Code::RequestInProgress,
        "the first request with this Idempotency-Key is still being answered",
    )
    .retry_after(1))
}

/// Answers and remembers. In a task of its own: a client that hangs up does not cut the work off half-way.
async fn first_answer(
    app: AppState,
    caller: dakiya_core::ids::ApiKeyId,
    key: String,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let answering = tokio::spawn(async move {
        let (parts, content) = next.run(request).await.into_parts();
        let bytes =
            axum::body::to_bytes(content, ANSWER_LIMIT).await.map_err(|error| Problem::internal(&error))?;
        if is_final(parts.status) {
            idempotency::finish(
                &app.store,
                caller,
                &key,
                parts.status.as_u16(),
                &String::from_utf8_lossy(&bytes),
            )
            .await?;
        } else {
            idempotency::abandon(&app.store, caller, &key).await?;
        }
        Ok(Response::from_parts(parts, Body::from(bytes)))
    });
    answering.await.unwrap_or_else(|error| Err(Problem::internal(&error)))
}

/// Whether asking again would get the same answer. A refusal that passes by itself or that did not concern the
/// request's content is not remembered.
fn is_final(status: StatusCode) -> bool {
    let passes = [StatusCode::FORBIDDEN, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::TOO_MANY_REQUESTS];
    !status.is_server_error() && !passes.contains(&status)
}

fn replay(status: u16, body: String) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

fn reused() -> Problem {
    Problem::new(
        Code::IdempotencyKeyReused,
        "this Idempotency-Key belongs to another request; use a fresh one for each request",
    )
}

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(HEADER) else { return Ok(None) };
    match value.to_str() {
        Ok(key) if (1..=255).contains(&key.len()) => Ok(Some(key.to_owned())),
        _ => Err(Problem::new(
            Code::InvalidIdempotencyKey,
            "an Idempotency-Key has 1 to 255 visible ASCII characters",
        )),
    }
}

fn hash_of(parts: &Parts, body: &[u8; 32]) -> [u8; 32] {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    Sha256::new()
        .chain_update(parts.method.as_str())
        .chain_update([0])
        .chain_update(target)
        .chain_update([0])
        .chain_update(body)
        .finalize()
        .into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
