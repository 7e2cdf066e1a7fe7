//! `dakiya migrate`: creates the database or brings it up to this program's version.

use crate::{compose, output};

/// Runs the command.
pub async fn run() -> anyhow::Result<()> {
    let store = compose::open_store().await?;
    output::line(format!("The {} database is up to date.", store.engine()));
    Ok(())
}
