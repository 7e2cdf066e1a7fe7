//! Warnings of budgets: each is given once for a budget, and kept with its time.

use super::{get, get_in};
use crate::column::Stored;
use crate::costs::lock_month;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::budget::Warning;
use dakiya_core::money::Money;
use dakiya_core::time::{Month, Timestamp, to_micros};
use sea_orm::Value;

/// A warning that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// What was reached.
    pub warning: Warning,
    /// When.
    pub at: Timestamp,
}

/// Notes which shares of a month's budget were reached, by what was spent and by the forecast for the whole month.
/// Returns those that are new.
pub async fn note_warnings(
    store: &Store,
    month: Month,
    spent: Money,
    forecast: Money,
    now: Timestamp,
) -> Result<Vec<Warning>, StoreError> {
    let Some(stored) = get(store, month).await? else { return Ok(Vec::new()) };
    let reached = stored.budget.warnings(spent, forecast);
    let known: Vec<Warning> = warnings(store, month).await?.into_iter().map(|given| given.warning).collect();
    let new: Vec<Warning> = reached.into_iter().filter(|warning| !known.contains(warning)).collect();
    if new.is_empty() {
        return Ok(new);
    }
    let tx = store.write().await?;
    lock_month(&*tx, month).await?;
    if get_in(&*tx, month).await?.is_none_or(|now| now.budget != stored.budget) {
        // It was changed meanwhile: these are shares of another amount.
        return Ok(Vec::new());
    }
    let mut given = Vec::new();
    for warning in new {
        let row: [Value; 4] = [
            Stored(month).into(),
            Stored(warning.basis).into(),
            Stored(warning.percent).into(),
            to_micros(now).into(),
        ];
        let inserted = Sql::new("INSERT INTO budget_warnings (month, basis, percent, at) VALUES ")
            .rows([row])
            .text(" ON CONFLICT (month, basis, percent) DO NOTHING")
            .execute(&*tx)
            .await?;
        if inserted > 0 {
            given.push(warning);
        }
    }
    tx.commit().await?;
    Ok(given)
}

/// The warnings a month's budget has given, in the order of their time.
pub async fn warnings(store: &Store, month: Month) -> Result<Vec<Given>, StoreError> {
    let rows = Sql::new("SELECT basis, percent, at FROM budget_warnings WHERE month = ")
        .bind(Stored(month))
        .text(" ORDER BY at, basis, percent")
        .all(store.read())
        .await?;
    let given = |row: &sea_orm::QueryResult| -> Result<Given, StoreError> {
        let warning = Warning { basis: row.read("basis")?, percent: row.read("percent")? };
        Ok(Given { warning, at: row.try_get("", "at")? })
    };
    rows.iter().map(given).collect()
}
