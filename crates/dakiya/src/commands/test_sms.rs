//! `dakiya test-sms`: one message, sent now.

use crate::config::{self, Config};
use crate::{compose, output};
use dakiya_core::message::Category;
use dakiya_scheduler::clock::SystemClock;
use dakiya_scheduler::{Content, EnqueueRequest};
use dakiya_store::ConnectOptions;

#[derive(clap::Args)]
pub struct Args {
    /// The number, in any common Indian spelling, or in international form
    phone: String,
    /// The text
    #[arg(long, default_value = "{{brand}}: this is a test message. Nothing to do.")]
    message: String,
}

/// Runs the command: waits for Twilio's answer.
pub async fn run(args: Args) -> anyhow::Result<()> {
    output::start_logging(&config::log_filter().replace("info", "warn"));
    let config = Config::from_environment()?;
    let store = compose::connect(&config.database_url, ConnectOptions { exclusive: false }).await?;
    let public_url = super::serve::public_url(&config, config.listen)?;
    let carrier = compose::Carrier::open(&config, &store, &public_url, SystemClock::shared()).await?;
    let scheduler = compose::scheduler(&config, &store, &carrier, &public_url);
    let request = EnqueueRequest {
        to: args.phone,
        content: Content::Body { text: args.message, category: Category::Transactional },
        channel: None,
        sender: None,
        send_at: None,
        expires_at: None,
        dedupe_key: None,
        key: None,
    };
    let sent = scheduler.commands().send_now(request).await?;
    let by = if carrier.simulator.is_some() { "the simulator" } else { "Twilio" };
    output::line(format!("Accepted by {by} as {}.", sent.sid));
    Ok(())
}
