//! Our side of a day: read in pages, added up exactly.

use super::{inbound, outbound};
use crate::column::{PhoneKey, Stored};
use crate::messages::{Check, CheckKind};
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::{Id, InboundId, MessageId};
use dakiya_core::message::{Channel, Direction, Status};
use dakiya_core::money::{FxRate, Money};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use rust_decimal::Decimal;
use sea_orm::QueryResult;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Rows read at a time.
const BATCH: i64 = 5_000;

/// Which message of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnMessage {
    /// One that we sent.
    Sent(MessageId),
    /// One that came in, and its business day.
    Received(InboundId, NaiveDate),
}

impl OwnMessage {
    /// The one that we sent, if we did.
    pub fn sent(self) -> Option<MessageId> {
        match self {
            Self::Sent(id) => Some(id),
            Self::Received(..) => None,
        }
    }
}

/// A message of ours that Twilio has, or should have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Which.
    pub message: OwnMessage,
    /// Twilio's id.
    pub sid: String,
    /// How it travelled.
    pub channel: Channel,
    /// What it cost, as Twilio quoted it, and in which currency.
    pub price: Option<(Decimal, String)>,
    /// It did not arrive.
    pub failed: bool,
    /// When it was posted or came in.
    pub at: Timestamp,
}

/// What our log has of a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayTotals {
    /// By channel and direction: messages that cost something or will, and their prices added up.
    pub lines: BTreeMap<(Channel, Direction), (i64, Decimal)>,
    /// Of these, messages without a price.
    pub unpriced: i64,
    /// Prices in another currency than asked for: not in the sums.
    pub foreign: i64,
}

impl DayTotals {
    /// All prices.
    pub fn price(&self) -> Decimal {
        self.lines.values().map(|line| line.1).sum()
    }

    /// All messages.
    pub fn messages(&self) -> i64 {
        self.lines.values().map(|line| line.0).sum()
    }
}

const SENT: &str = "id, taken_at AS at, twilio_sid, channel, twilio_price, twilio_price_unit, status";
const RECEIVED: &str =
    "id, received_at AS at, twilio_sid, channel, twilio_price, twilio_price_unit, cost_day";

/// Adds up what our log has of a day, in a currency. Memory stays flat.
pub async fn totals(store: &Store, day: NaiveDate, unit: &str) -> Result<DayTotals, StoreError> {
    let mut totals = DayTotals::default();
    let mut after = None;
    loop {
        let page = own_page(store, day, after.as_ref()).await?;
        for known in &page {
            let direction = match known.message {
                OwnMessage::Sent(_) => Direction::Outbound,
                OwnMessage::Received(..) => Direction::Inbound,
            };
            if known.failed && known.price.is_none() {
                // What did not arrive usually costs nothing, and Twilio does not count it.
                continue;
            }
            let line = totals.lines.entry((known.channel, direction)).or_default();
            line.0 += 1;
            match &known.price {
                Some((price, quoted)) if quoted == unit => line.1 += price,
                Some(_) => totals.foreign += 1,
                None => totals.unpriced += 1,
            }
        }
        match page.into_iter().next_back() {
            Some(last) => after = Some(last),
            None => return Ok(totals),
        }
    }
}

/// Our messages of a day that have an id of Twilio's: sent ones first, each kind by time; those behind `after`.
pub async fn own_page(
    store: &Store,
    day: NaiveDate,
    after: Option<&Known>,
) -> Result<Vec<Known>, StoreError> {
    // The stretch begins at the last one's instant: what shares it and was seen is left out.
    let behind = |query: Sql, column: &str, at: Option<(Timestamp, Uuid)>| match at {
        Some((at, id)) => {
            query.text(&format!(" AND ({column} > ")).bind(at).text(" OR id > ").bind(id).text(")")
        }
        None => query,
    };
    let from = |at: Option<(Timestamp, Uuid)>| at.map(|(at, _)| at);
    let (sent_after, received_after) = match after.map(|known| (known.message, known.at)) {
        Some((OwnMessage::Sent(id), at)) => (Some((at, id.uuid())), None),
        Some((OwnMessage::Received(id, _), at)) => (None, Some((at, id.uuid()))),
        None => (None, None),
    };
    let mut page = Vec::new();
    if received_after.is_none() {
        let query = outbound(SENT, day, from(sent_after)).text(" AND twilio_sid IS NOT NULL");
        let query = behind(query, "taken_at", sent_after);
        let rows = query.text(" ORDER BY taken_at, id LIMIT ").bind(BATCH).all(store.read()).await?;
        page = rows.iter().map(sent).collect::<Result<Vec<_>, _>>()?;
        if !page.is_empty() {
            return Ok(page);
        }
    }
    let rows = behind(inbound(RECEIVED, day, from(received_after)), "received_at", received_after)
        .text(" ORDER BY received_at, id LIMIT ")
        .bind(BATCH)
        .all(store.read())
        .await?;
    for row in &rows {
        page.push(received(row)?);
    }
    Ok(page)
}

