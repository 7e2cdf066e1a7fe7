//! Campaigns as pages and programs see them.

use super::{Campaign, CampaignDraft};
use crate::budgets::BudgetHold;
use crate::column::Stored;
use crate::entities::{campaign_counts, campaigns as table, messages};
use crate::messages::Message;
use crate::{Cursor, Page, Store, StoreError};
use dakiya_core::campaign::CampaignState;
use dakiya_core::ids::{CampaignId, MessageId};
use dakiya_core::message::Status;
use dakiya_core::money::Money;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::collections::BTreeMap;

/// How many messages of a campaign are where. Together they are always its recipients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages per status; statuses that do not occur are left out.
    pub by_status: BTreeMap<Status, u64>,
    /// Recipients whose message is not written down yet.
    pub pending: u64,
}

impl Counts {
    /// Everybody.
    pub fn total(&self) -> u64 {
        self.by_status.values().sum::<u64>() + self.pending
    }

    /// Messages in a status.
    pub fn of(&self, status: Status) -> u64 {
        self.by_status.get(&status).copied().unwrap_or(0)
    }
}

/// One campaign.
pub async fn get(store: &Store, id: CampaignId) -> Result<Option<Campaign>, StoreError> {
    Ok(table::Entity::find_by_id(Stored(id)).one(store.read()).await?.map(Campaign::from))
}

/// Campaigns, newest first, all or those in one state.
pub async fn list(
    store: &Store,
    state: Option<CampaignState>,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Campaign>, StoreError> {
    let mut query = table::Entity::find().order_by_desc(table::Column::Id).limit(limit + 1);
    if let Some(state) = state {
        query = query.filter(table::Column::State.eq(Stored(state)));
    }
    if let Some(after) = after {
        query = query.filter(table::Column::Id.lt(Stored(after.part::<CampaignId>()?)));
    }
    let items: Vec<Campaign> = query.all(store.read()).await?.into_iter().map(Campaign::from).collect();
    Ok(Page::cut(items, limit, |campaign| Cursor::of([&campaign.id.to_string()])))
}

/// A campaign's counts. What waits in a canceled campaign is canceled, even while that is still being written down.
pub async fn counts(store: &Store, campaign: &Campaign) -> Result<Counts, StoreError> {
    let rows = campaign_counts::Entity::find()
        .filter(campaign_counts::Column::CampaignId.eq(Stored(campaign.id)))
        .all(store.read())
        .await?;
    let mut counts = Counts::default();
    for row in rows {
        if let Some(count) = u64::try_from(row.count).ok().filter(|count| *count > 0) {
            counts.by_status.insert(row.status.0, count);
        }
    }
    counts.pending = campaign.recipients.saturating_sub(counts.total());
    if campaign.state == CampaignState::Canceled {
        let waiting =
            counts.by_status.remove(&Status::Queued).unwrap_or(0) + std::mem::take(&mut counts.pending);
        if waiting > 0 {
            *counts.by_status.entry(Status::Canceled).or_default() += waiting;
        }
    }
    Ok(counts)
}

/// A campaign's messages in the order in which they were written down, for export.
pub async fn results(
    store: &Store,
    id: CampaignId,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Message>, StoreError> {
    let mut query = messages::Entity::find()
        .filter(messages::Column::CampaignId.eq(Stored(id)))
        .order_by_asc(messages::Column::Id)
        .limit(limit + 1);
    if let Some(after) = after {
        query = query.filter(messages::Column::Id.gt(Stored(after.part::<MessageId>()?)));
    }
    let items: Vec<Message> = query.all(store.read()).await?.into_iter().map(Message::from).collect();
    Ok(Page::cut(items, limit, |message| Cursor::of([&message.id.to_string()])))
}

impl From<table::Model> for Campaign {
    fn from(row: table::Model) -> Self {
        Self {
            id: row.id.0,
            draft: CampaignDraft {
                name: row.name,
                template_id: row.template_id.0,
                template_version: row.template_version,
                channel: row.channel.0,
                sender: row.sender.0,
                audience: row.audience.0,
                send_at: row.send_at,
                segments_per_second: row.segments_per_second.map(|rate| rate.0),
                budget: row.budget.map(|budget| budget.0),
            },
            state: row.state.0,
            revision: row.recipients_revision,
            recipients: u64::try_from(row.recipients_count).unwrap_or(0),
            expanded_through: row.expanded_through.map(|phone| phone.0),
            expanded: row.expanded,
            quote: row.quote,
            approved_at: row.approved_at,
            approved_by: row.approved_by,
            estimated_cost: row.estimated_cost.0,
            unit_price: row.unit_price.map(|price| price.0),
            expanded_cost: row.expanded_cost.0,
            // What waits in a canceled campaign is never sent, even while that is still being written down.
            reserved: match row.state.0 {
                CampaignState::Canceled => row.reserved.0 - row.waiting_cost.0,
                _ => row.reserved.0,
            },
            waiting_cost: match row.state.0 {
                CampaignState::Canceled => Money::ZERO,
                _ => row.waiting_cost.0,
            },
            budget_month: row.budget_month.map(|month| month.0),
            budget_hold: row.budget_hold.as_deref().and_then(BudgetHold::parse),
            actual_cost: row.actual_cost.0,
            predicted_start: row.predicted_start,
            predicted_finish: row.predicted_finish,
            paused_reason: row.paused_reason,
            created_at: row.created_at,
            created_by: row.created_by,
            started_at: row.started_at,
            finished_at: row.finished_at,
        }
    }
}
