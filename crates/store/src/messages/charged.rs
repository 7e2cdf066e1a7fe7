//! The messages behind a figure of a month: those that a roll-up counts, page by page.

use super::Message;
use crate::column::Stored;
use crate::entities::messages as table;
use crate::messages::enqueue::first_id_at;
use crate::sql::Sql;
use crate::{Cursor, Page, Store, StoreError};
use dakiya_core::ids::{CampaignId, MessageId, ReminderRuleId, TemplateId};
use dakiya_core::message::Status;
use dakiya_core::time::{Month, Timestamp};

/// What the messages of a month have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargedTo {
    /// One campaign.
    Campaign(CampaignId),
    /// One template.
    Template(TemplateId),
    /// One reminder rule.
    Rule(ReminderRuleId),
}

/// A page of messages whose cost belongs to a month, the newest first. `expected` is how many a roll-up counts: when as
/// many were given out the list ends, without a look at older months. `month_end` is the instant after the month.
pub async fn charged(
    store: &Store,
    month: Month,
    month_end: Timestamp,
    to: ChargedTo,
    expected: u64,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Message>, StoreError> {
    let (last, given) = match after {
        None => (None, 0),
        Some(cursor) => {
            let [last, given] = cursor.parts::<2>()?;
            let fault = || StoreError::Cursor(cursor.to_string());
            let last: MessageId = last.parse().map_err(|_| fault())?;
            (Some(last), given.parse::<u64>().map_err(|_| fault())?)
        }
    };
    let asked = (limit + 1).min(expected.saturating_sub(given));
    if asked == 0 {
        return Ok(Page { items: Vec::new(), next: None });
    }
    let mut query = Sql::new("SELECT * FROM messages WHERE ").append(to.condition());
    query = match last {
        Some(last) => query.text(" AND id < ").bind(Stored(last)),
        // Nothing is sent before it was written down.
        None => query.text(" AND id < ").bind(Stored(first_id_at(month_end))),
    };
    query = query
        .text(" AND cost_day >= ")
        .bind(month.first_day())
        .text(" AND cost_day <= ")
        .bind(month.last_day())
        .text(&counts())
        .text(" ORDER BY id DESC LIMIT ")
        .bind(asked);
    let rows: Vec<table::Model> = query.models(store.read()).await?;
    let items = rows.into_iter().map(Message::from).collect();
    let given = given + limit;
    Ok(Page::cut(items, limit, |message: &Message| Cursor::of([&message.id.to_string(), &given.to_string()])))
}

impl ChargedTo {
    fn condition(self) -> Sql {
        match self {
            ChargedTo::Campaign(id) => Sql::new("campaign_id = ").bind(Stored(id)),
            ChargedTo::Template(id) => Sql::new("template_id = ").bind(Stored(id)),
            ChargedTo::Rule(id) => Sql::new("reminder_rule_id = ").bind(Stored(id)),
        }
    }
}

/// What `MessageMoney::counts` says, for the database. `+ 0`: an index of statuses would be the wrong one.
fn counts() -> String {
    let numbers = |statuses: &[Status]| {
        statuses
            .iter()
            .map(|status| crate::column::Storable::to_raw(status).to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let never = numbers(&[Status::Queued, Status::Suppressed, Status::Expired, Status::Rejected]);
    let perhaps = numbers(&[Status::Failed, Status::Canceled]);
    format!(" AND status + 0 NOT IN ({never}) AND (status + 0 NOT IN ({perhaps}) OR twilio_sid IS NOT NULL)")
}
