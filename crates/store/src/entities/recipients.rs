//! The people a campaign goes to.

use crate::column::{PhoneKey, Stored};
use dakiya_core::ids::CampaignId;
use dakiya_core::template::Variables;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "recipients")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub campaign_id: Stored<CampaignId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub phone: Stored<PhoneKey>,
    pub language: Option<String>,
    pub variables: Stored<Variables>,
    pub from_contacts: bool,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
