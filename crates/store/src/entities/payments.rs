//! What customers owe.

use crate::column::{PhoneKey, Stored};
use dakiya_core::ids::PaymentId;
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentReference, PaymentStatus};
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<PaymentId>,
    pub reference: Stored<PaymentReference>,
    pub phone: Stored<PhoneKey>,
    pub name: Option<String>,
    pub name_key: Option<String>,
    pub language: Option<String>,
    pub amount: Stored<Money>,
    pub paid: Stored<Money>,
    pub due_on: chrono::NaiveDate,
    pub pay_url: Option<String>,
    pub link_expired_at: Option<Timestamp>,
    pub variables: Stored<Variables>,
    pub status: Stored<PaymentStatus>,
    pub settled_at: Option<Timestamp>,
    pub revision: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
