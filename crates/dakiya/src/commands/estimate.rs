//! `dakiya estimate`: what a text would cost for the people in a file. Nothing is sent or stored.

use crate::config::Config;
use crate::{compose, output};
use anyhow::Context;
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::group_indian;
use dakiya_scheduler::clock::SystemClock;
use dakiya_scheduler::{ListQuote, ListRecipient, Quoted, QuotedText};
use dakiya_store::{ConnectOptions, Store, settings};
use dakiya_web::imports::{self, Checked, Recipients};
use dakiya_web::{Estimate, RejectedRow};
use serde::Serialize;
use std::fs::File;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    text: Text,
    /// The people: a column phone (or to), the others are placeholders
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// How it travels: sms or whatsapp
    #[arg(long, default_value = "sms")]
    channel: Channel,
    /// Print JSON, shaped as the API's estimates, and nothing else
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Text {
    /// The key of a stored template
    #[arg(long, value_name = "KEY")]
    template: Option<String>,
    /// A text of its own, with {{placeholders}}
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,
}

impl Text {
    fn quoted(self) -> QuotedText {
        match (self.template, self.body) {
            (Some(key), _) => QuotedText::Template(key),
            (None, text) => QuotedText::Body { text: text.unwrap_or_default(), category: Category::Service },
        }
    }
}

/// The API's estimate, and the rows it could not count.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    estimate: Estimate,
    rejected: Vec<RejectedRow>,
    rejected_count: u64,
}

/// Runs the command.
pub async fn run(args: Args) -> anyhow::Result<()> {
    output::start_logging("warn");
    let config = Config::from_environment()?;
    let store = open_for_reading(&config).await?;
    let allowed = settings::get(&store).await?.allowed_countries;
    let file =
        File::open(&args.csv).with_context(|| format!("{} could not be opened", args.csv.display()))?;
    let checked = imports::check::<Recipients>(&file, &allowed)?;
    let bar = output::progress(checked.good, "Counting");
    let rows = imports::good_rows::<Recipients>(&file, &allowed)?
        .inspect(|_| bar.inc(1))
        .map(|row| ListRecipient { phone: row.phone, language: row.language, variables: row.variables });
    let public_url = super::serve::public_url(&config, config.listen)?;
    let carrier = compose::Carrier::open(&config, &store, &public_url, SystemClock::shared()).await?;
    let commands = compose::scheduler(&config, &store, &carrier, &public_url).commands();
    let request = ListQuote {
        text: args.text.quoted(),
        channel: args.channel,
        sender: None,
        send_at: None,
        segments_per_second: None,
    };
    let quoted = commands.quote_list(request, rows).await?;
    bar.finish_and_clear();
    if args.json {
        return output::json(&answer(quoted, checked));
    }
    show(&quoted, &checked, args.channel);
    Ok(())
}

/// The configured database if it is there; otherwise one that lasts as long as the command, with the starter
/// templates and default settings. An estimate leaves no file behind.
async fn open_for_reading(config: &Config) -> anyhow::Result<Store> {
    let file = config.database_url.strip_prefix("sqlite:").map(|path| path.trim_start_matches("//"));
    let missing = file.is_some_and(|path| !Path::new(path.split('?').next().unwrap_or(path)).exists());
    let url = if missing { "sqlite::memory:" } else { &config.database_url };
    compose::connect(url, ConnectOptions { exclusive: false }).await
}

fn answer(quoted: Quoted, checked: Checked) -> Answer {
    Answer {
        estimate: quoted.into(),
        rejected: checked.told.into_iter().map(RejectedRow::from).collect(),
        rejected_count: checked.bad,
    }
}

fn show(quoted: &Quoted, checked: &Checked, channel: Channel) {
    let estimate = &quoted.estimate;
    let count = |number: u64| group_indian(&number.to_string());
    output::line(format!(
        "{} recipients, {} of them can be sent to",
        count(estimate.recipients),
        count(estimate.sendable)
    ));
    for (reason, number) in &estimate.suppressed {
        output::line(format!("  {} not sent: {reason}", count(*number)));
    }
    if channel == Channel::Sms {
        output::line(format!("{} segments in all", count(estimate.segments)));
        for (segments, people) in &estimate.histogram {
            output::line(format!("  {} people get {segments}", count(*people)));
        }
    }
    output::line(format!(
        "Expected {}, between {} and {} (before tax)",
        estimate.cost.expected.with_sign(),
        estimate.cost.low.with_sign(),
        estimate.cost.high.with_sign()
    ));
    output::line(format!("GST on the expected cost {}", estimate.gst.with_sign()));
    output::line(format!("Priced with the rate card \"{}\"", quoted.rate_card));
    for saving in &quoted.savings {
        output::line(format!("Save {}: {}", saving.amount.with_sign(), saving.advice));
    }
    show_rejected(checked);
}

/// The first rows that cannot be used, and how many there are.
pub fn show_rejected(checked: &Checked) {
    const SHOWN: usize = 20;
    if checked.bad == 0 {
        return;
    }
    output::line(format!("{} rows cannot be used:", group_indian(&checked.bad.to_string())));
    for row in checked.told.iter().take(SHOWN) {
        let column = row.column.as_deref().unwrap_or("row");
        output::line(format!("  line {}, {column} \"{}\": {}", row.line, row.value, row.message));
    }
    if checked.bad > SHOWN as u64 {
        output::line("  … the others are in the output of --json");
    }
}
