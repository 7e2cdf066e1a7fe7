//! Who may be up next: small reads from the queue's partial indexes, no wider than what can be posted.

use super::TakeRequest;
use super::budget::CampaignMoney;
use super::reminders::Reminder;
use super::senders::{SenderQueue, campaign_pace, lane, paces, senders, slots_within};
use crate::budgets::BudgetHold;
use crate::column::Stored;
use crate::sql::{Row, Sql, skip_locked};
use crate::{StoreError, sending, settings};
use chrono::TimeDelta;
use dakiya_core::encoding::Segments;
use dakiya_core::ids::{CampaignId, MessageId, TemplateId};
use dakiya_core::message::{BULK_PRIORITY, Category, Channel};
use dakiya_core::money::Money;
use dakiya_core::pacing::Lane;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::sender::SenderAddress;
use dakiya_core::settings::Settings;
use dakiya_core::time::Timestamp;
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::HashMap;

/// A campaign that has its own pace gets slots only this far ahead, so that it does not hold slots of its sender
/// that others could use meanwhile.
pub(super) const CAMPAIGN_HORIZON: TimeDelta = TimeDelta::milliseconds(100);

/// A campaign that cannot go on is looked at again after this long at most, whatever it waits for. One that says it
/// sleeps longer was put to sleep by a clock that was ahead.
pub(super) const LONGEST_SLEEP: TimeDelta = TimeDelta::hours(1);

/// Campaigns looked at in one round; the others come first in the next.
const MOST_CAMPAIGNS: usize = 64;

/// Single messages of these priorities are looked for, the most urgent first.
const PRIORITIES: [i16; 4] = [0, 1, 2, 3];

/// Before it come those for which a person waits.
const FIRST_ORDINARY: i16 = 2;

/// Everything one `take` decides about.
pub(super) struct Round {
    pub(super) settings: Settings,
    pub(super) senders: Vec<SenderQueue>,
}

/// A campaign whose time has come, and its next messages.
pub(super) struct CampaignQueue {
    pub(super) id: CampaignId,
    pub(super) lane: Option<Lane>,
    pub(super) money: CampaignMoney,
    /// The budget that keeps it waiting from now on.
    pub(super) hold: Option<BudgetHold>,
    pub(super) messages: Vec<Candidate>,
    /// It was asked for more messages than it had.
    pub(super) exhausted: bool,
    /// Not looked at again before; `Some(None)`: not until something wakes it.
    pub(super) sleep: Option<Option<Timestamp>>,
}

/// A due message.
pub(super) struct Candidate {
    pub(super) id: MessageId,
    pub(super) phone: PhoneNumber,
    pub(super) category: Category,
    pub(super) template: Option<(TemplateId, i32)>,
    pub(super) body: String,
    pub(super) segments: Segments,
    pub(super) estimated_cost: Money,
    pub(super) due_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) reminder: Option<Reminder>,
}

impl Round {
    /// What the reminders among the candidates are about.
    pub(super) fn reminders(&self) -> impl Iterator<Item = (PhoneNumber, &Reminder)> {
        let direct = self.senders.iter().flat_map(|sender| &sender.direct);
        direct.filter_map(|candidate| Some((candidate.phone, candidate.reminder.as_ref()?)))
    }

    pub(super) fn phones(&self) -> Vec<PhoneNumber> {
        let direct = self.senders.iter().flat_map(|sender| &sender.direct);
        let bulk =
            self.senders.iter().flat_map(|sender| &sender.campaigns).flat_map(|campaign| &campaign.messages);
        let mut phones: Vec<PhoneNumber> = direct.chain(bulk).map(|candidate| candidate.phone).collect();
        phones.sort_unstable();
        phones.dedup();
        phones
    }
}

/// Reads the round; `None` when sending is stopped or held.
pub(super) async fn gather<C: ConnectionTrait>(
    tx: &C,
    request: &TakeRequest,
) -> Result<Option<Round>, StoreError> {
    if sending::state_in(tx).await?.halted().is_some() {
        return Ok(None);
    }
    let settings = settings::get_in(tx).await?;
    let mut senders = senders(tx, request.now).await?;
    if let Some(id) = request.only {
        for sender in &mut senders {
            sender.direct = one(tx, sender, id).await?;
        }
        return Ok(Some(Round { settings, senders }));
    }
    let mut campaigns = due_campaigns(tx, request.now).await?;
    let (mut left, mut urgent_left) = (request.batch, request.urgent_batch);
    for sender in &mut senders {
        let mut slots = slots_within(&sender.lane, request.now, request.horizon);
        for priority in PRIORITIES {
            let room = if priority < FIRST_ORDINARY { &mut urgent_left } else { &mut left };
            let mut limit = slots.min(*room);
            if priority == i16::from(BULK_PRIORITY) && wanted_by(&campaigns, sender) {
                limit = half(limit, request.now);
            }
            if limit > 0 {
                let found = direct(tx, sender, priority, request.now, limit).await?;
                slots -= found.len();
                *room -= found.len();
                sender.direct.extend(found);
            }
        }
        sender.campaigns = share(tx, &mut campaigns, sender, slots.min(left), request).await?;
        left -= sender.campaigns.iter().map(|campaign| campaign.messages.len()).sum::<usize>();
    }
    Ok(Some(Round { settings, senders }))
}

