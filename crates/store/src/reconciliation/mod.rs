//! Our log against a vendor's records: what a UTC day has, what was found, and what became of it.
//!
//! A message belongs to the UTC day on which it was posted, as Twilio dates it; one that came in to the day it came.

mod ours;
mod read;
mod record;

pub use ours::{DayTotals, Differing, Known, OwnMessage, differing, known, own_page, totals, unknown_to};
pub use read::{Finding, ReconciledDay, days, findings, get};
pub use record::{Compared, NewFinding, explain, record};

use crate::sql::Sql;
use chrono::{Days, NaiveDate};
use dakiya_core::time::Timestamp;

/// The first instants of a UTC day and of the next.
fn bounds(day: NaiveDate) -> (Timestamp, Timestamp) {
    let start = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc();
    (start(day), start(day.checked_add_days(Days::new(1)).unwrap_or(day)))
}

/// Our messages of a day, both ways, each as the same columns; from one index each.
fn outbound(columns: &str, day: NaiveDate) -> Sql {
    let (from, until) = bounds(day);
    Sql::new(&format!("SELECT {columns} FROM messages WHERE cost_day IS NOT NULL AND taken_at >= "))
        .bind(from)
        .text(" AND taken_at < ")
        .bind(until)
}

fn inbound(columns: &str, day: NaiveDate) -> Sql {
    let (from, until) = bounds(day);
    Sql::new(&format!("SELECT {columns} FROM inbound_messages WHERE received_at >= "))
        .bind(from)
        .text(" AND received_at < ")
        .bind(until)
}
