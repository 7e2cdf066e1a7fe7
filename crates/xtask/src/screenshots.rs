//! `cargo xtask screenshots`: the browser journey, kept as pictures.

use crate::command::{cargo, command, run};
use crate::tools;

/// Runs the journey of the browser tests; it leaves its pictures in `tests/browser/shots`.
pub fn run_journey() -> anyhow::Result<()> {
    tools::ensure_browser()?;
    run(&mut command(&[&cargo(), "build", "--workspace", "--bins", "--locked"]))?;
    run(&mut command(&[&cargo(), "nextest", "run", "-p", "dakiya-tests", "--test", "browser", "journey"]))?;
    println!("The pictures are in tests/browser/shots.");
    Ok(())
}
