//! Compares our log with Twilio's records, UTC day by UTC day, and takes what Twilio knows better into the books.
//!
//! A day whose sums agree is done. Otherwise Twilio's list of the day's messages is looked through, page by page, one
//! request at a time: prices that came late are booked, and whatever is left is written down as a finding.

use crate::backfilling::BackfillError;
use crate::context::Context;
use crate::settling;
use chrono::{Days, NaiveDate, TimeDelta};
use dakiya_core::fx_rate::FxHistory;
use dakiya_core::message::{Channel, Direction, EventSource};
use dakiya_core::money::{Currency, Price};
use dakiya_core::rate_card::RateItem;
use dakiya_core::reconciliation::{Balance, FindingKind, FindingState, Judged, Ours, judge};
use dakiya_core::time::day_in;
use dakiya_core::usage::{UsageLine, lines};
use dakiya_store::messages::{Finding as PriceFound, StatusReport};
use dakiya_store::reconciliation::{self, Compared, DayTotals, Known, NewFinding, OwnMessage};
use dakiya_store::{fx_rates, inbound, messages, usage};
use dakiya_twilio::{ListQuery, Message, MessageSid};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap, HashSet};
use tokio_util::sync::CancellationToken;

/// Twilio's messages of one day that are looked through at most, in pages of a thousand.
const MOST_PAGES: usize = 500;

/// Messages of one day that are asked for one by one, because they were not in the list.
const MOST_FETCHES: usize = 500;

/// Days that are compared each time records were read: Twilio goes on rating for a while.
pub(crate) const COMPARE_AGAIN: u64 = 7;

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

/// Compares days, both included, as far as they are over and have messages of ours. Harmless to repeat.
pub(crate) async fn days(
    context: &Context,
    (first, last): (NaiveDate, NaiveDate),
    shutdown: &CancellationToken,
) -> Result<Reconciled, BackfillError> {
    let mut done = Reconciled::default();
    let Some(own) = usage::first_message_day(&context.store).await? else { return Ok(done) };
    let yesterday = context.clock.now().date_naive() - Days::new(1);
    for day in first.max(own).iter_days().take_while(|day| *day <= last.min(yesterday)) {
        if shutdown.is_cancelled() {
            return Err(BackfillError::Stopped);
        }
        let balance = compare(context, day).await?;
        done.days += 1;
        done.differing += u32::from(!balance.difference().is_zero());
        done.unexplained += u32::from(!balance.unexplained().is_zero());
    }
    Ok(done)
}

async fn compare(context: &Context, day: NaiveDate) -> Result<Balance, BackfillError> {
    let _turn = context.comparing.lock().await;
    let (store, now) = (&context.store, context.clock.now());
    let records = usage::records(store, day, day).await?;
    let priced = records.iter().find(|record| !record.price.is_zero());
    let unit = priced.map_or_else(|| Currency::Usd.as_str().to_owned(), |record| record.price_unit.clone());
    let figures: Vec<_> = records.iter().filter_map(usage::UsageRecord::figure).collect();
    let lines = lines(&figures);
    let rates = fx_rates::history(store).await?;
    let mut ours = reconciliation::totals(store, day, &unit).await?;
    let listed = !agree(&lines, &ours);
    let mut list = DayList { context, day, unit: &unit, rates: &rates, findings: Vec::new() };
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

/// A day whose messages are compared one by one.
struct DayList<'a> {
    context: &'a Context,
    day: NaiveDate,
    unit: &'a str,
    rates: &'a FxHistory,
    findings: Vec<NewFinding>,
}

