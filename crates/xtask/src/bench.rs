//! `cargo xtask bench`: the figures of `docs/performance.md`, measured on this machine.

use crate::command::{cargo, command, run};
use crate::postgres::URL_VARIABLE;
use crate::tools;

/// What to measure.
#[derive(clap::Args)]
pub struct Arguments {
    /// One piece of work; all of them when left out.
    name: Option<String>,
    /// Print one JSON object per piece of work and nothing else.
    #[arg(long)]
    json: bool,
}

/// Builds the binary and the measurements in release mode, then runs them.
pub fn run_benches(arguments: &Arguments) -> anyhow::Result<()> {
    let postgres_url = tools::ensure_postgres()?;
    let mut build = command(&[&cargo(), "build", "--release", "--quiet", "--locked", "--package", "dakiya"]);
    let mut bench = command(&[
        &cargo(),
        "bench",
        "--quiet",
        "--locked",
        "--package",
        "dakiya-tests",
        "--bench",
        "figures",
        "--",
    ]);
    bench.args(&arguments.name).env(URL_VARIABLE, postgres_url);
    if arguments.json {
        bench.arg("--json");
        silent(&mut build)?;
        return silent(&mut bench);
    }
    run(&mut build)?;
    run(&mut bench)
}

/// Runs a command without printing it, so that standard output carries its figures alone.
fn silent(command: &mut std::process::Command) -> anyhow::Result<()> {
    let status = command.status()?;
    anyhow::ensure!(status.success(), "the measurement failed ({status})");
    Ok(())
}
