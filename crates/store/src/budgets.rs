//! Budgets by month: what is left of them, what they hold back, and the warnings they give.
//!
//! What a month's spenders agree on is its row in `monthly_costs`: whoever spends or reserves against a budget that
//! stops sending locks it first, so that no two of them count the same rupee as left.

mod holds;
mod warnings;

pub use holds::{Held, Holds, held, holds, release};
pub use warnings::{Given, note_warnings, warnings};

use crate::audit::{self, Actor};
use crate::campaigns::CampaignError;
use crate::column::Stored;
use crate::costs::{self, lock_month};
use crate::sql::{Row, Sql};
use crate::{Cursor, Page, Store, StoreError, sending};
use dakiya_core::budget::{Budget, Standing};
use dakiya_core::money::Money;
use dakiya_core::time::{Month, Timestamp, to_micros};
use sea_orm::{ConnectionTrait, QueryResult, Value};

/// The budget that keeps something waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetHold {
    /// A month's.
    Month(Month),
    /// The campaign's own.
    Campaign,
}

const OWN: &str = "campaign";

impl BudgetHold {
    pub(crate) fn stored(self) -> String {
        self.to_string()
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == OWN { Some(BudgetHold::Campaign) } else { Month::parse(text).ok().map(BudgetHold::Month) }
    }
}

impl std::fmt::Display for BudgetHold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BudgetHold::Month(month) => month.fmt(f),
            BudgetHold::Campaign => f.write_str(OWN),
        }
    }
}

/// A budget with who set it and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBudget {
    /// The budget.
    pub budget: Budget,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom, as people know them.
    pub updated_by: String,
}

const COLUMNS: &str = "month, amount, stop, warn_at, updated_at, updated_by";

/// The budget of a month, if there is one.
pub async fn get(store: &Store, month: Month) -> Result<Option<StoredBudget>, StoreError> {
    get_in(store.read(), month).await
}

async fn get_in<C: ConnectionTrait>(db: &C, month: Month) -> Result<Option<StoredBudget>, StoreError> {
    let query = Sql::new("SELECT ").text(COLUMNS).text(" FROM budgets WHERE month = ").bind(Stored(month));
    query.one(db).await?.map(|row| stored(&row)).transpose()
}

/// Budgets of a range of months, both included, in their order.
pub async fn list(store: &Store, first: Month, last: Month) -> Result<Vec<StoredBudget>, StoreError> {
    let query = Sql::new("SELECT ")
        .text(COLUMNS)
        .text(" FROM budgets WHERE month >= ")
        .bind(Stored(first))
        .text(" AND month <= ")
        .bind(Stored(last))
        .text(" ORDER BY month");
    query.all(store.read()).await?.iter().map(stored).collect()
}

/// All budgets, a page at a time, in the order of their months.
pub async fn page(
    store: &Store,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<StoredBudget>, StoreError> {
    let mut query = Sql::new("SELECT ").text(COLUMNS).text(" FROM budgets");
    if let Some(cursor) = cursor {
        query = query.text(" WHERE month > ").bind(cursor.part::<String>()?);
    }
    let rows = query.text(" ORDER BY month LIMIT ").bind(limit + 1).all(store.read()).await?;
    let budgets = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(budgets, limit, |stored| Cursor::of([&stored.budget.month.to_string()])))
}

fn stored(row: &QueryResult) -> Result<StoredBudget, StoreError> {
    Ok(StoredBudget {
        budget: Budget {
            month: row.read("month")?,
            amount: row.read("amount")?,
            stop: row.try_get("", "stop")?,
            warn_at: row.read("warn_at")?,
        },
        updated_at: row.try_get("", "updated_at")?,
        updated_by: row.try_get("", "updated_by")?,
    })
}

