//! Developer tasks: `cargo xtask test`, `cargo xtask bench`, `cargo xtask screenshots`.
#![allow(clippy::print_stdout, reason = "a developer tool speaks on the terminal")]

mod bench;
mod command;
mod postgres;
mod screenshots;
mod test;
mod tools;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Developer tasks of Dakiya.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check there is, in order, and stop at the first that fails.
    Test(test::Arguments),
    /// Measure the work that `docs/performance.md` sets targets for.
    Bench(bench::Arguments),
    /// Walk through the product in Chromium and keep a picture of every page.
    Screenshots,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Test(arguments) => test::run(&arguments),
        Task::Bench(arguments) => bench::run_benches(&arguments),
        Task::Screenshots => screenshots::run_journey(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
