//! Requests that say who they are, so that asking twice does once.

use crate::entities::idempotency_keys;
use crate::sql::Sql;
use crate::{Store, StoreError};
use chrono::Duration;
use dakiya_core::ids::ApiKeyId;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::EntityTrait;

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begin {
    /// Nothing: do it, then [`finish`] or [`abandon`].
    Fresh,
    /// It was answered: give the same answer.
    Replay {
        /// The HTTP status of the answer.
        status: u16,
        /// Its body.
        body: String,
    },
    /// The key belongs to another request.
    Reused,
    /// It is being answered this moment.
    InFlight,
}

/// How long an answer is remembered.
const REMEMBERED: Duration = Duration::hours(24);
/// A request without an answer for this long was cut off by a crash, and may be done again. What it wrote has unique
/// keys of its own.
const CUT_OFF_AFTER: Duration = Duration::minutes(2);

/// Begins a request of `owner` under `key`. `request_hash` tells whether two requests are the same.
pub async fn begin(
    store: &Store,
    owner: ApiKeyId,
    key: &str,
    request_hash: [u8; 32],
    now: Timestamp,
) -> Result<Begin, StoreError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    // One statement takes the key when it is new, expired, or held by a request that was cut off.
    let taken = Sql::new("INSERT INTO idempotency_keys (owner, key, request_hash, created_at, expires_at) VALUES (")
        .bind(owner.to_string())
        .text(", ")
        .bind(key)
        .text(", ")
        .bind(request_hash.to_vec())
        .text(", ")
        .bind(now)
        .text(", ")
        .bind(now + REMEMBERED)
        .text(
            ") ON CONFLICT (owner, key) DO UPDATE SET request_hash = excluded.request_hash, status = NULL, body = NULL, \
             created_at = excluded.created_at, expires_at = excluded.expires_at WHERE idempotency_keys.expires_at <= ",
        )
        .bind(now)
        .text(
            " OR (idempotency_keys.status IS NULL AND idempotency_keys.request_hash = excluded.request_hash \
             AND idempotency_keys.created_at <= ",
        )
        .bind(now - CUT_OFF_AFTER)
        .text(")")
        .execute(&*tx)
        .await?;
    let begun = if taken > 0 {
        Begin::Fresh
    } else {
        let id = (owner.to_string(), key.to_owned());
        match idempotency_keys::Entity::find_by_id(id).one(&*tx).await? {
            Some(row) => known(row, &request_hash),
            None => Begin::InFlight,
        }
    };
    tx.commit().await?;
    Ok(begun)
}

fn known(row: idempotency_keys::Model, request_hash: &[u8]) -> Begin {
    if row.request_hash != request_hash {
        return Begin::Reused;
    }
    match row.status.and_then(|status| u16::try_from(status).ok()) {
        Some(status) => Begin::Replay { status, body: row.body.unwrap_or_default() },
        None => Begin::InFlight,
    }
}

/// Remembers the answer.
pub async fn finish(
    store: &Store,
    owner: ApiKeyId,
    key: &str,
    status: u16,
    body: &str,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("UPDATE idempotency_keys SET status = ")
        .bind(i32::from(status))
        .text(", body = ")
        .bind(body)
        .text(" WHERE owner = ")
        .bind(owner.to_string())
        .text(" AND key = ")
        .bind(key)
        .execute(&*tx)
        .await?;
    tx.commit().await
}

/// Forgets a request that did nothing, so that it may be tried again.
pub async fn abandon(store: &Store, owner: ApiKeyId, key: &str) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("DELETE FROM idempotency_keys WHERE status IS NULL AND owner = ")
        .bind(owner.to_string())
        .text(" AND key = ")
        .bind(key)
        .execute(&*tx)
        .await?;
    tx.commit().await
}

/// Forgets answers that are no longer remembered; how many.
pub async fn prune(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let tx = store.write().await?;
    let query = Sql::new("DELETE FROM idempotency_keys WHERE expires_at <= ").bind(to_micros(now));
    let pruned = query.execute(&*tx).await?;
    tx.commit().await?;
    Ok(pruned)
}