/// Whether a campaign wants of this sender's slots, so that reminders and campaigns have to share them.
fn wanted_by(campaigns: &[DueCampaign], sender: &SenderQueue) -> bool {
    campaigns.iter().any(|campaign| campaign.sender == sender.address && campaign.channel == sender.channel)
}

/// Half of the slots; the odd one goes to either side by turns.
fn half(slots: usize, now: Timestamp) -> usize {
    if now.timestamp() % 2 == 0 { slots.div_ceil(2) } else { slots / 2 }
}

async fn direct<C: ConnectionTrait>(
    tx: &C,
    sender: &SenderQueue,
    priority: i16,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = Sql::new(CANDIDATE)
        .text("status = 0 AND campaign_id IS NULL AND sender = ")
        .bind(Stored(sender.address.clone()))
        .text(" AND channel = ")
        .bind(Stored(sender.channel))
        .text(" AND priority = ")
        .bind(priority)
        .text(" AND due_at <= ")
        .bind(now)
        .text(" ORDER BY due_at, id LIMIT ")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .text(skip_locked(tx))
        .all(tx)
        .await?;
    rows.iter().map(candidate).collect()
}

async fn one<C: ConnectionTrait>(
    tx: &C,
    sender: &SenderQueue,
    id: MessageId,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = Sql::new(CANDIDATE)
        .text("status = 0 AND campaign_id IS NULL AND id = ")
        .bind(Stored(id))
        .text(" AND sender = ")
        .bind(Stored(sender.address.clone()))
        .text(" AND channel = ")
        .bind(Stored(sender.channel))
        .text(skip_locked(tx))
        .all(tx)
        .await?;
    rows.iter().map(candidate).collect()
}

const CANDIDATE: &str = "SELECT id, dedupe_key, phone, category, template_id, template_version, body, segments, estimated_cost, due_at, expires_at, payment_id, reminder_rule_id, \
     payment_due_on, payment_revision, payment_text FROM messages WHERE ";

fn candidate(row: &QueryResult) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        id: row.read("id")?,
        phone: row.read("phone")?,
        category: row.read("category")?,
        template: row.maybe("template_id")?.zip(row.try_get("", "template_version")?),
        body: row.try_get("", "body")?,
        segments: row.read("segments")?,
        estimated_cost: row.read("estimated_cost")?,
        due_at: row.try_get("", "due_at")?,
        expires_at: row.try_get("", "expires_at")?,
        reminder: Reminder::read(row)?,
    })
}

/// A campaign that is awake.
struct DueCampaign {
    id: CampaignId,
    channel: Channel,
    sender: SenderAddress,
    segments_per_second: Option<u32>,
    money: CampaignMoney,
}

