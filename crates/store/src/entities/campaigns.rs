//! Campaigns.

use crate::column::Stored;
use dakiya_core::audience::Audience;
use dakiya_core::campaign::CampaignState;
use dakiya_core::ids::{CampaignId, TemplateId};
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::{Month, Timestamp};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "campaigns")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<CampaignId>,
    pub name: String,
    pub template_id: Stored<TemplateId>,
    pub template_version: i32,
    pub channel: Stored<Channel>,
    pub sender: Stored<SenderAddress>,
    pub audience: Stored<Audience>,
    pub send_at: Option<Timestamp>,
    pub segments_per_second: Option<Stored<u32>>,
    pub budget: Option<Stored<Money>>,
    pub state: Stored<CampaignState>,
    pub quote: Option<String>,
    pub approved_at: Option<Timestamp>,
    pub approved_by: Option<String>,
    pub recipients_revision: i64,
    pub recipients_count: i64,
    pub expanded_through: Option<Stored<PhoneNumber>>,
    pub expanded: bool,
    pub expanded_cost: Stored<Money>,
    pub wake_at: Option<Timestamp>,
    pub served_at: Timestamp,
    pub estimated_cost: Stored<Money>,
    pub reserved: Stored<Money>,
    pub waiting_cost: Stored<Money>,
    pub budget_month: Option<Stored<Month>>,
    pub budget_hold: Option<String>,
    pub actual_cost: Stored<Money>,
    pub unit_price: Option<Stored<Money>>,
    pub predicted_start: Option<Timestamp>,
    pub predicted_finish: Option<Timestamp>,
    pub paused_reason: Option<String>,
    pub created_at: Timestamp,
    pub created_by: String,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
