//! What Twilio reports about messages: callbacks, answers to our questions, entries of its list.

use super::record::{Desk, Event};
use crate::{Store, StoreError};
use chrono::TimeDelta;
use dakiya_core::ids::MessageId;
use dakiya_core::message::{EventSource, Status, advance};
use dakiya_core::opt_out::OptOutScope;
use dakiya_core::time::Timestamp;

/// Twilio rates a message soon after it ended; asking earlier is asking in vain.
const FIRST_PRICE_CHECK: TimeDelta = TimeDelta::seconds(10);

/// One report about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusReport {
    /// Our id, when the report carries it.
    pub message_id: Option<MessageId>,
    /// Twilio's id.
    pub sid: String,
    /// Our word for the status Twilio reports.
    pub status: Status,
    /// Why it was not delivered.
    pub error_code: Option<u32>,
    /// What the error code says about the person, if anything.
    pub consequence: Option<Consequence>,
    /// When we learned of it.
    pub at: Timestamp,
    /// From whom.
    pub source: EventSource,
}

/// What an error code means beyond the one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The person asked Twilio or the carrier for no more messages of this scope.
    OptedOut(OptOutScope),
    /// The number does not receive messages.
    Unreachable,
    /// Credentials are refused or the account is suspended: nothing more may be posted.
    StopSending,
}

/// What a report did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The message moved on.
    Moved,
    /// Late or repeated: nothing changed.
    Unchanged,
    /// Twilio has two messages for one of ours. The first SID stays; a person must look.
    SecondSid,
    /// We have no such message.
    NoSuchMessage,
}

/// Applies one report. Many at a time share a transaction; this returns after its commit.
pub async fn apply_status(store: &Store, report: StatusReport) -> Result<Applied, StoreError> {
    let with = store.clone();
    store
        .inner
        .reports
        .join(report, move |reports| {
            let store = with.clone();
            async move { apply_statuses(&store, reports.as_slice()).await }
        })
        .await
}

/// Applies reports in one transaction, in their order; one answer each.
pub async fn apply_statuses(store: &Store, reports: &[StatusReport]) -> Result<Vec<Applied>, StoreError> {
    let Some(now) = reports.iter().map(|report| report.at).max() else { return Ok(Vec::new()) };
    let tx = store.write().await?;
    let ids = reports.iter().filter_map(|report| report.message_id);
    let sids = reports.iter().map(|report| report.sid.clone());
    let mut desk = Desk::load(&*tx, ids, sids).await?;
    let applied = reports.iter().map(|report| apply(&mut desk, report)).collect();
    desk.save(store, &*tx, now).await?;
    tx.commit().await?;
    Ok(applied)
}

/// Applies one report to the records on the desk.
pub(crate) fn apply(desk: &mut Desk, report: &StatusReport) -> Applied {
    let owner = desk.with_sid(&report.sid);
    let Some(id) = report.message_id.filter(|id| desk.get(*id).is_some()).or(owner) else {
        return Applied::NoSuchMessage;
    };
    let Some(record) = desk.get(id) else { return Applied::NoSuchMessage };
    let second_sid = record.now.sid.as_ref().is_some_and(|sid| *sid != report.sid)
        || owner.is_some_and(|owner| owner != id);
    if second_sid {
        alarm_second_sid(desk, id, report);
        return Applied::SecondSid;
    }
    let linked = record.now.sid.is_none();
    record.now.sid.get_or_insert_with(|| report.sid.clone());
    let moved = advance(record.now.status, report.status);
    if let Some(status) = moved {
        if record.now.price.is_none() {
            // It was taken to be not charged because it seemed not to have arrived.
            record.now.actual_cost = None;
        }
        record.move_to(status, report.at);
        record.now.error_code =
            report.error_code.and_then(|code| i32::try_from(code).ok()).or(record.now.error_code);
        record.now.next_check_at = next_check(status, report.at, record.now.price.is_some());
        record.now.checks = 0;
    }
    let phone = record.phone.clone();
    if linked {
        desk.link(&report.sid, id);
    }
    let Some(status) = moved else { return Applied::Unchanged };
    match (report.consequence, report.error_code) {
        (Some(Consequence::OptedOut(scope)), code) => {
            desk.opted_out(&phone, scope, code.unwrap_or(0), report.at)
        }
        (Some(Consequence::Unreachable), _) => desk.unreachable(&phone),
        _ => {}
    }
    desk.note(Event {
        message: id,
        at: report.at,
        status,
        source: report.source,
        error_code: report.error_code.and_then(|code| i32::try_from(code).ok()),
        note: None,
    });
    Applied::Moved
}

/// When to ask Twilio about a message that reached a status: about its price if it ended, else about its status.
fn next_check(status: Status, at: Timestamp, priced: bool) -> Option<Timestamp> {
    match status {
        _ if priced => None,
        Status::Accepted | Status::Sent => super::check::poll_after(0).map(|wait| at + wait),
        Status::Delivered | Status::Read | Status::Undelivered | Status::Failed => {
            Some(at + FIRST_PRICE_CHECK)
        }
        _ => None,
    }
}

/// Two SIDs for one message: it was sent twice, or Twilio is confused. Never overwritten; loud.
fn alarm_second_sid(desk: &mut Desk, id: MessageId, report: &StatusReport) {
    tracing::error!(message = %id, sid = %report.sid, "Twilio has a second message for one of ours; look at its history");
    metrics::counter!("dakiya_second_sid_total").increment(1);
    desk.note(Event {
        message: id,
        at: report.at,
        status: report.status,
        source: report.source,
        error_code: None,
        note: Some(format!("alarm: Twilio also knows this message as {}", report.sid)),
    });
}
