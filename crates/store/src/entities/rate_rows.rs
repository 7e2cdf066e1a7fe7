//! Dated prices.

use crate::column::Stored;
use dakiya_core::ids::RateRowId;
use dakiya_core::message::{Category, Direction};
use dakiya_core::rate_card::{Charge, Confidence, RateItem, RateUnit, Route};
use dakiya_core::time::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "rate_rows")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<RateRowId>,
    pub card_key: String,
    pub item: Stored<RateItem>,
    pub direction: Stored<Direction>,
    pub category: Option<Stored<Category>>,
    pub route: Stored<Route>,
    pub unit: Stored<RateUnit>,
    pub charges: Stored<Vec<Charge>>,
    pub valid_from: chrono::NaiveDate,
    pub source: String,
    pub confidence: Stored<Confidence>,
    pub created_at: Option<Timestamp>,
    pub created_by: Option<String>,
    pub retired_at: Option<Timestamp>,
    pub retired_by: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
