//! What becomes of each candidate: the rules of `core`, applied sender by sender.

use super::budget::MonthBudget;
use super::candidates::{CAMPAIGN_HORIZON, CampaignQueue, Candidate, Round, worth_waking};
use super::recent::Recent;
use super::reminders::{Reminders, Rewritten};
use super::senders::SenderQueue;
use super::{TakeRequest, TakenMessage};
use crate::messages::people::People;
use dakiya_core::dispatch::{Dispatch, DueMessage, Facts, dispatch};
use dakiya_core::ids::{CampaignId, MessageId, ReminderRuleId, TemplateId};
use dakiya_core::message::{Channel, Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::pacing::{self, Lane};
use dakiya_core::settings::Settings;
use dakiya_core::time::Timestamp;

/// What is to be written.
#[derive(Default)]
pub(super) struct Decided {
    pub(super) to_post: Vec<TakenMessage>,
    pub(super) rewritten: Vec<Rewritten>,
    pub(super) costs: Vec<TakenCost>,
    pub(super) deferred: Vec<(MessageId, Timestamp)>,
    pub(super) held: Vec<MessageId>,
    pub(super) ended: Vec<Ended>,
}

/// What a message to be posted is filed under, besides what it says itself.
pub(super) struct TakenCost {
    pub(super) template: Option<TemplateId>,
    pub(super) reminder_rule: Option<ReminderRuleId>,
    pub(super) segments: i32,
}

/// A message that will not be sent.
pub(super) struct Ended {
    pub(super) id: MessageId,
    pub(super) campaign: Option<CampaignId>,
    pub(super) status: Status,
    pub(super) reason: Option<SuppressedReason>,
    pub(super) estimated_cost: Money,
}

impl Decided {
    /// Whether messages left the line without being posted.
    pub(super) fn moved(&self) -> bool {
        !self.deferred.is_empty() || !self.held.is_empty() || !self.ended.is_empty()
    }
}

/// What one decision needs besides the message.
struct Desk<'a> {
    settings: &'a Settings,
    people: &'a People,
    recent: Recent,
    reminders: Reminders,
    budget: MonthBudget,
    request: &'a TakeRequest,
    decided: Decided,
}

/// What happened to the line a candidate stood in.
enum Line {
    /// It was dealt with; the next one may be.
    GoesOn,
    /// Nobody behind it can go now.
    Full,
    /// Nobody of its campaign can go before.
    Sleeps(Timestamp),
}

/// Decides about every candidate, and moves the paces on.
pub(super) fn decide(
    round: &mut Round,
    people: &People,
    recent: Recent,
    reminders: Reminders,
    budget: MonthBudget,
    request: &TakeRequest,
) -> Decided {
    let Round { settings, senders } = round;
    let mut desk = Desk { settings, people, recent, reminders, budget, request, decided: Decided::default() };
    for sender in senders {
        serve(&mut desk, sender);
    }
    desk.decided
}

fn serve(desk: &mut Desk<'_>, sender: &mut SenderQueue) {
    let mut direct = std::mem::take(&mut sender.direct).into_iter();
    for candidate in direct.by_ref() {
        if let Line::Full = desk.one(sender, None, candidate) {
            return;
        }
    }
    // Campaigns in turn, one message each, until none has any left or the sender's slots are used up.
    let mut campaigns = std::mem::take(&mut sender.campaigns);
    let mut lines: Vec<_> =
        campaigns.iter_mut().map(|campaign| std::mem::take(&mut campaign.messages).into_iter()).collect();
    'rounds: loop {
        let mut went_on = false;
        for (campaign, line) in campaigns.iter_mut().zip(&mut lines) {
            if campaign.sleep.is_some() {
                continue;
            }
            let Some(candidate) = line.next() else { continue };
            went_on = true;
            match desk.one(sender, Some(campaign), candidate) {
                Line::GoesOn => {}
                Line::Sleeps(until) => campaign.sleep = Some(Some(until)),
                Line::Full => {
                    campaign.exhausted = false;
                    break 'rounds;
                }
            }
        }
        if !went_on {
            break;
        }
    }
    for (campaign, line) in campaigns.iter_mut().zip(&lines) {
        campaign.exhausted &= line.len() == 0;
        let wake = campaign.lane.map(|lane| worth_waking(&lane, desk.request.now, CAMPAIGN_HORIZON));
        if let Some(wake) = wake.filter(|wake| *wake > desk.request.now && campaign.sleep.is_none()) {
            campaign.sleep = Some(Some(wake));
        }
    }
    sender.campaigns = campaigns;
}

