//! What becomes of each candidate: the rules of `core`, applied sender by sender.

use super::candidates::{CAMPAIGN_HORIZON, CampaignQueue, Candidate, Round, worth_waking};
use super::recent::Recent;
use super::reminders::{Reminders, Rewritten};
use super::senders::SenderQueue;
use super::{TakeRequest, TakenMessage};
use crate::messages::people::People;
use dakiya_core::dispatch::{Dispatch, DueMessage, Facts, dispatch};
use dakiya_core::ids::{CampaignId, MessageId};
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
    pub(super) deferred: Vec<(MessageId, Timestamp)>,
    pub(super) ended: Vec<Ended>,
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
        !self.deferred.is_empty() || !self.ended.is_empty()
    }
}

/// What one decision needs besides the message.
struct Desk<'a> {
    settings: &'a Settings,
    people: &'a People,
    recent: Recent,
    reminders: Reminders,
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
    request: &TakeRequest,
) -> Decided {
    let Round { settings, senders } = round;
    let mut desk = Desk { settings, people, recent, reminders, request, decided: Decided::default() };
    for sender in senders {
        serve(&mut desk, sender);
    }
    desk.decided.to_post.sort_by_key(|message| message.slot);
    desk.decided
}

fn serve(desk: &mut Desk<'_>, sender: &mut SenderQueue) {
    let mut direct = std::mem::take(&mut sender.direct).into_iter();
    for candidate in direct.by_ref() {
        if let Line::Full = desk.one(sender, &mut None, None, candidate) {
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
            let CampaignQueue { id, lane, .. } = campaign;
            match desk.one(sender, lane, Some(*id), candidate) {
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
        lane: &mut Option<Lane>,
        campaign: Option<CampaignId>,
        mut candidate: Candidate,
    ) -> Line {
        let now = self.request.now;
        let slots_until = now + self.request.horizon;
        let lanes: Vec<Lane> = std::iter::once(sender.lane).chain(*lane).collect();
        if pacing::ready(&lanes[..1], now) > slots_until {
            return Line::Full;
        }
        let slot = pacing::ready(&lanes, now);
        if slot > slots_until {
            return Line::Sleeps(slot - CAMPAIGN_HORIZON / 2);
        }
        let (void, exceeded) = self.reminders.gates(&candidate, sender.channel);
        let rewritten = void.map_or_else(|| self.reminders.rewrite(&mut candidate, sender.channel), Err);
        let void = rewritten.as_ref().err().copied();
        let person = self.people.get(candidate.phone);
        let due = DueMessage {
            to: candidate.phone,
            channel: sender.channel,
            category: candidate.category,
            reminder: candidate.reminder.is_some(),
            expires_at: candidate.expires_at,
            unreserved_cost: if campaign.is_some() { Money::ZERO } else { candidate.estimated_cost },
        };
        let facts = Facts {
            settings: self.settings,
            zone: self.request.zone,
            held: false,
            person: person.facts(),
            void,
            exceeded,
            sent_last_hour: self.recent.count(candidate.phone, candidate.category),
            sender_promotional: sender.promotional,
            budget_left: None,
            lanes: &lanes,
            slots_until,
        };
        match dispatch(&due, &facts, now) {
            Dispatch::Send { slot } => {
                self.decided.rewritten.extend(rewritten.ok().flatten());
                self.send(sender, lane, campaign, candidate, slot);
                Line::GoesOn
            }
            Dispatch::Defer(until) if campaign.is_some() => Line::Sleeps(until),
            Dispatch::Defer(until) => {
                self.decided.deferred.push((candidate.id, until));
                Line::GoesOn
            }
            Dispatch::Suppress(reason) => self.end(candidate, campaign, Status::Suppressed, Some(reason)),
            Dispatch::Expire => self.end(candidate, campaign, Status::Expired, None),
        }
    }

    fn send(
        &mut self,
        sender: &mut SenderQueue,
        lane: &mut Option<Lane>,
        campaign: Option<CampaignId>,
        candidate: Candidate,
        slot: Timestamp,
    ) {
        let segments = match sender.channel {
            Channel::Sms => candidate.segments.0,
            Channel::Whatsapp => 1,
        };
        sender.lane.occupy(slot, segments);
        if let Some(lane) = lane {
            lane.occupy(slot, segments);
        }
        self.recent.add(candidate.phone, candidate.category);
        self.reminders.add(&candidate);
        self.decided.to_post.push(TakenMessage {
            id: candidate.id,
            campaign_id: campaign,
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
