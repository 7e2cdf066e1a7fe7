//! Asking what records say.

use super::UsageRecord;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::money::Currency;
use dakiya_core::usage::{UsageFigure, UsageKind};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::BTreeMap;

/// Records of some days, both included: by day, then by category.
pub async fn records(
    store: &Store,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<UsageRecord>, StoreError> {
    let rows = between(first, last).text(" ORDER BY day, category").all(store.read()).await?;
    rows.iter().map(record).collect()
}

/// The UTC day of our first message, either way: from there on our own log counts, not the vendor's totals.
pub async fn first_message_day(store: &Store) -> Result<Option<NaiveDate>, StoreError> {
    super::first_own_day(store.read()).await
}

/// The newest day of which there is a record.
pub async fn newest_day(store: &Store) -> Result<Option<NaiveDate>, StoreError> {
    let row = Sql::new("SELECT MAX(day) AS day FROM usage_days").one(store.read()).await?;
    row.map_or(Ok(None), |row| Ok(row.try_get("", "day")?))
}

/// Figures of each day with their currency. A day whose records are in several has none that can be converted.
pub(super) async fn figures_in<C: ConnectionTrait>(
    tx: &C,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<BTreeMap<NaiveDate, (String, Vec<UsageFigure>)>, StoreError> {
    let rows = between(first, last).text(" AND kind IS NOT NULL").all(tx).await?;
    let mut days: BTreeMap<NaiveDate, (String, Vec<UsageFigure>)> = BTreeMap::new();
    for row in &rows {
        let record = record(row)?;
        let Some(figure) = record.figure() else { continue };
        let (unit, figures) =
            days.entry(record.day).or_insert_with(|| (record.price_unit.clone(), Vec::new()));
        // What costs nothing has no currency.
        if record.price_unit != *unit && !record.price.is_zero() {
            *unit = if figures.iter().all(|figure| figure.price.is_zero()) {
                record.price_unit
            } else {
                String::new()
            };
        }
        figures.push(figure);
    }
    Ok(days)
}

pub(super) fn parse_currency(unit: &str) -> Option<Currency> {
    Currency::parse(unit).ok()
}

impl UsageRecord {
    /// As the rules of `core` take it, if it is told apart.
    pub fn figure(&self) -> Option<UsageFigure> {
        let units = self.usage.and_then(|usage| usage.to_i64());
        let kind = self.kind?;
        let units = if kind == UsageKind::Total { 0 } else { units.or(self.count).unwrap_or(0) };
        Some(UsageFigure { kind, count: self.count.unwrap_or(units), units, price: self.price })
    }
}

fn between(first: NaiveDate, last: NaiveDate) -> Sql {
    Sql::new(
        "SELECT day, category, kind, count, usage, price, price_unit, as_of FROM usage_days WHERE day >= ",
    )
    .bind(first)
    .text(" AND day <= ")
    .bind(last)
}

fn record(row: &QueryResult) -> Result<UsageRecord, StoreError> {
    let decimal = |text: String| {
        Decimal::from_str_exact(&text).map_err(|_| {
            StoreError::Inconsistent(format!("{text} where a usage record's figure was expected"))
        })
    };
    Ok(UsageRecord {
        day: row.try_get("", "day")?,
        category: row.try_get("", "category")?,
        kind: row.maybe("kind")?,
        count: row.try_get("", "count")?,
        usage: row.try_get::<Option<String>>("", "usage")?.map(decimal).transpose()?,
        price: decimal(row.try_get("", "price")?)?,
        price_unit: row.try_get("", "price_unit")?,
        as_of: row.try_get("", "as_of")?,
    })
}
