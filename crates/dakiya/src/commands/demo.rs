//! `dakiya demo`: everything at once, with sample data and the simulator.

use super::serve;
use super::user::made_up_password;
use crate::config::{self, Config};
use crate::{compose, output, sample};
use anyhow::Context;
use dakiya_core::user::Role;
use dakiya_scheduler::BACKFILL_MONTHS;
use dakiya_scheduler::clock::{FastClock, SystemClock};
use dakiya_store::audit::Actor;
use dakiya_store::{ConnectOptions, users};
use dakiya_web::password;
use std::fs;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

const EMAIL: &str = "asha@example.in";
const DATABASE: &str = "demo.db";

#[derive(clap::Args)]
pub struct Args {
    /// Where the sample database is made anew
    #[arg(long, default_value = "dakiya-demo")]
    dir: PathBuf,
    /// How many times as fast its clock runs: 1440 lets a day pass in a minute
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    speed: u32,
}

/// Runs the command: until Ctrl-C.
pub async fn run(args: Args) -> anyhow::Result<()> {
    output::start_logging(&config::log_filter());
    // Never a real account, whatever the environment says.
    let config = Config { twilio: None, ..Config::from_environment()? };
    let listener = serve::listen(config.listen).await?;
    let address = listener.local_addr()?;
    let database = fresh_database(&args.dir)?;
    let url = format!("sqlite://{}", database.display());
    let store = compose::connect(&url, ConnectOptions { exclusive: true }).await?;
    let public_url = serve::public_url(&config, address)?;
    let clock = if args.speed > 1 { FastClock::shared(args.speed) } else { SystemClock::shared() };
    let carrier = compose::Carrier::of_a_demo(&config, &store, &public_url, clock).await?;
    let scheduler = compose::scheduler(&config, &store, &carrier, &public_url);
    let state = compose::app_state(&config, &store, &carrier, &scheduler, &public_url);

    sample::fill(&store).await.context("the sample data could not be written")?;
    sample::owe(&store, &state.commands).await.context("the sample payments could not be written")?;
    state
        .commands
        .backfill(BACKFILL_MONTHS, &Actor::System("demo"), &|_| {})
        .await
        .context("the simulator's usage records could not be read")?;
    let password = made_up_password()?;
    let hash = password::hash(password.clone()).await?;
    users::add(&store, EMAIL, Role::Owner, &hash, &Actor::System("demo"), compose::now()).await?;
    sample::send_first_campaign(&store, &state.commands)
        .await
        .context("the first campaign could not be approved")?;

    output::line(format!("Dakiya's demo is listening on http://{address}"));
    output::line(format!("  E-mail    {EMAIL}"));
    output::line(format!("  Password  {password}"));
    if let Some(simulator) = &carrier.simulator {
        output::line(format!("  Simulator {} (nothing leaves this machine)", simulator.base_url()));
    }
    if args.speed > 1 {
        output::line(format!("  Clock     {} times as fast as yours", args.speed));
    }
    output::line("Ctrl-C ends it; the next demo starts afresh.");

    let shutdown = CancellationToken::new();
    let web = dakiya_web::serve(listener, state, shutdown.clone());
    let engine = scheduler.run(shutdown.clone());
    let stop = async {
        compose::interrupted().await;
        shutdown.cancel();
    };
    let (web, engine, ()) = tokio::join!(web, engine, stop);
    web.context("the web server failed")?;
    engine.context("the scheduler failed")
}

/// Removes what an earlier demo left in the folder, and nothing else.
fn fresh_database(dir: &Path) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(dir).with_context(|| format!("the folder {} could not be made", dir.display()))?;
    for suffix in ["", "-wal", "-shm"] {
        let file = dir.join(format!("{DATABASE}{suffix}"));
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("{} could not be removed", file.display()));
            }
            _ => {}
        }
    }
    Ok(dir.join(DATABASE))
}
