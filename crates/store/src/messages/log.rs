//! The log: pages of messages, newest first, and the history of each.

use super::enqueue::first_id_at;
use super::{Message, MessageEvent};
use crate::column::{PhoneKey, Storable, Stored};
use crate::entities::message_events as event_table;
use crate::entities::messages as table;
use crate::sql::Sql;
use crate::{Cursor, Page, Store, StoreError};
use dakiya_core::ids::{CampaignId, MessageId, PaymentId, TemplateId};
use dakiya_core::message::{Category, EventSource, Status};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// What is shown of a one-time password: whoever may read the log could use it otherwise.
const HIDDEN: &str = "••••••";

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
    /// Those that were to arrive and did not: undelivered, failed, rejected.
    pub not_arrived: bool,
    /// Ended with this error of Twilio's.
    pub error_code: Option<u32>,
}

const NOT_ARRIVED: [Status; 3] = [Status::Undelivered, Status::Failed, Status::Rejected];

/// A page of the log, newest first.
pub async fn page(
    store: &Store,
    filter: &MessageFilter,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Message>, StoreError> {
    let after = after.map(Cursor::part::<MessageId>).transpose()?;
    let mut query = Sql::new("SELECT * FROM (");
    for (index, status) in filter.statuses().into_iter().enumerate() {
        let part = filter.part(&status, after).text(" ORDER BY id DESC LIMIT ").bind(limit + 1);
        // No status is in two parts.
        let union = if index > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" };
        query = query.text(union).append(part).text(&format!(") AS part_{index}"));
    }
    let query = query.text(") AS found ORDER BY id DESC LIMIT ").bind(limit + 1);
    let rows: Vec<table::Model> = query.models(store.read()).await?;
    let items = rows.into_iter().map(Message::from).collect();
    Ok(Page::cut(items, limit, |message: &Message| Cursor::of([&message.id.to_string()])))
}

impl MessageFilter {
    /// Conditions on the status, each of which is a stretch of one index; together they are a union. Written so that the
    /// page comes from the narrowest index: without statistics SQLite would walk through all messages of a status, when
    /// a person, a campaign or an error has few.
    fn statuses(&self) -> Vec<String> {
        let mut chosen: Vec<Status> = match (self.not_arrived, self.status) {
            (false, None) => return vec![String::new()],
            (false, Some(status)) => vec![status],
            (true, _) => NOT_ARRIVED.to_vec(),
        };
        chosen.retain(|status| self.status.is_none_or(|asked| asked == *status));
        let numbers: Vec<i16> = chosen.iter().map(Storable::to_raw).collect();
        let alone = self.phone.is_none() && self.template.is_none() && self.error_code.is_none();
        if numbers.is_empty() {
            return vec![" AND 1 = 0".to_owned()];
        }
        if alone && self.campaign.is_none() {
            return numbers.iter().map(|number| format!(" AND status = {number}")).collect();
        }
        let list = numbers.iter().map(i16::to_string).collect::<Vec<_>>().join(", ");
        // Few of a campaign's messages end badly, and they have an index of their own.
        let few = if alone && numbers.iter().all(|number| *number > Status::Read.to_raw()) {
            " AND status > 6"
        } else {
            ""
        };
        vec![format!(" AND status + 0 IN ({list}){few}")]
    }

    /// One part of a page, before its order.
    fn part(&self, status: &str, after: Option<MessageId>) -> Sql {
        let mut part = Sql::new("SELECT * FROM messages WHERE 1 = 1").text(status);
        if let Some(from) = self.from {
            part = part.text(" AND id >= ").bind(Stored(first_id_at(from)));
        }
        if let Some(until) = self.until {
            part = part.text(" AND id < ").bind(Stored(first_id_at(until)));
        }
        if let Some(phone) = self.phone {
            part = part.text(" AND phone = ").bind(Stored(PhoneKey::Number(phone)));
        }
        if let Some(campaign) = self.campaign {
            part = part.text(" AND campaign_id = ").bind(Stored(campaign));
        }
        if let Some(template) = self.template {
            part = part.text(" AND template_id = ").bind(Stored(template));
        }
        if let Some(code) = self.error_code {
            // A person's messages are fewer than those with an error.
            let column = if self.phone.is_some() { " AND error_code + 0 = " } else { " AND error_code = " };
            part = part.text(column).bind(i32::try_from(code).unwrap_or(i32::MAX));
        }
        if let Some(after) = after {
            part = part.text(" AND id < ").bind(Stored(after));
        }
        part
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

/// The reminders of a payment, newest first; at most `limit`.
pub async fn of_payment(store: &Store, payment: PaymentId, limit: u64) -> Result<Vec<Message>, StoreError> {
    let query = table::Entity::find()
        .filter(table::Column::PaymentId.eq(Stored(payment)))
        .order_by_desc(table::Column::Id)
        .limit(limit);
    Ok(query.all(store.read()).await?.into_iter().map(Message::from).collect())
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
            body: if row.category.0 == Category::Otp { HIDDEN.to_owned() } else { row.body },
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
            reminder: row
                .payment_id
                .zip(row.reminder_rule_id)
                .zip(row.reminder_step)
                .map(|((payment, rule), step)| (payment.0, rule.0, step)),
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
