//! A campaign's messages per status.

use crate::column::Stored;
use dakiya_core::ids::CampaignId;
use dakiya_core::message::Status;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "campaign_counts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: Stored<CampaignId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub status: Stored<Status>,
    pub count: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
