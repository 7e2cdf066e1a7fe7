//! Where money may be lost. Every question is bounded, however long the log is.

use crate::column::{PhoneKey, Storable, Stored};
use crate::messages::first_id_at;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::{Id, TemplateId};
use dakiya_core::message::{Category, Channel, Direction, Status};
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::rate_card::RateItem;
use dakiya_core::savings::Traffic;
use dakiya_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Failures looked at for each error code, the latest ones.
const FAILURES: u64 = 20_000;

/// A text that went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentText {
    /// As of which version of its template.
    pub version: i32,
    /// To whom.
    pub phone: PhoneNumber,
    /// What it said.
    pub body: String,
}

/// A number that took none of several messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadNumber {
    /// Which.
    pub phone: PhoneNumber,
    /// Messages that did not arrive.
    pub messages: u64,
    /// What Twilio charged for them, or is expected to.
    pub cost: Money,
    /// Why one of them did not.
    pub error_code: u32,
}

/// What each template sent by text message from one day until another, both included.
pub async fn template_traffic(
    store: &Store,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<BTreeMap<TemplateId, Traffic>, StoreError> {
    let rows = Sql::new(
        "SELECT template_id, CAST(SUM(messages) AS BIGINT) AS messages, CAST(SUM(segments) AS BIGINT) AS segments \
         FROM daily_costs WHERE day >= ",
    )
    .bind(first)
    .text(" AND day <= ")
    .bind(last)
    .text(" AND item = ")
    .bind(Stored(RateItem::Sms))
    .text(" AND direction = ")
    .bind(Stored(Direction::Outbound))
    .text(" GROUP BY template_id")
    .all(store.read())
    .await?;
    let mut found = BTreeMap::new();
    for row in rows {
        let template: TemplateId = row.read("template_id")?;
        if !template.uuid().is_nil() {
            found.insert(template, traffic(&row)?);
        }
    }
    Ok(found)
}

fn traffic(row: &sea_orm::QueryResult) -> Result<Traffic, StoreError> {
    let of = |column: &str| -> Result<u64, StoreError> {
        Ok(u64::try_from(row.try_get::<i64>("", column)?).unwrap_or(0))
    };
    Ok(Traffic { messages: of("messages")?, segments: of("segments")? })
}

/// The latest texts of a template that Twilio took or may have taken as text messages since an instant. One-time passwords
/// are left out: their texts are nobody's to read.
pub async fn latest_texts(
    store: &Store,
    template: TemplateId,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<SentText>, StoreError> {
    let rows = Sql::new("SELECT template_version, phone, body FROM messages WHERE template_id = ")
        .bind(Stored(template))
        .text(" AND id >= ")
        .bind(Stored(first_id_at(since)))
        .text(" AND taken_at IS NOT NULL AND body <> '' AND channel = ")
        .bind(Stored(Channel::Sms))
        .text(" AND category <> ")
        .bind(Stored(Category::Otp))
        .text(" ORDER BY id DESC LIMIT ")
        .bind(limit)
        .all(store.read())
        .await?;
    let mut texts = Vec::with_capacity(rows.len());
    for row in rows {
        let phone: PhoneKey = row.read("phone")?;
        let version: Option<i32> = row.try_get("", "template_version")?;
        if let (Some(phone), Some(version)) = (phone.number(), version) {
            texts.push(SentText { version, phone, body: row.try_get("", "body")? });
        }
    }
    Ok(texts)
}

/// Numbers that since an instant took none of at least `at_least` messages, each of which failed for one of these reasons;
/// those that cost most first. Numbers that are suppressed already are left out.
pub async fn dead_numbers(
    store: &Store,
    since: Timestamp,
    codes: &[u32],
    at_least: u64,
    limit: u64,
) -> Result<Vec<DeadNumber>, StoreError> {
    if codes.is_empty() {
        return Ok(Vec::new());
    }
    let first = Stored(first_id_at(since));
    // While a price may come, Twilio bills what it handed on and could not deliver, and not what it could not send.
    let cost = format!(
        "COALESCE(actual_cost, CASE WHEN status + 0 = {} THEN estimated_cost ELSE 0 END)",
        Status::Undelivered.to_raw()
    );
    let mut parts = Sql::new("");
    for (index, code) in codes.iter().enumerate() {
        let union = if index == 0 { "" } else { " UNION ALL " };
        parts = parts
            .text(union)
            .text(&format!(
                "SELECT * FROM (SELECT phone, error_code, {cost} AS cost FROM messages WHERE error_code = "
            ))
            .bind(i32::try_from(*code).unwrap_or(i32::MAX))
            .text(" AND id >= ")
            .bind(first)
            .text(" ORDER BY id DESC LIMIT ")
            .bind(FAILURES)
            .text(") AS of_code");
    }
    let rows = Sql::new(
        "SELECT phone, COUNT(*) AS messages, CAST(SUM(cost) AS BIGINT) AS cost, MAX(error_code) AS error_code FROM (",
    )
    .append(parts)
    .text(") AS failed WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.phone = failed.phone \
           AND c.unreachable_since IS NOT NULL) GROUP BY phone HAVING SUM(cost) > 0 AND COUNT(*) >= ")
    .bind(i64::try_from(at_least).unwrap_or(i64::MAX))
    .text(" ORDER BY cost DESC, phone LIMIT ")
    .bind(limit)
    .all(store.read())
    .await?;
    let mut dead = Vec::new();
    for row in rows {
        let phone: PhoneKey = row.read("phone")?;
        // Whoever was erased cannot be suppressed by number, and is not written to.
        let Some(phone) = phone.number() else { continue };
        let count = |column: &str| -> Result<i64, StoreError> { Ok(row.try_get("", column)?) };
        let code: i32 = row.try_get("", "error_code")?;
        dead.push(DeadNumber {
            phone,
            messages: count("messages")?.unsigned_abs(),
            cost: row.read("cost")?,
            error_code: code.unsigned_abs(),
        });
    }
    let alive = with_status(store, dead.iter().map(|number| number.phone), None, since).await?;
    dead.retain(|number| !alive.contains(&number.phone));
    Ok(dead)
}

/// Which of these people WhatsApp messages reach: they wrote by WhatsApp, or got a message there, since an instant.
pub async fn on_whatsapp(
    store: &Store,
    phones: &BTreeSet<PhoneNumber>,
    since: Timestamp,
) -> Result<BTreeSet<PhoneNumber>, StoreError> {
    let mut known = with_status(store, phones.iter().copied(), Some(Channel::Whatsapp), since).await?;
    for batch in phones.iter().copied().collect::<Vec<_>>().chunks(500) {
        let rows = Sql::new("SELECT DISTINCT phone FROM inbound_messages WHERE phone IN ")
            .list(batch.iter().map(|phone| Stored(*phone)))
            .text(" AND received_at >= ")
            .bind(since)
            .text(" AND channel = ")
            .bind(Stored(Channel::Whatsapp))
            .all(store.read())
            .await?;
        for row in rows {
            known.extend(row.read::<PhoneKey>("phone")?.number());
        }
    }
    Ok(known)
}

/// Those of these numbers to which a message was delivered since an instant.
async fn with_status(
    store: &Store,
    phones: impl Iterator<Item = PhoneNumber>,
    channel: Option<Channel>,
    since: Timestamp,
) -> Result<BTreeSet<PhoneNumber>, StoreError> {
    let arrived = [Status::Delivered, Status::Read].map(|status| status.to_raw().to_string()).join(", ");
    let mut found = BTreeSet::new();
    for batch in phones.collect::<Vec<_>>().chunks(500) {
        let mut query = Sql::new("SELECT DISTINCT phone FROM messages WHERE phone IN ")
            .list(batch.iter().map(|phone| Stored(*phone)))
            .text(" AND id >= ")
            .bind(Stored(first_id_at(since)))
            // Without statistics SQLite would walk through everything delivered.
            .text(&format!(" AND status + 0 IN ({arrived})"));
        if let Some(channel) = channel {
            query = query.text(" AND channel = ").bind(Stored(channel));
        }
        for row in query.all(store.read()).await? {
            found.extend(row.read::<PhoneKey>("phone")?.number());
        }
    }
    Ok(found)
}
