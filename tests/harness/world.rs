//! A whole Dakiya for one test: a fresh database, a simulator, and the compiled binary that serves in between.

mod campaigns;
mod twilio;

use crate::api::Api;
use crate::binary::{Server, Setup};
use crate::database::{Database, Engine};
use crate::visitor::Visitor;
use crate::wait::{eventually, until};
use chrono::{DateTime, Utc};
use dakiya_simulator::{InboundReport, Simulator, SimulatorConfig};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::OnceCell;

/// The sender of text messages.
pub const SMS_SENDER: &str = "+15005550006";
/// The sender of WhatsApp messages.
pub const WHATSAPP_SENDER: &str = "+14155238886";
/// Who may do everything.
pub const OWNER_EMAIL: &str = "owner@example.in";
/// Their password.
pub const OWNER_PASSWORD: &str = "a long password";

/// The pace at which no story waits for a sender.
pub const FAST: u32 = 1_000;
/// The pace at which a campaign of three hundred people lasts a minute: what a story does meanwhile is done in time.
pub const SLOW: u32 = 5;

/// Everything a story needs.
pub struct World {
    /// A program with an admin key.
    pub api: Api,
    /// Where Dakiya is reached.
    pub base: String,
    /// Twilio.
    pub simulator: Simulator,
    /// How commands reach the database.
    pub setup: Setup,
    server: Option<Server>,
    /// The database; gone with the world.
    pub database: Database,
    owner: OnceCell<()>,
}

/// One POST of a message, as Twilio saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// To whom, as written.
    pub to: String,
    /// From whom, as written.
    pub from: String,
    /// The text.
    pub body: String,
    /// Billed parts.
    pub segments: u32,
    /// When it came.
    pub at: DateTime<Utc>,
}

/// The Indian mobile number with this index.
pub fn phone(index: usize) -> String {
    format!("+9198{:08}", 45_000_000 + index)
}

/// What counts of a campaign add up to.
pub fn count(counts: &Value) -> u64 {
    counts.as_object().expect("counts").values().filter_map(Value::as_u64).sum()
}

impl World {
    /// A world on SQLite.
    pub async fn sqlite() -> World {
        Self::on(Engine::Sqlite).await
    }

    /// A world on PostgreSQL.
    pub async fn postgres() -> World {
        Self::on(Engine::Postgres).await
    }

    /// One world on each database, for what both must do alike.
    pub async fn on_both() -> [World; 2] {
        let (sqlite, postgres) = futures::join!(Self::sqlite(), Self::postgres());
        [sqlite, postgres]
    }

    /// A world on a database.
    pub async fn on(engine: Engine) -> World {
        let config = SimulatorConfig { whatsapp_window: false, ..SimulatorConfig::immediate() };
        Self::with(engine, config, |setup| setup).await
    }

    /// A world with a Twilio of one's own and more variables.
    pub async fn with(engine: Engine, config: SimulatorConfig, more: impl FnOnce(Setup) -> Setup) -> World {
        let token = config.auth_token.clone();
        let simulator = Simulator::start(config).await.expect("the simulator starts");
        let database = Database::new(engine).await;
        let twilio = simulator.base_url().as_str().trim_end_matches('/').to_owned();
        let setup = Setup::new(database.folder.path(), &database.url)
            .with("TWILIO_ACCOUNT_SID", simulator.account_sid().to_string())
            .with("TWILIO_AUTH_TOKEN", token)
            .with("TWILIO_PHONE_NUMBER", SMS_SENDER)
            .with("TWILIO_WHATSAPP_NUMBER", WHATSAPP_SENDER)
            .with("TWILIO_API_BASE_URL", &twilio)
            .with("TWILIO_PRICING_BASE_URL", &twilio);
        let setup = more(setup);
        setup.must(&["migrate"]).await;
        let made = setup.must(&["api-key", "create", "tests", "--scope", "admin", "--json"]).await;
        let key: Value = serde_json::from_str(&made).expect("the key as JSON");
        let server = setup.serve(&["serve"]).await;
        let base = server.base.clone();
        simulator.set_inbound_url(&format!("{base}/webhooks/twilio/inbound"));
        let api = Api::new(&base, key["key"].as_str().expect("a key"));
        // The same port after a restart, so that callbacks under way still find us.
        let setup = setup.with("DAKIYA_LISTEN", format!("127.0.0.1:{}", server.port()));
        let world =
            World { api, base, simulator, setup, server: Some(server), database, owner: OnceCell::new() };
        world.set_pace(FAST).await;
        world
    }

    /// `kill -9`.
    pub async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Starts again on the same database and port.
    pub async fn restart(&mut self) {
        assert!(self.server.is_none(), "kill it first");
        let server = self.setup.serve(&["serve"]).await;
        assert_eq!(server.base, self.base, "on the same port");
        self.server = Some(server);
    }

    /// Lets every sender carry so many segments a second from now on.
    pub async fn set_pace(&self, segments_per_second: u32) {
        for (address, kind) in [(SMS_SENDER, "number"), (WHATSAPP_SENDER, "whatsapp")] {
            let sender =
                json!({"kind": kind, "segments_per_second": segments_per_second, "promotional": true});
            let answer = self.api.put(&format!("/senders/{}", address.replace('+', "%2B")), sender).await;
            assert!(answer.status < 300, "{}", answer.text);
        }
    }