/// Sets a month's budget; it holds from the next message on. What it held back before goes on by itself when there is
/// room again.
pub async fn put(store: &Store, budget: &Budget, actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    // Nobody spends while it changes, so what was approved or taken was so under one budget or the other: also where there
    // was none, and nobody who takes messages waits for the month.
    sending::after_takes(&*tx).await?;
    lock_month(&*tx, budget.month).await?;
    let row: [Value; 6] = [
        Stored(budget.month).into(),
        Stored(budget.amount).into(),
        budget.stop.into(),
        Stored(budget.warn_at.clone()).into(),
        to_micros(now).into(),
        audit::name_of(&*tx, actor).await?.into(),
    ];
    Sql::new("INSERT INTO budgets (month, amount, stop, warn_at, updated_at, updated_by) VALUES ")
        .rows([row])
        .text(
            " ON CONFLICT (month) DO UPDATE SET amount = excluded.amount, stop = excluded.stop, \
             warn_at = excluded.warn_at, updated_at = excluded.updated_at, updated_by = excluded.updated_by",
        )
        .execute(&*tx)
        .await?;
    // A share of the new amount is another share: warnings are given anew.
    Sql::new("DELETE FROM budget_warnings WHERE month = ").bind(Stored(budget.month)).execute(&*tx).await?;
    let stops = if budget.stop { "stops sending" } else { "only warns" };
    let detail = format!("{} before tax, {stops}", budget.amount);
    audit::record(store, &*tx, actor, now, "budget.changed", budget.month.to_string(), detail).await?;
    tx.commit().await
}

/// Takes a month's budget away. Whether there was one.
pub async fn remove(store: &Store, month: Month, actor: &Actor, now: Timestamp) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    lock_month(&*tx, month).await?;
    let removed = Sql::new("DELETE FROM budgets WHERE month = ").bind(Stored(month)).execute(&*tx).await? > 0;
    if removed {
        audit::record(store, &*tx, actor, now, "budget.removed", month.to_string(), "").await?;
    }
    tx.commit().await?;
    Ok(removed)
}

/// Where a month stands.
pub async fn standing(store: &Store, month: Month) -> Result<Standing, StoreError> {
    Ok(Standing { spent: costs::spent(store, month).await?, reserved: reserved(store.read(), month).await? })
}

/// Where a month stands; nobody else spends or reserves anything of it until this transaction ends.
async fn locked_standing<C: ConnectionTrait>(tx: &C, month: Month) -> Result<Standing, StoreError> {
    let spent = lock_month(tx, month).await?;
    Ok(Standing { spent, reserved: reserved(tx, month).await? })
}

async fn reserved<C: ConnectionTrait>(db: &C, month: Month) -> Result<Money, StoreError> {
    let row = Sql::new(
        // What waits in a canceled campaign is never sent, even while that is still being written down.
        "SELECT CAST(COALESCE(SUM(waiting_cost), 0) AS BIGINT) AS reserved FROM campaigns \
         WHERE waiting_cost <> 0 AND state <> 'canceled' AND budget_month = ",
    )
    .bind(Stored(month))
    .one(db)
    .await?;
    row.map_or(Ok(Money::ZERO), |row| row.read("reserved"))
}

/// The month's budget, if it stops sending.
async fn stopping<C: ConnectionTrait>(tx: &C, month: Month) -> Result<Option<Budget>, StoreError> {
    let query =
        Sql::new("SELECT ").text(COLUMNS).text(" FROM budgets WHERE stop AND month = ").bind(Stored(month));
    Ok(query.one(tx).await?.map(|row| stored(&row)).transpose()?.map(|stored| stored.budget))
}

/// The month's budget, if it stops sending, and where it stands. With one, nobody else spends or reserves anything of the
/// month until this transaction ends; without, nobody waits.
pub(crate) async fn locked_stopping<C: ConnectionTrait>(
    tx: &C,
    month: Month,
) -> Result<Option<(Budget, Standing)>, StoreError> {
    if stopping(tx, month).await?.is_none() {
        return Ok(None);
    }
    let standing = locked_standing(tx, month).await?;
    // Read again: whoever held the month until now may have changed its budget.
    Ok(stopping(tx, month).await?.map(|budget| (budget, standing)))
}

/// Lets a campaign of this cost be approved, or says what is left. Until the caller's transaction ends nobody else
/// reserves anything of the month.
pub(crate) async fn admit<C: ConnectionTrait>(
    tx: &C,
    month: Month,
    expected: Money,
) -> Result<(), CampaignError> {
    // First the lock, then the budget: one that was set meanwhile is seen.
    let standing = locked_standing(tx, month).await?;
    let Some(budget) = stopping(tx, month).await? else { return Ok(()) };
    if budget.admits(standing, expected) {
        return Ok(());
    }
    Err(CampaignError::OverBudget { expected, left: budget.left(standing).max(Money::ZERO), month })
}
