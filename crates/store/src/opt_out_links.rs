//! Whose number an opt-out link stands for. The token is in the message alone; here is its hash.

use crate::column::Stored;
use crate::entities::opt_out_links;
use crate::sql::Sql;
use crate::{Store, StoreError};
use dakiya_core::phone::PhoneNumber;
use sea_orm::{ConnectionTrait, EntityTrait};

const BATCH: usize = 5_000;

/// Remembers links, each a SHA-256 of its token and the number it stands for. Those known already stay.
pub async fn upsert(store: &Store, links: &[([u8; 32], PhoneNumber)]) -> Result<(), StoreError> {
    let tx = store.write().await?;
    upsert_in(&*tx, links).await?;
    tx.commit().await
}

/// As [`upsert`], in a transaction of the caller's.
pub(crate) async fn upsert_in<C: ConnectionTrait>(
    tx: &C,
    links: &[([u8; 32], PhoneNumber)],
) -> Result<(), StoreError> {
    for batch in links.chunks(BATCH) {
        let rows = batch.iter().map(|(hash, phone)| [hash.to_vec().into(), Stored(*phone).into()]);
        Sql::new("INSERT INTO opt_out_links (token_hash, phone) VALUES ")
            .rows(rows)
            .text(" ON CONFLICT (token_hash) DO NOTHING")
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// The number a link stands for.
pub async fn phone_of(store: &Store, token_hash: [u8; 32]) -> Result<Option<PhoneNumber>, StoreError> {
    let row = opt_out_links::Entity::find_by_id(token_hash.to_vec()).one(store.read()).await?;
    Ok(row.map(|row| row.phone.0))
}
