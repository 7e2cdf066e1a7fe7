//! Taking back money that a person or a program recorded by mistake. Nothing is edited: the history says both.

use super::change::Change;
use super::events::{self, NewEvent, money_of};
use super::write::{locked, write};
use super::{Payment, get_in};
use crate::audit::{self, Actor};
use crate::{Store, StoreError, sending};
use dakiya_core::ids::PaymentEventId;
use dakiya_core::payment::{PaymentEvent, PaymentReference};
use dakiya_core::time::{Timestamp, to_micros};

/// More happens to no payment.
const MOST_EVENTS: u64 = 100_000;

/// Takes back money that was recorded for a payment. What is left is reckoned from all other money that was told of, so a
/// payment that was paid may be owed again; its next reminders come, those canceled meanwhile do not.
pub async fn take_back(
    store: &Store,
    reference: &PaymentReference,
    event: PaymentEventId,
    actor: &Actor,
    now: Timestamp,
) -> Result<Payment, StoreError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    sending::after_takes(&*tx).await?;
    let missing = || StoreError::not_found("payment", reference);
    let row = locked(&*tx, [reference.clone()]).await?.remove(reference).ok_or_else(missing)?;
    if row.phone.0.number().is_none() {
        let told = "the person was erased on request; this payment is kept for the account only";
        return Err(StoreError::Conflict(told.to_owned()));
    }
    let history = events::history_in(&*tx, reference, MOST_EVENTS).await?;
    let gone = || StoreError::not_found("payment event", event);
    let mistake = history.iter().find(|happened| happened.id == event).ok_or_else(gone)?;
    let money = match mistake.event {
        PaymentEvent::Received(Some(money)) if mistake.may_be_taken_back() => money,
        _ => {
            return Err(StoreError::Conflict(
                "only money that was recorded here can be taken back".to_owned(),
            ));
        }
    };
    if history.iter().any(|happened| happened.takes_back == Some(event)) {
        return Err(StoreError::Conflict(
            "this money was taken back already; nothing was changed".to_owned(),
        ));
    }
    let new = NewEvent {
        reference,
        event: PaymentEvent::TakenBack(money),
        source: "page",
        external_id: None,
        link: None,
        takes_back: Some(event),
    };
    events::append(store, &*tx, &new, actor, now).await?;
    let history = events::history_in(&*tx, reference, MOST_EVENTS).await?;
    let balance = row.balance().with_money(money_of(&history));
    let change = Change { after: row.clone(), before: Some(row), tags: None }.with_balance(balance, now);
    write(store, &*tx, vec![change], now).await?;
    let stored = get_in(&*tx, reference).await?.ok_or_else(missing)?;
    let detail = format!("{money} taken back, now {}", stored.status);
    audit::record(store, &*tx, actor, now, "payment.taken_back", reference.as_str(), detail).await?;
    tx.commit().await?;
    Ok(stored)
}
