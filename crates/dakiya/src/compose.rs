//! Puts the parts together: which database, which Twilio, which clock.

use crate::config::{Config, TwilioConfig};
use crate::output;
use anyhow::Context;
use chrono::Utc;
use dakiya_core::message::Channel;
use dakiya_core::sender::{Sender, SenderAddress, SenderKind};
use dakiya_core::time::{Timestamp, to_micros};
use dakiya_scheduler::clock::{SharedClock, SystemClock};
use dakiya_scheduler::{EngineConfig, Scheduler};
use dakiya_simulator::{Past, Simulator, SimulatorConfig};
use dakiya_store::{ConnectOptions, Store, installation, senders};
use dakiya_twilio::{AuthToken, Client, ClientConfig};
use dakiya_web::{AppState, SimulatedPeople, SimulatedText, WebConfig};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use url::Url;

/// Twilio's throughput for a number that sends to India, and ours until the owner says otherwise.
const SEGMENTS_PER_SECOND: u32 = 10;

/// Where the simulator's messages come from.
const SIMULATED_SENDERS: [(&str, SenderKind); 2] =
    [("+15005550006", SenderKind::Number), ("+14155238886", SenderKind::Whatsapp)];

/// The time, to the microsecond.
pub fn now() -> Timestamp {
    to_micros(Utc::now())
}

/// Opens and migrates the database of the configuration, beside whatever else uses it.
pub async fn open_store() -> anyhow::Result<Store> {
    output::start_logging("warn");
    connect(&Config::from_environment()?.database_url, ConnectOptions { exclusive: false }).await
}

/// Opens a database, brings its schema up to date and fills in what every installation starts with.
pub async fn connect(url: &str, options: ConnectOptions) -> anyhow::Result<Store> {
    let store = Store::connect(url, options).await?;
    store.migrate().await.context("the database could not be brought up to date")?;
    dakiya_store::seed(&store, now()).await?;
    Ok(store)
}

/// Who carries messages: an account at Twilio, or the simulator.
pub struct Carrier {
    /// Speaks to it.
    pub client: Client,
    /// What its webhooks are signed with.
    pub auth_token: AuthToken,
    /// Runs as long as this lives; `None` with a real account.
    pub simulator: Option<Arc<Simulator>>,
    /// What time it is for everybody: the account's is ours, the simulator's may run faster.
    pub clock: SharedClock,
}

impl Carrier {
    /// Takes the configured account, or starts the simulator when there is none, and writes its senders down. `clock` is
    /// the simulator's; an account has the machine's.
    pub async fn open(
        config: &Config,
        store: &Store,
        public_url: &Url,
        clock: SharedClock,
    ) -> anyhow::Result<Carrier> {
        match &config.twilio {
            Some(account) => Self::twilio(config, account, store).await,
            None => Self::simulated(config, store, public_url, clock, None).await,
        }
    }

    /// The simulator of a demo: its account has a past.
    pub async fn of_a_demo(
        config: &Config,
        store: &Store,
        public_url: &Url,
        clock: SharedClock,
    ) -> anyhow::Result<Carrier> {
        let past = Past::of_a_demo(clock.now().date_naive());
        Self::simulated(config, store, public_url, clock, Some(past)).await
    }

    async fn twilio(config: &Config, account: &TwilioConfig, store: &Store) -> anyhow::Result<Carrier> {
        senders::ensure(store, &environment_senders(account.senders.iter().cloned())).await?;
        let mut client = ClientConfig::new(
            account.api_base_url.clone(),
            account.pricing_base_url.clone(),
            account.account_sid.clone(),
            account.auth_token.clone(),
        );
        client.post_timeout = config.post_timeout;
        Ok(Carrier {
            client: Client::new(client)?,
            auth_token: account.auth_token.clone(),
            simulator: None,
            clock: SystemClock::shared(),
        })
    }

    /// Every process on one database, and every start, plays the same account: a web process accepts what the
    /// simulator beside a worker has signed.
    async fn simulated(
        config: &Config,
        store: &Store,
        public_url: &Url,
        clock: SharedClock,
        past: Option<Past>,
    ) -> anyhow::Result<Carrier> {
        let own = SIMULATED_SENDERS.map(|(address, kind)| (SenderAddress::stored(address.to_owned()), kind));
        senders::ensure(store, &environment_senders(own)).await?;
        let key = installation::key(store).await?;
        let derived =
            |purpose: &str| hex(&Sha256::new_with_prefix(key).chain_update(purpose).finalize()[..16]);
        let settings = SimulatorConfig {
            account_sid: format!("AC{}", derived("simulated account")),
            auth_token: derived("simulated token"),
            inbound_url: Some(format!(
                "{}/webhooks/twilio/inbound",
                public_url.as_str().trim_end_matches('/')
            )),
            // Without approved content templates nobody could be written to first on WhatsApp.
            whatsapp_window: false,
            past,
            now: {
                let clock = clock.clone();
                Arc::new(move || clock.now())
            },
            ..SimulatorConfig::default()
        };
        let simulator = Simulator::start(settings).await.context("the simulator could not start")?;
        let auth_token = simulator.auth_token().clone();
        let base = simulator.base_url().clone();
        let mut client =
            ClientConfig::new(base.clone(), base, simulator.account_sid().clone(), auth_token.clone());
        client.post_timeout = config.post_timeout;
        Ok(Carrier { client: Client::new(client)?, auth_token, simulator: Some(Arc::new(simulator)), clock })
    }
}

fn environment_senders(addresses: impl IntoIterator<Item = (SenderAddress, SenderKind)>) -> Vec<Sender> {
    let sender = |(address, kind)| Sender {
        address,
        kind,
        segments_per_second: SEGMENTS_PER_SECOND,
        promotional: false,
        monthly_rent: None,
    };
    addresses.into_iter().map(sender).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The engine, not running yet.
pub fn scheduler(config: &Config, store: &Store, carrier: &Carrier, public_url: &Url) -> Scheduler {
    let engine = EngineConfig {
        timezone: config.timezone,
        brand: config.brand.clone(),
        post_timeout: config.post_timeout,
        unknown_lookups: config.unknown_lookups.clone(),
        ..EngineConfig::new(public_url.clone())
    };
    Scheduler::new(store.clone(), carrier.client.clone(), carrier.clock.clone(), engine)
}

/// What the web server works with.
pub fn app_state(
    config: &Config,
    store: &Store,
    carrier: &Carrier,
    scheduler: &Scheduler,
    public_url: &Url,
) -> AppState {
    AppState {
        store: store.clone(),
        commands: scheduler.commands(),
        clock: carrier.clock.clone(),
        config: Arc::new(WebConfig {
            public_url: public_url.clone(),
            brand: config.brand.clone(),
            timezone: config.timezone,
            simulated_people: carrier.simulator.clone().map(people_of),
            twilio_auth_token: carrier.auth_token.clone(),
            payment_webhooks: config.payment_webhooks.clone(),
        }),
    }
}

/// The simulator's people, as pages let a visitor play them.
fn people_of(simulator: Arc<Simulator>) -> SimulatedPeople {
    Arc::new(move |written: SimulatedText| {
        let simulator = simulator.clone();
        Box::pin(async move {
            let prefix = if written.channel == Channel::Whatsapp { "whatsapp:" } else { "" };
            let (from, to) = (format!("{prefix}{}", written.from), format!("{prefix}{}", written.to));
            simulator.inbound(&from, &to, &written.text).await.replies
        })
    })
}

/// Comes back when somebody asks the program to end: Ctrl-C, or SIGTERM.
pub async fn interrupted() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}
