//! Dakiya's web part on a fresh SQLite file, with keys of every scope and a simulator behind it.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, header};
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::api_key::{KeyKind, KeyScope};
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_scheduler::clock::{ManualClock, SharedClock, SystemClock};
use dakiya_scheduler::{Engine, EngineConfig, Scheduler};
use dakiya_simulator::{Delays, Simulator, SimulatorConfig};
use dakiya_store::audit::Actor;
use dakiya_store::{ConnectOptions, Store, api_keys, seed, senders};
use dakiya_twilio::{AuthToken, Client, ClientConfig, signature};
use dakiya_web::{AppState, PaymentWebhooks, WebConfig, WebhookSecret};
use serde_json::Value;
use std::sync::Arc;
use tower::ServiceExt;
use url::Url;

pub const PUBLIC_URL: &str = "https://messages.example.in";
/// The account's token.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Of payment webhooks in our own form.
pub const PAYMENT_SECRET: &str = "shared with a bank";
/// Of Razorpay's.
pub const RAZORPAY_SECRET: &str = "shared with razorpay";
const SENDER: &str = "+919000000001";
const WHATSAPP_SENDER: &str = "+919000000002";
const TESTER: Actor = Actor::System("test");

pub struct World {
    pub store: Store,
    pub engine: Engine,
    pub simulator: Simulator,
    pub admin: String,
    clock: SharedClock,
    router: Router,
    token: AuthToken,
    _folder: tempfile::TempDir,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

/// A Sunday morning in India, on the 22nd.
pub const MORNING: &str = "2026-11-22T06:00:00Z";

/// So many days after the day of [`MORNING`].
pub fn in_days(days: i64) -> String {
    (MORNING[..10].parse::<NaiveDate>().unwrap() + TimeDelta::days(days)).to_string()
}

/// The nth of many numbers.
pub fn phone(n: usize) -> String {
    format!("+9198450{n:05}")
}

impl World {
    pub async fn new() -> World {
        World::with(SystemClock::shared()).await
    }

    /// A world in which it is [`MORNING`] for ever.
    pub async fn in_the_morning() -> World {
        World::with(ManualClock::at(MORNING.parse().unwrap()).shared()).await
    }

    async fn with(clock: SharedClock) -> World {
        let token = AuthToken::parse(TOKEN).unwrap();
        let simulated = clock.clone();
        let config = SimulatorConfig {
            delays: Delays::NONE,
            auth_token: TOKEN.to_owned(),
            now: Arc::new(move || simulated.now()),
            ..Default::default()
        };
        let simulator = Simulator::start(config).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/web.db", folder.path().display());
        let store = Store::connect(&url, ConnectOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        seed(&store, clock.now()).await.unwrap();
        senders::ensure(
            &store,
            &[sender(SENDER, SenderKind::Number), sender(WHATSAPP_SENDER, SenderKind::Whatsapp)],
        )
        .await
        .unwrap();
        let base = simulator.base_url().clone();
        let account = simulator.account_sid().clone();
        let client = ClientConfig::new(base.clone(), base, account, token.clone());
        let public_url = Url::parse(PUBLIC_URL).unwrap();
        let scheduler = Scheduler::new(
            store.clone(),
            Client::new(client).unwrap(),
            clock.clone(),
            EngineConfig::new(public_url.clone()),
        );
        let state = AppState {
            store: store.clone(),
            commands: scheduler.commands(),
            clock: clock.clone(),
            config: Arc::new(WebConfig {
                public_url,
                brand: "VehicAid".to_owned(),
                timezone: chrono_tz::Asia::Kolkata,
                simulated_people: None,
                twilio_auth_token: token.clone(),
                payment_webhooks: PaymentWebhooks {
                    generic: Some(WebhookSecret::new(PAYMENT_SECRET)),
                    razorpay: Some(WebhookSecret::new(RAZORPAY_SECRET)),
                },
            }),
        };
        let mut world = World {
            engine: scheduler.start(),
            router: dakiya_web::router(state),
            admin: String::new(),
            store,
            simulator,
            clock,
            token,
            _folder: folder,
        };
        world.admin = world.key(KeyScope::Admin, KeyKind::Live).await;
        world
    }

    /// A new key.
    pub async fn key(&self, scope: KeyScope, kind: KeyKind) -> String {
        api_keys::create(&self.store, "test", scope, kind, &TESTER, self.clock.now()).await.unwrap().1
    }

    pub async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    /// The same routes behind a real socket.
    pub async fn listen(&self) -> std::net::SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, self.router.clone()).into_future());
        address
    }

    /// A request below `/api/v1` with a key.
    pub async fn call(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"));
        let request = match body {
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        self.ask(request.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(&self.admin, Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(&self.admin, Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(&self.admin, Method::PUT, path, Some(body)).await
    }

    /// Sends bytes of some kind, with further headers.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.admin));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.ask(request.body(body.into()).unwrap()).await
    }

    pub async fn post_csv(&self, path: &str, csv: impl Into<Body>) -> Answer {
        self.send(Method::POST, &format!("/api/v1{path}"), &[("content-type", "text/csv")], csv).await
    }

    /// A form as Twilio posts it, signed for the public address.
    pub async fn webhook(&self, path: &str, params: &[(&str, &str)]) -> Answer {
        let signature = signature::sign(&self.token, &format!("{PUBLIC_URL}{path}"), params);
        self.webhook_signed(path, params, Some(&signature)).await
    }

    /// The same with a signature of the test's own.
    pub async fn webhook_signed(
        &self,
        path: &str,
        params: &[(&str, &str)],
        signature: Option<&str>,
    ) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish();
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(signature) = signature {
            request = request.header(signature::SIGNATURE_HEADER, signature);
        }
        self.ask(request.body(Body::from(form)).unwrap()).await
    }

    /// A reply by SMS.
    pub async fn reply(&self, sid_end: u32, from: &str, text: &str) -> Answer {
        let sid = format!("SM{sid_end:032x}");
        self.webhook(
            "/webhooks/twilio/inbound",
            &[("MessageSid", &sid), ("From", from), ("To", SENDER), ("Body", text), ("NumSegments", "1")],
        )
        .await
    }

    /// One accepted message; its id.
    pub async fn message(&self, to: &str, body: &str) -> String {
        let accepted =
            self.post("/messages", serde_json::json!({"to": to, "body": body, "category": "service"})).await;
        accepted.json(202)["id"].as_str().unwrap().to_owned()
    }
}

fn sender(address: &str, kind: SenderKind) -> Sender {
    let address = SenderAddress::parse(address, kind).unwrap();
    Sender { address, kind, segments_per_second: 100, promotional: true, monthly_rent: None }
}

impl Answer {
    /// The body as JSON, if the status is this one.
    #[track_caller]
    pub fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The code of a problem document with this status.
    #[track_caller]
    pub fn problem(&self, status: u16) -> String {
        let document = self.json(status);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json", "{}", self.text);
        assert_eq!(document["status"], status);
        for member in ["type", "title", "detail", "code"] {
            assert!(document[member].is_string(), "{member} of {document}");
        }
        document["code"].as_str().unwrap().to_owned()
    }

    /// The fields at fault.
    #[track_caller]
    pub fn fields(&self, status: u16) -> Vec<String> {
        self.problem(status);
        let document = self.json(status);
        document["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }
}
