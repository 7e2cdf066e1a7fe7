//! What can go wrong with the database, for the caller and for the person at the terminal.

use sea_orm::{DbErr, SqlErr};

/// Why the database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No such thing.
    #[error("there is no {what} \"{key}\"")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// What was asked for.
        key: String,
    },
    /// It exists already, or somebody changed it meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// Something stored does not make sense; a defect, or a database edited by hand.
    #[error("the database holds something Dakiya cannot read: {0}")]
    Inconsistent(String),
    /// The URL names no database that Dakiya can use.
    #[error(
        "DAKIYA_DATABASE_URL is not a database URL: {0}; write sqlite://path/to/file.db or postgres://user:password@host/name"
    )]
    Url(String),
    /// Nothing answers there, or it refuses us.
    #[error(
        "cannot open the database {url}: {cause}; check DAKIYA_DATABASE_URL, and that the server runs and the directory is writable"
    )]
    Unreachable {
        /// Where, without any password.
        url: String,
        /// What the driver says.
        cause: String,
    },
    /// Another process serves from this file.
    #[error("another dakiya is already serving from {0}; stop it first, or use PostgreSQL to run several")]
    AlreadyServing(String),
    /// A commit could be lost, and with it the knowledge that a message went out.
    #[error("the database would not keep what it commits: {setting} is {found}, Dakiya needs {needed}")]
    NotDurable {
        /// The setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// What it has to be.
        needed: &'static str,
    },
    /// A list was continued with something that it did not hand out.
    #[error("\"{0}\" is no cursor of this list; use `next_cursor` of the page before, unchanged")]
    Cursor(String),
    /// A text holds a NUL character, which PostgreSQL cannot keep. Whoever sent it has to leave it out.
    #[error("a text holds a NUL character (U+0000); leave it out")]
    NulCharacter,
    /// The schema is older than this program.
    #[error("the database has no such tables yet; run `dakiya migrate`")]
    NotMigrated,
    /// The program is ending, or a task of it failed; whether the change was made is not known.
    #[error("the change was interrupted; look whether it was made before asking again")]
    Interrupted,
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(DbErr),
}

impl StoreError {
    /// Nothing of that kind under this key.
    pub(crate) fn not_found(what: &'static str, key: impl ToString) -> Self {
        Self::NotFound { what, key: key.to_string() }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(which)) => {
                Self::Conflict(format!("it exists already ({which})"))
            }
            _ if is_missing_table(&error) => Self::NotMigrated,
            _ if error.to_string().contains("invalid byte sequence for encoding") => Self::NulCharacter,
            _ => match error {
                DbErr::Type(what) => Self::Inconsistent(what),
                other => Self::Database(other),
            },
        }
    }
}

fn is_missing_table(error: &DbErr) -> bool {
    let text = error.to_string();
    text.contains("no such table") || (text.contains("relation \"") && text.contains("does not exist"))
}
