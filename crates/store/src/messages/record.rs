//! Load, decide, save: how every change to messages that were taken is made.
//!
//! Reports about many messages are worked on together: their records are loaded (and locked) with one statement,
//! changed in memory by the rules of `core`, and saved with one statement. Counts and money follow from the
//! difference between what was loaded and what is saved.

use super::tally::{Tally, set_aside};
use crate::audit::Actor;
use crate::column::{PhoneKey, Stored};
use crate::costs::{Entry, Key, MessageMoney};
use crate::opt_outs::{self, Change};
use crate::sql::{Row, Sql, for_update, in_few_lengths};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::{CampaignId, EventId, MessageId, ReminderRuleId, TemplateId};
use dakiya_core::message::{Category, Channel, Direction, EventSource, Status};
use dakiya_core::opt_out::{OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use std::collections::HashMap;

/// What of a message may change once it was taken.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) id: MessageId,
    pub(crate) campaign: Option<CampaignId>,
    pub(crate) phone: PhoneKey,
    pub(crate) estimated_cost: i64,
    channel: Channel,
    category: Category,
    template: Option<TemplateId>,
    reminder_rule: Option<ReminderRuleId>,
    sender: String,
    segments: i32,
    estimated_fx: Option<String>,
    cost_day: Option<NaiveDate>,
    pub(crate) taken_at: Option<Timestamp>,
    pub(crate) now: State,
    was: State,
}

/// The changing part.
#[derive(Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) status: Status,
    pub(crate) sid: Option<String>,
    pub(crate) twilio_segments: Option<i32>,
    pub(crate) error_code: Option<i32>,
    pub(crate) attempts: i32,
    pub(crate) due_at: Timestamp,
    pub(crate) next_check_at: Option<Timestamp>,
    pub(crate) checks: i32,
    pub(crate) sent_at: Option<Timestamp>,
    pub(crate) delivered_at: Option<Timestamp>,
    pub(crate) actual_cost: Option<i64>,
    pub(crate) price: Option<String>,
    pub(crate) price_unit: Option<String>,
    pub(crate) fx_rate: Option<String>,
}

impl State {
    /// Whether it ended at Twilio without arriving and has no price. What did not arrive usually never gets one.
    pub(crate) fn may_never_be_charged(&self) -> bool {
        matches!(self.status, Status::Failed | Status::Undelivered)
            && self.sid.is_some()
            && self.actual_cost.is_none()
    }
}

/// Something to be written into a message's history.
pub(crate) struct Event {
    pub(crate) message: MessageId,
    pub(crate) at: Timestamp,
    pub(crate) status: Status,
    pub(crate) source: EventSource,
    pub(crate) error_code: Option<i32>,
    pub(crate) note: Option<String>,
}

/// Records being worked on in one transaction.
#[derive(Default)]
pub(crate) struct Desk {
    records: HashMap<MessageId, Record>,
    by_sid: HashMap<String, MessageId>,
    events: Vec<Event>,
    opted_out: Vec<(PhoneNumber, OptOutScope, u32, Timestamp)>,
    unreachable: Vec<PhoneNumber>,
}

const COLUMNS: &str = "id, campaign_id, phone, estimated_cost, taken_at, status, twilio_sid, \
    twilio_segments, error_code, attempts, due_at, next_check_at, checks, sent_at, delivered_at, actual_cost, \
    twilio_price, twilio_price_unit, fx_rate, channel, category, template_id, reminder_rule_id, sender, segments, estimated_fx, \
    cost_day";

