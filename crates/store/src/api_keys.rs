//! Keys with which programs call the API: shown once, kept as hashes.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::api_keys;
use crate::sql::Sql;
use crate::{Store, StoreError, secret};
use dakiya_core::api_key::{KeyKind, KeyScope};
use dakiya_core::ids::ApiKeyId;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// A key, without the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// As people call it.
    pub name: String,
    /// Its first characters, to tell keys apart.
    pub prefix: String,
    /// What it may do.
    pub scope: KeyScope,
    /// Whom it can reach.
    pub kind: KeyKind,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to a few minutes.
    pub last_used_at: Option<Timestamp>,
    /// Since when it opens nothing.
    pub revoked_at: Option<Timestamp>,
}

impl From<api_keys::Model> for ApiKey {
    fn from(row: api_keys::Model) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            prefix: row.prefix,
            scope: row.scope.0,
            kind: row.kind.0,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

/// `last_used_at` is written at most this often.
const USED_EVERY: chrono::Duration = chrono::Duration::minutes(5);
const MOST_LISTED: u64 = 1_000;
const PREFIX_CHARACTERS: usize = 14;

/// Makes a key. The second value is the key itself, to be shown once.
pub async fn create(
    store: &Store,
    name: &str,
    scope: KeyScope,
    kind: KeyKind,
    actor: &Actor,
    now: Timestamp,
) -> Result<(ApiKey, String), StoreError> {
    let key = format!("dk_{kind}_{}", secret::token()?);
    let row = api_keys::Model {
        id: Stored(store.new_id(now)),
        name: name.to_owned(),
        prefix: key.chars().take(PREFIX_CHARACTERS).collect(),
        key_hash: secret::sha256(&key),
        scope: Stored(scope),
        kind: Stored(kind),
        created_at: to_micros(now),
        last_used_at: None,
        revoked_at: None,
    };
    let tx = store.write().await?;
    api_keys::Entity::insert(api_keys::ActiveModel::from(row.clone())).exec_without_returning(&*tx).await?;
    audit::record(store, &*tx, actor, now, "api_key.created", name, format!("{scope}, {kind}")).await?;
    tx.commit().await?;
    Ok((row.into(), key))
}

/// The key that a program shows, unless it is unknown or revoked.
pub async fn authenticate(store: &Store, key: &str, now: Timestamp) -> Result<Option<ApiKey>, StoreError> {
    let row = api_keys::Entity::find()
        .filter(api_keys::Column::KeyHash.eq(secret::sha256(key)))
        .filter(api_keys::Column::RevokedAt.is_null())
        .one(store.read())
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.last_used_at.is_none_or(|last| now - last > USED_EVERY) {
        let tx = store.write().await?;
        Sql::new("UPDATE api_keys SET last_used_at = ")
            .bind(to_micros(now))
            .text(" WHERE id = ")
            .bind(row.id)
            .execute(&*tx)
            .await?;
        tx.commit().await?;
    }
    Ok(Some(row.into()))
}

/// All keys, the newest first.
pub async fn list(store: &Store) -> Result<Vec<ApiKey>, StoreError> {
    let rows = api_keys::Entity::find()
        .order_by_desc(api_keys::Column::Id)
        .limit(MOST_LISTED)
        .all(store.read())
        .await?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

/// One key.
pub async fn get(store: &Store, id: ApiKeyId) -> Result<Option<ApiKey>, StoreError> {
    Ok(api_keys::Entity::find_by_id(Stored(id)).one(store.read()).await?.map(ApiKey::from))
}

/// Makes a key open nothing any more, from now on. Revoking it twice changes nothing.
pub async fn revoke(store: &Store, id: ApiKeyId, actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let row = api_keys::Entity::find_by_id(Stored(id)).one(&*tx).await?;
    let row = row.ok_or_else(|| StoreError::not_found("API key", id))?;
    if row.revoked_at.is_some() {
        return Ok(());
    }
    Sql::new("UPDATE api_keys SET revoked_at = ")
        .bind(to_micros(now))
        .text(" WHERE id = ")
        .bind(Stored(id))
        .execute(&*tx)
        .await?;
    audit::record(store, &*tx, actor, now, "api_key.revoked", row.name, "").await?;
    tx.commit().await
}