impl DayList<'_> {
    /// Twilio's messages against ours, then ours against Twilio's. Whether all were seen.
    async fn look_through(&mut self) -> Result<bool, BackfillError> {
        let start = self.day.and_time(chrono::NaiveTime::MIN).and_utc();
        let query = ListQuery {
            since: Some(start),
            // What is created before midnight may be handed over after it.
            until: Some(start + TimeDelta::days(1)),
            page_size: Some(1_000),
            ..ListQuery::default()
        };
        let mut seen: HashSet<String> = HashSet::new();
        let mut page = self.context.client.list(&query).await?;
        let mut pages = 1;
        loop {
            let mut of_day = std::mem::take(&mut page.messages);
            of_day.retain(|message| created_on(message) == Some(self.day));
            seen.extend(of_day.iter().map(|message| message.sid.to_string()));
            self.judge_page(of_day).await?;
            if pages == MOST_PAGES {
                return Ok(false);
            }
            match self.context.client.next_page(&page).await? {
                Some(next) => page = next,
                None => break,
            }
            pages += 1;
        }
        self.not_listed(&seen).await
    }

    async fn judge_page(&mut self, page: Vec<Message>) -> Result<(), BackfillError> {
        let sids: Vec<String> = page.iter().map(|message| message.sid.to_string()).collect();
        let known = reconciliation::known(&self.context.store, &sids).await?;
        let known: HashMap<&str, &Known> = known.iter().map(|known| (known.sid.as_str(), known)).collect();
        let mut prices = Vec::new();
        for message in &page {
            match known.get(message.sid.as_str()) {
                Some(known) => self.judge_known(known, message, &mut prices).await?,
                None => self.judge_stranger(message, &mut prices).await?,
            }
        }
        let lookups = &self.context.config.unknown_lookups;
        Ok(messages::record_findings(&self.context.store, &prices, lookups).await?)
    }

    /// A message of ours that Twilio has.
    async fn judge_known(
        &mut self,
        known: &Known,
        message: &Message,
        prices: &mut Vec<PriceFound>,
    ) -> Result<(), BackfillError> {
        let booked = known.price.as_ref().filter(|(_, unit)| unit == self.unit).map(|(price, _)| *price);
        if known.at.date_naive() != self.day {
            let note = format!("ours on {}", known.at.date_naive());
            self.found(
                known,
                FindingKind::OtherDay,
                message.price.unwrap_or_default(),
                FindingState::Explained,
                note,
            );
        }
        let judged = judge(Some(Ours { price: booked, failed: known.failed }), Some(message.price));
        let Some(Judged { kind, amount, takes }) = judged else { return Ok(()) };
        let state = match (takes, message.charge()) {
            (Some(_), Some(price)) => {
                self.take_price(known, message, price, prices).await?;
                FindingState::Settled
            }
            _ => FindingState::Open,
        };
        self.found(known, kind, amount, state, said(message));
        Ok(())
    }

    async fn take_price(
        &self,
        known: &Known,
        message: &Message,
        price: Price,
        prices: &mut Vec<PriceFound>,
    ) -> Result<(), BackfillError> {
        match known.message {
            OwnMessage::Sent(id) => {
                let fx = self.rates.on(day_in(known.at, self.context.config.timezone));
                let report = report(id, message, EventSource::Poll, self.context);
                let at = self.context.clock.now();
                let segments = message.segments;
                prices.push(PriceFound {
                    id,
                    answered: true,
                    report,
                    segments,
                    price: Some((price, fx)),
                    at,
                });
            }
            OwnMessage::Received(id, day) => {
                inbound::correct_price(&self.context.store, id, (price, self.rates.on(day))).await?;
            }
        }
        Ok(())
    }

    /// A message that no message of ours is linked to. It may be one of which we do not know whether Twilio got it.
    async fn judge_stranger(
        &mut self,
        message: &Message,
        prices: &mut Vec<PriceFound>,
    ) -> Result<(), BackfillError> {
        let amount = message.price.unwrap_or_default();
        if let Some(check) = self.unknown_like(message).await? {
            let fx = self.rates.on(day_in(check.taken_at, self.context.config.timezone));
            prices.push(PriceFound {
                id: check.id,
                answered: true,
                report: report(check.id, message, EventSource::Listing, self.context),
                segments: message.segments,
                price: message.charge().map(|price| (price, fx)),
                at: self.context.clock.now(),
            });
            self.findings.push(NewFinding {
                kind: FindingKind::Unknown,
                subject: message.sid.to_string(),
                message: Some(check.id),
                amount,
                state: FindingState::Settled,
                note: said(message),
            });
            return Ok(());
        }
        self.findings.push(NewFinding {
            kind: FindingKind::NotOurs,
            subject: message.sid.to_string(),
            message: None,
            amount,
            state: FindingState::Open,
            note: said(message),
        });
        Ok(())
    }

    async fn unknown_like(&self, message: &Message) -> Result<Option<messages::Check>, BackfillError> {
        let phone = message.to.as_ref().and_then(|to| dakiya_core::phone::PhoneNumber::from_e164(to.bare()));
        let (Some(phone), Some(at), true) = (phone, message.created_at, message.outbound) else {
            return Ok(None);
        };
        let around = (at - TimeDelta::minutes(15), at + TimeDelta::minutes(15));
        let unknown = reconciliation::unknown_to(&self.context.store, phone, around).await?;
        Ok(unknown.into_iter().find(|check| settling::matches(check, message)))
    }

    /// Ours of the day that were not in Twilio's list. Whether all of them could be asked for.
    async fn not_listed(&mut self, seen: &HashSet<String>) -> Result<bool, BackfillError> {
        let (mut after, mut fetched) = (None, 0);
        loop {
            let page = reconciliation::own_page(&self.context.store, self.day, after.as_ref()).await?;
            let mut prices = Vec::new();
            for known in page.iter().filter(|known| !seen.contains(&known.sid)) {
                if fetched == MOST_FETCHES {
                    return Ok(false);
                }
                fetched += 1;
                self.ask_about(known, &mut prices).await?;
            }
            let lookups = &self.context.config.unknown_lookups;
            messages::record_findings(&self.context.store, &prices, lookups).await?;
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(true),
            }
        }
    }

    async fn ask_about(&mut self, known: &Known, prices: &mut Vec<PriceFound>) -> Result<(), BackfillError> {
        let asked = match MessageSid::try_from(known.sid.clone()) {
            Ok(sid) => self.context.client.fetch(&sid).await.map(Some),
            Err(_) => Ok(None),
        };
        let found = match asked {
            Err(error) if error.is_not_found() => None,
            other => other?,
        };
        let booked = known.price.as_ref().map_or(Decimal::ZERO, |(price, _)| *price);
        match found {
            None => {
                self.found(known, FindingKind::Missing, -booked, FindingState::Open, String::new());
                Ok(())
            }
            Some(message) if created_on(&message) == Some(self.day) => {
                self.judge_known(known, &message, prices).await
            }
            Some(message) => {
                let day = created_on(&message).map(|day| day.to_string()).unwrap_or_default();
                let note = format!("at Twilio on {day}");
                self.found(known, FindingKind::OtherDay, -booked, FindingState::Explained, note);
                Ok(())
            }
        }
    }

    fn found(
        &mut self,
        known: &Known,
        kind: FindingKind,
        amount: Decimal,
        state: FindingState,
        note: String,
    ) {
        let message = match known.message {
            OwnMessage::Sent(id) => Some(id),
            OwnMessage::Received(..) => None,
        };
        self.findings.push(NewFinding { kind, subject: known.sid.clone(), message, amount, state, note });
    }
}

fn created_on(message: &Message) -> Option<NaiveDate> {
    message.created_at.or(message.sent_at).map(|at| at.date_naive())
}

/// What Twilio says about a message; no number and no text.
fn said(message: &Message) -> String {
    let direction = if message.outbound { "sent" } else { "received" };
    let status = message.status.map(|status| format!(", {status}")).unwrap_or_default();
    match message.created_at {
        Some(at) => format!("{direction} {}{status}", at.format("%H:%M:%S UTC")),
        None => format!("{direction}{status}"),
    }
}

fn report(
    id: dakiya_core::ids::MessageId,
    message: &Message,
    source: EventSource,
    context: &Context,
) -> Option<StatusReport> {
    Some(StatusReport {
        message_id: Some(id),
        sid: message.sid.to_string(),
        status: message.our_status()?,
        error_code: message.error_code,
        consequence: message.error_code.and_then(crate::context::consequence_of),
        at: context.clock.now(),
        source,
    })
}
