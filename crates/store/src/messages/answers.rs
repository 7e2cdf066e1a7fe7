//! What became of POSTs.

use super::record::{Desk, Event};
use super::status::{Applied, Consequence, StatusReport, apply};
use crate::column::PhoneKey;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, sending};
use chrono::TimeDelta;
use dakiya_core::encoding::Segments;
use dakiya_core::ids::MessageId;
use dakiya_core::message::{EventSource, Status};
use dakiya_core::retry::RetryPolicy;
use dakiya_core::time::Timestamp;
use std::time::Duration;

/// Twilio is not obeyed beyond this when it asks to wait: an absurd wait would be a lost message.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3_600);

/// What an answer to a POST proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Twilio has it.
    Accepted {
        /// Twilio's id.
        sid: String,
        /// Our word for where it is already.
        status: Status,
        /// Billed parts, if Twilio has counted them.
        segments: Option<Segments>,
    },
    /// Twilio refused it for good.
    Rejected {
        /// Twilio's error code.
        code: u32,
        /// What the code says beyond this message.
        consequence: Option<Consequence>,
    },
    /// Certainly not sent; tried again later while tries are left.
    NotSent {
        /// How long Twilio asked to wait.
        retry_after: Option<Duration>,
        /// Why, in words.
        why: String,
    },
    /// Its moment passed before the POST began: back into the queue, and no try is used up.
    NotBegun,
    /// It may or may not have been sent.
    Unknown {
        /// Why nobody knows, in words.
        why: String,
        /// What the answer says beyond this message.
        consequence: Option<Consequence>,
    },
}

impl Answer {
    /// Whether nothing more may be posted after it.
    fn stops_everything(&self) -> bool {
        let (Self::Rejected { consequence, .. } | Self::Unknown { consequence, .. }) = self else {
            return false;
        };
        *consequence == Some(Consequence::StopSending)
    }
}

/// An answer about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Which.
    pub id: MessageId,
    /// What was learned.
    pub answer: Answer,
    /// When.
    pub at: Timestamp,
}

/// How answers are followed up.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// When a message that was certainly not sent is tried again.
    pub retry: RetryPolicy,
    /// A random fraction in 0.0..1.0 for the back-off.
    pub jitter: f64,
    /// When an unknown message is looked up, counted from its POST.
    pub unknown_lookups: Vec<Duration>,
}