impl Desk<'_> {
    fn one(
        &mut self,
        sender: &mut SenderQueue,
        campaign: Option<&mut CampaignQueue>,
        mut candidate: Candidate,
    ) -> Line {
        let now = self.request.now;
        let slots_until = now + self.request.horizon;
        let lanes: Vec<Lane> = std::iter::once(sender.lane)
            .chain(campaign.as_ref().and_then(|campaign| campaign.lane))
            .collect();
        if pacing::ready(&lanes[..1], now) > slots_until {
            return Line::Full;
        }
        let slot = pacing::ready(&lanes, now);
        if slot > slots_until {
            return Line::Sleeps(slot - CAMPAIGN_HORIZON / 2);
        }
        let (void, exceeded) = self.reminders.gates(&candidate);
        let rewritten = void.map_or_else(|| self.reminders.rewrite(&mut candidate, sender.channel), Err);
        let void = rewritten.as_ref().err().copied();
        let person = self.people.get(candidate.phone);
        let money = campaign.as_ref().map(|campaign| campaign.money);
        let campaign_id = campaign.as_ref().map(|campaign| campaign.id);
        let due = DueMessage {
            to: candidate.phone,
            channel: sender.channel,
            category: candidate.category,
            reminder: candidate.reminder.is_some(),
            expires_at: candidate.expires_at,
            cost: candidate.estimated_cost,
        };
        let facts = Facts {
            settings: self.settings,
            zone: self.request.zone,
            held: false,
            person: person.facts(),
            void,
            exceeded,
            days: self.reminders.days(&candidate),
            sent_last_hour: self.recent.count(candidate.phone, candidate.category),
            sender_promotional: sender.promotional,
            budget_left: self.budget.left_for(money.as_ref(), candidate.estimated_cost),
            lanes: &lanes,
            slots_until,
        };
        match dispatch(&due, &facts, now) {
            Dispatch::Send { slot } => {
                self.decided.rewritten.extend(rewritten.ok().flatten());
                self.budget.spend(money.as_ref(), candidate.estimated_cost);
                self.send(sender, campaign, candidate, slot);
                Line::GoesOn
            }
            Dispatch::HoldForBudget => match campaign {
                Some(campaign) => {
                    let (hold, until) = self.budget.hold(&campaign.money, candidate.estimated_cost);
                    (campaign.hold, campaign.sleep) = (Some(hold), Some(until));
                    Line::GoesOn
                }
                None => {
                    // What it costs now decides when there is room for it.
                    self.decided.rewritten.extend(rewritten.ok().flatten());
                    self.decided.held.push(candidate.id);
                    Line::GoesOn
                }
            },
            Dispatch::Defer(until) if campaign.is_some() => Line::Sleeps(until),
            Dispatch::Defer(until) => {
                self.decided.deferred.push((candidate.id, until));
                Line::GoesOn
            }
            Dispatch::Suppress(reason) => self.end(candidate, campaign_id, Status::Suppressed, Some(reason)),
            Dispatch::Expire => self.end(candidate, campaign_id, Status::Expired, None),
        }
    }

    fn send(
        &mut self,
        sender: &mut SenderQueue,
        campaign: Option<&mut CampaignQueue>,
        candidate: Candidate,
        slot: Timestamp,
    ) {
        let segments = match sender.channel {
            Channel::Sms => candidate.segments.0,
            Channel::Whatsapp => 1,
        };
        sender.lane.occupy(slot, segments);
        let campaign_id = campaign.as_ref().map(|campaign| campaign.id);
        if let Some(lane) = campaign.and_then(|campaign| campaign.lane.as_mut()) {
            lane.occupy(slot, segments);
        }
        self.decided.costs.push(TakenCost {
            template: candidate.template.map(|(id, _)| id),
            reminder_rule: candidate.reminder.as_ref().map(|reminder| reminder.rule),
            segments: i32::try_from(candidate.segments.0).unwrap_or(i32::MAX),
        });
        self.recent.add(candidate.phone, candidate.category);
        self.reminders.add(&candidate);
        self.decided.to_post.push(TakenMessage {
            id: candidate.id,
            campaign_id,
            template: candidate.template,
            phone: candidate.phone,
            channel: sender.channel,
            category: candidate.category,
            sender: sender.address.clone(),
            sender_kind: sender.kind,
            segments_per_second: sender.lane.pace.segments_per_second,
            body: candidate.body,
            segments: dakiya_core::encoding::Segments(segments),
            estimated_cost: candidate.estimated_cost,
            due_at: candidate.due_at,
            expires_at: candidate.expires_at,
            slot,
        });
    }

    fn end(
        &mut self,
        candidate: Candidate,
        campaign: Option<CampaignId>,
        status: Status,
        reason: Option<SuppressedReason>,
    ) -> Line {
        let estimated_cost = candidate.estimated_cost;
        self.decided.ended.push(Ended { id: candidate.id, campaign, status, reason, estimated_cost });
        Line::GoesOn
    }
}