    /// A program with a key of its own.
    pub async fn key(&self, scope: &str, kind: &str) -> Api {
        let words = ["api-key", "create", "another", "--scope", scope, "--kind", kind, "--json"];
        let made: Value = serde_json::from_str(&self.setup.must(&words).await).expect("the key as JSON");
        self.api.with_key(made["key"].as_str().expect("a key"))
    }

    /// Somebody who is not signed in.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(&self.base)
    }

    /// Makes sure that the owner exists.
    pub async fn make_owner(&self) {
        let words = ["user", "add", OWNER_EMAIL, "--role", "owner", "--password-stdin"];
        let make = async || drop(self.setup.must_with_input(&words, &format!("{OWNER_PASSWORD}\n")).await);
        self.owner.get_or_init(make).await;
    }

    /// The owner, signed in.
    pub async fn owner(&self) -> Visitor {
        self.make_owner().await;
        let visitor = self.visitor();
        visitor.sign_in(OWNER_EMAIL, OWNER_PASSWORD).await;
        visitor
    }

    /// Every POST of a message that Twilio saw, oldest first.
    pub fn posts(&self) -> Vec<Sent> {
        self.simulator.ledger().iter().map(Sent::of).collect()
    }

    /// Those to one number.
    pub fn posts_to(&self, to: &str) -> Vec<Sent> {
        self.simulator.posts_to(to).iter().map(Sent::of).collect()
    }

    /// Waits until Twilio has seen so many POSTs.
    pub async fn until_posts_reach(&self, count: u64) {
        until(&format!("{count} messages are posted"), async || self.simulator.post_count() >= count).await;
    }

    /// When nothing should happen there is nothing to wait for: this is several ticks of the scheduler.
    pub async fn pass_some_ticks(&self) {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
    }

    /// Waits until no message is under way.
    pub async fn until_quiet(&self) {
        until("nothing is under way", async || {
            for status in ["queued", "posting", "accepted", "sent"] {
                let page = self.api.get(&format!("/messages?status={status}&limit=1")).await.expect(200);
                if page["items"].as_array().is_some_and(|items| !items.is_empty()) {
                    return false;
                }
            }
            true
        })
        .await;
    }

    /// Sends a transactional text and returns the answer.
    pub async fn send(&self, to: &str, body: &str) -> Value {
        let message = json!({"to": to, "body": body, "category": "transactional"});
        self.api.post("/messages", message).await.expect(202)
    }

    /// A message as it stands.
    pub async fn message(&self, id: &Value) -> Value {
        let id = id.as_str().expect("an id");
        self.api.get(&format!("/messages/{id}")).await.expect(200)
    }

    /// Waits until a message has a status, and returns it.
    pub async fn message_reaches(&self, id: &Value, status: &str) -> Value {
        eventually(&format!("the message {id} is {status}"), async || {
            let message = self.message(id).await;
            (message["status"] == status).then_some(message)
        })
        .await
    }

    /// Waits until a message has Twilio's price, and returns it.
    pub async fn message_priced(&self, id: &Value) -> Value {
        eventually(&format!("the message {id} has a price"), async || {
            let message = self.message(id).await;
            (!message["actual_cost"].is_null()).then_some(message)
        })
        .await
    }

    /// Writes a new version of an SMS template.
    pub async fn template(&self, key: &str, category: &str, body: &str) {
        let template = json!({"name": key, "category": category, "channel": "sms", "body": body});
        let answer = self.api.put(&format!("/templates/{key}"), template).await;
        assert!(answer.status < 300, "{}", answer.text);
    }

    /// Records an opt-out.
    pub async fn opt_out(&self, phone: &str, scope: &str) {
        let path = format!("/opt-outs/{}", phone.replace('+', "%2B"));
        let answer = self.api.put(&path, json!({"scope": scope, "reason": "asked on the phone"})).await;
        assert!(answer.status < 300, "{}", answer.text);
    }

    /// A stored contact.
    pub async fn contact(&self, phone: &str) -> Value {
        self.api.get(&format!("/contacts/{}", phone.replace('+', "%2B"))).await.expect(200)
    }

    /// Somebody writes to our SMS number.
    pub async fn inbound(&self, from: &str, text: &str) -> InboundReport {
        let report = self.simulator.inbound(from, SMS_SENDER, text).await;
        assert_eq!(report.webhook_status, Some(200), "{text}: {report:?}");
        report
    }

    /// Presses the button of the public opt-out page.
    pub async fn opt_out_by_page(&self, person: &Visitor, path: &str) {
        let page = person.open(path).await.text;
        let form = page.split_once("<form").expect("a form").1;
        let action = form.split_once("action=\"").expect("an action").1.split('"').next().expect("closed");
        let token = path.split_once("t=").expect("a token").1;
        let answer = person.post(action, &[("t", token), ("scope", "all")]).await;
        assert!(answer.status < 400, "{}", answer.text);
    }
}

impl Sent {
    fn of(post: &dakiya_simulator::Post) -> Sent {
        let text = |text: &str| text.to_owned();
        Sent {
            to: text(&post.to),
            from: text(&post.from),
            body: text(&post.body),
            segments: post.segments,
            at: post.at,
        }
    }
}
