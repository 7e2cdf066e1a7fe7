//! From payments to reminders, batch by batch in the order of references, so that a run can go on where it stopped.

use super::{COLUMNS, Run, Suppressed, of_identity, stored};
use crate::column::Stored;
use crate::messages::{NewMessage, enqueue_batch};
use crate::sql::Sql;
use crate::{Store, StoreError, reminder_payments};
use dakiya_core::message::SuppressedReason;
use dakiya_core::money::Money;
use dakiya_core::time::{Timestamp, to_micros};

/// Runs that are being written down at a time.
const MOST_RUNS: u64 = 1_000;

/// The messages of some of a run's payments.
#[derive(Clone, Debug)]
pub struct RunBatch {
    /// The last payment of the batch, by reference; `None`: there were none.
    pub through: Option<String>,
    /// Whether none comes after them.
    pub last: bool,
    /// Their messages.
    pub messages: Vec<NewMessage>,
    /// With the last batch, how many payments of the due date are paid.
    pub paid: u64,
}

/// Runs that are being written down, the earliest first.
pub async fn to_plan(store: &Store) -> Result<Vec<Run>, StoreError> {
    let query = Sql::new(COLUMNS).text(" WHERE state = 'planning' ORDER BY at, rule_id, step, due_on LIMIT ");
    query.bind(MOST_RUNS).all(store.read()).await?.iter().map(stored).collect()
}

/// Writes a batch down, if the run and the payments still stand where they stood when the batch was made. `false`: they do
/// not, and nothing was written. A payment that has its message of this step already gets no second one.
pub async fn write(store: &Store, run: &Run, batch: &RunBatch, now: Timestamp) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let through = batch.through.clone().or_else(|| run.after_reference.clone());
    let claim = Sql::new("UPDATE reminder_runs SET after_reference = ").bind(through);
    if at_its_place(claim, run).execute(&*tx).await? == 0 {
        return Ok(false);
    }
    if !reminder_payments::unchanged(&*tx, &batch.messages).await? {
        return Ok(false);
    }
    let mut suppressed = run.suppressed.clone();
    let (mut will_send, mut cost) = (run.will_send, run.cost);
    for message in enqueue_batch(store, &*tx, &batch.messages, now).await? {
        match message.suppressed {
            Some(reason) => *suppressed.entry(reason).or_default() += 1,
            None => {
                will_send += 1;
                cost += message.estimated_cost;
            }
        }
    }
    if batch.paid > 0 {
        suppressed.insert(SuppressedReason::Paid, batch.paid);
    }
    let matched = will_send + suppressed.values().sum::<u64>();
    if batch.last && matched == 0 {
        // Nobody was there to be reminded: there is nothing to tell.
        of_identity(Sql::new("DELETE FROM reminder_runs WHERE "), run.rule_id, run.run.step, run.run.due_on)
            .execute(&*tx)
            .await?;
    } else {
        let update = Sql::new("UPDATE reminder_runs SET matched = ")
            .bind(i64::try_from(matched).unwrap_or(i64::MAX))
            .text(", suppressed = ")
            .bind(Stored(suppressed))
            .text(", will_send = ")
            .bind(i64::try_from(will_send).unwrap_or(i64::MAX))
            .text(", cost = ")
            .bind(Stored(cost))
            .text(if batch.last {
                ", state = 'planned', finished_at = "
            } else {
                ", created_at = created_at, finished_at = "
            })
            .bind(batch.last.then_some(to_micros(now)))
            .text(" WHERE ");
        of_identity(update, run.rule_id, run.run.step, run.run.due_on).execute(&*tx).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Holds a run that would cost more than its rule allows, or that cannot be written out, until a person decides. With what
/// it would do, if that was reckoned; otherwise what it did so far stands.
pub async fn hold(
    store: &Store,
    run: &Run,
    reason: &str,
    reckoned: Option<(u64, Suppressed, Money)>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let mut held = Sql::new("UPDATE reminder_runs SET state = 'held', reason = ")
        .bind(reason.to_owned())
        .text(", finished_at = ")
        .bind(to_micros(now));
    if let Some((will_send, suppressed, cost)) = reckoned {
        let matched = will_send + suppressed.values().sum::<u64>();
        held = held
            .text(", matched = ")
            .bind(i64::try_from(matched).unwrap_or(i64::MAX))
            .text(", suppressed = ")
            .bind(Stored(suppressed))
            .text(", cost = ")
            .bind(Stored(cost));
    }
    let held = at_its_place(held, run).execute(&*tx).await? > 0;
    tx.commit().await?;
    Ok(held)
}

/// Only if nobody moved it on since it was read.
fn at_its_place(query: Sql, run: &Run) -> Sql {
    let query =
        of_identity(query.text(" WHERE state = 'planning' AND "), run.rule_id, run.run.step, run.run.due_on);
    match &run.after_reference {
        Some(after) => query.text(" AND after_reference = ").bind(after.clone()),
        None => query.text(" AND after_reference IS NULL"),
    }
}
