//! Answers to POSTs: the usual one, and all the unusual ones.

use crate::faults::Answer;
use crate::sim::{Sim, api_error, json};
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use serde::Serialize;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// A first callback that does not come must not keep the answer back for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The HTTP status and the error code that an unusual answer shows.
pub(crate) fn summary(answer: &Answer) -> (Option<u16>, Option<u32>) {
    match answer {
        Answer::Status(status) => (Some(*status), None),
        Answer::Reject(code) => (Some(400), Some(*code)),
        Answer::TooManyRequests(_) => (Some(429), Some(20429)),
        Answer::Timeout | Answer::Close => (None, None),
        Answer::Garbage | Answer::NoSid | Answer::Oversize => (Some(201), None),
    }
}

/// Gives an unusual answer.
pub(crate) async fn faulty(answer: &Answer) -> Response {
    match answer {
        Answer::Status(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = status.into_response();
            if status.is_redirection() {
                response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/elsewhere"));
            }
            response
        }
        Answer::Reject(code) => api_error(StatusCode::BAD_REQUEST, *code),
        Answer::TooManyRequests(retry_after) => {
            let mut response = api_error(StatusCode::TOO_MANY_REQUESTS, 20429);
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
            }
            response
        }
        Answer::Timeout => std::future::pending().await,
        Answer::Close => Body::new(Broken).into_response(),
        Answer::Garbage => (StatusCode::CREATED, "<html>It works!</html>").into_response(),
        Answer::NoSid => json(StatusCode::CREATED, &serde_json::json!({"status": "queued"})),
        Answer::Oversize => {
            json(StatusCode::CREATED, &serde_json::json!({"sid": null, "body": " ".repeat(128 * 1024)}))
        }
    }
}

/// Waits until the message's first callback was answered.
pub(crate) async fn after_first_callback(sim: &Sim, number: u64) {
    let answered = || sim.book().message(number).is_some_and(|message| message.callbacks_answered > 0);
    let wait = async {
        loop {
            let notified = sim.answered.notified();
            if answered() {
                return;
            }
            notified.await;
        }
    };
    let _ = tokio::time::timeout(LONGEST_WAIT, wait).await;
}

/// Answers, and does `next` once the answer was handed to the connection: no callback comes before it.
pub(crate) fn then(
    status: StatusCode,
    body: &impl Serialize,
    next: impl FnOnce() + Send + Sync + 'static,
) -> Response {
    let bytes = Bytes::from(serde_json::to_vec(body).unwrap_or_default());
    let body = Body::new(ThenBody { bytes: Some(bytes), next: Some(Box::new(next)) });
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

struct ThenBody {
    bytes: Option<Bytes>,
    next: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl http_body::Body for ThenBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// Also when the client has gone away: the message was accepted all the same.
impl Drop for ThenBody {
    fn drop(&mut self) {
        if let Some(next) = self.next.take() {
            next();
        }
    }
}

/// Fails before anything was flushed, which makes the server close the connection without an answer.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::Error::other("closed on purpose"))))
    }
}
