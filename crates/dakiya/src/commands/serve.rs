//! `dakiya serve`: the web server, the scheduler, or both.

use crate::config::{self, Config};
use crate::{compose, output};
use anyhow::Context;
use dakiya_scheduler::clock::SystemClock;
use dakiya_store::{ConnectOptions, Store, StoreError, imports};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

/// Longer, and a STOP that comes in would not be heard.
const IMPORTS_WAITED_FOR: Duration = Duration::from_secs(20);

#[derive(clap::Args)]
pub struct Args {
    /// What this process does
    #[arg(long, value_enum, default_value_t = Role::All)]
    role: Role,
}

/// What a process does. Several workers may share one PostgreSQL database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Web server and scheduler
    All,
    /// The web server alone
    Web,
    /// The scheduler alone
    Worker,
}

/// Runs the command: until Ctrl-C or SIGTERM, then finishes what is being posted.
pub async fn run(args: Args) -> anyhow::Result<()> {
    output::start_logging(&config::log_filter());
    let config = Config::from_environment()?;
    // The port first: a second server on it must not touch the database.
    let listener = match args.role {
        Role::All | Role::Web => Some(listen(config.listen).await?),
        Role::Worker => None,
    };
    // Two processes that send from one SQLite file could both post a message.
    let exclusive = ConnectOptions { exclusive: true };
    let store = compose::connect(&config.database_url, exclusive).await?;
    let address = listener.as_ref().map_or(Ok(config.listen), TcpListener::local_addr)?;
    let public_url = public_url(&config, address)?;
    finish_imports(&store).await;
    let carrier = compose::Carrier::open(&config, &store, &public_url, SystemClock::shared()).await?;
    let scheduler = compose::scheduler(&config, &store, &carrier, &public_url);
    let state = compose::app_state(&config, &store, &carrier, &scheduler, &public_url);

    announce(args.role, address, &carrier);
    let shutdown = CancellationToken::new();
    let web = async {
        match listener {
            Some(listener) => {
                dakiya_web::serve(listener, state, shutdown.clone()).await.context("the web server failed")
            }
            None => Ok(()),
        }
    };
    let engine = async {
        match args.role {
            Role::All | Role::Worker => scheduler.run(shutdown.clone()).await.context("the scheduler failed"),
            Role::Web => Ok(()),
        }
    };
    let stop = async {
        compose::interrupted().await;
        output::line("Stopping: finishing what is being posted.");
        shutdown.cancel();
    };
    tokio::pin!(stop);
    let both = async {
        tokio::try_join!(stop_all_when_one_fails(web, &shutdown), stop_all_when_one_fails(engine, &shutdown))
    };
    tokio::pin!(both);
    let result = tokio::select! {
        result = &mut both => result,
        () = &mut stop => both.await,
    };
    result.map(|_| ())
}

/// Files that a crash cut off: whoever asks from now on sees all of them. Of one too large to wait for, the engine
/// stores the rest.
async fn finish_imports(store: &Store) {
    let all = async {
        for file in imports::waiting(store).await? {
            imports::resume(store, file.id).await?;
        }
        Ok::<(), StoreError>(())
    };
    if let Ok(Err(error)) = tokio::time::timeout(IMPORTS_WAITED_FOR, all).await {
        tracing::error!(%error, "an import that was cut off could not be finished yet; it is tried again");
    }
}

async fn stop_all_when_one_fails<F>(part: F, shutdown: &CancellationToken) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let result = part.await;
    if result.is_err() {
        shutdown.cancel();
    }
    result
}

/// Takes the address to listen on.
pub async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}; is another program using it? Set DAKIYA_LISTEN to another address"
        )
    })
}

/// Where Twilio and people reach us.
pub fn public_url(config: &Config, listening: SocketAddr) -> anyhow::Result<Url> {
    let text = config.public_url_for(listening);
    Url::parse(&text).with_context(|| format!("\"{text}\" is not a URL; set DAKIYA_PUBLIC_URL"))
}

fn announce(role: Role, address: SocketAddr, carrier: &compose::Carrier) {
    match role {
        Role::All => output::line(format!("Dakiya is listening on http://{address}")),
        Role::Web => {
            output::line(format!("Dakiya is listening on http://{address}; nothing is sent by this process"))
        }
        Role::Worker => output::line("Dakiya's worker is running"),
    }
    if let Some(simulator) = &carrier.simulator {
        output::line(format!(
            "No Twilio account is set up: messages go to the simulator at {}",
            simulator.base_url()
        ));
    }
}