/// Messages of ours with these ids of Twilio's.
pub async fn known(store: &Store, sids: &[String]) -> Result<Vec<Known>, StoreError> {
    if sids.is_empty() {
        return Ok(Vec::new());
    }
    let of = |columns: &str, table: &str| {
        Sql::new(&format!("SELECT {columns} FROM {table} WHERE twilio_sid IN ")).list(sids.iter().cloned())
    };
    let mut found = Vec::new();
    let columns = SENT.replace("taken_at AS at", "COALESCE(taken_at, created_at) AS at");
    for row in of(&columns, "messages").all(store.read()).await? {
        found.push(sent(&row)?);
    }
    for row in of(RECEIVED, "inbound_messages").all(store.read()).await? {
        found.push(received(&row)?);
    }
    Ok(found)
}

fn price(row: &QueryResult) -> Result<Option<(Decimal, String)>, StoreError> {
    let text = |column: &str| -> Result<Option<String>, StoreError> { Ok(row.try_get("", column)?) };
    let (Some(amount), Some(unit)) = (text("twilio_price")?, text("twilio_price_unit")?) else {
        return Ok(None);
    };
    let amount = Decimal::from_str_exact(&amount)
        .map_err(|_| StoreError::Inconsistent(format!("{amount} where a price was expected")))?;
    Ok(Some((amount, unit)))
}

fn sent(row: &QueryResult) -> Result<Known, StoreError> {
    let status: Status = row.read("status")?;
    Ok(Known {
        message: OwnMessage::Sent(row.read("id")?),
        sid: row.try_get("", "twilio_sid")?,
        channel: row.read("channel")?,
        price: price(row)?,
        failed: matches!(status, Status::Failed | Status::Undelivered | Status::Canceled),
        at: row.try_get("", "at")?,
    })
}

fn received(row: &QueryResult) -> Result<Known, StoreError> {
    let at: Timestamp = row.try_get("", "at")?;
    let day: Option<NaiveDate> = row.try_get("", "cost_day")?;
    Ok(Known {
        message: OwnMessage::Received(row.read("id")?, day.unwrap_or(at.date_naive())),
        sid: row.try_get("", "twilio_sid")?,
        channel: row.read("channel")?,
        price: price(row)?,
        failed: false,
        at,
    })
}

/// Messages to a number of which nobody knows whether Twilio got them, posted between two instants; at most ten.
pub async fn unknown_to(
    store: &Store,
    phone: PhoneNumber,
    (from, until): (Timestamp, Timestamp),
) -> Result<Vec<Check>, StoreError> {
    // A person's messages are few; those in a status, or without an id of Twilio's, need not be.
    let rows = Sql::new(
        "SELECT id, sender, channel, body, taken_at, checks FROM messages WHERE status + 0 = 2 \
         AND COALESCE(twilio_sid, '') = '' AND phone = ",
    )
    .bind(Stored(PhoneKey::Number(phone)))
    .text(" AND COALESCE(taken_at, created_at) >= ")
    .bind(from)
    .text(" AND COALESCE(taken_at, created_at) < ")
    .bind(until)
    .text(" ORDER BY id LIMIT 10")
    .all(store.read())
    .await?;
    let check = |row: &QueryResult| -> Result<Check, StoreError> {
        Ok(Check {
            id: row.read("id")?,
            kind: CheckKind::Lookup,
            sid: None,
            phone: PhoneKey::Number(phone),
            sender: row.read("sender")?,
            channel: row.read("channel")?,
            body: row.try_get("", "body")?,
            taken_at: row.try_get("", "taken_at")?,
        })
    };
    rows.iter().map(check).collect()
}

/// A message that cost something else than expected, or was billed in another number of parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Differing {
    /// Which.
    pub id: MessageId,
    /// To whom.
    pub phone: PhoneKey,
    /// What was expected.
    pub estimated: Money,
    /// What it cost.
    pub actual: Money,
    /// Our count of parts.
    pub segments: i32,
    /// Twilio's.
    pub twilio_segments: Option<i32>,
    /// The dollar's price in the estimate and in the charge.
    pub fx: (Option<FxRate>, Option<FxRate>),
}

/// Messages of a day whose price or segments differ from the estimate, by time; at most `limit`.
pub async fn differing(store: &Store, day: NaiveDate, limit: u64) -> Result<Vec<Differing>, StoreError> {
    let columns = "id, phone, estimated_cost, actual_cost, segments, twilio_segments, estimated_fx, fx_rate";
    let rows = outbound(columns, day, None)
        .text(
            " AND actual_cost IS NOT NULL AND (actual_cost <> estimated_cost OR twilio_segments <> segments) \
             ORDER BY taken_at, id LIMIT ",
        )
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .all(store.read())
        .await?;
    let differing = |row: &QueryResult| -> Result<Differing, StoreError> {
        Ok(Differing {
            id: row.read("id")?,
            phone: row.read("phone")?,
            estimated: row.read("estimated_cost")?,
            actual: row.read("actual_cost")?,
            segments: row.try_get("", "segments")?,
            twilio_segments: row.try_get("", "twilio_segments")?,
            fx: (row.maybe("estimated_fx")?, row.maybe("fx_rate")?),
        })
    };
    rows.iter().map(differing).collect()
}
