//! What each month costs: spent so far, certain to come, and the traffic that nobody schedules; line by line, so that
//! every total is the sum of its lines to the micro-rupee.

mod coming;
mod shown;
#[cfg(test)]
mod tests;

pub use coming::{Coming, Stream, allocate};
pub use shown::{ShownFigures, ShownMonth, ShownYear, shown_years};

use crate::message::{Category, Direction};
use crate::money::Money;
use crate::rate_card::{RateItem, Spread};
use crate::tax::Gst;
use crate::time::Month;
use chrono::Datelike;
use std::collections::BTreeMap;

/// Months after the present one for which there is a forecast.
pub const FORECAST_MONTHS: u32 = 12;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineKey {
    /// What is paid for.
    pub item: RateItem,
    /// From us or to us.
    pub direction: Direction,
    /// Of which category; rents and what people send have none.
    pub category: Option<Category>,
}

impl LineKey {
    /// Where the rent of numbers is filed.
    pub const RENT: LineKey =
        LineKey { item: RateItem::Number, direction: Direction::Outbound, category: None };
}

/// Amounts by line.
pub type Lines = BTreeMap<LineKey, Money>;

/// What a month, or one line of it, costs; before tax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Charged, and expected of what was sent and is not charged yet.
    pub actual: Money,
    /// Certain to come, because nobody has to do anything for it.
    pub committed: Money,
    /// The whole month, what is spent and certain included. `None`: nothing can be said about the rest, or the month
    /// is over.
    pub projected: Option<Spread>,
}

/// One line of a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it is about.
    pub key: LineKey,
    /// What it costs.
    pub figures: Figures,
}

/// A month, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonthProjection {
    /// Which month, in the business's zone.
    pub month: Month,
    /// Sums of the lines; of `projected` only what is expected, because not all lines are low or high together.
    pub total: Figures,
    /// What may be spent.
    pub budget: Option<Money>,
    /// On what the whole month is expected to cost; where there is no forecast, on what was spent and is certain.
    pub gst: Money,
    /// In the order of their keys.
    pub lines: Vec<Line>,
}

impl Figures {
    /// What the whole month costs as far as anybody knows: the forecast, or what was spent and is certain.
    pub fn whole(&self) -> Money {
        self.projected.map_or(self.actual + self.committed, |projected| projected.expected)
    }
}

/// Puts a month together. `coming` is the traffic that nobody schedules, of its days that are not over.
pub fn project(
    month: Month,
    actual: &Lines,
    committed: &Lines,
    coming: Option<&Coming>,
    budget: Option<Money>,
    gst: Gst,
) -> MonthProjection {
    let mut lines: BTreeMap<LineKey, Figures> = BTreeMap::new();
    for (key, amount) in actual {
        lines.entry(*key).or_default().actual += *amount;
    }
    for (key, amount) in committed {
        lines.entry(*key).or_default().committed += *amount;
    }
    if let Some(coming) = coming {
        for key in coming.lines.keys() {
            lines.entry(*key).or_default();
        }
        for (key, figures) in &mut lines {
            let certain = figures.actual + figures.committed;
            let rest = coming.lines.get(key).copied().unwrap_or(Spread::ZERO);
            figures.projected = Some(Spread::exact(certain) + rest);
        }
    }
    let sum = |of: fn(&Figures) -> Money| lines.values().map(of).sum::<Money>();
    let (actual, committed) = (sum(|figures| figures.actual), sum(|figures| figures.committed));
    let projected = coming.map(|coming| {
        let rest = coming.total();
        Spread::exact(actual + committed) + rest
    });
    let total = Figures { actual, committed, projected };
    let lines = lines.into_iter().map(|(key, figures)| Line { key, figures }).collect();
    MonthProjection { month, gst: gst.on(total.whole()), total, budget, lines }
}

/// The financial year that a month lies in, by its first calendar year: April to March.
pub fn financial_year(month: Month) -> i32 {
    let first = month.first_day();
    if first.month() >= 4 { first.year() } else { first.year() - 1 }
}

/// `2026–27`
pub fn financial_year_words(year: i32) -> String {
    format!("{year}–{:02}", (year + 1).rem_euclid(100))
}
