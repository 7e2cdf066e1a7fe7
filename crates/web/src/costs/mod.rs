//! A month's costs as page, files and API show them: read from roll-ups once, rounded by one rule.
//!
//! Amounts are exact; what is shown in paise adds up (decision 11). `shown` beside an amount is what a page prints of it.

mod ahead;
mod breakdown;
mod closed;
mod csv;
mod pricer;
mod reconciled;
mod words;
mod xlsx;

pub(crate) use ahead::{months_ahead, projection_csv};
pub(crate) use breakdown::{By, Row};
pub(crate) use closed::ClosedFigures;
pub(crate) use csv::{month_csv, year_csv};
pub(crate) use pricer::{CardInForce, Pricer};
pub(crate) use reconciled::{MonthDay, ReadDay, month_days};
pub(crate) use words::{cause_words, gst_words};
pub(crate) use xlsx::month_xlsx;

use crate::AppState;
use dakiya_core::apportion;
use dakiya_core::ledger::Cause;
use dakiya_core::money::{FxRate, Money};
use dakiya_core::tax::Gst;
use dakiya_core::time::Month;
use dakiya_store::costs::{self, CostLine, Costs, Names};
use dakiya_store::{StoreError, fx_rates, settings};

/// An amount, and what is shown of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Amount {
    /// Exact to the micro-rupee.
    pub(crate) exact: Money,
    /// In paise.
    pub(crate) shown: Money,
}

/// A dollar's price, and from which day of the month it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FxPart {
    /// First day, within the month.
    pub(crate) from: chrono::NaiveDate,
    /// The rate.
    pub(crate) rate: FxRate,
    /// Where it was read.
    pub(crate) source: String,
}

/// Everything about one month.
pub(crate) struct MonthReport {
    pub(crate) month: Month,
    /// One for everything that has item, direction, category, template, campaign, rule and sender in common.
    pub(crate) lines: Vec<CostLine>,
    pub(crate) names: Names,
    /// The lines' sum, exact.
    pub(crate) sum: Costs,
    pub(crate) spent: Amount,
    pub(crate) estimated: Amount,
    /// Why it cost something else than expected; `None` is what no cause explains.
    pub(crate) causes: Vec<(Option<Cause>, Amount)>,
    /// Of what was spent: charged by Twilio, and not yet charged.
    pub(crate) charged: Amount,
    pub(crate) outstanding: Amount,
    pub(crate) gst_rule: Gst,
    pub(crate) gst: Amount,
    pub(crate) with_gst: Amount,
    pub(crate) fx: Vec<FxPart>,
    /// What was frozen, when the month is closed.
    pub(crate) closed: Option<ClosedFigures>,
}

impl MonthReport {
    /// Reads a month. The log of messages is not touched.
    pub(crate) async fn of(app: &AppState, month: Month) -> Result<MonthReport, StoreError> {
        let lines = costs::month(&app.store, month).await?;
        let names = costs::names(&app.store, &lines).await?;
        let close = costs::closed(&app.store, month).await?;
        let gst = match &close {
            Some(close) => close.gst_rule,
            None => settings::gst(&app.store).await?.on(month),
        };
        let history = fx_rates::history(&app.store).await?;
        let until = month.last_day().min(app.today());
        let later = history
            .rates()
            .iter()
            .filter(|dated| dated.valid_from > month.first_day() && dated.valid_from <= until);
        let first = FxPart {
            from: month.first_day(),
            rate: history.on(month.first_day()),
            source: history
                .dated_on(month.first_day())
                .map_or_else(String::new, |dated| dated.source.clone()),
        };
        let part = |dated: &dakiya_core::fx_rate::DatedFx| FxPart {
            from: dated.valid_from,
            rate: dated.rate,
            source: dated.source.clone(),
        };
        let fx = std::iter::once(first).chain(later.map(part)).collect();
        let report = Self::reckon(month, lines, names, gst, fx);
        let closed = close.map(|close| ClosedFigures::of(close, &report));
        Ok(Self { closed, ..report })
    }

    fn reckon(month: Month, lines: Vec<CostLine>, names: Names, gst_rule: Gst, fx: Vec<FxPart>) -> Self {
        let sum = lines.iter().fold(Costs::default(), |sum, line| sum + line.costs);
        let spent = sum.spent();
        let parts = causes(&sum);
        let mut all = vec![sum.estimated];
        all.extend(parts.iter().map(|(_, amount)| *amount));
        let shown = apportion::to_paise(&all);
        let causes = parts.into_iter().zip(&shown[1..]);
        let causes = causes
            .map(|((cause, exact), shown)| (cause, Amount { exact, shown: *shown }))
            .filter(|(cause, amount)| cause.is_some() || !amount.exact.is_zero())
            .collect();
        let halves = apportion::to_paise(&[sum.actual, sum.outstanding]);
        let spent = Amount { exact: spent, shown: spent.rounded_to_paise() };
        let gst = gst_rule.on(spent.exact);
        let gst = Amount { exact: gst, shown: gst.rounded_to_paise() };
        Self {
            month,
            lines,
            names,
            sum,
            estimated: Amount { exact: sum.estimated, shown: shown[0] },
            causes,
            charged: Amount { exact: sum.actual, shown: halves[0] },
            outstanding: Amount { exact: sum.outstanding, shown: halves[1] },
            gst_rule,
            gst,
            with_gst: Amount { exact: spent.exact + gst.exact, shown: spent.shown + gst.shown },
            spent,
            fx,
            closed: None,
        }
    }

    /// Nothing was sent, rented or received.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// What each line shows of what it cost.
    pub(crate) fn shown_lines(&self) -> Vec<Money> {
        let exact: Vec<Money> = self.lines.iter().map(|line| line.costs.spent()).collect();
        apportion::to_total(&exact, self.spent.shown)
    }
}

/// Why it cost something else than estimated, exactly; `None` is what no cause explains. The estimate and every cause are
/// parts of what was spent.
pub(crate) fn causes(sum: &Costs) -> Vec<(Option<Cause>, Money)> {
    let mut parts: Vec<(Option<Cause>, Money)> =
        Cause::ALL.iter().map(|cause| (Some(*cause), sum.differences.of(*cause))).collect();
    let explained = Money::from_micros(sum.differences.total());
    parts.push((None, sum.spent() - sum.estimated - explained));
    parts
}

#[cfg(test)]
mod tests;
