//! Finding a PostgreSQL for the tests, and starting an installed one that is stopped.

use crate::command::{command, quietly, run};
use crate::tools::may_install;
use anyhow::bail;

/// The variable that says where the tests' PostgreSQL is.
pub const URL_VARIABLE: &str = "DAKIYA_TEST_POSTGRES_URL";

/// Tried when the variable is not set: a local server that trusts local connections.
const TRUSTING_URL: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// Tried next: the role that this command makes where passwords are asked for.
const OWN_ROLE_URL: &str = "postgres://dakiya:dakiya@127.0.0.1:5432/postgres";

/// The address of a PostgreSQL that answers and lets us make databases.
pub fn ensure() -> anyhow::Result<String> {
    if let Ok(url) = std::env::var(URL_VARIABLE) {
        return match can_make_databases(&url) {
            Ok(()) => Ok(url),
            Err(reason) => bail!("PostgreSQL at {URL_VARIABLE} cannot be used: {reason}"),
        };
    }
    if let Some(url) = local() {
        return Ok(url);
    }
    start_stopped_clusters()?;
    if let Some(url) = local() {
        return Ok(url);
    }
    if may_install() && make_own_role().is_ok() && can_make_databases(OWN_ROLE_URL).is_ok() {
        return Ok(OWN_ROLE_URL.to_owned());
    }
    let reason = can_make_databases(TRUSTING_URL).err().unwrap_or_default();
    bail!(
        "no PostgreSQL for the tests: {reason}. Start one, or set {URL_VARIABLE} to one whose role may create \
         databases, for example {OWN_ROLE_URL}"
    )
}

fn local() -> Option<String> {
    let urls = [TRUSTING_URL, OWN_ROLE_URL];
    urls.into_iter().find(|url| can_make_databases(url).is_ok()).map(str::to_owned)
}

/// Connects and asks whether the role may create databases, which every test on PostgreSQL does.
fn can_make_databases(url: &str) -> Result<(), String> {
    let question = "select rolsuper or rolcreatedb from pg_roles where rolname = current_user";
    let answer =
        quietly(&["psql", "--no-password", "--no-psqlrc", "--tuples-only", "--command", question, url])?;
    match answer.trim() {
        "t" => Ok(()),
        _ => Err("its role may not create databases (alter role … createdb)".to_owned()),
    }
}

/// Debian keeps its servers as "clusters": version, name, port, status.
fn start_stopped_clusters() -> anyhow::Result<()> {
    let clusters = quietly(&["pg_lsclusters", "--no-header"]).unwrap_or_default();
    for line in clusters.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [version, name, _port, "down", ..] = words[..] {
            println!("PostgreSQL {version} is stopped; starting it.");
            run(&mut command(&["pg_ctlcluster", version, name, "start"]))?;
        }
    }
    Ok(())
}

fn make_own_role() -> Result<String, String> {
    let statement = "create role dakiya login createdb password 'dakiya'";
    quietly(&["runuser", "-u", "postgres", "--", "psql", "--no-psqlrc", "--command", statement])
}
