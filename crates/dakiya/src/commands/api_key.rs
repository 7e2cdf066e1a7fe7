//! `dakiya api-key`: keys with which other programs call the API.

use crate::{compose, output};
use clap::Subcommand;
use dakiya_core::api_key::{KeyKind, KeyScope};
use dakiya_core::ids::ApiKeyId;
use dakiya_store::audit::Actor;
use dakiya_store::{Store, api_keys};
use serde_json::json;

const ACTOR: Actor = Actor::System("command line");

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a key; it is printed once and kept only as a hash
    Create {
        /// What it is for, as people will read it
        name: String,
        /// What it may do: read, send or admin
        #[arg(long, default_value = "send")]
        scope: KeyScope,
        /// Whom it can reach: live (anybody), team (the numbers under settings) or test (nobody)
        #[arg(long, default_value = "live")]
        kind: KeyKind,
        /// Print {"id", "name", "key"} and nothing else
        #[arg(long)]
        json: bool,
    },
    /// List all keys, without the keys themselves
    List,
    /// Make a key open nothing any more
    Revoke {
        /// The key's id, as `list` shows it
        id: ApiKeyId,
    },
}

/// Runs the command.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let store = compose::open_store().await?;
    match args.action {
        Action::Create { name, scope, kind, json } => create(&store, &name, scope, kind, json).await,
        Action::List => list(&store).await,
        Action::Revoke { id } => {
            api_keys::revoke(&store, id, &ACTOR, compose::now()).await?;
            output::line(format!("Revoked {id}."));
            Ok(())
        }
    }
}

async fn create(
    store: &Store,
    name: &str,
    scope: KeyScope,
    kind: KeyKind,
    as_json: bool,
) -> anyhow::Result<()> {
    if name.trim().is_empty() {
        anyhow::bail!("a key needs a name that says what it is for");
    }
    let (made, key) = api_keys::create(store, name.trim(), scope, kind, &ACTOR, compose::now()).await?;
    if as_json {
        return output::json(&json!({"id": made.id, "name": made.name, "key": key}));
    }
    output::line(format!("Made the {kind} key \"{}\" ({scope}), id {}.", made.name, made.id));
    output::line(format!("Key, shown only now: {key}"));
    Ok(())
}

async fn list(store: &Store) -> anyhow::Result<()> {
    for key in api_keys::list(store).await? {
        let state = if key.revoked_at.is_some() { "revoked" } else { "in use" };
        output::line(format!(
            "{}  {:<6}{:<6}{state:<9}{}…  {}",
            key.id,
            key.scope.as_str(),
            key.kind.as_str(),
            key.prefix,
            key.name
        ));
    }
    Ok(())
}
