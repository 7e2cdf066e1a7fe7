//! Failed sign-ins: each e-mail address, and each network address, has to wait longer and longer.
//!
//! Kept in the database, so that neither a restart nor a second node helps who guesses.

use crate::entities::login_attempts;
use crate::sql::Sql;
use crate::{Store, StoreError};
use chrono::Duration;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::EntityTrait;

/// Failures that cost nothing: people mistype.
const FREE_FAILURES: i32 = 5;
/// The first wait; it doubles with each further failure.
const FIRST_WAIT: Duration = Duration::seconds(30);
const LONGEST_WAIT: Duration = Duration::hours(1);
/// After this long without a failure, all is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::hours(24);

/// Until when this e-mail or network address may not try to sign in; `None` if it may.
pub async fn locked_until(store: &Store, key: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let row = login_attempts::Entity::find_by_id(key.to_owned()).one(store.read()).await?;
    Ok(row.and_then(|row| row.locked_until).filter(|until| now < *until))
}

/// Counts a failure; until when the address is locked now, if it is.
pub async fn record_failure(
    store: &Store,
    key: &str,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    let row = Sql::new("INSERT INTO login_attempts (key, failures, last_failure_at) VALUES (")
        .bind(key)
        .text(", 1, ")
        .bind(now)
        .text(
            ") ON CONFLICT (key) DO UPDATE SET last_failure_at = excluded.last_failure_at, \
             failures = CASE WHEN login_attempts.last_failure_at < ",
        )
        .bind(now - FORGOTTEN_AFTER)
        .text(" THEN 1 ELSE login_attempts.failures + 1 END RETURNING failures")
        .one(&*tx)
        .await?;
    let failures: i32 = row.map_or(Ok(1), |row| row.try_get("", "failures"))?;
    let locked_until = wait_after(failures).map(|wait| now + wait);
    Sql::new("UPDATE login_attempts SET locked_until = ")
        .bind(locked_until)
        .text(" WHERE key = ")
        .bind(key)
        .execute(&*tx)
        .await?;
    tx.commit().await?;
    Ok(locked_until)
}

/// Forgets the failures of an address, after it signed in.
pub async fn clear(store: &Store, key: &str) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("DELETE FROM login_attempts WHERE key = ").bind(key).execute(&*tx).await?;
    tx.commit().await
}

/// Forgets addresses without a failure for a day; how many.
pub async fn prune(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let tx = store.write().await?;
    let query = Sql::new("DELETE FROM login_attempts WHERE last_failure_at < ")
        .bind(to_micros(now - FORGOTTEN_AFTER));
    let pruned = query.execute(&*tx).await?;
    tx.commit().await?;
    Ok(pruned)
}

fn wait_after(failures: i32) -> Option<Duration> {
    let doublings = failures - FREE_FAILURES;
    (doublings >= 0)
        .then(|| (FIRST_WAIT * 2_i32.pow(doublings.clamp(0, 10).unsigned_abs())).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour() {
        let waits: Vec<_> =
            (4..=13).map(|failures| wait_after(failures).map(|wait| wait.num_seconds())).collect();
        let expected =
            [None, Some(30), Some(60), Some(120), Some(240), Some(480), Some(960), Some(1920), Some(3600)];
        assert_eq!(waits[..9], expected);
        assert_eq!(wait_after(i32::MAX), Some(LONGEST_WAIT));
    }
}
