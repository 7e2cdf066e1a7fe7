//! The real engine against the real simulator, over HTTP, with a webhook that hands callbacks to the engine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(dead_code, reason = "each test file uses what it needs")]

pub mod reminders;

use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::StatusCode;
use axum::routing::post;
use chrono::{TimeZone, Utc};
use dakiya_core::audience::Audience;
use dakiya_core::ids::CampaignId;
use dakiya_core::message::{Category, Channel};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use dakiya_scheduler::clock::{ManualClock, SharedClock, SystemClock};
use dakiya_scheduler::{CallbackReport, Commands, Content, Engine, EngineConfig, EnqueueRequest, Scheduler};
use dakiya_simulator::{Past, Simulator, SimulatorConfig};
use dakiya_store::audit::Actor;
use dakiya_store::campaigns::{self, Campaign, CampaignDraft, Counts, NewRecipient};
use dakiya_store::messages::{self, Message, MessageFilter};
use dakiya_store::{ConnectOptions, Store, seed, senders, templates};
use dakiya_twilio::{Client, ClientConfig, TwilioStatus};
use std::collections::HashMap;
use std::time::Duration;
use tempfile::TempDir;
use url::Url;

pub const SENDER: &str = "+15005550006";
pub const TESTER: Actor = Actor::System("test");

/// Everything a story needs.
pub struct World {
    pub store: Store,
    pub simulator: Simulator,
    pub commands: Commands,
    pub engine: Engine,
    pub clock: SharedClock,
    pub config: EngineConfig,
    pub client: Client,
    _directory: TempDir,
}

/// A Sunday morning in India.
pub fn morning() -> Timestamp {
    Utc.with_ymd_and_hms(2026, 11, 22, 6, 0, 0).unwrap()
}

/// The nth of many numbers.
pub fn phone(n: u64) -> PhoneNumber {
    PhoneNumber::from_e164(&format!("+9198{n:08}")).unwrap()
}

impl World {
    /// With time that the test moves.
    pub async fn with_manual_clock() -> (Self, ManualClock) {
        let clock = ManualClock::at(morning());
        (Self::new(clock.shared(), 1_000).await, clock)
    }

    /// With time that the test moves, and an account that has a past.
    pub async fn with_a_past(past: Past) -> (Self, ManualClock) {
        let clock = ManualClock::at(morning());
        let config = SimulatorConfig { past: Some(past), ..SimulatorConfig::immediate() };
        (Self::with(clock.shared(), 1_000, config).await, clock)
    }

    /// With time that the test moves, from its own beginning, in its own zone, and an account of its own.
    pub async fn of(start: Timestamp, zone: chrono_tz::Tz, config: SimulatorConfig) -> (Self, ManualClock) {
        let clock = ManualClock::at(start);
        (Self::in_zone(clock.shared(), 1_000, config, zone).await, clock)
    }

    /// With real time, and a sender of a pace.
    pub async fn in_real_time(segments_per_second: u32) -> Self {
        Self::new(SystemClock::shared(), segments_per_second).await
    }

    async fn new(clock: SharedClock, segments_per_second: u32) -> Self {
        Self::with(clock, segments_per_second, SimulatorConfig::immediate()).await
    }

    async fn with(clock: SharedClock, segments_per_second: u32, simulated: SimulatorConfig) -> Self {
        Self::in_zone(clock, segments_per_second, simulated, chrono_tz::Asia::Kolkata).await
    }

    async fn in_zone(
        clock: SharedClock,
        segments_per_second: u32,
        simulated: SimulatorConfig,
        zone: chrono_tz::Tz,
    ) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/test.db", directory.path().display());
        let store = Store::connect(&url, ConnectOptions::default()).await.unwrap();
        store.migrate().await.unwrap();
        seed(&store, clock.now()).await.unwrap();
        let now = clock.clone();
        let simulator_config = SimulatorConfig { now: std::sync::Arc::new(move || now.now()), ..simulated };
        let simulator = Simulator::start(simulator_config).await.unwrap();
        let base = simulator.base_url().clone();
        let mut client = ClientConfig::new(
            base.clone(),
            base,
            simulator.account_sid().clone(),
            simulator.auth_token().clone(),
        );
        client.post_timeout = Duration::from_secs(2);
        let client = Client::new(client).unwrap();
        senders::put(&store, &sender(segments_per_second), &TESTER, clock.now()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let config = EngineConfig { timezone: zone, ..EngineConfig::new(public_url) };
        let scheduler = Scheduler::new(store.clone(), client.clone(), clock.clone(), config.clone());
        let commands = scheduler.commands();
        tokio::spawn(serve(listener, commands.clone()));
        let engine = scheduler.start();
        Self { store, simulator, commands, engine, clock, config, client, _directory: directory }
    }

    /// Gives the sender another pace from now on.
    pub async fn set_pace(&self, segments_per_second: u32) {
        let sender = sender(segments_per_second);
        senders::put(&self.store, &sender, &TESTER, self.clock.now()).await.unwrap();
    }

