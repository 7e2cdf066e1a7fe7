//! Files that were imported.

use crate::column::Stored;
use crate::imports::ImportKind;
use dakiya_core::ids::ImportId;
use dakiya_core::time::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "imports")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<ImportId>,
    pub kind: Stored<ImportKind>,
    pub file_name: String,
    pub header: Stored<Vec<String>>,
    pub accepted: i64,
    pub duplicates: i64,
    pub rejected: i64,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