/// Records answers in one transaction. A callback may have come first: nothing ever moves back.
pub async fn record_answers(
    store: &Store,
    answers: &[Answered],
    follow_up: &FollowUp,
) -> Result<(), StoreError> {
    let Some(now) = answers.iter().map(|answered| answered.at).max() else { return Ok(()) };
    let tx = store.write().await?;
    if answers.iter().any(|answered| answered.answer.stops_everything()) {
        // Before the messages: whoever erases a person holds this lock and waits for their messages.
        sending::after_takes(&*tx).await?;
    }
    let sids = answers.iter().filter_map(|answered| match &answered.answer {
        Answer::Accepted { sid, .. } => Some(sid.clone()),
        _ => None,
    });
    let mut desk = Desk::load(&*tx, answers.iter().map(|answered| answered.id), sids).await?;
    let mut stop = None;
    for answered in answers {
        stop = stop.or(record(&mut desk, answered, follow_up));
    }
    if let Some(reason) = stop {
        tracing::error!(reason, "all sending is held");
        metrics::counter!("dakiya_sending_held_total").increment(1);
        sending::hold_in(store, &*tx, &reason, now).await?;
    }
    desk.save(store, &*tx, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Records one answer on the desk. The result says why all sending has to stop, if it has to.
fn record(desk: &mut Desk, answered: &Answered, follow_up: &FollowUp) -> Option<String> {
    let at = answered.at;
    match &answered.answer {
        Answer::Accepted { sid, status, segments } => {
            accepted(desk, answered, sid, *status, *segments);
            None
        }
        Answer::Rejected { code, consequence } => {
            let phone = ended(desk, answered, Status::Rejected, Some(*code), None)?;
            match consequence {
                Some(Consequence::OptedOut(scope)) => desk.opted_out(&phone, *scope, *code, at),
                Some(Consequence::Unreachable) => desk.unreachable(&phone),
                Some(Consequence::StopSending) => {
                    return Some(format!("Twilio refuses this account (error {code})"));
                }
                None => {}
            }
            None
        }
        Answer::NotSent { retry_after, why } => {
            not_sent(desk, answered, *retry_after, why, follow_up);
            None
        }
        Answer::NotBegun => {
            not_begun(desk, answered);
            None
        }
        Answer::Unknown { why, consequence } => {
            unknown(desk, answered.id, at, why, &follow_up.unknown_lookups);
            matches!(consequence, Some(Consequence::StopSending))
                .then(|| format!("Twilio refuses this account: {why}"))
        }
    }
}

fn accepted(desk: &mut Desk, answered: &Answered, sid: &str, status: Status, segments: Option<Segments>) {
    let report = StatusReport {
        message_id: Some(answered.id),
        sid: sid.to_owned(),
        status,
        error_code: None,
        consequence: None,
        at: answered.at,
        source: EventSource::Answer,
    };
    if matches!(apply(desk, &report), Applied::Moved | Applied::Unchanged)
        && let (Some(record), Some(Segments(count))) = (desk.get(answered.id), segments)
    {
        record.now.twilio_segments = i32::try_from(count).ok();
    }
}

/// Whether the answer is still news: nothing else has told us what became of the message.
fn is_open(status: Status) -> bool {
    matches!(status, Status::Posting | Status::Unknown)
}

fn ended(
    desk: &mut Desk,
    answered: &Answered,
    status: Status,
    code: Option<u32>,
    note: Option<String>,
) -> Option<PhoneKey> {
    let code = code.and_then(|code| i32::try_from(code).ok());
    let record = desk.get(answered.id)?;
    let phone = record.phone.clone();
    if is_open(record.now.status) {
        record.move_to(status, answered.at);
        record.now.error_code = code;
        record.now.next_check_at = None;
        desk.note(Event {
            message: answered.id,
            at: answered.at,
            status,
            source: EventSource::Answer,
            error_code: code,
            note,
        });
    }
    Some(phone)
}

fn not_sent(
    desk: &mut Desk,
    answered: &Answered,
    retry_after: Option<Duration>,
    why: &str,
    follow_up: &FollowUp,
) {
    let Some(record) = desk.get(answered.id) else { return };
    if !is_open(record.now.status) {
        return;
    }
    let attempts = u32::try_from(record.now.attempts).unwrap_or(u32::MAX);
    let Some(delay) = follow_up.retry.next_delay(attempts, follow_up.jitter) else {
        let note = format!("{why}; no tries are left");
        ended(desk, answered, Status::Failed, None, Some(note));
        return;
    };
    let delay = delay.max(retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER));
    record.move_to(Status::Queued, answered.at);
    record.now.due_at = answered.at + TimeDelta::from_std(delay).unwrap_or(TimeDelta::zero());
    record.now.next_check_at = None;
    desk.note(Event {
        message: answered.id,
        at: answered.at,
        status: Status::Queued,
        source: EventSource::Answer,
        error_code: None,
        note: Some(format!("not sent: {why}; tried again later")),
    });
}

fn not_begun(desk: &mut Desk, answered: &Answered) {
    let Some(record) = desk.get(answered.id) else { return };
    if is_open(record.now.status) {
        record.move_to(Status::Queued, answered.at);
        record.now.attempts = (record.now.attempts - 1).max(0);
        record.now.next_check_at = None;
    }
}

fn unknown(desk: &mut Desk, id: MessageId, at: Timestamp, why: &str, lookups: &[Duration]) {
    let Some(record) = desk.get(id) else { return };
    if record.now.status != Status::Posting {
        return;
    }
    let posted_at = record.taken_at.unwrap_or(at);
    record.move_to(Status::Unknown, at);
    record.now.checks = 0;
    record.now.next_check_at =
        lookups.first().map(|wait| posted_at + TimeDelta::from_std(*wait).unwrap_or(TimeDelta::zero()));
    desk.note(Event {
        message: id,
        at,
        status: Status::Unknown,
        source: EventSource::Dakiya,
        error_code: None,
        note: Some(why.to_owned()),
    });
}

/// Messages whose worker is gone: still posting though they were taken longer ago than `older_than`, or by a clock that
/// is now ahead by as much; `None`: all. They may or may not have been sent, so they become unknown, never queued.
/// Returns how many there were.
pub async fn recover_posting(
    store: &Store,
    older_than: Option<TimeDelta>,
    now: Timestamp,
    unknown_lookups: &[Duration],
) -> Result<usize, StoreError> {
    let mut recovered = 0;
    loop {
        let tx = store.write().await?;
        let mut query = Sql::new("SELECT id FROM messages WHERE status = 1");
        if let Some(age) = older_than {
            query = query
                .text(" AND (taken_at < ")
                .bind(now - age)
                .text(" OR taken_at > ")
                .bind(now + age)
                .text(")");
        }
        let rows = query.text(" LIMIT 500").all(&*tx).await?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in rows {
            ids.push(row.read::<MessageId>("id")?);
        }
        if ids.is_empty() {
            return Ok(recovered);
        }
        let mut desk = Desk::load(&*tx, ids.iter().copied(), []).await?;
        for id in &ids {
            unknown(&mut desk, *id, now, "the program ended while it was being posted", unknown_lookups);
        }
        desk.save(store, &*tx, now).await?;
        tx.commit().await?;
        recovered += ids.len();
    }
}
