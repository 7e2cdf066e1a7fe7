//! Senders.

use crate::column::Stored;
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::sender::{SenderAddress, SenderKind};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "senders")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub channel: Stored<Channel>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub address: Stored<SenderAddress>,
    pub kind: Stored<SenderKind>,
    pub segments_per_second: Stored<u32>,
    pub promotional: bool,
    pub monthly_rent: Option<Stored<Money>>,
    pub position: i32,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
