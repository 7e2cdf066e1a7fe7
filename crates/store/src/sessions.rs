//! Signed-in browsers. The token is in the cookie alone; here is its hash.

use crate::column::Stored;
use crate::entities::{sessions, users};
use crate::sql::Sql;
use crate::users::User;
use crate::{Store, StoreError};
use dakiya_core::ids::UserId;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::EntityTrait;

/// A session to begin.
#[derive(Clone)]
pub struct NewSession {
    /// A hash of the cookie's random token.
    pub token_hash: String,
    /// Who signed in.
    pub user_id: UserId,
    /// Carried by every form of this session.
    pub csrf_token: String,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
}

/// A session that runs.
#[derive(Clone)]
pub struct Session {
    /// Who signed in.
    pub user: User,
    /// Carried by every form of this session.
    pub csrf_token: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
}

/// `last_seen_at` is written at most this often, so that reading pages does not write.
const SEEN_EVERY: chrono::Duration = chrono::Duration::minutes(5);

/// Begins a session.
pub async fn create(store: &Store, session: NewSession, now: Timestamp) -> Result<(), StoreError> {
    let row = sessions::Model {
        token_hash: session.token_hash,
        user_id: Stored(session.user_id),
        csrf_token: session.csrf_token,
        created_at: to_micros(now),
        last_seen_at: to_micros(now),
        expires_at: to_micros(session.expires_at),
    };
    let tx = store.write().await?;
    sessions::Entity::insert(sessions::ActiveModel::from(row)).exec_without_returning(&*tx).await?;
    tx.commit().await
}

/// The session of a token's hash, if it runs and the person may still sign in.
pub async fn find(store: &Store, token_hash: &str, now: Timestamp) -> Result<Option<Session>, StoreError> {
    let Some(row) = sessions::Entity::find_by_id(token_hash.to_owned()).one(store.read()).await? else {
        return Ok(None);
    };
    let user = users::Entity::find_by_id(row.user_id).one(store.read()).await?.map(User::from);
    let Some(user) = user.filter(|user| user.active && now < row.expires_at) else { return Ok(None) };
    if now - row.last_seen_at > SEEN_EVERY {
        let tx = store.write().await?;
        Sql::new("UPDATE sessions SET last_seen_at = ")
            .bind(to_micros(now))
            .text(" WHERE token_hash = ")
            .bind(token_hash)
            .execute(&*tx)
            .await?;
        tx.commit().await?;
    }
    Ok(Some(Session {
        user,
        csrf_token: row.csrf_token,
        created_at: row.created_at,
        expires_at: row.expires_at,
    }))
}

/// Ends a session.
pub async fn delete(store: &Store, token_hash: &str) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("DELETE FROM sessions WHERE token_hash = ").bind(token_hash).execute(&*tx).await?;
    tx.commit().await
}

/// Forgets sessions that have ended; how many.
pub async fn prune(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let tx = store.write().await?;
    let pruned =
        Sql::new("DELETE FROM sessions WHERE expires_at <= ").bind(to_micros(now)).execute(&*tx).await?;
    tx.commit().await?;
    Ok(pruned)
}
