//! Writing changes of roll-ups, once per transaction.

use super::entry::{Entry, Key};
use crate::StoreError;
use crate::column::Stored;
use crate::sql::{Row, Sql, for_update, in_few_lengths};
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use sea_orm::{ConnectionTrait, Value};
use std::collections::BTreeMap;

/// Changes collected while a batch is worked on.
#[derive(Default)]
pub(crate) struct CostChanges(BTreeMap<Key, Entry>);

impl CostChanges {
    /// What a message added to its day is something else now.
    pub(crate) fn changed(&mut self, key: Key, before: Entry, after: Entry) {
        if before != after {
            *self.0.entry(key).or_default() += after - before;
        }
    }

    /// What counts against each month's budget; written before counts are, see the order in `Tally::write`.
    pub(crate) async fn write_spent<C: ConnectionTrait>(&self, tx: &C) -> Result<(), StoreError> {
        let mut months: BTreeMap<Month, i64> = BTreeMap::new();
        for (key, entry) in &self.0 {
            *months.entry(key.month()).or_default() += entry.spent();
        }
        months.retain(|_, spent| *spent != 0);
        if months.is_empty() {
            return Ok(());
        }
        Sql::new("INSERT INTO monthly_costs (month, spent) VALUES ")
            .rows(
                months
                    .into_iter()
                    .map(|(month, spent)| -> [Value; 2] { [Stored(month).into(), spent.into()] }),
            )
            .text(" ON CONFLICT (month) DO UPDATE SET spent = monthly_costs.spent + excluded.spent")
            .execute(tx)
            .await?;
        Ok(())
    }

    /// The lines of days and of their months, in the order of their keys.
    pub(crate) async fn write_lines<C: ConnectionTrait>(self, tx: &C) -> Result<(), StoreError> {
        let mut months: BTreeMap<Key, Entry> = BTreeMap::new();
        for (key, entry) in &self.0 {
            let key = Key { day: key.month().first_day(), ..key.clone() };
            *months.entry(key).or_default() += *entry;
        }
        add(tx, "daily_costs", "day", self.0, Key::values).await?;
        add(tx, "month_lines", "month", months, Key::values_of_month).await
    }
}

/// Adds entries to the rows of a table whose key begins with `period`.
async fn add<C: ConnectionTrait>(
    tx: &C,
    table: &str,
    period: &str,
    entries: BTreeMap<Key, Entry>,
    values: fn(&Key) -> [Value; 8],
) -> Result<(), StoreError> {
    let rows: Vec<_> = entries.into_iter().filter(|(_, entry)| !entry.is_nothing()).collect();
    let (key, columns) = (format!("{period}, {}", Key::COLUMNS), Entry::COLUMNS);
    let more = columns.map(|column| format!("{column} = {table}.{column} + excluded.{column}")).join(", ");
    for batch in in_few_lengths(&rows, 1_000) {
        let rows = batch.iter().map(|(key, entry)| -> [Value; 20] {
            let mut values = values(key).into_iter().chain(entry.values().map(Value::from));
            std::array::from_fn(|_| values.next().unwrap_or(Value::BigInt(None)))
        });
        Sql::new(&format!("INSERT INTO {table} ({key}, {}) VALUES ", columns.join(", ")))
            .rows(rows)
            .text(&format!(" ON CONFLICT ({key}) DO UPDATE SET {more}"))
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// What was spent in a month, which nobody else changes until this transaction ends.
pub(crate) async fn lock_month<C: ConnectionTrait>(tx: &C, month: Month) -> Result<Money, StoreError> {
    let query = || {
        Sql::new("SELECT spent FROM monthly_costs WHERE month = ").bind(Stored(month)).text(for_update(tx))
    };
    if let Some(row) = query().one(tx).await? {
        return row.read("spent");
    }
    // What is not there cannot be locked.
    Sql::new("INSERT INTO monthly_costs (month, spent) VALUES ")
        .rows([[Stored(month).into(), 0i64.into()]])
        .text(" ON CONFLICT (month) DO NOTHING")
        .execute(tx)
        .await?;
    query().one(tx).await?.map_or(Ok(Money::ZERO), |row| row.read("spent"))
}
