//! Immutable versions of templates.

use crate::column::Stored;
use dakiya_core::ids::{TemplateId, TemplateVersionId};
use dakiya_core::message::{Category, Channel};
use dakiya_core::template::Dlt;
use dakiya_core::time::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "template_versions")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<TemplateVersionId>,
    pub template_id: Stored<TemplateId>,
    pub language: String,
    pub version: i32,
    pub category: Stored<Category>,
    pub channel: Stored<Channel>,
    pub body: String,
    pub dlt: Option<Stored<Dlt>>,
    pub content_sid: Option<String>,
    pub created_at: Timestamp,
    pub created_by: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
