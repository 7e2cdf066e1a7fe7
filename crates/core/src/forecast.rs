//! What traffic that nobody schedules will cost: learnt from its past days, checked on days that were held back, and not
//! given at all while the past is too short.
//!
//! Reckoned in floating point, which money is not: what comes out is rounded once, where it becomes an amount.

mod backtest;
mod methods;
#[cfg(test)]
mod tests;

pub use methods::Method;

use backtest::Backtest;

/// Whole days of history below which there is no forecast: eight weeks, one month to learn from and another to be checked
/// on. Who has less cannot say how far off he would have been.
pub const SHORTEST_DAYS: usize = 56;

/// Of them, days on which there was any traffic: fewer say nothing about a weekday.
pub const FEWEST_DAYS_WITH_TRAFFIC: usize = 28;

/// Days learnt from: thirteen months. What is older says little about tomorrow.
pub const LONGEST_DAYS: usize = 396;

/// How many of ten months the range should hold.
pub const COVERAGE: f64 = 0.8;

/// Daily costs of things that are forecast together, all from one day on and for equally many days, today not among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// One list of days for each thing.
    pub series: Vec<Vec<f64>>,
}

/// Why there is no forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooShort {
    /// Whole days since the first with traffic.
    pub days: usize,
    /// Of them, those with traffic.
    pub with_traffic: usize,
}

/// What a stretch of days will cost: in eight of ten cases between low and high.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Range {
    /// One case of ten is cheaper.
    pub low: f64,
    /// What to plan with.
    pub expected: f64,
    /// One case of ten is dearer.
    pub high: f64,
}

/// A forecast of all series, day by day.
#[derive(Clone, Debug)]
pub struct Forecast {
    /// How it was made: the method that was least wrong about months held back.
    pub method: Method,
    /// Whole days learnt from.
    pub days: usize,
    /// Of them, days with traffic.
    pub with_traffic: usize,
    /// How far off it was about months held back, all together: 0.08 is 8 % of what they cost.
    pub error: f64,
    /// How many of the months held back a range made from the others holds.
    pub coverage: f64,
    /// How many months, overlapping, it was checked on.
    pub checks: usize,
    daily: Vec<Vec<f64>>,
    levels: Vec<f64>,
    backtest: Backtest,
}

impl History {
    fn days(&self) -> usize {
        self.series.first().map_or(0, Vec::len)
    }

    /// All series added up.
    fn total(&self) -> Vec<f64> {
        (0..self.days()).map(|day| self.series.iter().filter_map(|series| series.get(day)).sum()).collect()
    }

    /// From the first day with traffic on, and no more than is learnt from.
    fn trimmed(mut self) -> Self {
        let total = self.total();
        let begins = total.iter().position(|cost| *cost > 0.0).unwrap_or(total.len());
        let begins = begins.max(total.len().saturating_sub(LONGEST_DAYS));
        self.series.iter_mut().for_each(|series| drop(series.drain(..begins.min(series.len()))));
        self
    }

    /// The first days of it.
    fn until(&self, day: usize) -> Vec<&[f64]> {
        self.series.iter().map(|series| &series[..day.min(series.len())]).collect()
    }
}

impl Forecast {
    /// Learns from the past, tries every method on days held back, and forecasts so many days with the best.
    pub fn learn(history: History, horizon: usize) -> Result<Self, TooShort> {
        let history = history.trimmed();
        let days = history.days();
        let with_traffic = history.total().iter().filter(|cost| **cost > 0.0).count();
        if days < SHORTEST_DAYS || with_traffic < FEWEST_DAYS_WITH_TRAFFIC {
            return Err(TooShort { days, with_traffic });
        }
        let backtest = Backtest::best(&history, horizon);
        let daily: Vec<Vec<f64>> =
            history.series.iter().map(|series| backtest.method.predict(series, horizon)).collect();
        let levels = history.series.iter().map(|series| methods::level(series)).collect();
        let (error, coverage, checks) = backtest.summary();
        let method = backtest.method;
        Ok(Self { method, days, with_traffic, error, coverage, checks, daily, levels, backtest })
    }

    /// What one series costs in `days` days, the first of which is `from` days after today.
    pub fn of(&self, series: usize, from: usize, days: usize) -> Range {
        self.range(&[series], from, days)
    }

    /// What all series cost together. Its ends are nearer than those of the parts added up, as far as the parts were
    /// wrong in different directions.
    pub fn total(&self, from: usize, days: usize) -> Range {
        self.range(&(0..self.daily.len()).collect::<Vec<_>>(), from, days)
    }

    fn range(&self, which: &[usize], from: usize, days: usize) -> Range {
        let sum = |series: &usize| self.daily[*series].iter().skip(from).take(days).sum::<f64>();
        let expected: f64 = which.iter().map(sum).sum();
        let level: f64 = which.iter().map(|series| self.levels[*series]).sum();
        let off = self.backtest.off(which, from, days) * level * days as f64;
        Range { low: (expected - off).max(0.0), expected, high: expected + off }
    }
}
