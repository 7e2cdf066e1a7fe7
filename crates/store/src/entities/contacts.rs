//! Stored people.

use crate::column::Stored;
use dakiya_core::ids::ContactId;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "contacts")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<ContactId>,
    pub phone: Stored<PhoneNumber>,
    pub name: Option<String>,
    pub name_key: Option<String>,
    pub language: Option<String>,
    pub attributes: Stored<Variables>,
    pub consent_promotional_at: Option<Timestamp>,
    pub consent_evidence: Option<String>,
    pub unreachable_since: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
