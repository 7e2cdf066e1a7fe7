//! What changes of messages add up to: a campaign's counts and money, kept in the same transaction.

use super::Message;
use crate::StoreError;
use crate::column::Stored;
use crate::costs::{CostChanges, MessageMoney};
use crate::sql::Sql;
use dakiya_core::ids::CampaignId;
use dakiya_core::ledger::Differences;
use dakiya_core::message::Status;
use dakiya_core::money::Money;
use dakiya_core::time::Timestamp;
use sea_orm::ConnectionTrait;
use std::collections::{BTreeMap, BTreeSet};

/// What changes of a campaign's money, in micro-rupees.
#[derive(Clone, Copy, Default)]
struct CampaignMoney {
    reserved: i64,
    /// The part of it whose messages are not sent yet.
    waiting: i64,
    actual: i64,
}

/// Differences, collected while a batch is worked on and written once at its end. Ordered, so that two workers
/// that write at the same time never wait for each other in a circle.
#[derive(Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(CampaignId, Stored<Status>), i64>,
    money: BTreeMap<CampaignId, CampaignMoney>,
    waiting: BTreeMap<CampaignId, Timestamp>,
    pub(crate) costs: CostChanges,
}

impl Tally {
    /// A message of a campaign, expected to cost so many micro-rupees, left one status for another. `None`: it is new,
    /// and what is set aside for it has waited since the approval.
    pub(crate) fn moved(
        &mut self,
        campaign: Option<CampaignId>,
        from: Option<Status>,
        to: Status,
        estimated_cost: i64,
    ) {
        let Some(campaign) = campaign else { return };
        if from == Some(to) {
            return;
        }
        *self.counts.entry((campaign, Stored(to))).or_default() += 1;
        let Some(from) = from else { return };
        *self.counts.entry((campaign, Stored(from))).or_default() -= 1;
        let waits = i64::from(to == Status::Queued) - i64::from(from == Status::Queued);
        if waits != 0 {
            self.money.entry(campaign).or_default().waiting += waits * estimated_cost;
        }
    }

    /// So much less is set aside for a campaign.
    pub(crate) fn released(&mut self, campaign: Option<CampaignId>, micros: i64) {
        if let (Some(campaign), true) = (campaign, micros != 0) {
            self.money.entry(campaign).or_default().reserved -= micros;
        }
    }

    /// Twilio charged so much more for a campaign.
    pub(crate) fn charged(&mut self, campaign: Option<CampaignId>, micros: i64) {
        if let (Some(campaign), true) = (campaign, micros != 0) {
            self.money.entry(campaign).or_default().actual += micros;
        }
    }

    /// A message of a campaign waits again, and is due at `at`.
    pub(crate) fn waits(&mut self, campaign: Option<CampaignId>, at: Timestamp) {
        if let Some(campaign) = campaign {
            let due = self.waiting.entry(campaign).or_insert(at);
            *due = (*due).min(at);
        }
    }

    /// Writes everything, in the order in which everybody locks: campaigns, months, counts, days.
    pub(crate) async fn write<C: ConnectionTrait>(self, tx: &C) -> Result<(), StoreError> {
        let campaigns: BTreeSet<CampaignId> = self.money.keys().chain(self.waiting.keys()).copied().collect();
        for campaign in campaigns {
            if let Some(money) = self.money.get(&campaign) {
                Sql::new("UPDATE campaigns SET reserved = reserved + ")
                    .bind(money.reserved)
                    .text(", waiting_cost = waiting_cost + ")
                    .bind(money.waiting)
                    .text(", actual_cost = actual_cost + ")
                    .bind(money.actual)
                    .text(" WHERE id = ")
                    .bind(Stored(campaign))
                    .execute(tx)
                    .await?;
            }
            if let Some(at) = self.waiting.get(&campaign) {
                wake(tx, campaign, *at).await?;
            }
        }
        self.costs.write_spent(tx).await?;
        let counts: Vec<_> = self.counts.into_iter().filter(|(_, count)| *count != 0).collect();
        if counts.is_empty() {
            return self.costs.write_lines(tx).await;
        }
        Sql::new("INSERT INTO campaign_counts (campaign_id, status, count) VALUES ")
            .rows(counts.into_iter().map(|((campaign, status), count)| [Stored(campaign).into(), status.into(), count.into()]))
            .text(" ON CONFLICT (campaign_id, status) DO UPDATE SET count = campaign_counts.count + excluded.count")
            .execute(tx)
            .await?;
        self.costs.write_lines(tx).await
    }
}

/// Lets `take` look at a campaign at `at`, if it would not have before. One that ended, because this message had been
/// given up on, goes on.
async fn wake<C: ConnectionTrait>(tx: &C, campaign: CampaignId, at: Timestamp) -> Result<(), StoreError> {
    Sql::new(
        "UPDATE campaigns SET finished_at = CASE WHEN state = 'completed' THEN NULL ELSE finished_at END, \
              state = CASE WHEN state = 'completed' THEN 'sending' ELSE state END, wake_at = ",
    )
    .bind(at)
    .text(" WHERE id = ")
    .bind(Stored(campaign))
    .text(" AND (wake_at IS NULL OR wake_at > ")
    .bind(at)
    .text(")")
    .execute(tx)
    .await?;
    Ok(())
}

/// What is still set aside for a message: its expected cost until Twilio has charged it or it is certain that it
/// never will.
pub(crate) fn set_aside(status: Status, has_sid: bool, estimated: i64, actual: Option<i64>) -> i64 {
    let never_charged = match status {
        Status::Rejected | Status::Suppressed | Status::Expired | Status::Canceled => true,
        Status::Failed => !has_sid,
        _ => false,
    };
    if never_charged || actual.is_some() { 0 } else { estimated }
}

/// An amount as it is stored.
pub(crate) fn micros(money: Money) -> Result<i64, StoreError> {
    money
        .to_micros()
        .ok_or_else(|| StoreError::Inconsistent(format!("{money} is larger than the database can keep")))
}

impl Message {
    /// Why it cost something else than expected; nothing while it may still be charged.
    pub fn differences(&self) -> Differences {
        let quoted = self.quoted.map(|(price, fx)| {
            (price.amount.to_string(), price.currency.as_str(), fx.inr_per_usd.to_string())
        });
        let estimated_fx = self.estimated_fx.map(|fx| fx.inr_per_usd.to_string());
        let money = MessageMoney {
            channel: self.channel,
            status: self.status,
            has_sid: self.twilio_sid.is_some(),
            segments: i32::try_from(self.segments.0).unwrap_or(i32::MAX),
            twilio_segments: self.twilio_segments.and_then(|count| i32::try_from(count).ok()),
            estimated: self.estimated_cost.to_micros().unwrap_or(0),
            estimated_fx: estimated_fx.as_deref(),
            actual: self.actual_cost.and_then(Money::to_micros),
            price: quoted.as_ref().map(|(amount, unit, rate)| (amount.as_str(), *unit, rate.as_str())),
        };
        money.differences()
    }

    /// Whether it may still be charged.
    pub fn is_reserved(&self) -> bool {
        let estimated = self.estimated_cost.to_micros().unwrap_or(0);
        let actual = self.actual_cost.and_then(Money::to_micros);
        set_aside(self.status, self.twilio_sid.is_some(), estimated, actual) != 0
    }
}