impl Desk {
    /// Loads messages by id and by Twilio's id, and locks them until the transaction ends.
    pub(crate) async fn load<C: ConnectionTrait>(
        tx: &C,
        ids: impl IntoIterator<Item = MessageId>,
        sids: impl IntoIterator<Item = String>,
    ) -> Result<Self, StoreError> {
        let mut desk = Self::default();
        let mut ids: Vec<MessageId> = ids.into_iter().collect();
        let sids: Vec<String> = sids.into_iter().collect();
        if !sids.is_empty() {
            let found = Sql::new("SELECT id FROM messages WHERE twilio_sid IN ").list(sids).all(tx).await?;
            for row in found {
                ids.push(row.read("id")?);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        if ids.is_empty() {
            return Ok(desk);
        }
        // In the order of the ids, so that two transactions never lock them crosswise.
        let query = Sql::new("SELECT ")
            .text(COLUMNS)
            .text(" FROM messages WHERE id IN ")
            .list(ids.into_iter().map(Stored))
            .text(" ORDER BY id");
        for row in query.text(for_update(tx)).all(tx).await? {
            let record = Record::read(&row)?;
            if let Some(sid) = &record.now.sid {
                desk.by_sid.insert(sid.clone(), record.id);
            }
            desk.records.insert(record.id, record);
        }
        Ok(desk)
    }

    /// The message with an id.
    pub(crate) fn get(&mut self, id: MessageId) -> Option<&mut Record> {
        self.records.get_mut(&id)
    }

    /// The message that has a SID, as loaded or linked since.
    pub(crate) fn with_sid(&self, sid: &str) -> Option<MessageId> {
        self.by_sid.get(sid).copied()
    }

    /// Says that a message has a SID now.
    pub(crate) fn link(&mut self, sid: &str, id: MessageId) {
        self.by_sid.insert(sid.to_owned(), id);
    }

    /// Adds to a message's history.
    pub(crate) fn note(&mut self, event: Event) {
        self.events.push(event);
    }

    /// A person asked Twilio or the carrier for no more messages.
    pub(crate) fn opted_out(&mut self, phone: &PhoneKey, scope: OptOutScope, code: u32, at: Timestamp) {
        self.opted_out.extend(phone.number().map(|number| (number, scope, code, at)));
    }

    /// A number turned out not to receive messages.
    pub(crate) fn unreachable(&mut self, phone: &PhoneKey) {
        self.unreachable.extend(phone.number());
    }

    /// Writes what changed, its history, its counts and its money.
    pub(crate) async fn save<C: ConnectionTrait>(
        self,
        store: &Store,
        tx: &C,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut changed: Vec<&Record> =
            self.records.values().filter(|record| record.now != record.was).collect();
        changed.sort_unstable_by_key(|record| record.id);
        let mut tally = Tally::default();
        for record in &changed {
            record.tally(&mut tally);
        }
        for batch in changed.chunks(1_000) {
            write(tx, batch, now).await?;
        }
        write_events(store, tx, &self.events, now).await?;
        for (phone, scope, code, at) in self.opted_out {
            let change = Change {
                phone,
                action: OptOutAction::OptOut,
                scope,
                source: OptOutSource::TwilioError,
                evidence: format!("Twilio error {code}"),
            };
            opt_outs::record_in(store, tx, &change, &Actor::System("delivery"), at).await?;
        }
        mark_unreachable(tx, &self.unreachable, now).await?;
        tally.write(tx).await
    }
}

impl Record {
    fn read(row: &QueryResult) -> Result<Self, StoreError> {
        let now = State {
            status: row.read("status")?,
            sid: row.try_get("", "twilio_sid")?,
            twilio_segments: row.try_get("", "twilio_segments")?,
            error_code: row.try_get("", "error_code")?,
            attempts: row.try_get("", "attempts")?,
            due_at: row.try_get("", "due_at")?,
            next_check_at: row.try_get("", "next_check_at")?,
            checks: row.try_get("", "checks")?,
            sent_at: row.try_get("", "sent_at")?,
            delivered_at: row.try_get("", "delivered_at")?,
            actual_cost: row.try_get("", "actual_cost")?,
            price: row.try_get("", "twilio_price")?,
            price_unit: row.try_get("", "twilio_price_unit")?,
            fx_rate: row.try_get("", "fx_rate")?,
        };
        Ok(Self {
            id: row.read("id")?,
            campaign: row.maybe("campaign_id")?,
            phone: row.read("phone")?,
            estimated_cost: row.try_get("", "estimated_cost")?,
            channel: row.read("channel")?,
            category: row.read("category")?,
            template: row.maybe("template_id")?,
            reminder_rule: row.maybe("reminder_rule_id")?,
            sender: row.try_get("", "sender")?,
            segments: row.try_get("", "segments")?,
            estimated_fx: row.try_get("", "estimated_fx")?,
            cost_day: row.try_get("", "cost_day")?,
            taken_at: row.try_get("", "taken_at")?,
            was: now.clone(),
            now,
        })
    }

    /// Moves the status, and with it the instants that follow from it.
    pub(crate) fn move_to(&mut self, status: Status, at: Timestamp) {
        self.now.status = status;
        if matches!(status, Status::Sent | Status::Delivered | Status::Read) {
            self.now.sent_at.get_or_insert(at);
        }
        if matches!(status, Status::Delivered | Status::Read) {
            self.now.delivered_at.get_or_insert(at);
        }
    }

    fn tally(&self, tally: &mut Tally) {
        tally.moved(self.campaign, Some(self.was.status), self.now.status, self.estimated_cost);
        let aside = |state: &State| {
            set_aside(state.status, state.sid.is_some(), self.estimated_cost, state.actual_cost)
        };
        tally.released(self.campaign, aside(&self.was) - aside(&self.now));
        if let Some(key) = self.key() {
            tally.costs.changed(key, self.entry(&self.was), self.entry(&self.now));
        }
        tally.charged(self.campaign, self.now.actual_cost.unwrap_or(0) - self.was.actual_cost.unwrap_or(0));
        if self.now.status == Status::Queued {
            tally.waits(self.campaign, self.now.due_at);
        }
    }
}

impl Record {
    /// Which roll-up it belongs to, once it was taken.
    fn key(&self) -> Option<Key> {
        Some(Key {
            day: self.cost_day?,
            item: self.channel.into(),
            direction: Direction::Outbound,
            category: Some(self.category),
            template: self.template,
            campaign: self.campaign,
            reminder_rule: self.reminder_rule,
            sender: self.sender.clone(),
        })
    }

    fn entry(&self, state: &State) -> Entry {
        let price = (state.price.as_deref(), state.price_unit.as_deref(), state.fx_rate.as_deref());
        let money = MessageMoney {
            channel: self.channel,
            status: state.status,
            has_sid: state.sid.is_some(),
            segments: self.segments,
            twilio_segments: state.twilio_segments,
            estimated: self.estimated_cost,
            estimated_fx: self.estimated_fx.as_deref(),
            actual: state.actual_cost,
            price: match price {
                (Some(amount), Some(unit), Some(rate)) => Some((amount, unit, rate)),
                _ => None,
            },
        };
        money.entry()
    }
}

async fn write<C: ConnectionTrait>(tx: &C, changed: &[&Record], now: Timestamp) -> Result<(), StoreError> {
    if changed.is_empty() {
        return Ok(());
    }
    let rows = changed.iter().map(|record| -> [Value; 15] {
        let state = record.now.clone();
        [
            Stored(record.id).into(),
            Stored(state.status).into(),
            state.sid.into(),
            state.twilio_segments.into(),
            state.error_code.into(),
            state.attempts.into(),
            state.due_at.into(),
            state.next_check_at.into(),
            state.checks.into(),
            state.sent_at.into(),
            state.delivered_at.into(),
            state.actual_cost.into(),
            state.price.into(),
            state.price_unit.into(),
            state.fx_rate.into(),
        ]
    });
    Sql::new(
        "WITH changed (id, status, sid, segments, error_code, attempts, due_at, next_check_at, checks, sent_at, \
         delivered_at, actual_cost, price, price_unit, fx_rate) AS (VALUES ",
    )
    .set_of_rows(rows)
    .text(
        ") UPDATE messages SET status = changed.status, twilio_sid = changed.sid, twilio_segments = changed.segments, \
         error_code = changed.error_code, attempts = changed.attempts, due_at = changed.due_at, \
         next_check_at = changed.next_check_at, checks = changed.checks, sent_at = changed.sent_at, \
         delivered_at = changed.delivered_at, actual_cost = changed.actual_cost, twilio_price = changed.price, \
         twilio_price_unit = changed.price_unit, fx_rate = changed.fx_rate, updated_at = ",
    )
    .bind(now)
    .text(" FROM changed WHERE messages.id = changed.id")
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes history.
pub(crate) async fn write_events<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    events: &[Event],
    now: Timestamp,
) -> Result<(), StoreError> {
    for batch in in_few_lengths(events, 1_024) {
        let rows = batch.iter().map(|event| -> [Value; 7] {
            [
                Stored(event.message).into(),
                Stored(store.new_id::<EventId>(now)).into(),
                event.at.into(),
                Stored(event.status).into(),
                Stored(event.source).into(),
                event.error_code.into(),
                event.note.clone().into(),
            ]
        });
        Sql::new("INSERT INTO message_events (message_id, id, at, status, source, error_code, note) VALUES ")
            .rows(rows)
            .execute(tx)
            .await?;
    }
    Ok(())
}

async fn mark_unreachable<C: ConnectionTrait>(
    tx: &C,
    phones: &[PhoneNumber],
    now: Timestamp,
) -> Result<(), StoreError> {
    if phones.is_empty() {
        return Ok(());
    }
    Sql::new("UPDATE contacts SET unreachable_since = ")
        .bind(now)
        .text(" WHERE unreachable_since IS NULL AND phone IN ")
        .list(phones.iter().map(PhoneNumber::to_string))
        .execute(tx)
        .await?;
    Ok(())
}