    /// Another process on the same database, as after a restart.
    pub fn restarted(&self) -> Engine {
        Scheduler::new(self.store.clone(), self.client.clone(), self.clock.clone(), self.config.clone())
            .start()
    }

    /// Another process on the same database, whose clock shows another time.
    pub fn at_clock(&self, clock: SharedClock) -> Engine {
        Scheduler::new(self.store.clone(), self.client.clone(), clock, self.config.clone()).start()
    }

    /// Plans and delivers until nothing is due, and waits for every callback.
    pub async fn run(&self) {
        let shutdown = Default::default();
        self.engine.plan(&shutdown).await.unwrap();
        self.engine.deliver_all().await.unwrap();
        self.engine.plan(&shutdown).await.unwrap();
        self.simulator.settled().await;
    }

    /// A draft to people, whose text is theirs.
    pub async fn draft(
        &self,
        body: &str,
        category: Category,
        people: impl IntoIterator<Item = u64>,
    ) -> CampaignId {
        let text = templates::TemplateText {
            name: "Test".to_owned(),
            category,
            channel: Channel::Sms,
            language: None,
            body: body.to_owned(),
            dlt: None,
            content_sid: None,
        };
        let template = templates::put(&self.store, "test", &text, &TESTER, self.clock.now()).await.unwrap();
        let draft = CampaignDraft {
            name: "Test".to_owned(),
            template_id: template.template_id,
            template_version: template.version,
            channel: Channel::Sms,
            sender: SenderAddress::stored(SENDER.to_owned()),
            audience: Audience::default(),
            send_at: None,
            segments_per_second: None,
            budget: None,
        };
        let campaign = campaigns::create(&self.store, &draft, &TESTER, self.clock.now()).await.unwrap();
        let rows: Vec<NewRecipient> = people
            .into_iter()
            .map(|n| NewRecipient {
                phone: phone(n),
                language: None,
                variables: Variables::from([("name".to_owned(), format!("Person {n}"))]),
            })
            .collect();
        campaigns::add_recipients(&self.store, campaign.id, rows, &TESTER, self.clock.now()).await.unwrap();
        campaign.id
    }

    /// A campaign, quoted and approved.
    pub async fn approved(
        &self,
        body: &str,
        category: Category,
        people: impl IntoIterator<Item = u64>,
    ) -> CampaignId {
        let id = self.draft(body, category, people).await;
        let quoted = self.commands.quote_campaign(id).await.unwrap();
        self.commands.approve_campaign(id, &quoted.quote, &TESTER).await.unwrap();
        id
    }

    pub async fn campaign(&self, id: CampaignId) -> Campaign {
        campaigns::get(&self.store, id).await.unwrap().unwrap()
    }

    pub async fn counts(&self, id: CampaignId) -> Counts {
        campaigns::counts(&self.store, &self.campaign(id).await).await.unwrap()
    }

    /// Every message of the log.
    pub async fn log(&self) -> Vec<Message> {
        messages::page(&self.store, &MessageFilter::default(), None, 100_000).await.unwrap().items
    }

    /// A message to one person, asked for by a program.
    pub async fn message(&self, n: u64, category: Category) -> Message {
        self.commands.enqueue(request(&phone(n).to_string(), category)).await.unwrap()
    }

    /// The message as it is now.
    pub async fn reload(&self, message: &Message) -> Message {
        messages::get(&self.store, message.id).await.unwrap().unwrap()
    }

    /// How many POSTs went to each number.
    pub fn posts(&self) -> HashMap<String, usize> {
        let mut posts = HashMap::new();
        for post in self.simulator.ledger() {
            *posts.entry(post.to.to_string()).or_default() += 1;
        }
        posts
    }
}

fn sender(segments_per_second: u32) -> Sender {
    Sender {
        address: SenderAddress::stored(SENDER.to_owned()),
        kind: SenderKind::Number,
        segments_per_second,
        promotional: true,
        monthly_rent: None,
    }
}

/// A request for a text of its own.
pub fn request(to: &str, category: Category) -> EnqueueRequest {
    EnqueueRequest {
        to: to.to_owned(),
        content: Content::Body { text: "Your request was received.".to_owned(), category },
        channel: None,
        sender: None,
        send_at: None,
        expires_at: None,
        dedupe_key: None,
        key: None,
    }
}

async fn serve(listener: tokio::net::TcpListener, commands: Commands) {
    let router = Router::new().route("/webhooks/twilio/status", post(callback)).with_state(commands);
    axum::serve(listener, router).await.unwrap();
}

async fn callback(
    State(commands): State<Commands>,
    Query(query): Query<HashMap<String, String>>,
    Form(form): Form<HashMap<String, String>>,
) -> StatusCode {
    let status = TwilioStatus::parse(&form["MessageStatus"]).unwrap();
    let Some(status) = status.status() else { return StatusCode::NO_CONTENT };
    let report = CallbackReport {
        message_id: query.get("m").and_then(|id| id.parse().ok()),
        sid: form["MessageSid"].clone(),
        status,
        error_code: form.get("ErrorCode").and_then(|code| code.parse().ok()),
    };
    commands.report(report).await.unwrap();
    StatusCode::NO_CONTENT
}
