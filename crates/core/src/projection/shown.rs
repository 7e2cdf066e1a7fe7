//! A month as pages and files show it: in paise, its lines adding up to it.
//!
//! The month's totals are rounded once; its lines are apportioned, each column by itself. A year is the sum of its months as
//! shown.

use super::{Figures, LineKey, MonthProjection, financial_year};
use crate::apportion;
use crate::money::Money;
use crate::rate_card::Spread;
use crate::time::Month;

/// What a month, or one line of it, costs; in paise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownFigures {
    /// Spent.
    pub actual: Money,
    /// Certain to come.
    pub committed: Money,
    /// The whole month: the forecast, or what is spent and certain.
    pub whole: Money,
}

/// A month in paise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownMonth {
    /// Which.
    pub month: Month,
    /// Each rounded once.
    pub total: ShownFigures,
    /// Between what the whole month will be, eight times of ten; `None` where nothing is forecast.
    pub range: Option<Spread>,
    /// What may be spent.
    pub budget: Option<Money>,
    /// The budget less the whole month.
    pub left: Option<Money>,
    /// Rounded once.
    pub gst: Money,
    /// Every line, in the order of the keys; each column adds up to the total.
    pub lines: Vec<(LineKey, ShownFigures)>,
}

/// Months of one financial year, and their sums.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownYear {
    /// The calendar year in which it begins.
    pub year: i32,
    /// In their order; not always all twelve.
    pub months: Vec<ShownMonth>,
    /// The sum of what the months show.
    pub total: ShownFigures,
    /// The sum of what the months show.
    pub gst: Money,
}

impl std::ops::AddAssign for ShownFigures {
    fn add_assign(&mut self, other: Self) {
        self.actual += other.actual;
        self.committed += other.committed;
        self.whole += other.whole;
    }
}

impl ShownFigures {
    fn of(figures: &Figures) -> Self {
        let (actual, whole) = (figures.actual.rounded_to_paise(), figures.whole().rounded_to_paise());
        // Without a forecast the first two are the parts of the third.
        let committed = match figures.projected {
            Some(_) => figures.committed.rounded_to_paise(),
            None => whole - actual,
        };
        Self { actual, committed, whole }
    }
}

impl MonthProjection {
    /// As it is shown.
    pub fn shown(&self) -> ShownMonth {
        let total = ShownFigures::of(&self.total);
        let column = |of: fn(&Figures) -> Money, total| {
            let exact: Vec<Money> = self.lines.iter().map(|line| of(&line.figures)).collect();
            apportion::to_total(&exact, total)
        };
        let actual = column(|figures| figures.actual, total.actual);
        let committed = column(|figures| figures.committed, total.committed);
        let whole = match self.total.projected {
            Some(_) => column(Figures::whole, total.whole),
            None => actual.iter().zip(&committed).map(|(actual, committed)| *actual + *committed).collect(),
        };
        let figures = actual.into_iter().zip(committed).zip(whole);
        let figures = figures.map(|((actual, committed), whole)| ShownFigures { actual, committed, whole });
        let budget = self.budget.map(Money::rounded_to_paise);
        ShownMonth {
            month: self.month,
            total,
            range: self.total.projected.filter(|range| range.low != range.high),
            budget,
            left: budget.map(|budget| budget - total.whole),
            gst: self.gst.rounded_to_paise(),
            lines: self.lines.iter().map(|line| line.key).zip(figures).collect(),
        }
    }
}

impl ShownMonth {
    /// The two amounts that are shown, as on an invoice.
    pub fn with_gst(&self) -> Money {
        self.total.whole + self.gst
    }
}

impl ShownYear {
    /// The two amounts that are shown.
    pub fn with_gst(&self) -> Money {
        self.total.whole + self.gst
    }
}

/// Months by financial year, in their order.
pub fn shown_years(months: &[MonthProjection]) -> Vec<ShownYear> {
    let mut years: Vec<ShownYear> = Vec::new();
    for month in months {
        let year = financial_year(month.month);
        if years.last().is_none_or(|last| last.year != year) {
            years.push(ShownYear {
                year,
                months: Vec::new(),
                total: ShownFigures::default(),
                gst: Money::ZERO,
            });
        }
        if let Some(year) = years.last_mut() {
            let shown = month.shown();
            year.total += shown.total;
            year.gst += shown.gst;
            year.months.push(shown);
        }
    }
    years
}
