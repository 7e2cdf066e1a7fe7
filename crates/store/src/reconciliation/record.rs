//! Storing what comparing a day found; and what a person says about it.

use super::read::{Finding, LATER, load};
use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::Sql;
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::{FindingId, MessageId};
use dakiya_core::money::FxRate;
use dakiya_core::reconciliation::{Balance, FindingKind, FindingState};
use dakiya_core::time::{Timestamp, to_micros};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, Value};
use std::collections::BTreeMap;

/// Rows written by one statement.
const BATCH: usize = 500;

/// Findings of a day that are kept one by one; the others are added up by kind.
const MOST_LISTED: usize = 10_000;

/// What says that a finding stands for several.
const MORE: &str = "more";

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFinding {
    /// What it is.
    pub kind: FindingKind,
    /// Twilio's id of the message, or the category.
    pub subject: String,
    /// Our message.
    pub message: Option<MessageId>,
    /// What the vendor charged beyond our books.
    pub amount: Decimal,
    /// What became of it already.
    pub state: FindingState,
    /// What else there is to say.
    pub note: String,
}

/// A day that was compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The day, in UTC.
    pub day: NaiveDate,
    /// The vendor's currency.
    pub unit: String,
    /// What it is converted with for display.
    pub fx: FxRate,
    /// What the vendor charged.
    pub vendor: Decimal,
    /// What we booked.
    pub ours: Decimal,
    /// How many messages the vendor charged.
    pub vendor_messages: i64,
    /// How many of ours it has.
    pub our_messages: i64,
    /// Ours without a price.
    pub unpriced: i64,
    /// Whether the vendor's messages were looked through one by one.
    pub listed: bool,
    /// Whether all of them were.
    pub complete: bool,
    /// What was found.
    pub findings: Vec<NewFinding>,
}

/// Stores a comparison in place of the day's last one. What was found before and is not found again no longer differs.
pub async fn record(store: &Store, compared: &Compared, now: Timestamp) -> Result<Balance, StoreError> {
    let tx = store.write().await?;
    let mut known: BTreeMap<(FindingKind, String), Finding> = BTreeMap::new();
    for finding in load(&*tx, compared.day).await? {
        known.insert((finding.kind, finding.subject.clone()), finding);
    }
    let (mut found, mut rows) = (Decimal::ZERO, Vec::new());
    for new in shortened(&compared.findings) {
        let before = known.remove(&(new.kind, new.subject.clone()));
        let id = before.as_ref().map_or_else(|| store.new_id::<FindingId>(now), |before| before.id);
        let merged = merged(new, before);
        if merged.state.counts() {
            found += merged.amount;
        }
        rows.push(row(id, compared.day, &merged, now));
    }
    for gone in known.into_values().filter(|finding| finding.state.counts()) {
        Sql::new("UPDATE reconciliation_findings SET state = ")
            .bind(Stored(FindingState::Settled))
            .text(", decided_at = ")
            .bind(to_micros(now))
            .text(", decided_by = ")
            .bind(LATER)
            .text(" WHERE id = ")
            .bind(Stored(gone.id))
            .execute(&*tx)
            .await?;
    }
    for batch in rows.chunks(BATCH) {
        write(&*tx, batch).await?;
    }
    let balance = Balance { vendor: compared.vendor, ours: compared.ours, found };
    write_day(&*tx, compared, balance, now).await?;
    tx.commit().await?;
    Ok(balance)
}

/// A finding beside what was known of it: what a person said stays, and what was settled bit by bit adds up.
fn merged(new: NewFinding, before: Option<Finding>) -> NewFinding {
    let Some(before) = before else { return new };
    match (new.state, before.state) {
        (FindingState::Settled, FindingState::Settled) => {
            NewFinding { amount: before.amount + new.amount, ..new }
        }
        (FindingState::Open, FindingState::Explained) => {
            NewFinding { state: FindingState::Explained, note: before.note, ..new }
        }
        _ => new,
    }
}

