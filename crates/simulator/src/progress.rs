//! Moves messages on: queued, sent, delivered, read, rated; and has each step reported.

use crate::admission::SERVICE_NUMBER;
use crate::book::{Book, Stored};
use crate::callbacks::Report;
use crate::config::Delays;
use crate::faults::{Bill, Fate};
use crate::sim::{Sim, locked};
use chrono::TimeDelta;
use dakiya_core::message::Channel;
use dakiya_twilio::TwilioStatus;
use rust_decimal::Decimal;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Steps taken before others get the lock.
const BATCH: usize = 256;

/// What happens when. Cheap to add to; one task works it off.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    queue: Mutex<Queue>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    due: BinaryHeap<Reverse<(Instant, u64, u64, Event)>>,
    /// Keeps events of one instant in their order.
    added: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Advance,
    Rate,
}

/// Sets an accepted message on its way.
pub(crate) fn begin(sim: &Sim, number: u64, status: TwilioStatus, wait: Duration) {
    let delay = match status {
        TwilioStatus::Accepted | TwilioStatus::Scheduled => sim.delays().queued_ms,
        _ => sim.delays().sent_ms,
    };
    plan(sim, number, Event::Advance, wait + Delays::of(delay));
}

/// Lets an inbound message or a reply be rated.
pub(crate) fn begin_rating(sim: &Sim, number: u64) {
    plan(sim, number, Event::Rate, Delays::of(sim.delays().rated_ms));
}

fn plan(sim: &Sim, number: u64, event: Event, delay: Duration) {
    sim.work.begin(1);
    sim.agenda.add(number, event, delay);
}

impl Agenda {
    /// Drops everything that was to happen, and says how much it was.
    pub(crate) fn clear(&self) -> usize {
        let mut queue = locked(&self.queue);
        let dropped = queue.due.len();
        queue.due.clear();
        dropped
    }

    fn add(&self, number: u64, event: Event, delay: Duration) {
        let mut queue = locked(&self.queue);
        queue.added += 1;
        let order = queue.added;
        let at = Instant::now() + delay;
        let earliest = queue.due.peek().is_none_or(|Reverse((first, ..))| at < *first);
        queue.due.push(Reverse((at, order, number, event)));
        drop(queue);
        if earliest {
            self.changed.notify_one();
        }
    }

    fn take_due(&self, now: Instant) -> Vec<(u64, Event)> {
        let mut queue = locked(&self.queue);
        let mut due = Vec::new();
        while due.len() < BATCH && queue.due.peek().is_some_and(|Reverse((at, ..))| *at <= now) {
            due.extend(queue.due.pop().map(|Reverse((_, _, number, event))| (number, event)));
        }
        due
    }

    fn next_at(&self) -> Option<Instant> {
        locked(&self.queue).due.peek().map(|Reverse((at, ..))| *at)
    }
}

/// Works the agenda off until it is dropped.
pub(crate) async fn run(sim: Arc<Sim>) {
    let mut held: HashMap<u64, Vec<Report>> = HashMap::new();
    loop {
        let due = sim.agenda.take_due(Instant::now());
        if due.is_empty() {
            let next = sim.agenda.next_at();
            let soonest = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = soonest => {}
                () = sim.agenda.changed.notified() => {}
            }
            continue;
        }
        let steps = due.len();
        let mut reports = Vec::new();
        {
            let mut book = sim.book();
            for (number, event) in due {
                match event {
                    Event::Advance => reports.extend(advance(&sim, &mut book, number)),
                    Event::Rate => rate(&sim, &mut book, number),
                }
            }
        }
        for (report, last) in reports {
            send(&sim, &mut held, report, last).await;
        }
        sim.work.end(steps);
    }
}

/// Takes a message's next step. Gives what is to be reported, and whether nothing will follow.
fn advance(sim: &Sim, book: &mut Book, number: u64) -> Option<(Report, bool)> {
    let now = sim.now();
    let delays = sim.delays();
    let message = book.message_mut(number)?;
    let next = next_status(message)?;
    if next == TwilioStatus::Sent {
        message.sent = Some(now);
    }
    (message.status, message.updated, message.counted) = (next, now, true);
    message.error = match (next, message.fate) {
        (TwilioStatus::Failed, Fate::Fail(code))
        | (TwilioStatus::Undelivered, Fate::Undeliver(code) | Fate::Fail(code)) => Some(code),
        _ => None,
    };
    let following = next_status(message);
    let never_handed_over =
        message.sent.is_none() && matches!(next, TwilioStatus::Failed | TwilioStatus::Undelivered);
    let rated = match message.bill {
        Bill::Never => false,
        Bill::ThoughFailed => next == TwilioStatus::Sent || never_handed_over,
        _ => next == TwilioStatus::Sent,
    };
    if rated {
        plan(sim, number, Event::Rate, Delays::of(delays.rated_ms));
    }
    if let Some(following) = following {
        let delay = match following {
            TwilioStatus::Read => delays.read_ms,
            TwilioStatus::Delivered | TwilioStatus::Undelivered => delays.delivered_ms,
            _ => delays.sent_ms,
        };
        plan(sim, number, Event::Advance, Delays::of(delay));
    }
    let report = report_of(book, number)?;
    Some((report, following.is_none()))
}

