//! Writing payments: rows, tags, the sums per due date, and the reminders that end, in the caller's transaction.

use super::change::Change;
use super::days::DayTally;
use crate::column::Stored;
use crate::entities::payments::Model;
use crate::sql::{Row, Sql, for_update};
use crate::{Store, StoreError, messages};
use dakiya_core::ids::PaymentId;
use dakiya_core::payment::PaymentReference;
use dakiya_core::time::Timestamp;
use sea_orm::ConnectionTrait;
use std::collections::{HashMap, HashSet};

/// Rows per statement: few enough for the limit on bound values.
pub(super) const BATCH: usize = 1_000;

/// The stored payments of these references, which nobody else changes until this transaction ends. Asked for in the order
/// of their references, so that two transactions never wait for each other in a circle.
pub(super) async fn locked<C: ConnectionTrait>(
    tx: &C,
    references: impl IntoIterator<Item = PaymentReference>,
) -> Result<HashMap<PaymentReference, Model>, StoreError> {
    let query =
        Sql::new("SELECT * FROM payments WHERE reference IN ").list(references.into_iter().map(Stored));
    let rows: Vec<Model> = query.text(" ORDER BY reference").text(for_update(tx)).models(tx).await?;
    Ok(rows.into_iter().map(|row| (row.reference.0.clone(), row)).collect())
}

/// Writes changes of at most [`BATCH`] payments; those whose reference somebody else took in the same moment are not
/// written, and come back.
pub(super) async fn write<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    changes: Vec<Change>,
    now: Timestamp,
) -> Result<HashSet<PaymentReference>, StoreError> {
    let new: Vec<&Model> =
        changes.iter().filter(|change| change.before.is_none()).map(|change| &change.after).collect();
    let mut lost: HashSet<PaymentReference> = new.iter().map(|row| row.reference.0.clone()).collect();
    if !new.is_empty() {
        let inserted =
            insert(&new).text(" ON CONFLICT (reference) DO NOTHING RETURNING reference").all(tx).await?;
        for row in inserted {
            lost.remove(&row.read("reference")?);
        }
    }
    let changes: Vec<Change> =
        changes.into_iter().filter(|change| !lost.contains(&change.after.reference.0)).collect();
    let known: Vec<&Model> = changes
        .iter()
        .filter(|change| change.before.is_some() && change.moves())
        .map(|change| &change.after)
        .collect();
    if !known.is_empty() {
        insert(&known).text(" ON CONFLICT (reference) DO UPDATE SET ").text(REPLACED).execute(tx).await?;
    }
    let mut tally = DayTally::default();
    for change in &changes {
        tally.moved(change.before.as_ref(), &change.after)?;
    }
    tally.write(tx).await?;
    replace_tags(tx, &changes).await?;
    for reason in ["paid", "canceled", "payment changed"] {
        let ending = changes.iter().filter(|change| change.ends_reminders() == Some(reason));
        let ids: Vec<PaymentId> = ending.map(|change| change.after.id.0).collect();
        if !ids.is_empty() {
            messages::cancel_of_payments(store, tx, &ids, reason, now).await?;
        }
    }
    let renumbered: Vec<PaymentId> =
        changes.iter().filter(|change| change.renumbers()).map(|change| change.after.id.0).collect();
    if !renumbered.is_empty() {
        messages::renumber_of_payments(store, tx, &renumbered, now).await?;
    }
    Ok(lost)
}

/// Everything but the id and when it was first stored.
const REPLACED: &str = "phone = excluded.phone, name = excluded.name, name_key = excluded.name_key, \
    language = excluded.language, amount = excluded.amount, paid = excluded.paid, due_on = excluded.due_on, \
    pay_url = excluded.pay_url, link_expired_at = excluded.link_expired_at, variables = excluded.variables, \
    status = excluded.status, settled_at = excluded.settled_at, revision = excluded.revision, \
    updated_at = excluded.updated_at";

fn insert(rows: &[&Model]) -> Sql {
    Sql::new(
        "INSERT INTO payments (id, reference, phone, name, name_key, language, amount, paid, due_on, pay_url, \
         link_expired_at, variables, status, settled_at, revision, created_at, updated_at) VALUES ",
    )
    .rows(rows.iter().map(|row| {
        [
            row.id.into(),
            row.reference.clone().into(),
            row.phone.clone().into(),
            row.name.clone().into(),
            row.name_key.clone().into(),
            row.language.clone().into(),
            row.amount.into(),
            row.paid.into(),
            row.due_on.into(),
            row.pay_url.clone().into(),
            row.link_expired_at.into(),
            row.variables.clone().into(),
            row.status.into(),
            row.settled_at.into(),
            row.revision.into(),
            row.created_at.into(),
            row.updated_at.into(),
        ]
    }))
}

/// Writes only what differs: importing a file twice moves nothing, and a new payment needs no deletion.
async fn replace_tags<C: ConnectionTrait>(tx: &C, changes: &[Change]) -> Result<(), StoreError> {
    let tagged = changes.iter().filter_map(|change| Some((change, change.tags.as_ref()?)));
    let known =
        tagged.clone().filter(|(change, _)| change.before.is_some()).map(|(change, _)| change.after.id);
    let known: Vec<Stored<PaymentId>> = known.collect();
    let mut stale: HashSet<(PaymentId, String)> = HashSet::new();
    if !known.is_empty() {
        let query = Sql::new("SELECT payment_id, tag FROM payment_tags WHERE payment_id IN ");
        for row in query.list(known).all(tx).await? {
            stale.insert((row.read("payment_id")?, row.try_get("", "tag")?));
        }
    }
    let mut fresh = Vec::new();
    for (change, tags) in tagged {
        for tag in tags {
            let pair = (change.after.id.0, tag.clone());
            if !stale.remove(&pair) {
                fresh.push(pair);
            }
        }
    }
    let values = |pair: &(PaymentId, String)| [pair.1.clone().into(), Stored(pair.0).into()];
    for pairs in stale.into_iter().collect::<Vec<_>>().chunks(BATCH) {
        let query = Sql::new("DELETE FROM payment_tags WHERE (tag, payment_id) IN (VALUES ")
            .rows(pairs.iter().map(values));
        query.text(")").execute(tx).await?;
    }
    for pairs in fresh.chunks(BATCH) {
        let query =
            Sql::new("INSERT INTO payment_tags (tag, payment_id) VALUES ").rows(pairs.iter().map(values));
        query.execute(tx).await?;
    }
    Ok(())
}
