//! What all parts of one simulator share, and the small things every answer needs.

use crate::book::Book;
use crate::callbacks::Courier;
use crate::config::{Delays, SimulatorConfig};
use crate::faults::FaultSwitch;
use crate::progress::Agenda;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use dakiya_core::time::Timestamp;
use dakiya_twilio::AuthToken;
use dakiya_twilio::error::explain;
use serde::Serialize;
use serde_json::json as value;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

pub(crate) struct Sim {
    pub config: SimulatorConfig,
    pub base_url: String,
    pub token: AuthToken,
    pub faults: FaultSwitch,
    pub agenda: Agenda,
    pub courier: Courier,
    pub http: reqwest::Client,
    /// A callback was answered, or could not be delivered.
    pub answered: Notify,
    pub work: Work,
    pub gauge: Gauge,
    book: Mutex<Book>,
    delays: Mutex<Delays>,
    inbound_url: Mutex<Option<String>>,
    basic: String,
}

impl Sim {
    pub(crate) fn new(
        config: SimulatorConfig,
        base_url: String,
        token: AuthToken,
        http: reqwest::Client,
        courier: Courier,
    ) -> Self {
        use base64::Engine as _;
        let pair = format!("{}:{}", config.account_sid, config.auth_token);
        let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
        Self {
            book: Mutex::new(Book::new(config.keep)),
            delays: Mutex::new(config.delays),
            inbound_url: Mutex::new(config.inbound_url.clone()),
            gauge: Gauge::default(),
            faults: FaultSwitch::default(),
            agenda: Agenda::default(),
            answered: Notify::new(),
            work: Work::default(),
            config,
            base_url,
            token,
            courier,
            http,
            basic,
        }
    }

    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        locked(&self.book)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.config.now)()
    }

    pub(crate) fn delays(&self) -> Delays {
        *locked(&self.delays)
    }

    pub(crate) fn set_delays(&self, delays: Delays) {
        *locked(&self.delays) = delays;
    }

    pub(crate) fn inbound_url(&self) -> Option<String> {
        locked(&self.inbound_url).clone()
    }

    pub(crate) fn set_inbound_url(&self, url: Option<String>) {
        *locked(&self.inbound_url) = url;
    }

    /// Forgets everything but its credentials.
    pub(crate) fn reset(&self) {
        *self.book() = Book::new(self.config.keep);
        self.faults.clear();
        self.work.end(self.agenda.clear());
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Steps and callbacks that are still to come.
#[derive(Debug, Default)]
pub(crate) struct Work {
    open: AtomicUsize,
    finished: Notify,
}

impl Work {
    pub(crate) fn begin(&self, count: usize) {
        self.open.fetch_add(count, Ordering::AcqRel);
    }

    pub(crate) fn end(&self, count: usize) {
        if self.open.fetch_sub(count, Ordering::AcqRel) == count {
            self.finished.notify_waiters();
        }
    }

    pub(crate) async fn done(&self) {
        loop {
            let finished = self.finished.notified();
            if self.open.load(Ordering::Acquire) == 0 {
                return;
            }
            finished.await;
        }
    }
}

/// Counts POSTs in flight and in the current second.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    in_flight: AtomicU32,
    second: Mutex<Option<(Instant, u32)>>,
}

/// One POST in flight.
pub(crate) struct InFlight<'a>(&'a AtomicU32);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Gauge {
    /// Takes a place; `None`: too many.
    pub(crate) fn enter(&self, limit: crate::config::RateLimit, at: Instant) -> Option<InFlight<'_>> {
        let before = self.in_flight.fetch_add(1, Ordering::AcqRel);
        let place = InFlight(&self.in_flight);
        if limit.concurrent.is_some_and(|most| before >= most) {
            return None;
        }
        if let Some(most) = limit.per_second {
            let mut second = locked(&self.second);
            let (started, count) =
                second.filter(|(start, _)| at - *start < Duration::from_secs(1)).unwrap_or((at, 0));
            *second = Some((started, count + 1));
            if count >= most {
                return None;
            }
        }
        Some(place)
    }
}

/// Lets nobody in without the account's credentials (20003).
pub(crate) async fn authenticate(State(sim): State<Arc<Sim>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    if given.is_some_and(|given| given.as_bytes() == sim.basic.as_bytes()) {
        return next.run(request).await;
    }
    api_error(StatusCode::UNAUTHORIZED, 20003)
}

/// An error document as Twilio writes it.
pub(crate) fn api_error(status: StatusCode, code: u32) -> Response {
    let message = explain(code).map_or("The simulator was told to answer this", |entry| entry.title.as_str());
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    json(
        status,
        &value!({"code": code, "message": message, "more_info": more_info, "status": status.as_u16()}),
    )
}

/// A JSON answer.
pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = (status, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
