//! Who asked not to be messaged: what is in force, and the append-only history of how we know.

mod import;
mod read;

pub use import::{OptOutRow, import};
pub(crate) use read::covering_in;
pub use read::{Entry, OptOut, OptOutFilter, count, covering, history, page, state};

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::Sql;
use crate::{PhoneKey, Store, StoreError, installation, secret, sending};
use dakiya_core::ids::OptOutEntryId;
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::ConnectionTrait;

/// What a person asked for, and how we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose number.
    pub phone: PhoneNumber,
    /// To be left alone, or to be messaged again.
    pub action: OptOutAction,
    /// All messages, or promotional ones. Opting in to all lifts every opt-out.
    pub scope: OptOutScope,
    /// How we learned of it.
    pub source: OptOutSource,
    /// What proves it: the person's words, a message's id, a file's name and line.
    pub evidence: String,
}

/// Records what a person asked for. Whether that changed anything; the history keeps it either way.
///
/// Messages already being posted are fenced by the caller (`Commands::opt_out` does).
pub async fn record(
    store: &Store,
    change: &Change,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    sending::after_takes(&*tx).await?;
    let changed = record_in(store, &*tx, change, actor, now).await?;
    tx.commit().await?;
    Ok(changed)
}

/// As [`record`], in a transaction of the caller's.
pub(crate) async fn record_in<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    change: &Change,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    append(store, tx, &[change], &actor.columns(), now).await?;
    let changed = match change.action {
        OptOutAction::OptOut => enforce(tx, change, now).await?,
        OptOutAction::OptIn => lift(store, tx, change).await?,
    };
    let action = match change.action {
        OptOutAction::OptOut => "opt_out.recorded",
        OptOutAction::OptIn => "opt_out.lifted",
    };
    let detail = format!("{}, by {}", change.scope, change.source);
    audit::record(store, tx, actor, now, action, change.phone.masked(), detail).await?;
    Ok(changed)
}

async fn append<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    changes: &[&Change],
    actor: &audit::Columns,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = changes.iter().map(|change| {
        let (actor_kind, actor_id, actor_name) = actor.clone();
        [
            Stored(store.new_id::<OptOutEntryId>(now)).into(),
            Stored(change.phone).into(),
            Stored(change.action).into(),
            Stored(change.scope).into(),
            Stored(change.source).into(),
            change.evidence.clone().into(),
            actor_kind.into(),
            actor_id.into(),
            actor_name.into(),
            to_micros(now).into(),
        ]
    });
    Sql::new(
        "INSERT INTO opt_out_entries (id, phone, action, scope, source, evidence, actor_kind, actor_id, actor_name, at) \
         VALUES ",
    )
    .rows(rows)
    .execute(tx)
    .await?;
    Ok(())
}

async fn enforce<C: ConnectionTrait>(tx: &C, change: &Change, now: Timestamp) -> Result<bool, StoreError> {
    let row = [
        Stored(change.phone).into(),
        Stored(change.scope).into(),
        to_micros(now).into(),
        Stored(change.source).into(),
    ];
    let inserted = Sql::new("INSERT INTO opt_outs (phone, scope, since, source) VALUES ")
        .rows([row])
        .text(" ON CONFLICT (phone, scope) DO NOTHING")
        .execute(tx)
        .await?;
    Ok(inserted > 0)
}

async fn lift<C: ConnectionTrait>(store: &Store, tx: &C, change: &Change) -> Result<bool, StoreError> {
    let erased = erased_key_in(store, tx, change.phone).await?;
    let query = Sql::new("DELETE FROM opt_outs WHERE phone IN ")
        .list([Stored(PhoneKey::Number(change.phone)), Stored(erased)]);
    let query = match change.scope {
        OptOutScope::All => query,
        OptOutScope::Promotional => query.text(" AND scope = ").bind(Stored(OptOutScope::Promotional)),
    };
    Ok(query.execute(tx).await? > 0)
}

/// The key under which a number's opt-outs stay after the person was erased.
pub(crate) async fn erased_key(store: &Store, phone: PhoneNumber) -> Result<PhoneKey, StoreError> {
    erased_key_in(store, store.read(), phone).await
}

async fn erased_key_in<C: ConnectionTrait>(
    store: &Store,
    db: &C,
    phone: PhoneNumber,
) -> Result<PhoneKey, StoreError> {
    let key = installation::key_in(store, db).await?;
    Ok(PhoneKey::Erased(secret::keyed_hash(&key, &phone.to_string())))
}