async fn due_campaigns<C: ConnectionTrait>(tx: &C, now: Timestamp) -> Result<Vec<DueCampaign>, StoreError> {
    let rows = Sql::new("SELECT id, channel, sender, segments_per_second, budget, budget_month, reserved, actual_cost FROM campaigns WHERE state = 'sending' AND (wake_at <= ")
        .bind(now)
        .text(" OR wake_at > ")
        .bind(now + LONGEST_SLEEP)
        .text(") ORDER BY served_at, id LIMIT ")
        .bind(i64::try_from(MOST_CAMPAIGNS).unwrap_or(i64::MAX))
        .text(skip_locked(tx))
        .all(tx)
        .await?;
    let read = |row: &QueryResult| -> Result<DueCampaign, StoreError> {
        Ok(DueCampaign {
            id: row.read("id")?,
            channel: row.read("channel")?,
            sender: row.read("sender")?,
            segments_per_second: row.maybe("segments_per_second")?,
            money: CampaignMoney::read(row)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Shares a sender's room among its campaigns: what is left is split evenly over those still to be asked, so what
/// one does not use goes to the next.
async fn share<C: ConnectionTrait>(
    tx: &C,
    campaigns: &mut Vec<DueCampaign>,
    sender: &SenderQueue,
    mut room: usize,
    request: &TakeRequest,
) -> Result<Vec<CampaignQueue>, StoreError> {
    let (mine, others) = std::mem::take(campaigns).into_iter().partition::<Vec<_>, _>(|campaign| {
        campaign.sender == sender.address && campaign.channel == sender.channel
    });
    *campaigns = others;
    let paced: Vec<String> = mine
        .iter()
        .filter(|campaign| campaign.segments_per_second.is_some())
        .map(|campaign| campaign_pace(campaign.id))
        .collect();
    let paces = if paced.is_empty() { HashMap::new() } else { paces(tx, &paced).await? };
    if room == 0 {
        return Ok(Vec::new());
    }
    let mut asked = mine.len();
    let mut queues = Vec::new();
    for campaign in mine {
        let lane = campaign
            .segments_per_second
            .map(|rate| lane(rate, paces.get(&campaign_pace(campaign.id)), request.now));
        let own_room =
            lane.as_ref().map_or(usize::MAX, |lane| slots_within(lane, request.now, CAMPAIGN_HORIZON));
        let limit = room.div_ceil(asked).min(own_room);
        asked -= 1;
        let mut queue = CampaignQueue {
            id: campaign.id,
            lane,
            money: campaign.money,
            hold: None,
            messages: Vec::new(),
            exhausted: false,
            sleep: None,
        };
        if own_room == 0 {
            queue.sleep = lane.map(|lane| Some(worth_waking(&lane, request.now, CAMPAIGN_HORIZON)));
        } else if limit > 0 {
            queue.messages = of_campaign(tx, campaign.id, request.now, limit).await?;
            queue.exhausted = queue.messages.len() < limit;
            room -= queue.messages.len();
        } else {
            // No room is left for it in this round; it comes first in the next.
            continue;
        }
        queues.push(queue);
    }
    Ok(queues)
}

async fn of_campaign<C: ConnectionTrait>(
    tx: &C,
    id: CampaignId,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Candidate>, StoreError> {
    let rows = Sql::new(CANDIDATE)
        .text("status = 0 AND campaign_id = ")
        .bind(Stored(id))
        .text(" AND due_at <= ")
        .bind(now)
        .text(" ORDER BY due_at, id LIMIT ")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .text(skip_locked(tx))
        .all(tx)
        .await?;
    rows.iter().map(candidate).collect()
}

/// When a campaign's next message is due, if any waits.
pub(super) async fn next_due<C: ConnectionTrait>(
    tx: &C,
    id: CampaignId,
) -> Result<Option<Timestamp>, StoreError> {
    let row = Sql::new("SELECT min(due_at) AS at FROM messages WHERE status = 0 AND campaign_id = ")
        .bind(Stored(id))
        .one(tx)
        .await?;
    Ok(row.map(|row| row.try_get("", "at")).transpose()?.flatten())
}

/// When something will be due, asked only when nothing is now.
pub(super) async fn next_wake<C: ConnectionTrait>(
    tx: &C,
    round: &Round,
    request: &TakeRequest,
) -> Result<Option<Timestamp>, StoreError> {
    let mut wakes: Vec<Timestamp> = Vec::new();
    for sender in &round.senders {
        let mut due = waking_campaign(tx, sender).await?;
        for priority in PRIORITIES {
            due = due.into_iter().chain(next_direct(tx, sender, priority).await?).min();
        }
        wakes.extend(due.map(|due| due.max(worth_waking(&sender.lane, request.now, request.horizon))));
    }
    let query = "SELECT min(COALESCE(send_at, approved_at)) AS at FROM campaigns WHERE state = 'scheduled'";
    let row = Sql::new(query).one(tx).await?;
    wakes.extend(row.map(|row| row.try_get::<Option<Timestamp>>("", "at")).transpose()?.flatten());
    Ok(wakes.into_iter().min())
}

/// When a lane has slots for more than a handful again: at half the horizon, so that takes come in batches.
pub(super) fn worth_waking(lane: &Lane, now: Timestamp, horizon: TimeDelta) -> Timestamp {
    lane.ready(now) - horizon / 2
}

async fn waking_campaign<C: ConnectionTrait>(
    tx: &C,
    sender: &SenderQueue,
) -> Result<Option<Timestamp>, StoreError> {
    let row = Sql::new("SELECT min(wake_at) AS at FROM campaigns WHERE state = 'sending' AND sender = ")
        .bind(Stored(sender.address.clone()))
        .text(" AND channel = ")
        .bind(Stored(sender.channel))
        .one(tx)
        .await?;
    Ok(row.map(|row| row.try_get("", "at")).transpose()?.flatten())
}

async fn next_direct<C: ConnectionTrait>(
    tx: &C,
    sender: &SenderQueue,
    priority: i16,
) -> Result<Option<Timestamp>, StoreError> {
    let row = Sql::new(
        "SELECT min(due_at) AS at FROM messages WHERE status = 0 AND campaign_id IS NULL AND sender = ",
    )
    .bind(Stored(sender.address.clone()))
    .text(" AND channel = ")
    .bind(Stored(sender.channel))
    .text(" AND priority = ")
    .bind(priority)
    .one(tx)
    .await?;
    Ok(row.map(|row| row.try_get("", "at")).transpose()?.flatten())
}
