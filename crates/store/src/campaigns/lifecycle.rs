//! A campaign's way from draft to its end. Each step is one transaction that asks `core` whether it is allowed.

use super::{Campaign, CampaignError};
use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::campaigns as table;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, budgets, imports, sending};
use dakiya_core::campaign::CampaignAction;
use dakiya_core::ids::CampaignId;
use dakiya_core::money::Money;
use dakiya_core::time::{Month, Timestamp, to_micros};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, QuerySelect};

/// What is being agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The quote's hash.
    pub quote: String,
    /// The revision that was quoted.
    pub revision: i64,
    /// Its expected cost, before tax: reserved from now on.
    pub estimated_cost: Money,
    /// What one segment, or one WhatsApp message, is expected to cost: its messages are written down at this price,
    /// whatever the rates are by then.
    pub unit_price: Money,
    /// The month whose budget it is reserved from: that of its start, in the business's zone.
    pub month: Month,
    /// When the first message is expected to go out.
    pub predicted_start: Timestamp,
    /// When the last message is expected to go out.
    pub predicted_finish: Timestamp,
}

/// Approves a campaign: state, quote and reservation in one transaction, if nothing changed since it was quoted.
pub async fn approve(
    store: &Store,
    id: CampaignId,
    approval: &Approval,
    actor: &Actor,
    now: Timestamp,
) -> Result<Campaign, CampaignError> {
    let tx = store.write().await?;
    let row = lock(&*tx, id).await?;
    let state = row.state.0.after(CampaignAction::Approve, false)?;
    // A list still being added is no part of what was quoted.
    if row.recipients_revision != approval.revision || imports::wait_for(&*tx, id).await? {
        return Err(CampaignError::QuoteChanged);
    }
    budgets::admit(&*tx, approval.month, approval.estimated_cost).await?;
    let changed = table::ActiveModel {
        id: Set(Stored(id)),
        state: Set(Stored(state)),
        quote: Set(Some(approval.quote.clone())),
        approved_at: Set(Some(to_micros(now))),
        approved_by: Set(Some(audit::name_of(&*tx, actor).await?)),
        estimated_cost: Set(Stored(approval.estimated_cost)),
        unit_price: Set(Some(Stored(approval.unit_price))),
        reserved: Set(Stored(approval.estimated_cost)),
        waiting_cost: Set(Stored(approval.estimated_cost)),
        budget_month: Set(Some(Stored(approval.month))),
        predicted_start: Set(Some(to_micros(approval.predicted_start))),
        predicted_finish: Set(Some(to_micros(approval.predicted_finish))),
        ..Default::default()
    };
    let row = changed.update(&*tx).await.map_err(StoreError::from)?;
    let detail = format!("{id}, quote {}, expected cost {}", approval.quote, approval.estimated_cost);
    audit::record(store, &*tx, actor, now, "campaign.approved", row.name.clone(), detail).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// Holds a campaign. `take` chooses none of its messages after this; see the fence in `messages`.
pub async fn pause(
    store: &Store,
    id: CampaignId,
    reason: Option<&str>,
    actor: &Actor,
    now: Timestamp,
) -> Result<Campaign, CampaignError> {
    let reason = reason.map(str::to_owned);
    act(store, id, CampaignAction::Pause, actor, now, |change| change.paused_reason = Set(reason)).await
}

/// Lets a paused campaign go on.
pub async fn resume(
    store: &Store,
    id: CampaignId,
    actor: &Actor,
    now: Timestamp,
) -> Result<Campaign, CampaignError> {
    act(store, id, CampaignAction::Resume, actor, now, |change| {
        change.paused_reason = Set(None);
        change.budget_hold = Set(None);
        change.wake_at = Set(Some(to_micros(now)));
    })
    .await
}

/// Stops a campaign for good. `take` chooses none of its messages after this; `messages::cancel_queued`
/// writes that into each of them.
pub async fn cancel(
    store: &Store,
    id: CampaignId,
    actor: &Actor,
    now: Timestamp,
) -> Result<Campaign, CampaignError> {
    act(store, id, CampaignAction::Cancel, actor, now, |change| {
        change.finished_at = Set(Some(to_micros(now)));
        change.wake_at = Set(None);
        change.budget_hold = Set(None);
    })
    .await
}

async fn act(
    store: &Store,
    id: CampaignId,
    action: CampaignAction,
    actor: &Actor,
    now: Timestamp,
    with: impl FnOnce(&mut table::ActiveModel),
) -> Result<Campaign, CampaignError> {
    let tx = store.write().await?;
    sending::after_takes(&*tx).await?;
    let row = lock(&*tx, id).await?;
    let state = row.state.0.after(action, row.started_at.is_some())?;
    let mut change =
        table::ActiveModel { id: Set(Stored(id)), state: Set(Stored(state)), ..Default::default() };
    if action == CampaignAction::Cancel && !row.expanded {
        // Nothing is set aside any more for recipients who never got a message.
        let never = row.estimated_cost.0 - row.expanded_cost.0;
        change.reserved = Set(Stored(row.reserved.0 - never));
        change.waiting_cost = Set(Stored(row.waiting_cost.0 - never));
    }
    with(&mut change);
    let row = change.update(&*tx).await.map_err(StoreError::from)?;
    audit::record(store, &*tx, actor, now, &format!("campaign.{action}"), row.name.clone(), id.to_string())
        .await?;
    tx.commit().await?;
    Ok(row.into())
}

/// Reads a campaign that this transaction is about to change.
pub(super) async fn lock<C: ConnectionTrait>(tx: &C, id: CampaignId) -> Result<table::Model, CampaignError> {
    let mut query = table::Entity::find_by_id(Stored(id));
    if tx.get_database_backend() == sea_orm::DbBackend::Postgres {
        query = query.lock_exclusive();
    }
    query.one(tx).await.map_err(StoreError::from)?.ok_or(CampaignError::NotFound(id))
}

/// Starts campaigns whose time has come. Harmless to call twice. Returns how many started.
pub async fn start_due(store: &Store, now: Timestamp) -> Result<u64, StoreError> {
    let due = "state = 'scheduled' AND (send_at IS NULL OR send_at <= ";
    let waiting = Sql::new("SELECT id FROM campaigns WHERE ")
        .text(due)
        .bind(now)
        .text(") LIMIT 1")
        .one(store.read())
        .await?;
    if waiting.is_none() {
        return Ok(0);
    }
    let tx = store.write().await?;
    let started = Sql::new("UPDATE campaigns SET state = 'sending', started_at = ")
        .bind(now)
        .text(", wake_at = ")
        .bind(now)
        .text(" WHERE ")
        .text(due)
        .bind(now)
        .text(")")
        .execute(&*tx)
        .await?;
    tx.commit().await?;
    Ok(started)
}

/// Canceled campaigns of which messages still wait.
pub async fn to_clear(store: &Store) -> Result<Vec<CampaignId>, StoreError> {
    let rows = Sql::new(
        "SELECT campaigns.id AS id FROM campaign_counts JOIN campaigns ON campaigns.id = campaign_counts.campaign_id \
         WHERE campaign_counts.status = 0 AND campaign_counts.count > 0 AND campaigns.state = 'canceled'",
    )
    .all(store.read())
    .await?;
    rows.iter().map(|row| row.read("id")).collect()
}
