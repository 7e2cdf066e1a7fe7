//! Writing a campaign down, and changing what was written.

use super::lifecycle::lock;
use super::{Campaign, CampaignDraft, CampaignError};
use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::campaigns as table;
use crate::{Store, StoreError};
use dakiya_core::campaign::CampaignState;
use dakiya_core::ids::CampaignId;
use dakiya_core::money::Money;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait};

/// Writes a draft down.
pub async fn create(
    store: &Store,
    draft: &CampaignDraft,
    actor: &Actor,
    now: Timestamp,
) -> Result<Campaign, StoreError> {
    let tx = store.write().await?;
    let id = store.new_id::<CampaignId>(now);
    let created_by = audit::name_of(&*tx, actor).await?;
    let row = table::ActiveModel {
        id: Set(Stored(id)),
        state: Set(Stored(CampaignState::Draft)),
        recipients_revision: Set(0),
        recipients_count: Set(0),
        expanded: Set(false),
        expanded_cost: Set(Stored(Money::ZERO)),
        served_at: Set(Timestamp::UNIX_EPOCH),
        estimated_cost: Set(Stored(Money::ZERO)),
        reserved: Set(Stored(Money::ZERO)),
        waiting_cost: Set(Stored(Money::ZERO)),
        actual_cost: Set(Stored(Money::ZERO)),
        created_at: Set(to_micros(now)),
        created_by: Set(created_by),
        ..written(draft)
    };
    let row = table::Entity::insert(row).exec_with_returning(&*tx).await?;
    audit::record(store, &*tx, actor, now, "campaign.created", draft.name.clone(), id.to_string()).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// Changes a draft. A quote asked for before is void.
pub async fn update(
    store: &Store,
    id: CampaignId,
    draft: &CampaignDraft,
    actor: &Actor,
    now: Timestamp,
) -> Result<Campaign, CampaignError> {
    let tx = store.write().await?;
    let row = lock(&*tx, id).await?;
    if row.state.0 != CampaignState::Draft {
        return Err(CampaignError::NotADraft(row.state.0));
    }
    let changed = table::ActiveModel {
        id: Set(Stored(id)),
        recipients_revision: Set(row.recipients_revision + 1),
        ..written(draft)
    };
    let row = changed.update(&*tx).await.map_err(StoreError::from)?;
    audit::record(store, &*tx, actor, now, "campaign.changed", draft.name.clone(), id.to_string()).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// The columns that a person writes.
fn written(draft: &CampaignDraft) -> table::ActiveModel {
    table::ActiveModel {
        name: Set(draft.name.clone()),
        template_id: Set(Stored(draft.template_id)),
        template_version: Set(draft.template_version),
        channel: Set(Stored(draft.channel)),
        sender: Set(Stored(draft.sender.clone())),
        audience: Set(Stored(draft.audience.clone())),
        send_at: Set(draft.send_at.map(to_micros)),
        segments_per_second: Set(draft.segments_per_second.map(Stored)),
        budget: Set(draft.budget.map(Stored)),
        ..Default::default()
    }
}
