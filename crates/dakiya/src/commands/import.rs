//! `dakiya import`: people, payments and opt-outs from a CSV file.

use super::estimate::show_rejected;
use crate::{compose, output};
use anyhow::Context;
use clap::Subcommand;
use dakiya_core::money::group_indian;
use dakiya_core::phone::AllowedCountries;
use dakiya_store::audit::Actor;
use dakiya_store::imports::Imported as Stored;
use dakiya_store::{Store, contacts, opt_outs, payments, settings};
use dakiya_web::Imported;
use dakiya_web::imports::{self, Checked, Contacts, Kind, OptOuts, Payments};
use std::fs::File;
use std::path::PathBuf;

const ACTOR: Actor = Actor::System("command line");

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// People: phone, name, language, tags (split by ;), consent (yes, no or its day) and whatever else is known. Importing twice changes nothing
    Contacts(FileArgs),
    /// What customers owe: reference, phone, amount, due_on, pay_url, name, language, tags and whatever else a reminder
    /// says. What is paid or canceled stays so
    Payments(FileArgs),
    /// Numbers that must not be messaged: phone, scope (all or promotional) and reason
    OptOuts(FileArgs),
}

#[derive(clap::Args)]
struct FileArgs {
    /// The CSV file; its first line names the columns
    file: PathBuf,
    /// Print JSON, shaped as the API's answer, and nothing else
    #[arg(long)]
    json: bool,
}

/// Runs the command: the good rows are stored, the others listed.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let store = compose::open_store().await?;
    let allowed = settings::get(&store).await?.allowed_countries;
    match args.what {
        What::Contacts(file) => import_contacts(&store, &file, &allowed).await,
        What::Payments(file) => import_payments(&store, &file, &allowed).await,
        What::OptOuts(file) => import_opt_outs(&store, &file, &allowed).await,
    }
}

async fn import_contacts(store: &Store, args: &FileArgs, allowed: &AllowedCountries) -> anyhow::Result<()> {
    let (file, checked) = open::<Contacts>(args, allowed)?;
    let bar = output::progress(checked.good, "Storing");
    let rows = imports::good_rows::<Contacts>(&file, allowed)?.inspect(|_| bar.inc(1));
    let stored = contacts::import(store, rows, &ACTOR, compose::now()).await?;
    bar.finish_and_clear();
    answer(args, stored, checked)
}

async fn import_payments(store: &Store, args: &FileArgs, allowed: &AllowedCountries) -> anyhow::Result<()> {
    let (file, checked) = open::<Payments>(args, allowed)?;
    let (rows, duplicates) = imports::last_rows(&file, allowed)?;
    let bar = output::progress(checked.good.saturating_sub(duplicates), "Storing");
    let mut stored = payments::import(store, rows.inspect(|_| bar.inc(1)), &ACTOR, compose::now()).await?;
    bar.finish_and_clear();
    stored.duplicates += duplicates;
    answer(args, stored, checked)
}

async fn import_opt_outs(store: &Store, args: &FileArgs, allowed: &AllowedCountries) -> anyhow::Result<()> {
    let (file, checked) = open::<OptOuts>(args, allowed)?;
    let bar = output::progress(checked.good, "Storing");
    let rows = imports::good_rows::<OptOuts>(&file, allowed)?.inspect(|_| bar.inc(1));
    let stored = opt_outs::import(store, rows, &ACTOR, compose::now()).await?;
    bar.finish_and_clear();
    answer(args, stored, checked)
}

/// Reads the file through once: one that breaks in the middle leaves nothing behind.
fn open<K: Kind>(args: &FileArgs, allowed: &AllowedCountries) -> anyhow::Result<(File, Checked)> {
    let file =
        File::open(&args.file).with_context(|| format!("{} could not be opened", args.file.display()))?;
    let checked = imports::check::<K>(&file, allowed).context("nothing was imported")?;
    Ok((file, checked))
}

fn answer(args: &FileArgs, stored: Stored, checked: Checked) -> anyhow::Result<()> {
    let nothing = checked.good == 0 && checked.bad > 0;
    if args.json {
        output::json(&Imported::of(stored, checked))?;
        return if nothing { Err(anyhow::anyhow!("no row could be stored")) } else { Ok(()) };
    }
    let count = |number: u64| group_indian(&number.to_string());
    output::line(format!(
        "{} {} stored, {} {} in the file",
        count(stored.accepted),
        if stored.accepted == 1 { "row" } else { "rows" },
        count(stored.duplicates),
        if stored.duplicates == 1 { "was a duplicate" } else { "were duplicates" }
    ));
    show_rejected(&checked);
    if nothing {
        anyhow::bail!("no row could be stored; correct the rows above and import the file again");
    }
    Ok(())
}
