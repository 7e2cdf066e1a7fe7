//! `dakiya simulator`: the local Twilio alone, for other people's tests.

use crate::{compose, output};
use anyhow::Context;
use dakiya_simulator::{Past, Simulator, SimulatorConfig};
use std::net::SocketAddr;

#[derive(clap::Args)]
pub struct Args {
    /// Where to listen; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:8002")]
    listen: SocketAddr,
    /// The account it plays: AC and 32 hexadecimal digits; made up if not given
    #[arg(long, env = "TWILIO_ACCOUNT_SID")]
    account_sid: Option<String>,
    /// The token requests must carry and webhooks are signed with; made up if not given
    #[arg(long, env = "TWILIO_AUTH_TOKEN", hide_env_values = true)]
    auth_token: Option<String>,
    /// Where messages that people send are posted, signed
    #[arg(long, value_name = "URL")]
    inbound_url: Option<String>,
    /// Gives the account usage records of so many months before today, all invented
    #[arg(long, value_name = "MONTHS", value_parser = clap::value_parser!(u32).range(1..=60))]
    past_months: Option<u32>,
}

/// Runs the command: until Ctrl-C.
pub async fn run(args: Args) -> anyhow::Result<()> {
    output::start_logging(&crate::config::log_filter());
    let mut config =
        SimulatorConfig { listen: args.listen, inbound_url: args.inbound_url, ..SimulatorConfig::default() };
    let past = Past::of_a_demo(compose::now().date_naive());
    config.past = args.past_months.map(|months| Past { months, ..past });
    if let Some(sid) = args.account_sid {
        config.account_sid = sid;
    }
    if let Some(token) = args.auth_token {
        config.auth_token = token;
    }
    let (sid, token) = (config.account_sid.clone(), config.auth_token.clone());
    let simulator = Simulator::start(config).await.context("the simulator could not start")?;
    output::line(format!("Simulator listening on {}", simulator.base_url()));
    output::line("Nothing real is behind these credentials:");
    output::line(format!("TWILIO_API_BASE_URL={}", simulator.base_url()));
    output::line(format!("TWILIO_PRICING_BASE_URL={}", simulator.base_url()));
    output::line(format!("TWILIO_ACCOUNT_SID={sid}"));
    output::line(format!("TWILIO_AUTH_TOKEN={token}"));
    compose::interrupted().await;
    simulator.shutdown().await;
    Ok(())
}
