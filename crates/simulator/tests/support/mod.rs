//! A simulator, a client that talks to it, and a webhook that listens.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(dead_code, reason = "each test file uses its part")]

use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::{SenderAddress, SenderKind};
use dakiya_simulator::{Simulator, SimulatorConfig};
use dakiya_twilio::signature::{SignedBody, Validator, form_params};
use dakiya_twilio::{Client, ClientConfig, Content, CreateMessage, Message, PostOutcome};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub const PERSON: &str = "+919876543210";
pub const OTHER: &str = "+919876543211";
pub const NUMBER: &str = "+15005550006";
pub const WHATSAPP: &str = "+14155238886";
pub const SERVICE: &str = "MG00000000000000000000000000000009";

pub async fn simulator() -> Simulator {
    Simulator::start(SimulatorConfig::immediate()).await.unwrap()
}

pub async fn simulator_with(change: impl FnOnce(&mut SimulatorConfig)) -> Simulator {
    let mut config = SimulatorConfig::immediate();
    change(&mut config);
    Simulator::start(config).await.unwrap()
}

pub fn config(simulator: &Simulator) -> ClientConfig {
    let url = simulator.base_url();
    ClientConfig::new(
        url.clone(),
        url.clone(),
        simulator.account_sid().clone(),
        simulator.auth_token().clone(),
    )
}

pub fn client(simulator: &Simulator) -> Client {
    Client::new(config(simulator)).unwrap()
}

/// A message to be sent, as a test changes it.
pub struct Draft {
    pub to: &'static str,
    pub kind: SenderKind,
    pub sender: &'static str,
    pub body: &'static str,
    pub callback: Option<String>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            to: PERSON,
            kind: SenderKind::Number,
            sender: NUMBER,
            body: "Your order 482 is ready.",
            callback: None,
        }
    }
}

impl Draft {
    pub fn service() -> Self {
        Self { kind: SenderKind::Service, sender: SERVICE, ..Self::default() }
    }

    pub fn whatsapp() -> Self {
        Self { kind: SenderKind::Whatsapp, sender: WHATSAPP, ..Self::default() }
    }

    pub async fn post(&self, client: &Client) -> PostOutcome {
        let sender = SenderAddress::stored(self.sender.to_owned());
        client
            .create(&CreateMessage {
                to: PhoneNumber::from_e164(self.to).unwrap(),
                kind: self.kind,
                sender: &sender,
                content: Content::Text(self.body),
                status_callback: self.callback.as_deref(),
                validity: None,
                begin_by: None,
            })
            .await
    }

    pub async fn accepted(&self, client: &Client) -> Message {
        accepted(self.post(client).await)
    }

    pub async fn code(&self, client: &Client) -> u32 {
        code(self.post(client).await)
    }
}

pub fn accepted(outcome: PostOutcome) -> Message {
    match outcome {
        PostOutcome::Accepted(message) => *message,
        other => panic!("not accepted: {other:?}"),
    }
}

pub fn code(outcome: PostOutcome) -> u32 {
    match outcome {
        PostOutcome::Rejected(error) => error.code,
        other => panic!("not rejected: {other:?}"),
    }
}

/// What a webhook received, in the order of arrival.
pub struct Webhook {
    pub url: String,
    received: mpsc::UnboundedReceiver<Vec<(String, String)>>,
}

#[derive(Clone)]
struct Listening {
    origin: String,
    validator: Validator,
    answers: Arc<Mutex<VecDeque<Response>>>,
    sender: mpsc::UnboundedSender<Vec<(String, String)>>,
}

impl Webhook {
    /// Answers in this order, then 204 for ever. What is not signed for its own URL is not received but 403.
    pub async fn listen(simulator: &Simulator, answers: Vec<Response>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", socket.local_addr().unwrap());
        let (sender, received) = mpsc::unbounded_channel();
        let validator = Validator::new(simulator.auth_token().clone(), vec![]);
        let listening = Listening {
            origin: origin.clone(),
            validator,
            answers: Arc::new(Mutex::new(answers.into())),
            sender,
        };
        let router = Router::new().fallback(take).with_state(listening);
        tokio::spawn(async move { axum::serve(socket, router).await });
        Self { url: format!("{origin}/hook?m=1"), received }
    }

    pub async fn next(&mut self) -> Vec<(String, String)> {
        self.received.recv().await.unwrap()
    }

    pub async fn next_status(&mut self) -> String {
        value(&self.next().await, "MessageStatus").unwrap()
    }

    /// What has arrived and was not asked for yet.
    pub fn waiting(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.received.try_recv().ok())
            .map(|params| value(&params, "MessageStatus").unwrap())
            .collect()
    }
}

async fn take(State(hook): State<Listening>, uri: OriginalUri, headers: HeaderMap, body: Bytes) -> Response {
    let params = form_params(&body);
    let signature =
        headers.get("X-Twilio-Signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let url = format!("{}{}", hook.origin, uri.0);
    if hook.validator.validate(&url, SignedBody::Form(&params), signature, None).is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    hook.sender.send(params).unwrap();
    let answer = hook.answers.lock().unwrap().pop_front();
    answer.unwrap_or_else(|| StatusCode::NO_CONTENT.into_response())
}

pub fn value(params: &[(String, String)], name: &str) -> Option<String> {
    params.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
}

pub fn twiml(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "text/xml")], dakiya_twilio::twiml::reply(text)).into_response()
}
