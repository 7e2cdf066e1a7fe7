//! Erasure on request: what is left of a person is a keyed hash, which still stops messages they do not want.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::{Row, Sql, for_update};
use crate::{PhoneKey, Store, StoreError, messages, opt_outs, payments, sending};
use dakiya_core::message::Status;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, DbBackend};

/// Removes a person: contact, tags, names and texts everywhere; what still waits for them is canceled. Opt-outs stay
/// in force and messages stay counted and paid for, under a hash that only this installation can make. Erasing twice
/// changes nothing. Whether anything was stored.
///
/// A conflict while a message to them is being posted: it may come back to the queue, and needs its number then.
pub async fn erase(
    store: &Store,
    phone: PhoneNumber,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let now = to_micros(now);
    let hash = opt_outs::erased_key(store, phone).await?;
    let tx = store.write().await?;
    sending::after_takes(&*tx).await?;
    if lock(&*tx, phone).await?.contains(&Status::Posting) {
        let told = "a message to this person is going out this moment; erase them in a minute";
        return Err(StoreError::Conflict(told.to_owned()));
    }
    let mut changed = 0;
    for statement in removals(phone).into_iter().chain(replacements(store.backend(), phone, &hash)) {
        changed += statement.execute(&*tx).await?;
    }
    changed += payments::erase_in(store, &*tx, phone, &hash, actor, now).await?;
    // After their number was replaced: what is written down meanwhile either had it replaced too or comes later.
    messages::cancel_of_person(store, &*tx, &hash, now).await?;
    if changed > 0 {
        audit::record(store, &*tx, actor, now, "contact.erased", phone.masked(), "").await?;
    }
    tx.commit().await?;
    Ok(changed > 0)
}

/// Locks everything of a person that reports about messages change too, in their order: messages, then campaigns, each
/// by id. Where their messages are.
async fn lock<C: ConnectionTrait>(tx: &C, phone: PhoneNumber) -> Result<Vec<Status>, StoreError> {
    let messages =
        Sql::new("SELECT status FROM messages WHERE phone = ").bind(Stored(phone)).text(" ORDER BY id");
    let messages = messages.text(for_update(tx)).all(tx).await?;
    let campaigns =
        Sql::new("SELECT id FROM campaigns WHERE id IN (SELECT campaign_id FROM recipients WHERE phone = ")
            .bind(Stored(phone))
            .text(" UNION SELECT campaign_id FROM messages WHERE phone = ")
            .bind(Stored(phone))
            .text(") ORDER BY id");
    campaigns.text(for_update(tx)).all(tx).await?;
    messages.iter().map(|row| row.read("status")).collect()
}

/// What goes without a trace.
fn removals(phone: PhoneNumber) -> Vec<Sql> {
    let of = |sql: &str| Sql::new(sql).bind(Stored(phone));
    vec![
        of("DELETE FROM contacts WHERE phone = "),
        of("DELETE FROM contact_tags WHERE phone = "),
        of("DELETE FROM opt_out_links WHERE phone = "),
        // An audience that is still to be approved changes with it.
        of("UPDATE campaigns SET recipients_revision = recipients_revision + 1 WHERE state = 'draft' AND id IN \
            (SELECT campaign_id FROM recipients WHERE phone = ")
        .text(")"),
        // Whoever has no message yet never gets one, and is not waited for.
        of("UPDATE campaigns SET recipients_count = recipients_count - 1 WHERE NOT expanded AND id IN \
            (SELECT campaign_id FROM recipients WHERE phone = ")
        .text(") AND (expanded_through IS NULL OR expanded_through < ")
        .bind(Stored(phone))
        .text(")"),
        of("DELETE FROM recipients WHERE phone = "),
    ]
}

/// What stays for the account and the proof, without the number or anything said.
fn replacements(backend: DbBackend, phone: PhoneNumber, hash: &PhoneKey) -> Vec<Sql> {
    let swap =
        |sql: &str| Sql::new(sql).bind(Stored(hash.clone())).text(" WHERE phone = ").bind(Stored(phone));
    let id = if backend == DbBackend::Postgres { "id::text" } else { "hex(id)" };
    vec![
        Sql::new("DELETE FROM opt_outs WHERE phone = ")
            .bind(Stored(phone))
            .text(" AND scope IN (SELECT scope FROM opt_outs WHERE phone = ")
            .bind(Stored(hash.clone()))
            .text(")"),
        swap("UPDATE opt_outs SET phone = "),
        swap("UPDATE opt_out_entries SET evidence = '', phone = "),
        // A campaign's key for a message holds the number.
        swap(&format!(
            "UPDATE messages SET body = '', payment_text = NULL, dedupe_key = 'erased:' || {id}, phone = "
        )),
        swap("UPDATE inbound_messages SET body = '', phone = "),
    ]
}
