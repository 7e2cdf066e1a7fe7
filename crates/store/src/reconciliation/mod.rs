//! Our log against a vendor's records: what a UTC day has, what was found, and what became of it.
//!
//! A message belongs to the UTC day on which it was posted, as Twilio dates it; one that came in to the day it came.

mod ours;
mod read;
mod record;
mod turn;

pub use ours::{DayTotals, Differing, Known, OwnMessage, differing, known, own_page, totals, unknown_to};
pub use read::{
    Finding, LookedThrough, ReconciledDay, Unsettled, days, findings, findings_page, get, looked_through,
    newest_day, unsettled,
};
pub use record::{Compared, NewFinding, explain, record};
pub use turn::{Turn, turn};

use crate::sql::Sql;
use chrono::{Days, NaiveDate};
use dakiya_core::time::Timestamp;

/// The first instants of a UTC day and of the next.
fn bounds(day: NaiveDate) -> (Timestamp, Timestamp) {
    let start = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
    (start(day), start(day.checked_add_days(Days::new(1)).unwrap_or(day)))
}

/// What we sent on a day, from an instant of it on; a stretch of one index.
fn outbound(columns: &str, day: NaiveDate, from: Option<Timestamp>) -> Sql {
    let (start, until) = bounds(day);
    Sql::new(&format!("SELECT {columns} FROM messages WHERE cost_day IS NOT NULL AND taken_at >= "))
        .bind(from.unwrap_or(start))
        .text(" AND taken_at < ")
        .bind(until)
}

/// What came in on a day, from an instant of it on; a stretch of one index.
fn inbound(columns: &str, day: NaiveDate, from: Option<Timestamp>) -> Sql {
    let (start, until) = bounds(day);
    Sql::new(&format!("SELECT {columns} FROM inbound_messages WHERE received_at >= "))
        .bind(from.unwrap_or(start))
        .text(" AND received_at < ")
        .bind(until)
}