/// Where a message goes from here; `None`: nowhere.
fn next_status(message: &Stored) -> Option<TwilioStatus> {
    use TwilioStatus as S;
    Some(match (message.status, message.fate) {
        (S::Accepted | S::Scheduled, _) => S::Queued,
        (S::Queued, Fate::StayQueued) => return None,
        // WhatsApp reports as undelivered what it never took.
        (S::Queued, Fate::Fail(_)) if message.channel == Channel::Whatsapp => S::Undelivered,
        (S::Queued, Fate::Fail(_)) => S::Failed,
        (S::Queued, _) => S::Sent,
        (S::Sent, Fate::StaySent) => return None,
        (S::Sent, Fate::Undeliver(_)) => S::Undelivered,
        (S::Sent, Fate::ReadWithoutDelivered) => S::Read,
        (S::Sent, _) => S::Delivered,
        (S::Delivered, Fate::Read) => S::Read,
        _ => return None,
    })
}

fn rate(sim: &Sim, book: &mut Book, number: u64) {
    let Some(message) = book.message_mut(number) else { return };
    let inbound = message.direction == crate::book::Direction::Inbound;
    let unit = match (message.channel, inbound) {
        (Channel::Sms, false) => sim.config.sms_price,
        (Channel::Sms, true) => sim.config.inbound_price,
        (Channel::Whatsapp, false) => sim.config.whatsapp_price,
        (Channel::Whatsapp, true) => Decimal::ZERO,
    };
    let price = (unit * Decimal::from(message.segments)).round_dp(8).normalize();
    message.price = Some(price);
    let now = sim.now();
    match message.bill {
        Bill::Late(hours) => message.price_shown_at = Some(now + TimeDelta::hours(i64::from(hours))),
        Bill::Repriced { hours, percent } => {
            let later = price * Decimal::from(percent) / Decimal::ONE_HUNDRED;
            message.repriced =
                Some((now + TimeDelta::hours(i64::from(hours)), later.round_dp(8).normalize()));
        }
        Bill::Usual | Bill::Never | Bill::ThoughFailed => {}
    }
    let (created, channel, segments) = (message.created, message.channel, message.segments);
    let repriced = message.repriced;
    book.usage.charge(created, channel, inbound, segments, price);
    if let Some((at, later)) = repriced {
        book.usage.charge_later(at, created, channel, later - price);
    }
}

/// Reports where a message is, outside its usual course.
pub(crate) fn report(sim: &Sim, book: &Book, number: u64) {
    if let Some(report) = report_of(book, number) {
        sim.courier.try_send(&sim.work, report);
    }
}

fn report_of(book: &Book, number: u64) -> Option<Report> {
    let message = book.message(number)?;
    let from = message.from.clone().unwrap_or_else(|| SERVICE_NUMBER.into());
    Some(Report {
        number,
        sid: book.sid(number),
        status: message.status,
        error: message.error,
        url: message.callback.clone()?,
        from,
        to: message.to.clone(),
        service: message.service.clone(),
        channel: message.channel,
    })
}

/// Hands a report to the courier, as the faults of the moment have it.
async fn send(sim: &Sim, held: &mut HashMap<u64, Vec<Report>>, report: Report, last: bool) {
    let faults = sim.faults.callback_faults();
    let number = report.number;
    let lost = faults.lost.contains(&report.status);
    let copies = if lost { 0 } else { 1 + usize::from(faults.duplicated) };
    let waiting = held.entry(number).or_default();
    waiting.extend(std::iter::repeat_n(report, copies));
    if faults.reversed && !last {
        return;
    }
    let mut reports = held.remove(&number).unwrap_or_default();
    if faults.reversed {
        reports.reverse();
    }
    for report in reports {
        sim.courier.send(&sim.work, report).await;
    }
}
