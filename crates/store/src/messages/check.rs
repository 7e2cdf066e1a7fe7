//! Messages that hear nothing: what to ask Twilio about, and what its answers change.

use super::Message;
use super::record::{Desk, Event};
use super::status::{Applied, StatusReport, apply};
use crate::column::{PhoneKey, Stored};
use crate::sql::{Row, Sql, skip_locked};
use crate::{Store, StoreError};
use chrono::TimeDelta;
use dakiya_core::encoding::Segments;
use dakiya_core::ids::MessageId;
use dakiya_core::message::{EventSource, Status};
use dakiya_core::money::{FxRate, Price};
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::Timestamp;
use std::time::Duration;

/// A check that was handed out comes up again after this long if its worker never reports back, or reports that Twilio
/// did not answer; that does not count as asked. Shorter than what asking may take at worst: asking twice is harmless.
const UNANSWERED: TimeDelta = TimeDelta::minutes(1);

/// When a message that hears nothing is asked about, counted from the last news; after that the silence is taken
/// as final (a carrier may never return a receipt).
const POLLS: [TimeDelta; 7] = [
    TimeDelta::minutes(2),
    TimeDelta::minutes(5),
    TimeDelta::minutes(15),
    TimeDelta::hours(1),
    TimeDelta::hours(6),
    TimeDelta::hours(24),
    TimeDelta::hours(72),
];

/// When a missing price is asked for again, counted from the last time.
const PRICE_CHECKS: [TimeDelta; 8] = [
    TimeDelta::seconds(20),
    TimeDelta::seconds(30),
    TimeDelta::seconds(50),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(3),
    TimeDelta::hours(24),
    TimeDelta::hours(72),
];

/// The wait before poll number `checks` (from 0) of a message that hears nothing.
pub(super) fn poll_after(checks: usize) -> Option<TimeDelta> {
    POLLS.get(checks).copied()
}

/// What is to be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// Whether Twilio ever got it: look for it in Twilio's list.
    Lookup,
    /// Where it is by now: fetch it.
    Poll,
    /// What it cost: fetch it.
    Price,
}

/// One message to ask Twilio about.
#[derive(Clone, Debug)]
pub struct Check {
    /// Which.
    pub id: MessageId,
    /// What is to be learned.
    pub kind: CheckKind,
    /// Twilio's id, where known.
    pub sid: Option<String>,
    /// To whom it was sent.
    pub phone: PhoneKey,
    /// From whom.
    pub sender: SenderAddress,
    /// How.
    pub channel: dakiya_core::message::Channel,
    /// What it said.
    pub body: String,
    /// When it was committed to being posted.
    pub taken_at: Timestamp,
}

impl Check {
    /// What is to be learned about a message now, due or not.
    pub fn of(message: &Message) -> Self {
        Self {
            id: message.id,
            kind: CheckKind::of(message.status),
            sid: message.twilio_sid.clone(),
            phone: message.phone.clone(),
            sender: message.sender.clone(),
            channel: message.channel,
            body: message.body.clone(),
            taken_at: message.taken_at.unwrap_or(message.created_at),
        }
    }
}

impl CheckKind {
    fn of(status: Status) -> Self {
        match status {
            Status::Unknown => CheckKind::Lookup,
            Status::Accepted | Status::Sent => CheckKind::Poll,
            _ => CheckKind::Price,
        }
    }
}

/// Hands out checks that are due, the longest overdue first. Each stays away for a minute, so that nobody else
/// is handed it meanwhile.
pub async fn due_checks(store: &Store, now: Timestamp, limit: u64) -> Result<Vec<Check>, StoreError> {
    let tx = store.write().await?;
    let rows = Sql::new(
        "SELECT id, status, twilio_sid, phone, sender, channel, body, taken_at, created_at FROM messages \
         WHERE next_check_at IS NOT NULL AND next_check_at <= ",
    )
    .bind(now)
    .text(" ORDER BY next_check_at LIMIT ")
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .text(skip_locked(&*tx))
    .all(&*tx)
    .await?;
    let mut checks = Vec::with_capacity(rows.len());
    for row in rows {
        let created_at: Timestamp = row.try_get("", "created_at")?;
        checks.push(Check {
            id: row.read("id")?,
            kind: CheckKind::of(row.read("status")?),
            sid: row.try_get("", "twilio_sid")?,
            phone: row.read("phone")?,
            sender: row.read("sender")?,
            channel: row.read("channel")?,
            body: row.try_get("", "body")?,
            taken_at: row.try_get::<Option<Timestamp>>("", "taken_at")?.unwrap_or(created_at),
        });
    }
    if !checks.is_empty() {
        Sql::new("UPDATE messages SET next_check_at = ")
            .bind(now + UNANSWERED)
            .text(" WHERE id IN ")
            .list(checks.iter().map(|check| Stored(check.id)))
            .execute(&*tx)
            .await?;
        tx.commit().await?;
    }
    Ok(checks)
}

/// What asking about a message found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Which message.
    pub id: MessageId,
    /// Whether Twilio answered at all.
    pub answered: bool,
    /// What Twilio says about it; `None` if it was not found or Twilio did not answer.
    pub report: Option<StatusReport>,
    /// Billed parts as Twilio counts them.
    pub segments: Option<Segments>,
    /// What Twilio charges, and the exchange rate it is converted with.
    pub price: Option<(Price, FxRate)>,
    /// When it was asked.
    pub at: Timestamp,
}

/// Twilio has these messages without a price. What of them did not arrive counts as nothing from now on, in one
/// transaction with everything that adds it up; a price that comes later counts instead.
pub async fn record_not_charged(store: &Store, ids: &[MessageId], at: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let tx = store.write().await?;
    let mut desk = Desk::load(&*tx, ids.iter().copied(), []).await?;
    for id in ids {
        not_charged(&mut desk, *id, at);
    }
    desk.save(store, &*tx, at).await?;
    tx.commit().await?;
    Ok(())
}

