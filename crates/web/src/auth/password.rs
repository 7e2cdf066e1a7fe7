//! Passwords: hashed with argon2id, away from the threads that answer requests.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::LazyLock;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Shorter ones are refused.
pub const MIN_CHARACTERS: usize = 10;

/// Longer ones are refused, so that nobody makes us hash megabytes.
const MAX_BYTES: usize = 1_024;

/// A hash takes 19 MiB; a crowd at the door must not take all memory.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// The hash of no password: checked when there is no such user, so that both cases take as long.
static NOBODY: LazyLock<Option<String>> =
    LazyLock::new(|| Argon2::default().hash_password(b"nobody").ok().map(|hash| hash.to_string()));

/// Why a password was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too short.
    #[error("a password needs at least {MIN_CHARACTERS} characters")]
    TooShort,
    /// Too long.
    #[error("a password may have at most {MAX_BYTES} characters")]
    TooLong,
    /// Hashing failed.
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// Hashes a new password for storing.
pub async fn hash(password: String) -> Result<String, PasswordError> {
    if password.chars().count() < MIN_CHARACTERS {
        return Err(PasswordError::TooShort);
    }
    if password.len() > MAX_BYTES {
        return Err(PasswordError::TooLong);
    }
    let failed = |error: &dyn std::fmt::Display| PasswordError::Hash(error.to_string());
    let _turn = AT_ONCE.acquire().await.map_err(|error| failed(&error))?;
    spawn_blocking(move || Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()))
        .await
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))
}

/// Whether the password is the one that was hashed. Without a hash it takes as long and says no.
pub async fn verify(password: String, stored: Option<String>) -> bool {
    if password.len() > MAX_BYTES {
        return false;
    }
    let Ok(_turn) = AT_ONCE.acquire().await else { return false };
    let known = stored.is_some();
    let matches = spawn_blocking(move || {
        let Some(hash) = stored.or_else(|| NOBODY.clone()) else { return false };
        PasswordHash::new(&hash)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    })
    .await
    .unwrap_or(false);
    known && matches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_recognised_and_a_wrong_one_is_not() {
        let stored = hash("correct horse".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(verify("correct horse".to_owned(), Some(stored.clone())).await);
        assert!(!verify("wrong horse".to_owned(), Some(stored)).await);
        assert!(!verify("nobody".to_owned(), None).await);
    }

    #[tokio::test]
    async fn a_short_password_is_refused() {
        assert!(matches!(hash("short".to_owned()).await, Err(PasswordError::TooShort)));
    }
}
