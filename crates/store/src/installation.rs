//! This installation's own secret: opt-out links are signed with it, and erased numbers hashed.

use crate::sql::Sql;
use crate::{Store, StoreError, secret};
use sea_orm::ConnectionTrait;

/// The key, 32 random bytes, made once. Keep it out of logs.
pub async fn key(store: &Store) -> Result<[u8; 32], StoreError> {
    key_in(store, store.read()).await
}

/// As [`key`], for who holds a connection already and must not ask for another.
pub(crate) async fn key_in<C: ConnectionTrait>(store: &Store, db: &C) -> Result<[u8; 32], StoreError> {
    store.inner.installation.get_or_try_init(|| read(db)).await.copied()
}

async fn read<C: ConnectionTrait>(db: &C) -> Result<[u8; 32], StoreError> {
    let row = Sql::new("SELECT secret_key FROM installation WHERE id = 1").one(db).await?;
    let row = row.ok_or(StoreError::NotMigrated)?;
    let bytes: Vec<u8> = row.try_get("", "secret_key")?;
    bytes
        .try_into()
        .map_err(|_| StoreError::Inconsistent("the installation's key is not 32 bytes long".to_owned()))
}

/// Makes the key, unless there is one.
pub(crate) async fn ensure(store: &Store) -> Result<(), StoreError> {
    let tx = store.write().await?;
    Sql::new("INSERT INTO installation (id, secret_key) VALUES (1, ")
        .bind(secret::random()?.to_vec())
        .text(") ON CONFLICT (id) DO NOTHING")
        .execute(&*tx)
        .await?;
    tx.commit().await
}
