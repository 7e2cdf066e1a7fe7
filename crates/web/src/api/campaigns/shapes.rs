//! What a campaign looks like in JSON.

use crate::api::json::Object;
use crate::api::schema;
use dakiya_core::audience::Audience;
use dakiya_core::campaign::CampaignState;
use dakiya_core::ids::CampaignId;
use dakiya_core::message::{Channel, Status};
use dakiya_core::money::Money;
use dakiya_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A campaign to write down. Nothing is sent before its quote is approved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCampaign {
    /// As people call it.
    #[schema(example = "Winter check-up")]
    pub name: String,
    /// A template's key. Its version of this moment is kept.
    pub template: String,
    /// Stored contacts it goes to; uploaded recipients come on top.
    #[serde(default)]
    #[schema(value_type = Option<schema::Audience>)]
    pub audience: Option<Object<Audience>>,
    /// How it travels; as the template says when absent.
    #[schema(value_type = Option<schema::Channel>)]
    pub channel: Option<Channel>,
    /// From whom; the first sender of the channel when absent.
    pub sender: Option<String>,
    /// When it starts; when approved, if absent.
    #[schema(format = DateTime)]
    pub send_at: Option<String>,
    /// A pace of its own, slower than the sender's.
    #[schema(minimum = 1, maximum = 1000)]
    pub segments_per_second: Option<u32>,
    /// The most it may cost, before tax.
    #[schema(value_type = Option<schema::Money>)]
    pub budget: Option<Object<Money>>,
}

/// A campaign as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct CampaignDetail {
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    pub id: CampaignId,
    /// As people call it.
    pub name: String,
    /// The template's key.
    pub template: String,
    /// Stored contacts it goes to; uploaded recipients come on top.
    #[schema(value_type = schema::Audience)]
    pub audience: Audience,
    /// How it travels.
    #[schema(value_type = schema::Channel)]
    pub channel: Channel,
    /// From whom.
    pub sender: String,
    /// When it starts; null: when approved.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    pub send_at: Option<Timestamp>,
    /// A pace of its own.
    #[schema(required = true)]
    pub segments_per_second: Option<u32>,
    /// The most it may cost, before tax.
    #[schema(value_type = Option<schema::Money>, required = true)]
    pub budget: Option<Money>,
    /// Where it is.
    #[schema(value_type = schema::CampaignState)]
    pub state: CampaignState,
    /// Why it is paused, when not by a person.
    #[schema(required = true)]
    pub paused_reason: Option<String>,
    /// The budget that keeps it waiting: a month's, written `YYYY-MM`, or `campaign`, its own; null when none does.
    #[schema(required = true, example = "2026-11")]
    pub held_by_budget: Option<String>,
    /// How many people it goes to, as far as they are written down.
    pub recipients: u64,
    /// Messages by status; only statuses that occur.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub counts: BTreeMap<Status, u64>,
    /// Before tax.
    pub cost: CampaignCost,
    /// When the last message is expected to go out; null before approval, and while a budget keeps it waiting.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    pub predicted_finish: Option<Timestamp>,
    /// When it was written down.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub created_at: Timestamp,
    /// When it was approved.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    pub approved_at: Option<Timestamp>,
    /// When it started.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    pub started_at: Option<Timestamp>,
    /// When nothing of it waited any more.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    pub finished_at: Option<Timestamp>,
}

/// What a campaign costs, before tax.
#[derive(Debug, Serialize, ToSchema)]
pub struct CampaignCost {
    /// As approved.
    #[schema(value_type = schema::Money)]
    pub estimated: Money,
    /// Still set aside.
    #[schema(value_type = schema::Money)]
    pub reserved: Money,
    /// Charged by Twilio so far.
    #[schema(value_type = schema::Money)]
    pub actual: Money,
}

/// The quote that is agreed to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// As `GET /campaigns/{id}/estimate` gave it.
    pub quote: String,
}
