//! Reads Twilio's daily usage records: an account's past on first start or on demand, and the last days again each day,
//! because prices arrive late.
//!
//! One request at a time, a month at a time, the newest first. What was read is stored month by month, so a reading that
//! was cut off goes on where it stopped, and one that is repeated changes nothing.

use crate::context::Context;
use chrono::{Months, NaiveDate, TimeDelta};
use dakiya_core::time::Month;
use dakiya_core::usage::UsageKind;
use dakiya_store::StoreError;
use dakiya_store::audit::Actor;
use dakiya_store::usage::{self, Filed, UsageRecord};
use dakiya_twilio::TwilioError;
use rust_decimal::prelude::ToPrimitive;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Months of the past that are read unless somebody asks for more.
pub const BACKFILL_MONTHS: u32 = 13;

/// Longer ago nobody compares.
pub const MOST_BACKFILL_MONTHS: u32 = 60;

/// Days that are read again each time: Twilio goes on rating for a while.
const READ_AGAIN: TimeDelta = TimeDelta::days(7);

/// How often the last days are read again.
const EVERY: TimeDelta = TimeDelta::hours(20);

/// Waits between tries of one request that may pass.
const TRY_AGAIN_AFTER: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(25)];

/// What reading the past brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backfilled {
    /// The oldest day (UTC) that was read.
    pub first: NaiveDate,
    /// The newest.
    pub last: NaiveDate,
    /// How many days were read, and what was filed of them.
    pub filed: Filed,
}

/// How far reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackfillProgress {
    /// The month that was just stored.
    pub month: Month,
    /// How many of its days were read.
    pub days: u64,
    /// Months stored, of how many.
    pub done: u32,
    /// Of how many.
    pub of: u32,
}

/// Why usage records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BackfillError {
    /// Twilio could not be asked, or refused. What was read before stays.
    #[error("Twilio's usage records could not be read: {0}")]
    Twilio(#[from] TwilioError),
    /// The program is ending. What was read before stays.
    #[error("reading usage records was cut off; it goes on at the next start")]
    Stopped,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Days to read, and for whom.
pub(crate) struct Range<'a> {
    pub(crate) first: NaiveDate,
    pub(crate) last: NaiveDate,
    pub(crate) shutdown: &'a CancellationToken,
    pub(crate) progress: &'a (dyn Fn(BackfillProgress) + Send + Sync),
}

/// In which order months are read. Whatever cuts reading off, no gap is left between what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// What matters most first: the oldest day tells where to go on.
    NewestFirst,
    /// The newest day tells where to go on.
    OldestFirst,
}

/// The first day of a month so many months before a day.
pub(crate) fn months_before(day: NaiveDate, months: u32) -> NaiveDate {
    let first = Month::of(day).first_day();
    first.checked_sub_months(Months::new(months)).unwrap_or(first)
}

/// Reads what is due to be read. Harmless to repeat.
/// Whether something was.
pub(crate) async fn tick(context: &Context, shutdown: &CancellationToken) -> Result<bool, BackfillError> {
    let state = usage::state(&context.store).await?;
    let (now, account) = (context.clock.now(), context.client.account_sid().as_str());
    let (today, ours) = (now.date_naive(), state.account == account);
    let first = months_before(today, BACKFILL_MONTHS);
    let quiet = |_: BackfillProgress| {};
    let range = |first, last| Range { first, last, shutdown, progress: &quiet };
    if !ours || !state.backfilled {
        // A reading that was cut off has its newest months.
        let last = state.oldest_day.filter(|_| ours).map_or(today, |oldest| oldest.min(today));
        let done = read(context, &range(first.min(last), last), Order::NewestFirst).await?;
        usage::mark_backfilled(&context.store, account).await?;
        note(context, &Actor::System("usage"), done).await?;
        return Ok(true);
    }
    if state.read_at.is_some_and(|at| now - at < EVERY) {
        return Ok(false);
    }
    // However long this was not running.
    let newest = usage::newest_day(&context.store).await?.unwrap_or(first).clamp(first, today);
    read(context, &range(newest - READ_AGAIN, today), Order::OldestFirst).await?;
    usage::refile(&context.store, first, today, now).await?;
    Ok(true)
}

/// Reads the past on demand.
pub(crate) async fn backfill(
    context: &Context,
    range: &Range<'_>,
    actor: &Actor,
) -> Result<Backfilled, BackfillError> {
    let done = read(context, range, Order::NewestFirst).await?;
    usage::refile(&context.store, done.first, done.last, context.clock.now()).await?;
    note(context, actor, done).await?;
    Ok(done)
}

async fn note(context: &Context, actor: &Actor, done: Backfilled) -> Result<(), StoreError> {
    let (first, last, days) = (done.first, done.last, done.filed.days);
    let said = format!("{days} days from {first} to {last}, {} of them before our own log", done.filed.filed);
    usage::note_reading(&context.store, actor, context.clock.now(), &said).await
}

async fn read(context: &Context, range: &Range<'_>, order: Order) -> Result<Backfilled, BackfillError> {
    let mut months = Vec::new();
    let mut month = Month::of(range.first);
    while month.first_day() <= range.last {
        months.push((month.first_day().max(range.first), month.last_day().min(range.last)));
        month = month.plus(1);
    }
    if order == Order::NewestFirst {
        months.reverse();
    }
    let (of, mut filed) = (u32::try_from(months.len()).unwrap_or(u32::MAX), Filed::default());
    for (done, (first, last)) in (1..).zip(months) {
        if range.shutdown.is_cancelled() {
            return Err(BackfillError::Stopped);
        }
        let records = ask(context, first, last).await?;
        let (account, now) = (context.client.account_sid().as_str(), context.clock.now());
        let stored = usage::put(&context.store, account, (first, last), &records, now).await?;
        filed.days += stored.days;
        filed.filed += stored.filed;
        filed.unreadable += stored.unreadable;
        (range.progress)(BackfillProgress { month: Month::of(first), days: stored.days, done, of });
    }
    Ok(Backfilled { first: range.first, last: range.last, filed })
}

/// One month's records. What may pass is tried again, politely.
async fn ask(context: &Context, first: NaiveDate, last: NaiveDate) -> Result<Vec<UsageRecord>, TwilioError> {
    let mut waits = TRY_AGAIN_AFTER.iter();
    loop {
        match context.client.daily_usage(None, first, last).await {
            Ok(records) => return Ok(records.into_iter().filter_map(record).collect()),
            Err(error) if error.may_pass() => {
                let Some(wait) = waits.next() else { return Err(error) };
                let wait = TimeDelta::from_std(*wait).unwrap_or_default();
                context.clock.sleep_until(context.clock.now() + wait).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// A record as it is stored; of those that say nothing only the total, which says that there was nothing.
fn record(record: dakiya_twilio::usage::UsageRecord) -> Option<UsageRecord> {
    let kind = record.kind();
    let price = record.price.unwrap_or_default();
    let count = record.count.and_then(|count| count.to_i64());
    let nothing =
        price.is_zero() && count.unwrap_or(0) == 0 && record.usage.is_none_or(|usage| usage.is_zero());
    if nothing && kind != Some(UsageKind::Total) {
        return None;
    }
    Some(UsageRecord {
        day: record.start_date,
        kind,
        category: record.category,
        count,
        usage: record.usage,
        price,
        price_unit: record.price_unit.to_ascii_uppercase(),
        as_of: record.as_of,
    })
}
