//! Templates.

use crate::column::Stored;
use dakiya_core::ids::TemplateId;
use dakiya_core::message::{Category, Channel};
use dakiya_core::time::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "templates")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<TemplateId>,
    pub key: String,
    pub name: String,
    pub category: Stored<Category>,
    pub channel: Stored<Channel>,
    pub default_language: String,
    pub latest_version: i32,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
