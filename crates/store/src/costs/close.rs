//! The monthly close: a month's figures as they were, and what was corrected since.

use super::entry::{Entry, Key};
use super::read::{CostLine, Costs, line};
use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::messages::tally::micros;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, settings};
use chrono::NaiveDate;
use dakiya_core::money::Money;
use dakiya_core::tax::{Gst, GstHistory, GstMode};
use dakiya_core::time::{Month, Timestamp, to_micros};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use std::collections::BTreeMap;

/// A month whose figures are frozen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// Which.
    pub month: Month,
    /// Charged and expected then, before tax. Nothing changes it.
    pub spent: Money,
    /// How GST was reckoned then.
    pub gst_rule: Gst,
    /// On what was spent. Nothing changes it.
    pub gst: Money,
    /// What was said about it.
    pub note: String,
    /// When.
    pub closed_at: Timestamp,
    /// Who closed it.
    pub closed_by: String,
}

/// A line as it was closed, and as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedLine {
    /// What it is about, with its figures of now.
    pub now: CostLine,
    /// Its figures then; nothing when it came later.
    pub closed: Costs,
}

impl ClosedLine {
    /// What was added or taken away since.
    pub fn correction(&self) -> Money {
        self.now.costs.spent() - self.closed.spent()
    }
}

/// Why a month cannot be closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// It is not over yet in the business's zone.
    #[error("{0} is not over; a month can be closed from its last midnight on")]
    NotOver(Month),
    /// Nothing that happened in it is known.
    #[error("{month} is before anything on record{}; there is nothing to close", first_words(*.first))]
    BeforeRecords {
        /// Which.
        month: Month,
        /// The first month that has costs.
        first: Option<Month>,
    },
    /// Somebody closed it before.
    #[error("{month} was closed before by {by}; its figures stay as they were then")]
    ClosedBefore {
        /// Which.
        month: Month,
        /// By whom.
        by: String,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn first_words(first: Option<Month>) -> String {
    first.map_or_else(String::new, |first| format!(", which begins in {first}"))
}

/// Keeps a month's figures as they are. `today` is the business day.
pub async fn close(
    store: &Store,
    month: Month,
    note: &str,
    actor: &Actor,
    today: NaiveDate,
    now: Timestamp,
) -> Result<Close, CloseError> {
    if Month::of(today) <= month {
        return Err(CloseError::NotOver(month));
    }
    let tx = store.write().await?;
    // What counts against a month's budget cannot change before this transaction ends, and no line without it.
    let spent = super::lock_month(&*tx, month).await?;
    if let Some(before) = get_in(&*tx, month).await? {
        return Err(CloseError::ClosedBefore { month, by: before.closed_by });
    }
    let first = super::read::first_month_in(&*tx).await?;
    if first.is_none_or(|first| month < first) {
        return Err(CloseError::BeforeRecords { month, first });
    }
    let by = audit::name_of(&*tx, actor).await?;
    let rule = settings::gst_in(&*tx).await?.on(month);
    let row: [Value; 8] = [
        Stored(month).into(),
        Stored(spent).into(),
        note.into(),
        to_micros(now).into(),
        by.into(),
        Stored(rule.mode).into(),
        rule.rate.normalize().to_string().into(),
        micros(rule.on(spent))?.into(),
    ];
    Sql::new(&format!("INSERT INTO closed_months ({COLUMNS}) VALUES ")).rows([row]).execute(&*tx).await?;
    let columns = format!("month, {}, {}", Key::COLUMNS, Entry::COLUMNS.join(", "));
    Sql::new(&format!(
        "INSERT INTO closed_lines ({columns}) SELECT {columns} FROM month_lines WHERE month = "
    ))
    .bind(Stored(month))
    .execute(&*tx)
    .await?;
    let said = format!("{} before tax{}{note}", spent.to_plain(), if note.is_empty() { "" } else { ": " });
    audit::record(store, &*tx, actor, now, "month.closed", month.to_string(), said).await?;
    let closed = get_in(&*tx, month).await?;
    tx.commit().await?;
    closed.ok_or_else(|| StoreError::not_found("closed month", month).into())
}

/// A month's close, if it was closed.
pub async fn closed(store: &Store, month: Month) -> Result<Option<Close>, StoreError> {
    get_in(store.read(), month).await
}

/// The months that were closed last, the newest first.
pub async fn closed_months(store: &Store, limit: u64) -> Result<Vec<Close>, StoreError> {
    let gst = settings::gst(store).await?;
    let rows = Sql::new(&format!("SELECT {COLUMNS} FROM closed_months ORDER BY month DESC LIMIT "))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all(store.read())
        .await?;
    rows.iter().map(|row| read(row, &gst)).collect()
}

/// A closed month line by line, as it was and as it is now; the lines' `closed` add up to what was closed.
pub async fn closed_lines(store: &Store, month: Month) -> Result<Vec<ClosedLine>, StoreError> {
    let columns = Entry::COLUMNS.join(", ");
    // A key holds a day; of a month it is the first one.
    let rows = Sql::new("SELECT ")
        .bind(month.first_day())
        .text(&format!(" AS day, {}, {columns} FROM closed_lines WHERE month = ", Key::COLUMNS))
        .bind(Stored(month))
        .all(store.read())
        .await?;
    let mut lines: BTreeMap<Key, ClosedLine> = BTreeMap::new();
    let key = |line: &CostLine| Key {
        day: month.first_day(),
        item: line.item,
        direction: line.direction,
        category: line.category,
        template: line.template,
        campaign: line.campaign,
        reminder_rule: line.reminder_rule,
        sender: line.sender.clone(),
    };
    for row in &rows {
        let line = line(row)?;
        let now = CostLine { costs: Costs::default(), ..line.clone() };
        lines.insert(key(&line), ClosedLine { now, closed: line.costs });
    }
    for line in super::month(store, month).await? {
        match lines.get_mut(&key(&line)) {
            Some(closed) => closed.now = line,
            None => {
                lines.insert(key(&line), ClosedLine { now: line, closed: Costs::default() });
            }
        }
    }
    let something = |line: &ClosedLine| line.closed != Costs::default() || line.now.costs != Costs::default();
    Ok(lines.into_values().filter(something).collect())
}

async fn get_in<C: ConnectionTrait>(db: &C, month: Month) -> Result<Option<Close>, StoreError> {
    let row = Sql::new(&format!("SELECT {COLUMNS} FROM closed_months WHERE month = "));
    match row.bind(Stored(month)).one(db).await? {
        Some(row) => Ok(Some(read(&row, &settings::gst_in(db).await?)?)),
        None => Ok(None),
    }
}

const COLUMNS: &str = "month, spent, note, closed_at, closed_by, gst_mode, gst_rate, gst";

/// A month that was closed before its GST was kept has the GST that held in it.
fn read(row: &QueryResult, history: &GstHistory) -> Result<Close, StoreError> {
    let (month, spent): (Month, Money) = (row.read("month")?, row.read("spent")?);
    let mode: Option<GstMode> = row.maybe("gst_mode")?;
    let rate: Option<String> = row.try_get("", "gst_rate")?;
    let rate = rate.and_then(|rate| Decimal::from_str_exact(&rate).ok());
    let kept = mode.zip(rate).map(|(mode, rate)| Gst { mode, rate });
    let gst_rule = kept.unwrap_or_else(|| history.on(month));
    Ok(Close {
        month,
        spent,
        gst_rule,
        gst: row.maybe("gst")?.unwrap_or_else(|| gst_rule.on(spent)),
        note: row.try_get("", "note")?,
        closed_at: row.try_get("", "closed_at")?,
        closed_by: row.try_get("", "closed_by")?,
    })
}
