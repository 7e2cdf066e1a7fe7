//! Compares our log with Twilio's records, UTC day by UTC day, and takes what Twilio knows better into the books.
//!
//! Twilio's list of a day's messages is looked through, page by page, one request at a time, whenever sums differ, and
//! once when the day has come to rest: prices that are wrong may add up to the right sum. Prices that came late are booked,
//! and whatever is left is written down as a finding.

mod day_list;

use crate::backfilling::BackfillError;
use crate::context::Context;
use chrono::{Days, NaiveDate, TimeDelta};
use dakiya_core::message::{Channel, Direction};
use dakiya_core::money::Currency;
use dakiya_core::rate_card::RateItem;
use dakiya_core::reconciliation::{Balance, FindingKind, FindingState};
use dakiya_core::usage::{UsageLine, lines};
use dakiya_store::reconciliation::{self, Compared, DayTotals, NewFinding};
use dakiya_store::{StoreError, fx_rates, usage};
use day_list::DayList;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

/// Days that are compared each time records were read: Twilio goes on rating for a while.
const COMPARE_AGAIN: Days = Days::new(7);

/// Days after which a day's prices have come to rest: then its messages are looked through even when sums agree.
const AT_REST_AFTER: TimeDelta = TimeDelta::days(4);

/// How closely days are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Message by message where sums differ, and once for a day at rest.
    WhereNeeded,
    /// Message by message in any case: a person asked.
    EveryMessage,
}

/// What comparing some days found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Days compared.
    pub days: u32,
    /// Of these, days on which the vendor charged something else than we booked.
    pub differing: u32,
    /// Of these, days whose difference is not explained to the last digit.
    pub unexplained: u32,
}

/// Compares the latest days, and those before them that went by while nobody compared. Harmless to repeat.
pub(crate) async fn recent(
    context: &Context,
    today: NaiveDate,
    shutdown: &CancellationToken,
) -> Result<Reconciled, BackfillError> {
    let next = reconciliation::newest_day(&context.store).await?.and_then(|day| day.succ_opt());
    let week = today - COMPARE_AGAIN;
    let first = next.map_or(week, |next| next.min(week));
    days(context, (first, today), Depth::WhereNeeded, shutdown).await
}

/// Compares days, both included, as far as they are over and have messages of ours. Harmless to repeat.
pub(crate) async fn days(
    context: &Context,
    (first, last): (NaiveDate, NaiveDate),
    depth: Depth,
    shutdown: &CancellationToken,
) -> Result<Reconciled, BackfillError> {
    let mut done = Reconciled::default();
    let Some(own) = usage::first_message_day(&context.store).await? else { return Ok(done) };
    let yesterday = context.clock.now().date_naive() - Days::new(1);
    for day in first.max(own).iter_days().take_while(|day| *day <= last.min(yesterday)) {
        if shutdown.is_cancelled() {
            return Err(BackfillError::Stopped);
        }
        let balance = compare(context, day, depth).await?;
        done.days += 1;
        done.differing += u32::from(!balance.difference().is_zero());
        done.unexplained += u32::from(!balance.unexplained().is_zero());
    }
    Ok(done)
}

/// Whether a day's messages are to be looked through though its sums agree.
async fn look_anyway(context: &Context, day: NaiveDate, depth: Depth) -> Result<bool, StoreError> {
    let rests_from = day.and_time(chrono::NaiveTime::MIN).and_utc() + AT_REST_AFTER;
    let before = reconciliation::looked_through(&context.store, day).await?;
    let at_rest = context.clock.now() >= rests_from && before.at.is_none_or(|at| at < rests_from);
    // What was found stays found until every message was seen again: differences may cancel out.
    Ok(depth == Depth::EveryMessage || at_rest || before.differs)
}

async fn compare(context: &Context, day: NaiveDate, depth: Depth) -> Result<Balance, BackfillError> {
    let _turn = context.comparing.lock().await;
    let (store, now) = (&context.store, context.clock.now());
    let _turn_of_all = reconciliation::turn(store).await?;
    let records = usage::records(store, day, day).await?;
    let priced = records.iter().find(|record| !record.price.is_zero());
    let unit = priced.map_or_else(|| Currency::Usd.as_str().to_owned(), |record| record.price_unit.clone());
    let figures: Vec<_> = records.iter().filter_map(usage::UsageRecord::figure).collect();
    let lines = lines(&figures);
    let rates = fx_rates::history(store).await?;
    let mut ours = reconciliation::totals(store, day, &unit).await?;
    let listed = !agree(&lines, &ours) || look_anyway(context, day, depth).await?;
    let mut list = DayList::new(context, day, &unit, &rates);
    let complete = if listed { list.look_through().await? } else { true };
    if listed {
        ours = reconciliation::totals(store, day, &unit).await?;
    }
    let mut findings = list.findings;
    findings.extend(lines.iter().filter_map(beside_messages));
    let compared = Compared {
        day,
        fx: rates.on(day),
        vendor: lines.iter().map(|line| line.price).sum(),
        ours: ours.price(),
        vendor_messages: lines
            .iter()
            .filter(|line| of_messages(line).is_some())
            .map(|line| line.messages)
            .sum(),
        our_messages: ours.messages(),
        unpriced: ours.unpriced,
        unit,
        listed,
        complete,
        findings,
    };
    Ok(reconciliation::record(store, &compared, now).await?)
}

/// What a line of the vendor's is to be compared with; none for rents and the rest.
fn of_messages(line: &UsageLine) -> Option<(Channel, Direction)> {
    match line.item {
        RateItem::Sms => Some((Channel::Sms, line.direction)),
        RateItem::Whatsapp => Some((Channel::Whatsapp, line.direction)),
        RateItem::Number | RateItem::Other => None,
    }
}

/// Whether sums and counts of every kind of message are the same, and nothing waits for its price.
fn agree(lines: &[UsageLine], ours: &DayTotals) -> bool {
    let theirs: BTreeMap<(Channel, Direction), (i64, Decimal)> =
        lines.iter().filter_map(|line| Some((of_messages(line)?, (line.messages, line.price)))).collect();
    let none = (0, Decimal::ZERO);
    let same = |key: &(Channel, Direction)| {
        theirs.get(key).copied().unwrap_or(none) == ours.lines.get(key).copied().unwrap_or(none)
    };
    ours.unpriced == 0 && ours.foreign == 0 && theirs.keys().chain(ours.lines.keys()).all(same)
}

/// What the vendor charged beside messages: part of the difference, and no surprise.
fn beside_messages(line: &UsageLine) -> Option<NewFinding> {
    let (kind, subject, note) = match line.item {
        RateItem::Number => (FindingKind::Rent, "phonenumbers", "counted as a rent"),
        RateItem::Other => (FindingKind::Other, "other", "neither messages nor rents"),
        RateItem::Sms | RateItem::Whatsapp => return None,
    };
    (!line.price.is_zero()).then(|| NewFinding {
        kind,
        subject: subject.to_owned(),
        message: None,
        amount: line.price,
        state: FindingState::Explained,
        note: note.to_owned(),
    })
}
