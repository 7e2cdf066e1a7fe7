//! `dakiya backfill`: an account's past, from Twilio's daily usage records.

use crate::config::{self, Config};
use crate::{compose, output};
use anyhow::Context;
use dakiya_core::money::group_indian;
use dakiya_scheduler::clock::SystemClock;
use dakiya_scheduler::{BACKFILL_MONTHS, BackfillProgress, Backfilled, MOST_BACKFILL_MONTHS};
use dakiya_store::ConnectOptions;
use dakiya_store::audit::Actor;
use serde_json::json;
use std::io::IsTerminal;

const ACTOR: Actor = Actor::System("command line");

#[derive(clap::Args)]
pub struct Args {
    /// How many months before this one are read, and this month so far
    #[arg(long, default_value_t = BACKFILL_MONTHS, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_BACKFILL_MONTHS)))]
    months: u32,
    /// Print JSON, shaped as the API's answer, and nothing else
    #[arg(long)]
    json: bool,
}

/// Runs the command, also beside a server. Repeating it changes nothing.
pub async fn run(args: Args) -> anyhow::Result<()> {
    output::start_logging(&config::log_filter().replace("info", "warn"));
    let config = Config::from_environment()?;
    let store = compose::connect(&config.database_url, ConnectOptions { exclusive: false }).await?;
    let public_url = super::serve::public_url(&config, config.listen)?;
    let carrier = compose::Carrier::open(&config, &store, &public_url, SystemClock::shared()).await?;
    let commands = compose::scheduler(&config, &store, &carrier, &public_url).commands();
    let bar = output::progress(u64::from(args.months) + 1, "Reading");
    let plain = !args.json && !std::io::stderr().is_terminal();
    let progress = |step: BackfillProgress| {
        bar.inc(1);
        if plain {
            output::line(format!(
                "{}: {} days read ({} of {} months)",
                step.month, step.days, step.done, step.of
            ));
        }
    };
    let read = match &carrier.simulator {
        // This process's own simulator has seen no message of the server's.
        Some(_) => commands.backfill_before_our_messages(args.months, &ACTOR, &progress).await,
        None => commands.backfill(args.months, &ACTOR, &progress).await.map(Some),
    };
    bar.finish_and_clear();
    let read = read.context(
        "the account's past was not read to its end; what was read stays, and repeating the command is safe",
    )?;
    match read {
        Some(read) if args.json => output::json(&answer(&read, args.months)),
        Some(read) => {
            said(&read);
            Ok(())
        }
        None if args.json => output::json(&json!({"months": args.months, "days_read": 0})),
        None => {
            output::line("Nothing to read: every day has messages of our own.");
            Ok(())
        }
    }
}

fn answer(read: &Backfilled, months: u32) -> serde_json::Value {
    json!({
        "months": months,
        "first_day": read.first,
        "last_day": read.last,
        "days_read": read.filed.days,
        "days_filed": read.filed.filed,
        "days_unreadable": read.filed.unreadable,
    })
}

fn said(read: &Backfilled) {
    let count = |number: u64| group_indian(&number.to_string());
    output::line(format!("{} days read, {} to {} (UTC)", count(read.filed.days), read.first, read.last));
    output::line(format!(
        "{} of them are before the first message of our own and count as Twilio's totals",
        count(read.filed.filed)
    ));
    if read.filed.unreadable > 0 {
        output::line(format!(
            "{} days are in a currency that cannot be converted and are not counted",
            count(read.filed.unreadable)
        ));
    }
}