fn not_charged(desk: &mut Desk, id: MessageId, at: Timestamp) {
    let Some(message) = desk.get(id).filter(|message| message.now.may_never_be_charged()) else { return };
    message.now.actual_cost = Some(0);
    let status = message.now.status;
    desk.note(Event {
        message: id,
        at,
        status,
        source: EventSource::Dakiya,
        error_code: None,
        note: Some("Twilio has no price for it, and it did not arrive: counted as not charged".to_owned()),
    });
}

/// Records what asking found, in one transaction: status, segments and price; and decides when to ask again.
pub async fn record_findings(
    store: &Store,
    findings: &[Finding],
    unknown_lookups: &[Duration],
) -> Result<(), StoreError> {
    let Some(now) = findings.iter().map(|finding| finding.at).max() else { return Ok(()) };
    let tx = store.write().await?;
    let sids = findings.iter().filter_map(|finding| finding.report.as_ref().map(|report| report.sid.clone()));
    let mut desk = Desk::load(&*tx, findings.iter().map(|finding| finding.id), sids).await?;
    for finding in findings {
        record(&mut desk, finding, unknown_lookups);
    }
    desk.save(store, &*tx, now).await?;
    tx.commit().await?;
    Ok(())
}

fn record(desk: &mut Desk, finding: &Finding, unknown_lookups: &[Duration]) {
    let report = finding.report.as_ref().filter(|report| !is_contradicted(desk, finding.id, report));
    // What belongs to another message says nothing about this one's price either.
    let finding = match report {
        None if finding.report.is_some() => {
            &Finding { report: None, segments: None, price: None, ..finding.clone() }
        }
        _ => finding,
    };
    let outcome = report.map(|report| apply(desk, report));
    let Some(message) = desk.get(finding.id) else { return };
    if outcome == Some(Applied::SecondSid) {
        // The alarm was given; asking again would only give it again.
        message.now.next_check_at = None;
        return;
    }
    if let Some(Segments(count)) = finding.segments {
        message.now.twilio_segments = i32::try_from(count).ok();
    }
    if let Some((price, fx)) = finding.price
        && let Some(cost) = price.in_rupees(fx).to_micros()
    {
        message.now.actual_cost = Some(cost);
        message.now.price = Some(price.amount.to_string());
        message.now.price_unit = Some(price.currency.as_str().to_owned());
        message.now.fx_rate = Some(fx.inr_per_usd.to_string());
    }
    if outcome == Some(Applied::Moved) && message.now.price.is_none() {
        // The move itself said when to ask next, and about what.
        return;
    }
    if !finding.answered {
        message.now.next_check_at = Some(finding.at + UNANSWERED);
        return;
    }
    message.now.checks += 1;
    let checks = usize::try_from(message.now.checks).unwrap_or(usize::MAX);
    let again = |wait: Option<&TimeDelta>| wait.map(|wait| finding.at + *wait);
    message.now.next_check_at = match message.now.status {
        Status::Unknown => {
            lookup_at(unknown_lookups, checks, message.taken_at.unwrap_or(finding.at), finding.at)
        }
        Status::Accepted | Status::Sent => again(POLLS.get(checks)),
        _ if message.now.price.is_some() => None,
        _ => again(PRICE_CHECKS.get(checks - 1)),
    };
    if message.now.next_check_at.is_none() {
        not_charged(desk, finding.id, finding.at);
    }
    let Some(message) = desk.get(finding.id) else { return };
    if message.now.status == Status::Unknown && message.now.next_check_at.is_none() {
        desk.note(Event {
            message: finding.id,
            at: finding.at,
            status: Status::Unknown,
            source: EventSource::Listing,
            error_code: None,
            note: Some(
                "never found in Twilio's list; final, counted as spent, for a person to judge".to_owned(),
            ),
        });
    }
}

/// An entry of Twilio's list is a guess: it looks like this message. Meanwhile it may have turned out to be another
/// one's, or this one to have another SID; neither is Twilio having sent anything twice.
fn is_contradicted(desk: &mut Desk, id: MessageId, report: &StatusReport) -> bool {
    let anothers = desk.with_sid(&report.sid).is_some_and(|owner| owner != id);
    let has_another =
        desk.get(id).and_then(|message| message.now.sid.as_ref()).is_some_and(|sid| *sid != report.sid);
    report.source == EventSource::Listing && (anothers || has_another)
}

/// When lookup number `checks` (from 0) of an unknown message comes; never in the past.
fn lookup_at(lookups: &[Duration], checks: usize, posted_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let wait = TimeDelta::from_std(*lookups.get(checks)?).ok()?;
    Some((posted_at + wait).max(now + TimeDelta::seconds(1)))
}

/// Which of these SIDs belong to a message of ours already.
pub async fn linked_sids(store: &Store, sids: &[String]) -> Result<Vec<String>, StoreError> {
    if sids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = Sql::new("SELECT twilio_sid FROM messages WHERE twilio_sid IN ")
        .list(sids.iter().cloned())
        .all(store.read())
        .await?;
    rows.iter().map(|row| Ok(row.try_get("", "twilio_sid")?)).collect()
}

/// When the next check comes, if any is planned.
pub async fn next_check_at(store: &Store) -> Result<Option<Timestamp>, StoreError> {
    let row = Sql::new("SELECT min(next_check_at) AS at FROM messages WHERE next_check_at IS NOT NULL")
        .one(store.read())
        .await?;
    Ok(row.map(|row| row.try_get::<Option<Timestamp>>("", "at")).transpose()?.flatten())
}
