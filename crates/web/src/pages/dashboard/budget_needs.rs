//! What budgets ask attention for: what they hold back, what is nearly used up, and coming months that will cost too much.

use super::Need;
use crate::AppState;
use crate::error::PageResult;
use dakiya_core::budget::{Budget, Standing, WarningBasis};
use dakiya_core::money::Money;
use dakiya_core::projection::FORECAST_MONTHS;
use dakiya_core::time::Month;
use dakiya_store::budgets;

/// Of this month and those for which there is a forecast.
pub(super) async fn all(app: &AppState) -> PageResult<Vec<Need>> {
    let this = Month::of(app.today());
    let budgets = budgets::list(&app.store, this, this.plus(FORECAST_MONTHS)).await?;
    let months: Vec<Month> = budgets.iter().map(|stored| stored.budget.month).collect();
    let expected = app.commands.expected(&months).await?;
    let mut needs = Vec::new();
    for budget in budgets.into_iter().map(|stored| stored.budget) {
        let expected = expected.get(&budget.month).copied().unwrap_or_default();
        let said = if budgets::held(&app.store, budget.month).await?.is_empty() {
            let standing = budgets::standing(&app.store, budget.month).await?;
            let said = if budget.month == this {
                of_this(&budget, standing, expected)
            } else {
                of_coming(&budget, expected)
            };
            said.map(|(what, why)| ("warn", what, why))
        } else {
            let why = "Nothing is lost: it goes on when the budget is raised. OTPs go on.".to_owned();
            Some(("bad", format!("The budget for {} holds messages back.", words(budget.month)), why))
        };
        needs.extend(said.map(|(level, what, why)| Need {
            level,
            tag: "Budget",
            what,
            why,
            action: "Open",
            href: format!("/budgets?month={}", budget.month),
        }));
    }
    Ok(needs)
}

/// `November 2026`
fn words(month: Month) -> String {
    month.first_day().format("%B %Y").to_string()
}

/// This month, once a share at which somebody is to be warned is spent or expected.
fn of_this(budget: &Budget, standing: Standing, expected: Money) -> Option<(String, String)> {
    let warnings = budget.warnings(standing.spent, expected);
    let reached = |basis| warnings.iter().any(|warning| warning.basis == basis);
    let (spent, amount) = (standing.spent.with_sign(), budget.amount.with_sign());
    if reached(WarningBasis::Actual) {
        let what = match budget.percent(standing.spent) {
            Some(share) => format!("{share}% of the month’s budget is spent."),
            None => format!("{spent} is spent of a budget of nothing."),
        };
        let left = budget.amount.rounded_to_paise() - standing.shown().committed();
        let left = if left < Money::ZERO {
            format!("It is exceeded by {}, with what is set aside.", (-left).with_sign())
        } else {
            format!("{} is left.", left.with_sign())
        };
        let more = match expected > budget.amount {
            true => format!(" The month is expected to cost {}.", expected.with_sign()),
            false => String::new(),
        };
        return Some((what, left + &more));
    }
    if !reached(WarningBasis::Forecast) {
        return None;
    }
    let why = format!("{} of {amount}; {spent} is spent.", expected.with_sign());
    Some((expected_words("The month", budget, expected), why))
}

/// A coming month, when it is expected to cost more than its budget.
fn of_coming(budget: &Budget, expected: Money) -> Option<(String, String)> {
    if expected <= budget.amount {
        return None;
    }
    let what = expected_words(&words(budget.month), budget, expected);
    Some((what, format!("{} of {}.", expected.with_sign(), budget.amount.with_sign())))
}

fn expected_words(month: &str, budget: &Budget, expected: Money) -> String {
    match budget.percent(expected) {
        Some(share) => format!("{month} is expected to cost {share}% of its budget."),
        None => format!("{month} is expected to cost {}, and its budget is nothing.", expected.with_sign()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn budget(amount: &str) -> Budget {
        let month = Month::parse("2026-12").unwrap();
        Budget { month, amount: money(amount), stop: true, warn_at: vec![50, 80, 100] }
    }

    #[test]
    fn this_month_is_told_by_what_is_spent_or_by_what_is_expected() {
        let said = |spent, reserved, expected| {
            let standing = Standing { spent: money(spent), reserved: money(reserved) };
            of_this(&budget("225"), standing, money(expected)).map(|(what, why)| format!("{what} {why}"))
        };
        assert_eq!(said("10", "0", "100"), None);
        assert_eq!(
            said("222", "0", "250").as_deref(),
            Some("98% of the month’s budget is spent. ₹3.00 is left. The month is expected to cost ₹250.00.")
        );
        assert_eq!(
            said("200", "30", "225").as_deref(),
            Some("88% of the month’s budget is spent. It is exceeded by ₹5.00, with what is set aside.")
        );
        assert_eq!(
            said("10", "0", "200").as_deref(),
            Some("The month is expected to cost 88% of its budget. ₹200.00 of ₹225.00; ₹10.00 is spent.")
        );
    }

    #[test]
    fn a_coming_month_is_told_when_it_will_cost_more_than_its_budget() {
        assert_eq!(of_coming(&budget("3000"), money("3000")), None);
        let (what, why) = of_coming(&budget("3000"), money("5962.92")).unwrap();
        assert_eq!(what, "December 2026 is expected to cost 198% of its budget.");
        assert_eq!(why, "₹5,962.92 of ₹3,000.00.");
    }
}
