//! `cargo xtask test`: every check, in order, stopping at the first that fails.

use crate::command::{self, cargo, command};
use crate::postgres::URL_VARIABLE;
use crate::tools::{self, Tools};
use clap::ValueEnum;
use std::process::Command;
use std::time::Instant;

/// What to run.
#[derive(clap::Args)]
pub struct Arguments {
    /// Run this step alone.
    #[arg(long, value_name = "NAME")]
    only: Option<Only>,
}

/// The steps of a whole run, and the parts of its last one.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    /// Formatting.
    Fmt,
    /// Lints, warnings denied.
    Clippy,
    /// Examples in documentation.
    Docs,
    /// Every test below, in one run.
    Tests,
    /// Tests beside the code, the store's on SQLite and on PostgreSQL.
    Crates,
    /// The rules of the house.
    Tidy,
    /// One user story after the other, over HTTP.
    Stories,
    /// The binary, killed at every step.
    Faults,
    /// Chromium.
    Browser,
}

/// A whole run. The tests come last, so that their summary ends the output.
const EVERYTHING: &[Only] = &[Only::Fmt, Only::Clippy, Only::Docs, Only::Tests];

/// Runs the steps asked for.
fn run_steps(steps: &[Only], tools: &Tools) -> anyhow::Result<()> {
    for step in steps {
        heading(step.title());
        let started = Instant::now();
        for mut command in step.commands() {
            command::run(command.env(URL_VARIABLE, &tools.postgres_url))?;
        }
        println!("{}: {} s", step.title(), started.elapsed().as_secs());
    }
    Ok(())
}

/// Makes sure of the tools, then runs everything or the one step asked for.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    heading("Tools");
    let tools = tools::ensure()?;
    println!("PostgreSQL, Chromium, chromedriver and cargo-nextest are here.");
    match arguments.only {
        Some(step) => run_steps(&[step], &tools),
        None => run_steps(EVERYTHING, &tools),
    }
}

impl Only {
    fn title(self) -> &'static str {
        match self {
            Only::Fmt => "Formatting",
            Only::Clippy => "Lints",
            Only::Docs => "Examples in documentation",
            Only::Tests => "Tests: crates, tidy, stories, faults, browser",
            Only::Crates => "Tests of the crates, on SQLite and PostgreSQL",
            Only::Tidy => "Rules of the house",
            Only::Stories => "Stories",
            Only::Faults => "Faults",
            Only::Browser => "Browser",
        }
    }

    fn commands(self) -> Vec<Command> {
        let build = || cargo_command("build --workspace --bins --locked");
        let nextest = |filter: &str| cargo_command(&format!("nextest run --locked --no-fail-fast {filter}"));
        match self {
            Only::Fmt => vec![cargo_command("fmt --all --check")],
            Only::Clippy => {
                vec![cargo_command("clippy --workspace --all-targets --locked -- --deny warnings")]
            }
            Only::Docs => vec![cargo_command("test --workspace --doc --locked --quiet")],
            Only::Tests => vec![build(), nextest("--workspace")],
            Only::Crates => vec![nextest("--workspace --exclude dakiya-tests")],
            Only::Tidy => vec![nextest("-p dakiya-tests --test tidy")],
            Only::Stories => vec![build(), nextest("-p dakiya-tests --test stories")],
            Only::Faults => vec![build(), nextest("-p dakiya-tests --test faults")],
            Only::Browser => vec![build(), nextest("-p dakiya-tests --test browser")],
        }
    }
}

fn cargo_command(words: &str) -> Command {
    let mut command = command(&[&cargo()]);
    command.args(words.split_whitespace());
    command
}

fn heading(title: &str) {
    println!("\n== {title} ==");
}
