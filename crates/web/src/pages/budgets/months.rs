//! One month of the budget table.

use crate::AppState;
use crate::error::PageResult;
use crate::filters::counted;
use dakiya_core::budget::{Budget, Standing, WarningBasis};
use dakiya_core::ids::CampaignId;
use dakiya_core::money::Money;
use dakiya_core::tax::Gst;
use dakiya_core::time::Month;
use dakiya_store::budgets;

/// A month as the table shows it; amounts in paise, left = budget − spent − set aside.
pub(super) struct MonthRow {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) budget: Option<Money>,
    pub(super) spent: Money,
    pub(super) reserved: Money,
    pub(super) left: Option<Money>,
    pub(super) gst: Money,
    /// How it stands: a tag's class and its words.
    pub(super) tag: (&'static str, String),
    /// Of the budget, in per cent, at most a hundred: spent, and with what is set aside.
    pub(super) shares: Option<(u64, u64)>,
    /// What waits for room: `3 messages`.
    pub(super) held_messages: String,
    pub(super) held_campaigns: Vec<(CampaignId, String)>,
    /// Who set it.
    pub(super) set_by: String,
}

/// `November 2026`
pub(super) fn month_words(month: Month) -> String {
    month.first_day().format("%B %Y").to_string()
}

impl MonthRow {
    /// `expected`: what the whole month is expected to cost.
    pub(super) async fn of(app: &AppState, month: Month, gst: Gst, expected: Money) -> PageResult<Self> {
        let stored = budgets::get(&app.store, month).await?;
        let standing = budgets::standing(&app.store, month).await?;
        let held = budgets::held(&app.store, month).await?;
        let budget = stored.as_ref().map(|stored| &stored.budget);
        let tag = match budget {
            None => ("plain", "No budget".to_owned()),
            Some(_) if !held.is_empty() => ("bad", "Holding back".to_owned()),
            Some(budget) => tag(budget, standing.spent, expected),
        };
        let shown = standing.shown();
        let amount = budget.map(|budget| budget.amount.rounded_to_paise());
        Ok(Self {
            key: month.to_string(),
            name: month_words(month),
            budget: amount,
            left: amount.map(|amount| amount - shown.committed()),
            shares: budget.and_then(|budget| shares(budget, standing)),
            spent: shown.spent,
            reserved: shown.reserved,
            gst: gst.on(standing.spent).rounded_to_paise(),
            tag,
            held_messages: match held.messages {
                0 => String::new(),
                some => counted(some, "message", "messages"),
            },
            held_campaigns: held.campaigns,
            set_by: stored.as_ref().map_or_else(String::new, |stored| {
                let stops = if stored.budget.stop { "stops sending" } else { "only warns" };
                format!("{stops}; set by {}", stored.updated_by)
            }),
        })
    }
}

/// How a month stands that holds nothing back. Shares are those of the money, not those at which somebody is warned.
fn tag(budget: &Budget, spent: Money, expected: Money) -> (&'static str, String) {
    let warnings = budget.warnings(spent, expected);
    let reached = |basis| warnings.iter().any(|warning| warning.basis == basis);
    let share = |amount| budget.percent(amount).map_or_else(|| "all".to_owned(), |share| format!("{share}%"));
    let (spent_words, expected_words) =
        (format!("{} spent", share(spent)), format!("{} expected", share(expected)));
    let class = if spent >= budget.amount { "bad" } else { "warn" };
    match (reached(WarningBasis::Actual), reached(WarningBasis::Forecast)) {
        (true, true) if expected > spent => (class, format!("{spent_words}, {expected_words}")),
        (true, _) => (class, spent_words),
        (false, true) => ("warn", expected_words),
        (false, false) => ("ok", "Within budget".to_owned()),
    }
}

fn shares(budget: &Budget, standing: Standing) -> Option<(u64, u64)> {
    let share = |part: Money| budget.percent(part).map(|share| share.min(100));
    Some((share(standing.spent)?, share(standing.committed())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_says_the_share_that_is_spent_and_the_share_that_is_expected() {
        let money = |text| Money::parse(text).unwrap();
        let said = |amount, spent, expected| {
            let month = Month::parse("2026-11").unwrap();
            let budget = Budget { month, amount: money(amount), stop: true, warn_at: vec![50, 80, 100] };
            tag(&budget, money(spent), money(expected)).1
        };
        assert_eq!(said("225", "222", "222"), "98% spent");
        assert_eq!(said("225", "100", "112"), "Within budget");
        assert_eq!(said("3000", "0", "5962.92"), "198% expected");
        assert_eq!(said("225", "222", "450"), "98% spent, 200% expected");
        assert_eq!(said("225", "225.01", "225.01"), "100% spent");
        assert_eq!(said("0", "1", "1"), "all spent");
    }
}
