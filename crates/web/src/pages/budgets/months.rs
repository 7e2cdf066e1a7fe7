//! One month of the budget table.

use crate::AppState;
use crate::error::PageResult;
use crate::filters::counted;
use dakiya_core::budget::{Standing, WarningBasis};
use dakiya_core::ids::CampaignId;
use dakiya_core::money::Money;
use dakiya_core::tax::Gst;
use dakiya_core::time::Month;
use dakiya_store::budgets;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// A month as the table shows it.
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
    pub(super) shares: Option<(u32, u32)>,
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
    pub(super) async fn of(app: &AppState, month: Month, gst: Gst) -> PageResult<Self> {
        let stored = budgets::get(&app.store, month).await?;
        let standing = budgets::standing(&app.store, month).await?;
        let held = budgets::held(&app.store, month).await?;
        let budget = stored.as_ref().map(|stored| &stored.budget);
        // As warnings are given: by the forecast for the present month once there is one.
        let is_forecast = budget.is_some() && month == Month::of(app.today());
        let expected = if is_forecast { app.commands.expected_this_month().await? } else { None };
        let (forecast, of_forecast) = match expected {
            Some(expected) => (expected, "expected"),
            None => (standing.committed(), "with what is set aside"),
        };
        let tag = match budget {
            None => ("plain", "No budget".to_owned()),
            Some(_) if !held.is_empty() => ("bad", "Holding back".to_owned()),
            Some(budget) => {
                let warnings = budget.warnings(standing.spent, forecast);
                let worst = |basis| warnings.iter().filter(|w| w.basis == basis).map(|w| w.percent).max();
                match (worst(WarningBasis::Actual), worst(WarningBasis::Forecast)) {
                    (Some(percent), _) if percent >= 100 => ("bad", format!("{percent}% spent")),
                    (Some(percent), _) => ("warn", format!("{percent}% spent")),
                    (None, Some(percent)) => ("warn", format!("{percent}% {of_forecast}")),
                    (None, None) => ("ok", "Within budget".to_owned()),
                }
            }
        };
        Ok(Self {
            key: month.to_string(),
            name: month_words(month),
            budget: budget.map(|budget| budget.amount),
            left: budget.map(|budget| budget.left(standing)),
            shares: budget.and_then(|budget| shares(budget.amount, standing)),
            spent: standing.spent,
            reserved: standing.reserved,
            gst: gst.on(standing.spent),
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

fn shares(amount: Money, standing: Standing) -> Option<(u32, u32)> {
    let share = |part: Money| {
        let share = (part.rupees() * Decimal::ONE_HUNDRED).checked_div(amount.rupees())?;
        share.round().to_u32().map(|share| share.min(100))
    };
    Some((share(standing.spent)?, share(standing.committed())?))
}
