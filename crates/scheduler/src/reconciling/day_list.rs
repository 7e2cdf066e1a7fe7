//! One UTC day message by message: Twilio's list against our log, and our log against Twilio's list.

use crate::backfilling::BackfillError;
use crate::context::Context;
use crate::settling;
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::fx_rate::FxHistory;
use dakiya_core::ids::MessageId;
use dakiya_core::message::EventSource;
use dakiya_core::money::Price;
use dakiya_core::reconciliation::{FindingKind, FindingState, Judged, Ours, judge};
use dakiya_core::time::day_in;
use dakiya_store::messages::{Finding as PriceFound, StatusReport};
use dakiya_store::reconciliation::{self, Known, NewFinding, OwnMessage};
use dakiya_store::{inbound, messages};
use dakiya_twilio::{ListQuery, Message, MessageSid};
use rust_decimal::Decimal;
use std::collections::{HashMap, HashSet};

/// Twilio's messages of one day that are looked through at most, in pages of a thousand.
const MOST_PAGES: usize = 500;

/// Messages of one day that are asked for one by one, because they were not in the list.
const MOST_FETCHES: usize = 500;

/// What a page of messages tells our books.
#[derive(Default)]
struct News {
    prices: Vec<PriceFound>,
    /// They did not arrive, and Twilio has no price for them.
    not_charged: Vec<MessageId>,
}

/// A day whose messages are compared one by one.
pub(super) struct DayList<'a> {
    context: &'a Context,
    day: NaiveDate,
    unit: &'a str,
    rates: &'a FxHistory,
    /// What was found so far.
    pub(super) findings: Vec<NewFinding>,
}

impl<'a> DayList<'a> {
    /// A day of which nothing was seen yet. `unit` is the vendor's currency.
    pub(super) fn new(context: &'a Context, day: NaiveDate, unit: &'a str, rates: &'a FxHistory) -> Self {
        Self { context, day, unit, rates, findings: Vec::new() }
    }

    /// Twilio's messages against ours, then ours against Twilio's. Whether all were seen.
    pub(super) async fn look_through(&mut self) -> Result<bool, BackfillError> {
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
        let mut news = News::default();
        for message in &page {
            match known.get(message.sid.as_str()) {
                Some(known) => self.judge_known(known, message, &mut news).await?,
                None => self.judge_stranger(message, &mut news).await?,
            }
        }
        self.take(news).await
    }

    /// Takes into the books what Twilio knows better.
    async fn take(&self, news: News) -> Result<(), BackfillError> {
        let Context { store, config, .. } = self.context;
        messages::record_findings(store, &news.prices, &config.unknown_lookups).await?;
        Ok(messages::record_not_charged(store, &news.not_charged, self.context.clock.now()).await?)
    }

    /// A message of ours that Twilio has.
    async fn judge_known(
        &mut self,
        known: &Known,
        message: &Message,
        news: &mut News,
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
                self.take_price(known, message, price, &mut news.prices).await?;
                FindingState::Settled
            }
            _ if kind == FindingKind::NotCharged => {
                news.not_charged.extend(known.message.sent());
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
    async fn judge_stranger(&mut self, message: &Message, news: &mut News) -> Result<(), BackfillError> {
        let amount = message.price.unwrap_or_default();
        if let Some(check) = self.unknown_like(message).await? {
            let fx = self.rates.on(day_in(check.taken_at, self.context.config.timezone));
            news.prices.push(PriceFound {
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
            let mut news = News::default();
            for known in page.iter().filter(|known| !seen.contains(&known.sid)) {
                if fetched == MOST_FETCHES {
                    return Ok(false);
                }
                fetched += 1;
                self.ask_about(known, &mut news).await?;
            }
            self.take(news).await?;
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(true),
            }
        }
    }

    async fn ask_about(&mut self, known: &Known, news: &mut News) -> Result<(), BackfillError> {
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
                self.judge_known(known, &message, news).await
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
        let message = known.message.sent();
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

fn report(id: MessageId, message: &Message, source: EventSource, context: &Context) -> Option<StatusReport> {
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
