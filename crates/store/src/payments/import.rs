//! What is said about payments: one at a time, or whole lists, in short transactions so that whatever is urgent gets its
//! turn in between. Saying the same twice changes nothing, so a list that broke off is simply imported again.

use super::change::Change;
use super::events::NewEvent;
use super::write::{BATCH, locked, write};
use super::{Payment, PaymentFields, events, get_in};
use crate::audit::{self, Actor};
use crate::imports::Imported;
use crate::{Store, StoreError, sending};
use dakiya_core::ids::PaymentId;
use dakiya_core::payment::{Listed, PaymentEvent, PaymentReference};
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::ConnectionTrait;
use std::collections::BTreeMap;

/// One good row of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentRow {
    /// Which payment it is about.
    pub reference: PaymentReference,
    /// What it says.
    pub fields: PaymentFields,
}

/// A row, and what its list says has become of the payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPayment {
    /// What it says of the payment itself.
    pub row: PaymentRow,
    /// Where it stands.
    pub listed: Listed,
}

impl From<PaymentRow> for ListedPayment {
    fn from(row: PaymentRow) -> Self {
        Self { row, listed: Listed::default() }
    }
}

/// Stores what is known of a payment, whether it was known or not. What is paid or canceled keeps its amount and due
/// date. Also whether it is new.
pub async fn put(
    store: &Store,
    row: PaymentRow,
    actor: &Actor,
    now: Timestamp,
) -> Result<(Payment, bool), StoreError> {
    let now = to_micros(now);
    let reference = row.reference.clone();
    let tx = store.write().await?;
    let new = upsert(store, &*tx, vec![row.into()], actor, now).await? > 0;
    let missing = || StoreError::not_found("payment", &reference);
    let stored = get_in(&*tx, &reference).await?.ok_or_else(missing)?;
    let action = if new { "payment.added" } else { "payment.changed" };
    audit::record(store, &*tx, actor, now, action, reference.as_str(), stored.id.to_string()).await?;
    tx.commit().await?;
    Ok((stored, new))
}

/// Stores the rows of a list. Reads `rows` as it goes, so that memory stays flat. Of several rows about one payment the
/// last one counts.
pub async fn import<R: Into<ListedPayment>>(
    store: &Store,
    rows: impl IntoIterator<Item = R, IntoIter: Send>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Imported, StoreError> {
    let now = to_micros(now);
    let mut imported = Imported::default();
    let mut rows = rows.into_iter().map(Into::into);
    loop {
        let batch: Vec<ListedPayment> = rows.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let read = batch.len() as u64;
        let tx = store.write().await?;
        let batch = last_of_each(batch);
        let accepted = batch.len() as u64;
        upsert(store, &*tx, batch, actor, now).await?;
        tx.commit().await?;
        imported.accepted += accepted;
        imported.duplicates += read - accepted;
    }
    if imported.accepted > 0 {
        let tx = store.write().await?;
        let detail = format!("{} accepted, {} duplicates", imported.accepted, imported.duplicates);
        audit::record(store, &*tx, actor, now, "payments.imported", "payments", detail).await?;
        tx.commit().await?;
    }
    Ok(imported)
}

/// In the order of their references, so that two lists never wait for each other in a circle.
fn last_of_each(batch: Vec<ListedPayment>) -> Vec<ListedPayment> {
    let last: BTreeMap<PaymentReference, ListedPayment> =
        batch.into_iter().map(|listed| (listed.row.reference.clone(), listed)).collect();
    last.into_values().collect()
}

/// Writes rows of different references. How many are new.
async fn upsert<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    mut rows: Vec<ListedPayment>,
    actor: &Actor,
    now: Timestamp,
) -> Result<usize, StoreError> {
    // A provider's word about a payment that is just being stored must be seen by one of the two.
    sending::beside_takes(tx).await?;
    let mut new = 0;
    while !rows.is_empty() {
        let references = || rows.iter().map(|listed| listed.row.reference.clone());
        let mut known = locked(tx, references()).await?;
        let mut early =
            events::early(tx, references().filter(|reference| !known.contains_key(reference))).await?;
        let stored_as = |row: &PaymentRow| match known.remove(&row.reference) {
            Some(before) => Change::of_known(before, &row.fields, now),
            None => {
                let told = early.remove(&row.reference).unwrap_or_default();
                let id = store.new_id::<PaymentId>(now);
                Change::of_new(id, row.reference.clone(), &row.fields, &told, now)
            }
        };
        let mut changes: Vec<Change> = rows.iter().map(|listed| &listed.row).map(stored_as).collect();
        let mut happened: Vec<(PaymentReference, PaymentEvent)> = Vec::new();
        for (listed, change) in rows.iter().zip(&mut changes) {
            for event in listed.listed.events(&change.after.balance()) {
                change.happened(event, now);
                happened.push((listed.row.reference.clone(), event));
            }
        }
        new += changes.iter().filter(|change| change.before.is_none()).count();
        let lost = write(store, tx, changes, now).await?;
        for (reference, event) in happened.iter().filter(|(reference, _)| !lost.contains(reference)) {
            events::append(store, tx, &NewEvent::listed(reference, *event), actor, now).await?;
        }
        // Somebody else stored these a moment ago: now they are known.
        new -= lost.len();
        rows.retain(|listed| lost.contains(&listed.row.reference));
    }
    Ok(new)
}
