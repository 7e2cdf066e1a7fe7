//! Keys that call the API.

use crate::column::Stored;
use dakiya_core::api_key::{KeyKind, KeyScope};
use dakiya_core::ids::ApiKeyId;
use dakiya_core::time::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<ApiKeyId>,
    pub name: String,
    pub prefix: String,
    pub key_hash: Vec<u8>,
    pub scope: Stored<KeyScope>,
    pub kind: Stored<KeyKind>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
