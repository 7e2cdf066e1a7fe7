//! The log: pages of messages, newest first, and the history of each.

use super::enqueue::first_id_at;
use super::{Message, MessageEvent};
use crate::column::{PhoneKey, Storable as _, Stored};
use crate::entities::message_events as event_table;
use crate::entities::messages as table;
use crate::sql::Sql;
use crate::{Cursor, Page, Store, StoreError};
use dakiya_core::ids::{CampaignId, MessageId, TemplateId};
use dakiya_core::message::{EventSource, Status};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Which messages to show; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Asked for then or later.
    pub from: Option<Timestamp>,
    /// Asked for before then.
    pub until: Option<Timestamp>,
    /// In this status.
    pub status: Option<Status>,
    /// To this number.
    pub phone: Option<PhoneNumber>,
    /// Of this campaign.
    pub campaign: Option<CampaignId>,
    /// From this template.
    pub template: Option<TemplateId>,
}

/// A page of the log, newest first.
pub async fn page(
    store: &Store,
    filter: &MessageFilter,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Message>, StoreError> {
    let mut query = table::Entity::find().order_by_desc(table::Column::Id).limit(limit + 1);
    if let Some(from) = filter.from {
        query = query.filter(table::Column::Id.gte(Stored(first_id_at(from))));
    }
    if let Some(until) = filter.until {
        query = query.filter(table::Column::Id.lt(Stored(first_id_at(until))));
    }
    if let Some(status) = filter.status {
        query = query.filter(Expr::cust(in_status(filter, status)));
    }
    if let Some(phone) = filter.phone {
        query = query.filter(table::Column::Phone.eq(Stored(PhoneKey::Number(phone))));
    }
    if let Some(campaign) = filter.campaign {
        query = query.filter(table::Column::CampaignId.eq(Stored(campaign)));
    }
    if let Some(template) = filter.template {
        query = query.filter(table::Column::TemplateId.eq(Stored(template)));
    }
    if let Some(after) = after {
        query = query.filter(table::Column::Id.lt(Stored(after.part::<MessageId>()?)));
    }
    let items: Vec<Message> = query.all(store.read()).await?.into_iter().map(Message::from).collect();
    Ok(Page::cut(items, limit, |message| Cursor::of([&message.id.to_string()])))
}

/// The condition on the status, written so that the page comes from the narrowest index: without statistics SQLite
/// would walk through all messages of a status, when a person or a campaign has few.
fn in_status(filter: &MessageFilter, status: Status) -> String {
    let number = status.to_raw();
    let narrowed = filter.phone.is_some() || filter.campaign.is_some() || filter.template.is_some();
    match status {
        Status::Undelivered
        | Status::Failed
        | Status::Rejected
        | Status::Suppressed
        | Status::Expired
        | Status::Canceled
            if filter.campaign.is_some() && filter.phone.is_none() =>
        {
            format!("status + 0 = {number} AND status > 6")
        }
        _ if narrowed => format!("status + 0 = {number}"),
        _ => format!("status = {number}"),
    }
}

/// One message.
pub async fn get(store: &Store, id: MessageId) -> Result<Option<Message>, StoreError> {
    Ok(table::Entity::find_by_id(Stored(id)).one(store.read()).await?.map(Message::from))
}

/// Everything that went to a number, newest first.
pub async fn by_phone(
    store: &Store,
    phone: PhoneNumber,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Message>, StoreError> {
    page(store, &MessageFilter { phone: Some(phone), ..MessageFilter::default() }, after, limit).await
}

/// What happened to a message, oldest first. Its beginning is told by its own row, what came later by its events.
pub async fn events(store: &Store, message: &Message) -> Result<Vec<MessageEvent>, StoreError> {
    let ours = |at, status, note: Option<String>| MessageEvent {
        at,
        status,
        source: EventSource::Dakiya,
        error_code: None,
        note,
    };
    let stored = event_table::Entity::find()
        .filter(event_table::Column::MessageId.eq(Stored(message.id)))
        .order_by_asc(event_table::Column::Id)
        .all(store.read())
        .await?;
    let born = match message.suppressed_reason {
        Some(reason) if stored.is_empty() => {
            ours(message.created_at, Status::Suppressed, Some(reason.as_str().to_owned()))
        }
        _ => ours(message.created_at, Status::Queued, None),
    };
    let taken = message.taken_at.map(|at| ours(at, Status::Posting, None));
    let mut events: Vec<MessageEvent> = std::iter::once(born).chain(taken).collect();
    events.extend(stored.into_iter().map(|row| MessageEvent {
        at: row.at,
        status: row.status.0,
        source: row.source.0,
        error_code: row.error_code.map(|code| code.0),
        note: row.note,
    }));
    // Stable: what happened at one instant stays in the order in which it was written.
    events.sort_by_key(|event| event.at);
    Ok(events)
}

/// Failures of one kind within a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup {
    /// Twilio's error code; `None` where there was none.
    pub error_code: Option<u32>,
    /// How many messages.
    pub count: u64,
}

/// Why messages of a campaign failed, the most frequent reason first.
pub async fn failure_groups(store: &Store, campaign: CampaignId) -> Result<Vec<FailureGroup>, StoreError> {
    let rows = Sql::new("SELECT error_code, COUNT(*) AS count FROM messages WHERE campaign_id = ")
        .bind(Stored(campaign))
        .text(" AND status > 6 AND status IN (7, 8, 9) GROUP BY error_code ORDER BY count DESC, error_code")
        .all(store.read())
        .await?;
    let mut groups = Vec::with_capacity(rows.len());
    for row in rows {
        let code: Option<i32> = row.try_get("", "error_code")?;
        let count: i64 = row.try_get("", "count")?;
        groups.push(FailureGroup {
            error_code: code.and_then(|code| u32::try_from(code).ok()),
            count: u64::try_from(count).unwrap_or(0),
        });
    }
    Ok(groups)
}

impl From<table::Model> for Message {
    fn from(row: table::Model) -> Self {
        let quoted = match (&row.twilio_price, &row.twilio_price_unit, &row.fx_rate) {
            (Some(amount), Some(unit), Some(rate)) => crate::costs::quoted(amount, unit, rate),
            _ => None,
        };
        Self {
            id: row.id.0,
            dedupe_key: row.dedupe_key,
            campaign_id: row.campaign_id.map(|id| id.0),
            template: row.template_id.map(|id| id.0).zip(row.template_version),
            phone: row.phone.0,
            channel: row.channel.0,
            category: row.category.0,
            sender: row.sender.0,
            body: row.body,
            encoding: row.encoding.0,
            segments: row.segments.0,
            estimated_cost: row.estimated_cost.0,
            estimated_fx: row.estimated_fx.map(|fx| fx.0),
            cost_day: row.cost_day,
            budget_hold: row.budget_hold.filter(|_| row.status.0 == Status::Queued).map(|month| month.0),
            actual_cost: row.actual_cost.map(|cost| cost.0),
            quoted,
            twilio_segments: row.twilio_segments.map(|count| count.0),
            status: row.status.0,
            suppressed_reason: row.suppressed_reason.map(|reason| reason.0),
            twilio_sid: row.twilio_sid,
            error_code: row.error_code.map(|code| code.0),
            attempts: row.attempts.0,
            due_at: row.due_at,
            expires_at: row.expires_at,
            api_key_id: row.api_key_id.map(|id| id.0),
            test: row.test,
            created_at: row.created_at,
            taken_at: row.taken_at,
            sent_at: row.sent_at,
            delivered_at: row.delivered_at,
            updated_at: row.updated_at,
        }
    }
}
