//! The audit log: who changed what, appended in the transaction of the change and never edited.

use crate::column::Stored;
use crate::entities::audit_log;
use crate::sql::{Row, Sql};
use crate::{Cursor, Page, Store, StoreError};
use dakiya_core::ids::{ApiKeyId, AuditId, Id, UserId};
use dakiya_core::time::{Timestamp, to_micros};
use dakiya_core::worded_enum;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait};
use uuid::Uuid;

worded_enum! {
    /// What kind of actor it was.
    ActorKind {
        /// A person who signed in.
        User = "user",
        /// A program with a key.
        ApiKey = "api_key",
        /// Dakiya itself.
        System = "system",
    }
}

/// How an actor lies in columns: kind, id, name.
pub(crate) type Columns = (Stored<ActorKind>, Option<Uuid>, Option<String>);

/// Who changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person who signed in.
    User(UserId),
    /// A program with a key.
    ApiKey(ApiKeyId),
    /// A part of Dakiya, by its name.
    System(&'static str),
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// What kind of actor.
    pub actor_kind: ActorKind,
    /// Who, as people know them: an e-mail address, a key's name, or a part of Dakiya.
    pub actor: String,
    /// What was done, such as `contact.erased`.
    pub action: String,
    /// To what. Numbers are masked.
    pub subject: String,
    /// What else there is to say.
    pub detail: String,
}

impl Actor {
    /// How it lies in columns.
    pub(crate) fn columns(&self) -> Columns {
        match self {
            Actor::User(id) => (Stored(ActorKind::User), Some(id.uuid()), None),
            Actor::ApiKey(id) => (Stored(ActorKind::ApiKey), Some(id.uuid()), None),
            Actor::System(name) => (Stored(ActorKind::System), None, Some((*name).to_owned())),
        }
    }
}

/// Appends a line. `subject` and `detail` name no person's number and no secret.
pub(crate) async fn record<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    actor: &Actor,
    now: Timestamp,
    action: &str,
    subject: impl Into<String>,
    detail: impl Into<String>,
) -> Result<(), StoreError> {
    let (actor_kind, actor_id, actor_name) = actor.columns();
    let line = audit_log::ActiveModel {
        id: Set(Stored(store.new_id::<AuditId>(now))),
        at: Set(to_micros(now)),
        actor_kind: Set(actor_kind),
        actor_id: Set(actor_id),
        actor_name: Set(actor_name),
        action: Set(action.to_owned()),
        subject: Set(subject.into()),
        detail: Set(detail.into()),
    };
    audit_log::Entity::insert(line).exec_without_returning(tx).await?;
    Ok(())
}

/// What people call an actor: an e-mail address, a key's name, or a part of Dakiya.
pub(crate) async fn name_of<C: ConnectionTrait>(db: &C, actor: &Actor) -> Result<String, StoreError> {
    let (query, id) = match actor {
        Actor::System(name) => return Ok((*name).to_owned()),
        Actor::User(id) => ("SELECT email AS name FROM users WHERE id = ", id.uuid()),
        Actor::ApiKey(id) => ("SELECT name FROM api_keys WHERE id = ", id.uuid()),
    };
    match Sql::new(query).bind(id).one(db).await? {
        Some(row) => Ok(row.try_get("", "name")?),
        None => Ok(id.to_string()),
    }
}

/// The SQL that names an actor of a table that has the three columns of [`Actor::columns`].
pub(crate) const ACTOR_NAME: &str = "COALESCE(actor_name, \
     (SELECT email FROM users WHERE users.id = actor_id), \
     (SELECT name FROM api_keys WHERE api_keys.id = actor_id), '')";

/// The log, newest first.
pub async fn page(
    store: &Store,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<AuditEntry>, StoreError> {
    let mut query = Sql::new("SELECT id, at, actor_kind, action, subject, detail, ")
        .text(ACTOR_NAME)
        .text(" AS actor FROM audit_log");
    if let Some(cursor) = cursor {
        query = query.text(" WHERE id < ").bind(cursor.part::<Uuid>()?);
    }
    let rows = query.text(" ORDER BY id DESC LIMIT ").bind(limit + 1).all(store.read()).await?;
    let entries = rows.iter().map(|row| {
        Ok(AuditEntry {
            id: row.read("id")?,
            at: row.try_get("", "at")?,
            actor_kind: row.read("actor_kind")?,
            actor: row.try_get("", "actor")?,
            action: row.try_get("", "action")?,
            subject: row.try_get("", "subject")?,
            detail: row.try_get("", "detail")?,
        })
    });
    let entries = entries.collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Page::cut(entries, limit, |entry| Cursor::of([&entry.id.to_string()])))
}
