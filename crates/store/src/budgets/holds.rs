//! What waits because of a budget, and letting it go on when there is room again.

use super::{BudgetHold, locked_stopping};
use crate::column::Stored;
use crate::messages::Message;
use crate::sql::{Row, Sql, for_update, skip_locked};
use crate::{Store, StoreError};
use chrono_tz::Tz;
use dakiya_core::ids::{CampaignId, MessageId};
use dakiya_core::message::Status;
use dakiya_core::money::Money;
use dakiya_core::time::{Month, Timestamp, day_in};
use std::collections::BTreeMap;

/// Single messages let go in one transaction.
const BATCH: i64 = 500;

/// More campaigns than are ever held at once; the others follow.
const MOST_CAMPAIGNS: i64 = 100;

/// What a month's budget holds back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Single messages.
    pub messages: u64,
    /// Campaigns, by name.
    pub campaigns: Vec<(CampaignId, String)>,
}

impl Held {
    /// Whether it holds nothing back.
    pub fn is_empty(&self) -> bool {
        self.messages == 0 && self.campaigns.is_empty()
    }
}

/// What a month's budget holds back now.
pub async fn held(store: &Store, month: Month) -> Result<Held, StoreError> {
    let messages = Sql::new("SELECT COUNT(*) AS held FROM messages WHERE status = 0 AND budget_hold = ")
        .bind(Stored(month))
        .one(store.read())
        .await?;
    let messages: i64 = messages.map_or(Ok(0), |row| row.try_get("", "held"))?;
    let rows = Sql::new("SELECT id, name FROM campaigns WHERE budget_hold = ")
        .bind(month.to_string())
        .text(" ORDER BY id LIMIT ")
        .bind(MOST_CAMPAIGNS)
        .all(store.read())
        .await?;
    let campaigns = rows.iter().map(|row| Ok((row.read("id")?, row.try_get("", "name")?)));
    Ok(Held { messages: messages.unsigned_abs(), campaigns: campaigns.collect::<Result<_, StoreError>>()? })
}

/// Which budget keeps which campaign waiting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds(BTreeMap<CampaignId, BudgetHold>);

impl Holds {
    /// Which budget keeps a message waiting: one that it waits for itself, or its campaign's.
    pub fn of(&self, message: &Message) -> Option<BudgetHold> {
        let of_campaign = || message.campaign_id.and_then(|id| self.0.get(&id).copied());
        let waits = message.status == Status::Queued;
        message.budget_hold.map(BudgetHold::Month).or_else(of_campaign).filter(|_| waits)
    }
}

/// Every campaign that a budget keeps waiting. There are few.
pub async fn holds(store: &Store) -> Result<Holds, StoreError> {
    let rows = Sql::new("SELECT id, budget_hold FROM campaigns WHERE budget_hold IS NOT NULL")
        .all(store.read())
        .await?;
    let mut holds = BTreeMap::new();
    for row in rows {
        if let Some(hold) = BudgetHold::parse(&row.try_get::<String>("", "budget_hold")?) {
            holds.insert(row.read("id")?, hold);
        }
    }
    Ok(Holds(holds))
}

/// Lets go on what budgets held back, as far as there is room now: single messages in the order in which they were
/// written down, then campaigns, whose next message is decided about anew. Returns how many of both.
pub async fn release(store: &Store, now: Timestamp, zone: Tz) -> Result<usize, StoreError> {
    let waiting = Sql::new(
        "SELECT 1 AS held FROM campaigns WHERE budget_hold IS NOT NULL UNION ALL \
         SELECT 1 AS held FROM messages WHERE budget_hold IS NOT NULL AND status = 0 LIMIT 1",
    );
    if waiting.one(store.read()).await?.is_none() {
        return Ok(0);
    }
    let month = Month::of(day_in(now, zone));
    Ok(messages(store, month, now).await? + campaigns(store, month, now).await?)
}

async fn messages(store: &Store, month: Month, now: Timestamp) -> Result<usize, StoreError> {
    let tx = store.write().await?;
    let rows = Sql::new("SELECT id, estimated_cost FROM messages WHERE status = 0 AND budget_hold = ")
        .bind(Stored(month))
        .text(" ORDER BY id LIMIT ")
        .bind(BATCH)
        .text(skip_locked(&*tx))
        .all(&*tx)
        .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut left = locked_stopping(&*tx, month).await?.map(|(budget, standing)| budget.left(standing));
    let mut ids: Vec<Stored<MessageId>> = Vec::new();
    for row in rows {
        let cost: Money = row.read("estimated_cost")?;
        if left.is_some_and(|left| cost > left) {
            break;
        }
        left = left.map(|left| left - cost);
        ids.push(Stored(row.read("id")?));
    }
    if ids.is_empty() {
        return Ok(0);
    }
    let released = ids.len();
    Sql::new("UPDATE messages SET budget_hold = NULL, due_at = ")
        .bind(now)
        .text(", updated_at = ")
        .bind(now)
        .text(" WHERE status = 0 AND id IN ")
        .list(ids)
        .execute(&*tx)
        .await?;
    tx.commit().await?;
    Ok(released)
}

/// Wakes the campaigns whose next message has room. `take` decides for good.
async fn campaigns(store: &Store, month: Month, now: Timestamp) -> Result<usize, StoreError> {
    let tx = store.write().await?;
    let rows = Sql::new(
        "SELECT id, budget, budget_month, reserved, actual_cost FROM campaigns WHERE budget_hold IN (",
    )
    .bind(super::OWN)
    .text(", ")
    .bind(month.to_string())
    .text(") ORDER BY id LIMIT ")
    .bind(MOST_CAMPAIGNS)
    .text(for_update(&*tx))
    .all(&*tx)
    .await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let of_month = locked_stopping(&*tx, month).await?;
    let mut awake: Vec<Stored<CampaignId>> = Vec::new();
    for row in rows {
        let id: CampaignId = row.read("id")?;
        let next = Sql::new("SELECT estimated_cost FROM messages WHERE status = 0 AND campaign_id = ")
            .bind(Stored(id))
            .text(" ORDER BY due_at, id LIMIT 1")
            .one(&*tx)
            .await?;
        let cost: Money = next.map_or(Ok(Money::ZERO), |row| row.read("estimated_cost"))?;
        let committed = row.read::<Money>("reserved")? + row.read::<Money>("actual_cost")?;
        let own = row.maybe::<Money>("budget")?.is_none_or(|budget| committed <= budget);
        let reserved_here = row.maybe::<Month>("budget_month")? == Some(month);
        let fits = of_month.as_ref().is_none_or(|(budget, standing)| {
            let left =
                if reserved_here { budget.left_for_reserved(*standing) } else { budget.left(*standing) };
            cost <= left
        });
        if own && fits {
            awake.push(Stored(id));
        }
    }
    if awake.is_empty() {
        return Ok(0);
    }
    let released = awake.len();
    Sql::new("UPDATE campaigns SET budget_hold = NULL, wake_at = ")
        .bind(now)
        .text(" WHERE id IN ")
        .list(awake)
        .execute(&*tx)
        .await?;
    tx.commit().await?;
    Ok(released)
}
