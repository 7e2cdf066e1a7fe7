//! What happened to messages.

use crate::column::Stored;
use dakiya_core::ids::{EventId, MessageId};
use dakiya_core::message::{EventSource, Status};
use dakiya_core::time::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "message_events")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub message_id: Stored<MessageId>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<EventId>,
    pub at: Timestamp,
    pub status: Stored<Status>,
    pub source: Stored<EventSource>,
    pub error_code: Option<Stored<u32>>,
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
