//! Dakiya: plans, prices, paces and sends SMS and WhatsApp messages, and accounts for every rupee.
//!
//! This file is the list of commands; each one lives in `commands/<name>.rs`.

mod commands;
mod compose;
mod config;
mod output;
mod sample;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Plans, prices and paces SMS and WhatsApp messages, sends them through Twilio, and accounts for every rupee.
#[derive(Parser)]
#[command(name = "dakiya", version, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "Configuration comes from the environment and a .env file; .env.sample explains every variable.\n\
Exit codes: 0 done, 1 failed, 2 wrong usage.";

#[derive(Subcommand)]
enum Command {
    /// Run the web server and the scheduler
    Serve(commands::serve::Args),
    /// Try everything: fresh sample data, the simulator, a sign-in printed
    Demo(commands::demo::Args),
    /// Create or bring up to date the database
    Migrate,
    /// Send one test message and wait for Twilio's answer
    TestSms(commands::test_sms::Args),
    /// Say what a text would cost for the recipients in a CSV file; nothing is sent or stored
    Estimate(commands::estimate::Args),
    /// Import contacts, payments or opt-outs from a CSV file
    Import(commands::import::Args),
    /// Add people who sign in, list them, give them a new password
    User(commands::user::Args),
    /// Create, list and revoke API keys
    ApiKey(commands::api_key::Args),
    /// Read the account's past from Twilio's daily usage records
    Backfill(commands::backfill::Args),
    /// Run the local Twilio alone, for other people's tests
    Simulator(commands::simulator::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return output::fail(&anyhow::Error::new(error).context("the async runtime could not start"));
        }
    };
    match runtime.block_on(run(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error),
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Demo(args) => commands::demo::run(args).await,
        Command::Migrate => commands::migrate::run().await,
        Command::TestSms(args) => commands::test_sms::run(args).await,
        Command::Estimate(args) => commands::estimate::run(args).await,
        Command::Import(args) => commands::import::run(args).await,
        Command::User(args) => commands::user::run(args).await,
        Command::ApiKey(args) => commands::api_key::run(args).await,
        Command::Backfill(args) => commands::backfill::run(args).await,
        Command::Simulator(args) => commands::simulator::run(args).await,
    }
}
