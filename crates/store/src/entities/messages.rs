//! The queue, the log and the account.

use crate::column::{PhoneKey, Stored};
use dakiya_core::encoding::{Encoding, Segments};
use dakiya_core::ids::{ApiKeyId, CampaignId, MessageId, PaymentId, ReminderRuleId, TemplateId};
use dakiya_core::message::{Category, Channel, Status, SuppressedReason};
use dakiya_core::money::{FxRate, Money};
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::{Month, Timestamp};
use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "messages")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Stored<MessageId>,
    pub dedupe_key: String,
    pub campaign_id: Option<Stored<CampaignId>>,
    pub template_id: Option<Stored<TemplateId>>,
    pub template_version: Option<i32>,
    pub phone: Stored<PhoneKey>,
    pub channel: Stored<Channel>,
    pub category: Stored<Category>,
    pub sender: Stored<SenderAddress>,
    pub body: String,
    pub encoding: Stored<Encoding>,
    pub segments: Stored<Segments>,
    pub estimated_cost: Stored<Money>,
    pub estimated_fx: Option<Stored<FxRate>>,
    pub cost_day: Option<chrono::NaiveDate>,
    pub budget_hold: Option<Stored<Month>>,
    pub actual_cost: Option<Stored<Money>>,
    pub twilio_price: Option<String>,
    pub twilio_price_unit: Option<String>,
    pub twilio_segments: Option<Stored<u32>>,
    pub fx_rate: Option<String>,
    pub status: Stored<Status>,
    pub suppressed_reason: Option<Stored<SuppressedReason>>,
    pub twilio_sid: Option<String>,
    pub error_code: Option<Stored<u32>>,
    pub attempts: Stored<u32>,
    pub priority: i16,
    pub due_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub taken_at: Option<Timestamp>,
    pub next_check_at: Option<Timestamp>,
    pub checks: Stored<u32>,
    pub api_key_id: Option<Stored<ApiKeyId>>,
    pub test: bool,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub payment_id: Option<Stored<PaymentId>>,
    pub reminder_rule_id: Option<Stored<ReminderRuleId>>,
    pub reminder_step: Option<i32>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
