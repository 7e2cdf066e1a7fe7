//! The real router on a database of its own, visited by people with browsers that run no scripts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(dead_code, reason = "each test file uses what it needs")]

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use chrono::{TimeZone, Utc};
use dakiya_core::message::Channel;
use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_core::user::Role;
use dakiya_scheduler::clock::ManualClock;
use dakiya_scheduler::{Engine, EngineConfig, Scheduler};
use dakiya_store::audit::Actor;
use dakiya_store::{ConnectOptions, Store, senders, users};
use dakiya_twilio::{AccountSid, AuthToken, Client, ClientConfig};
use dakiya_web::{AppState, WebConfig, password, router};
use std::sync::Mutex;
use tempfile::TempDir;
use tower::ServiceExt as _;
use url::Url;

pub const TESTER: Actor = Actor::System("test");
pub const PASSWORD: &str = "a long password";

/// A running site.
pub struct Site {
    pub store: Store,
    pub clock: ManualClock,
    /// At work only when a test calls it.
    pub engine: Engine,
    router: Router,
    _directory: TempDir,
}

impl Site {
    /// An empty installation in India, on a Sunday at half past eleven.
    pub async fn open() -> Site {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/test.db", directory.path().display());
        let store = Store::connect(&url, ConnectOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        let clock = ManualClock::at(Utc.with_ymd_and_hms(2026, 11, 22, 6, 0, 0).unwrap());
        dakiya_store::seed(&store, Utc.with_ymd_and_hms(2026, 11, 22, 6, 0, 0).unwrap()).await.unwrap();
        let public_url: Url = "http://localhost:8001".parse().unwrap();
        let nowhere: Url = "http://127.0.0.1:9".parse().unwrap();
        let token = AuthToken::parse("0123456789abcdef0123456789abcdef").unwrap();
        let account = AccountSid::parse("AC0123456789abcdef0123456789abcdef").unwrap();
        let client =
            Client::new(ClientConfig::new(nowhere.clone(), nowhere, account, token.clone())).unwrap();
        let engine =
            Scheduler::new(store.clone(), client, clock.shared(), EngineConfig::new(public_url.clone()));
        let state = AppState {
            store: store.clone(),
            commands: engine.commands(),
            clock: clock.shared(),
            config: std::sync::Arc::new(WebConfig {
                public_url,
                brand: "VehicAid".to_owned(),
                timezone: chrono_tz::Asia::Kolkata,
                simulated_people: Some(std::sync::Arc::new(|_| Box::pin(async { Vec::new() }))),
                twilio_auth_token: token,
                payment_webhooks: Default::default(),
            }),
        };
        Site { store, clock, engine: engine.start(), router: router(state), _directory: directory }
    }

    /// Somebody who is not signed in.
    pub fn stranger(&self) -> Visitor<'_> {
        Visitor { site: self, cookie: Mutex::new(String::new()), token: Mutex::new(String::new()) }
    }

    /// Somebody of a role, signed in.
    pub async fn somebody(&self, role: Role) -> Visitor<'_> {
        let email = format!("{role}@example.in");
        let hash = password::hash(PASSWORD.to_owned()).await.unwrap();
        users::add(&self.store, &email, role, &hash, &TESTER, now()).await.unwrap();
        let visitor = self.stranger();
        let answer = visitor.post("/sign-in", &[("email", &email), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
        visitor.open("/").await;
        visitor
    }

    /// A number that SMS come from.
    pub async fn has_a_sender(&self) {
        let address = SenderAddress::parse("+15005550006", SenderKind::Number).unwrap();
        let sender = Sender {
            address,
            kind: SenderKind::Number,
            segments_per_second: 10,
            promotional: true,
            monthly_rent: None,
        };
        assert_eq!(sender.kind.channel(), Channel::Sms);
        senders::put(&self.store, &sender, &TESTER, now()).await.unwrap();
    }
}

/// The time at which the clock starts.
pub fn now() -> dakiya_core::time::Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 22, 6, 0, 0).unwrap()
}

/// A number as people write it.
pub fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text, &AllowedCountries::default()).unwrap()
}

/// A browser.
pub struct Visitor<'s> {
    site: &'s Site,
    cookie: Mutex<String>,
    token: Mutex<String>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// Where it leads.
    pub fn leads_to(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |to| to.to_str().unwrap())
    }
}

impl Visitor<'_> {
    pub async fn open(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Posts a form exactly as given.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_urlencoded::to_string(fields).unwrap();
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Fills in a form of ours: the token of the page seen last goes along.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token.lock().unwrap().clone();
        let mut all = vec![("csrf", token.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all).await
    }

    /// Fills in a form that saves something and leads on to a page that can be read.
    pub async fn saves(&self, path: &str, fields: &[(&str, &str)]) {
        let answer = self.submit(path, fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}: {}", answer.text);
        assert_eq!(self.open(answer.leads_to()).await.status, StatusCode::OK);
    }

    /// Uploads a file with a form of ours.
    pub async fn upload(&self, path: &str, name: &str, contents: &str) -> Answer {
        let token = self.token.lock().unwrap().clone();
        let body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--b\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n\
             {contents}\r\n--b--\r\n"
        );
        let request = Request::post(path).header(header::CONTENT_TYPE, "multipart/form-data; boundary=b");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Sends a request with this browser's cookie.
    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        let cookie = self.cookie.lock().unwrap().clone();
        if !cookie.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookie.parse().unwrap());
        }
        let response = self.site.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        if let Some(set) = parts.headers.get(header::SET_COOKIE) {
            *self.cookie.lock().unwrap() = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        }
        let text = String::from_utf8_lossy(&to_bytes(body, 10_000_000).await.unwrap()).into_owned();
        if let Some((_, rest)) = text.split_once("name=\"csrf\" value=\"") {
            *self.token.lock().unwrap() = rest.split('"').next().unwrap().to_owned();
        }
        Answer { status: parts.status, headers: parts.headers, text }
    }
}
