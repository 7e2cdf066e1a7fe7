//! The tools that the tests need besides Rust. On Debian, and as root, missing ones are installed; elsewhere the
//! run stops and says what to install. Nothing is ever skipped for want of a tool.

use crate::command::{cargo, command, find, quietly, run};
use crate::postgres;
use anyhow::bail;

/// What the tests found on this machine.
pub struct Tools {
    /// A PostgreSQL in which the tests may make databases.
    pub postgres_url: String,
}

/// Makes sure of every tool.
pub fn ensure() -> anyhow::Result<Tools> {
    ensure_rust_component("fmt", "rustfmt")?;
    ensure_rust_component("clippy", "clippy")?;
    ensure_nextest()?;
    ensure_browser()?;
    Ok(Tools { postgres_url: ensure_postgres()? })
}

/// Makes sure of PostgreSQL and returns its address.
pub fn ensure_postgres() -> anyhow::Result<String> {
    if find(&["psql"]).is_none() {
        install("PostgreSQL", &["postgresql", "postgresql-client"])?;
    }
    postgres::ensure()
}

/// Makes sure of Chromium and the driver that clicks in it.
pub fn ensure_browser() -> anyhow::Result<()> {
    let browser = find(&["chromium", "chromium-browser", "google-chrome"]);
    if browser.is_none() || find(&["chromedriver"]).is_none() {
        install("Chromium and chromedriver", &["chromium", "chromium-driver"])?;
    }
    Ok(())
}

fn ensure_nextest() -> anyhow::Result<()> {
    if quietly(&[&cargo(), "nextest", "--version"]).is_ok() {
        return Ok(());
    }
    println!("cargo-nextest runs the tests and is missing; building it takes a few minutes.");
    run(&mut command(&[&cargo(), "install", "--locked", "cargo-nextest"]))
}

fn ensure_rust_component(subcommand: &str, component: &str) -> anyhow::Result<()> {
    if quietly(&[&cargo(), subcommand, "--version"]).is_ok() {
        return Ok(());
    }
    if find(&["rustup"]).is_none() {
        bail!("`cargo {subcommand}` is missing; install the Rust component {component} and run this again");
    }
    run(&mut command(&["rustup", "component", "add", component]))
}

fn install(what: &str, packages: &[&str]) -> anyhow::Result<()> {
    if !may_install() {
        bail!(
            "{what} is missing. Install it (Debian: apt-get install {}) and run this again; \
             as root on Debian this command does it by itself",
            packages.join(" ")
        );
    }
    println!("{what} is missing; installing it.");
    let apt = |words: &[&str]| {
        let mut apt = command(&["apt-get"]);
        apt.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        apt
    };
    run(&mut apt(&["update"]))?;
    run(apt(&["install", "--yes", "--no-install-recommends"]).args(packages))
}

/// Whether we are root on a Debian or one of its children.
pub fn may_install() -> bool {
    let root = quietly(&["id", "-u"]).is_ok_and(|id| id.trim() == "0");
    root && find(&["apt-get"]).is_some()
}
