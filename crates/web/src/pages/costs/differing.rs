//! From what was expected of this month's messages to what the whole month is expected to cost, beside its budget.

use crate::costs::{cause_words, causes};
use dakiya_core::apportion;
use dakiya_core::money::Money;
use dakiya_core::projection::ShownMonth;
use dakiya_store::costs::{CostLine, Costs};

/// One step, in paise.
pub(super) struct Step {
    pub(super) words: &'static str,
    pub(super) amount: Money,
}

/// The steps of a month that has a budget; they add up to the whole month. Those of nothing are left out.
pub(super) fn steps(lines: &[CostLine], month: &ShownMonth) -> Vec<Step> {
    if month.budget.is_none() {
        return Vec::new();
    }
    let sum = lines.iter().fold(Costs::default(), |sum, line| sum + line.costs);
    let mut parts = vec![("Estimated for what went out, came in and is rented", sum.estimated)];
    parts.extend(causes(&sum).iter().map(|(cause, amount)| (cause_words(cause), *amount)));
    let exact: Vec<Money> = parts.iter().map(|(_, amount)| *amount).collect();
    let shown = apportion::to_total(&exact, month.total.actual);
    let mut steps: Vec<Step> =
        parts.into_iter().zip(shown).map(|((words, _), amount)| Step { words, amount }).collect();
    let forecast = month.total.whole - month.total.actual - month.total.committed;
    steps.push(Step { words: "Certain to come", amount: month.total.committed });
    steps.push(Step { words: "Forecast for the rest of the month", amount: forecast });
    steps.retain(|step| !step.amount.is_zero());
    steps
}