/// At most so many findings, those that count before those that are settled; the rest of each kind in one.
fn shortened(findings: &[NewFinding]) -> Vec<NewFinding> {
    let mut short = findings.to_vec();
    short.sort_by_key(|finding| !finding.state.counts());
    let rest = short.split_off(short.len().min(MOST_LISTED));
    let mut more: BTreeMap<(FindingKind, FindingState), (u64, Decimal)> = BTreeMap::new();
    for finding in &rest {
        let sum = more.entry((finding.kind, finding.state)).or_default();
        *sum = (sum.0 + 1, sum.1 + finding.amount);
    }
    short.extend(more.into_iter().map(|((kind, state), (count, amount))| NewFinding {
        kind,
        subject: format!("{MORE}:{state}"),
        message: None,
        amount,
        state,
        note: format!("{count} more like this, added up"),
    }));
    short
}

fn row(id: FindingId, day: NaiveDate, finding: &NewFinding, now: Timestamp) -> [Value; 10] {
    let decided = (finding.state != FindingState::Open).then(|| to_micros(now));
    [
        Stored(id).into(),
        day.into(),
        Stored(finding.kind).into(),
        finding.subject.clone().into(),
        finding.message.map(Stored).into(),
        finding.amount.to_string().into(),
        Stored(finding.state).into(),
        finding.note.clone().into(),
        to_micros(now).into(),
        decided.into(),
    ]
}

async fn write<C: ConnectionTrait>(tx: &C, rows: &[[Value; 10]]) -> Result<(), StoreError> {
    Sql::new(
        "INSERT INTO reconciliation_findings \
         (id, day, kind, subject, message_id, amount, state, note, found_at, decided_at) VALUES ",
    )
    .rows(rows.iter().cloned())
    .text(
        " ON CONFLICT (day, kind, subject) DO UPDATE SET amount = excluded.amount, note = excluded.note, \
         message_id = excluded.message_id, state = excluded.state, \
         decided_by = CASE WHEN excluded.state = 'explained' THEN reconciliation_findings.decided_by END, \
         decided_at = COALESCE(reconciliation_findings.decided_at, excluded.decided_at)",
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn write_day<C: ConnectionTrait>(
    tx: &C,
    compared: &Compared,
    balance: Balance,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row: [Value; 14] = [
        compared.day.into(),
        to_micros(now).into(),
        compared.unit.clone().into(),
        Stored(compared.fx).into(),
        balance.vendor.to_string().into(),
        balance.ours.to_string().into(),
        balance.found.to_string().into(),
        balance.unexplained().to_string().into(),
        compared.vendor_messages.into(),
        compared.our_messages.into(),
        compared.unpriced.into(),
        compared.listed.into(),
        compared.complete.into(),
        compared.listed.then(|| to_micros(now)).into(),
    ];
    let columns = "at, unit, fx_rate, vendor, ours, found, unexplained, vendor_messages, our_messages, unpriced, \
        listed, complete";
    let update: Vec<String> =
        columns.split(", ").map(|column| format!("{column} = excluded.{column}")).collect();
    Sql::new(&format!("INSERT INTO reconciled_days (day, {columns}, listed_at) VALUES "))
        .rows([row])
        .text(&format!(
            " ON CONFLICT (day) DO UPDATE SET {}, \
             listed_at = COALESCE(excluded.listed_at, reconciled_days.listed_at)",
            update.join(", ")
        ))
        .execute(tx)
        .await?;
    Ok(())
}

/// Says why an open finding is as it is. It stays part of its day's difference. A conflict when it is settled.
pub async fn explain(
    store: &Store,
    id: FindingId,
    note: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let by = audit::name_of(&*tx, actor).await?;
    let changed = Sql::new("UPDATE reconciliation_findings SET state = ")
        .bind(Stored(FindingState::Explained))
        .text(", note = ")
        .bind(note)
        .text(", decided_at = ")
        .bind(to_micros(now))
        .text(", decided_by = ")
        .bind(by)
        .text(" WHERE id = ")
        .bind(Stored(id))
        .text(" AND state <> ")
        .bind(Stored(FindingState::Settled))
        .execute(&*tx)
        .await?;
    if changed == 0 {
        return Err(StoreError::Conflict("this difference is settled, or does not exist".to_owned()));
    }
    audit::record(store, &*tx, actor, now, "reconciliation.explained", id.to_string(), note).await?;
    tx.commit().await
}
