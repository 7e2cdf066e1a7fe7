//! The month's budget while messages are being taken: read once, under its lock, and counted on in memory.

use super::TakeRequest;
use super::candidates::Round;
use crate::StoreError;
use crate::budgets::{self, BudgetHold};
use crate::sql::Row;
use dakiya_core::budget::{Budget, Standing};
use dakiya_core::money::Money;
use dakiya_core::time::{Month, Timestamp, day_in};
use sea_orm::{ConnectionTrait, QueryResult};

/// What budgets need to know of a campaign.
#[derive(Clone, Copy, Debug)]
pub(super) struct CampaignMoney {
    /// Its own budget.
    budget: Option<Money>,
    /// The month from whose budget its cost was set aside.
    month: Option<Month>,
    /// Set aside and charged, its waiting messages included.
    committed: Money,
}

impl CampaignMoney {
    pub(super) fn read(row: &QueryResult) -> Result<Self, StoreError> {
        Ok(Self {
            budget: row.maybe("budget")?,
            month: row.maybe("budget_month")?,
            committed: row.read::<Money>("reserved")? + row.read::<Money>("actual_cost")?,
        })
    }

    /// What a waiting message may cost by the campaign's own budget, when its estimate is set aside already.
    fn left(&self, cost: Money) -> Option<Money> {
        self.budget.map(|budget| budget - self.committed + cost)
    }
}

/// The budget of the month that it is now, when one stops sending; and where it stands.
pub(super) struct MonthBudget {
    month: Month,
    next_month: Timestamp,
    budget: Option<Budget>,
    standing: Standing,
}

impl MonthBudget {
    /// Reads it. When it stops sending, nobody else spends or reserves anything of it until this transaction ends.
    pub(super) async fn of<C: ConnectionTrait>(
        tx: &C,
        round: &Round,
        request: &TakeRequest,
    ) -> Result<Self, StoreError> {
        let month = Month::of(day_in(request.now, request.zone));
        let next_month = month.plus(1).start(request.zone);
        let mut this = Self { month, next_month, budget: None, standing: Standing::default() };
        if round.phones().is_empty() {
            return Ok(this);
        }
        if let Some((budget, standing)) = budgets::locked_stopping(tx, month).await? {
            (this.budget, this.standing) = (Some(budget), standing);
        }
        Ok(this)
    }

    /// What a message may cost; `None`: no budget stops it.
    pub(super) fn left_for(&self, campaign: Option<&CampaignMoney>, cost: Money) -> Option<Money> {
        let own = campaign.and_then(|campaign| campaign.left(cost));
        let of_month = self.month_left(campaign);
        match (own, of_month) {
            (Some(own), Some(of_month)) => Some(own.min(of_month)),
            (own, of_month) => own.or(of_month),
        }
    }

    fn month_left(&self, campaign: Option<&CampaignMoney>) -> Option<Money> {
        let budget = self.budget.as_ref()?;
        let left = if self.covers(campaign) {
            budget.left_for_reserved(self.standing)
        } else {
            budget.left(self.standing)
        };
        Some(left)
    }

    /// Whether a campaign's cost was set aside from this month.
    fn covers(&self, campaign: Option<&CampaignMoney>) -> bool {
        campaign.is_some_and(|campaign| campaign.month == Some(self.month))
    }

    /// A message is sent.
    pub(super) fn spend(&mut self, campaign: Option<&CampaignMoney>, cost: Money) {
        self.standing.spent += cost;
        if self.covers(campaign) {
            self.standing.reserved -= cost;
        }
    }

    /// Which budget holds a campaign, and until when at the latest.
    pub(super) fn hold(&self, campaign: &CampaignMoney, cost: Money) -> (BudgetHold, Option<Timestamp>) {
        match self.month_left(Some(campaign)) {
            Some(left) if cost > left => (BudgetHold::Month(self.month), Some(self.next_month)),
            _ => (BudgetHold::Campaign, None),
        }
    }
}
