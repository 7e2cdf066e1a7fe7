//! A person who asked to be erased: nobody can be reminded of their payments any more; the sums stay in the account.

use super::change::Change;
use super::events::{self, NewEvent};
use super::write::write;
use crate::audit::Actor;
use crate::column::Stored;
use crate::entities::payments::Model;
use crate::sql::{Sql, for_update};
use crate::{PhoneKey, Store, StoreError};
use dakiya_core::payment::PaymentEvent;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use sea_orm::ConnectionTrait;

/// Payments changed in one statement.
const BATCH: i64 = 500;

/// Cancels what a person owes and takes everything off their payments that tells of them, in the transaction that erases
/// them. How many there were.
pub(crate) async fn erase_in<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    phone: PhoneNumber,
    hash: &PhoneKey,
    actor: &Actor,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut erased = 0;
    loop {
        let query = Sql::new("SELECT * FROM payments WHERE phone = ").bind(Stored(phone));
        let query = query.text(" ORDER BY reference LIMIT ").bind(BATCH).text(for_update(tx));
        let rows: Vec<Model> = query.models(tx).await?;
        if rows.is_empty() {
            return Ok(erased);
        }
        erased += rows.len() as u64;
        for row in rows.iter().filter(|row| row.status.0.is_owed()) {
            let event = NewEvent {
                reference: &row.reference.0,
                event: PaymentEvent::Canceled,
                source: "erasure",
                external_id: None,
                link: None,
                takes_back: None,
            };
            events::append(store, tx, &event, actor, now).await?;
        }
        let changes = rows.into_iter().map(|row| without_person(row, hash, now)).collect();
        write(store, tx, changes, now).await?;
    }
}

fn without_person(before: Model, hash: &PhoneKey, now: Timestamp) -> Change {
    let balance = before.balance().after(PaymentEvent::Canceled);
    let after = Model {
        phone: Stored(hash.clone()),
        name: None,
        name_key: None,
        language: None,
        pay_url: None,
        variables: Stored(Variables::new()),
        ..before.clone()
    };
    Change { before: Some(before), after, tags: Some(Default::default()) }.with_balance(balance, now)
}
