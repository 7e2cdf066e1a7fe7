//! `dakiya user`: people who sign in.

use crate::{compose, output};
use anyhow::{Context, bail};
use clap::Subcommand;
use dakiya_core::user::Role;
use dakiya_store::audit::Actor;
use dakiya_store::{Store, users};
use dakiya_web::password;
use std::io::Read;

const ACTOR: Actor = Actor::System("command line");

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Add a person
    Add {
        /// Their e-mail address
        email: String,
        /// What they may do: owner, admin, finance, compliance or viewer
        #[arg(long)]
        role: Role,
        /// Read the password from standard input instead of making one up and printing it
        #[arg(long)]
        password_stdin: bool,
    },
    /// List everyone
    List,
    /// Give a person a new password and sign them out everywhere
    ResetPassword {
        /// Their e-mail address
        email: String,
        /// Read the password from standard input instead of making one up and printing it
        #[arg(long)]
        password_stdin: bool,
    },
}

/// Runs the command.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let store = compose::open_store().await?;
    match args.action {
        Action::Add { email, role, password_stdin } => add(&store, &email, role, password_stdin).await,
        Action::List => list(&store).await,
        Action::ResetPassword { email, password_stdin } => {
            reset_password(&store, &email, password_stdin).await
        }
    }
}

async fn add(store: &Store, email: &str, role: Role, password_stdin: bool) -> anyhow::Result<()> {
    let looks_right =
        email.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    if !looks_right || email.contains(char::is_whitespace) {
        bail!("\"{email}\" is not an e-mail address");
    }
    let chosen = Password::choose(password_stdin)?;
    let hash = password::hash(chosen.text().to_owned()).await?;
    let user = users::add(store, email, role, &hash, &ACTOR, compose::now()).await?;
    output::line(format!("Added {} as {role}.", user.email));
    chosen.show();
    Ok(())
}

async fn list(store: &Store) -> anyhow::Result<()> {
    for user in users::list(store).await? {
        let disabled = if user.active { "" } else { "  (may not sign in)" };
        output::line(format!("{:<12}{}{disabled}", user.role.as_str(), user.email));
    }
    Ok(())
}

async fn reset_password(store: &Store, email: &str, password_stdin: bool) -> anyhow::Result<()> {
    let user = users::get_by_email(store, email).await?;
    let user =
        user.with_context(|| format!("there is no user {email}; `dakiya user list` shows everyone"))?;
    let chosen = Password::choose(password_stdin)?;
    let hash = password::hash(chosen.text().to_owned()).await?;
    users::set_password(store, user.id, &hash, &ACTOR, compose::now()).await?;
    output::line(format!("{} has a new password and is signed out everywhere.", user.email));
    chosen.show();
    Ok(())
}

/// A password somebody gave, or one made up, which has to be shown once.
enum Password {
    Given(String),
    MadeUp(String),
}

impl Password {
    fn choose(from_stdin: bool) -> anyhow::Result<Self> {
        if !from_stdin {
            return Ok(Self::MadeUp(made_up_password()?));
        }
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .context("the password could not be read from standard input")?;
        Ok(Self::Given(text.trim_end_matches(['\r', '\n']).to_owned()))
    }

    fn text(&self) -> &str {
        match self {
            Self::Given(text) | Self::MadeUp(text) => text,
        }
    }

    fn show(&self) {
        if let Self::MadeUp(text) = self {
            output::line(format!("Password, shown only now: {text}"));
        }
    }
}

/// Twenty characters that are hard to confuse: 100 bits.
pub fn made_up_password() -> anyhow::Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0_u8; 20];
    getrandom::fill(&mut bytes).context("the system gave no random bytes")?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}
