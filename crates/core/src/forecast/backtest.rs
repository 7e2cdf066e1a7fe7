//! How wrong each method would have been: at many days of the past it is given only what was known by then, and what
//! came after is compared.
//!
//! Ranges are made of these differences, for stretches as long and as far ahead as the one that is asked for, so that they
//! say how often whole months were met, not single days.

use super::methods::{Method, level};
use super::{COVERAGE, History};

/// Days a method learns from before it is checked the first time.
const SHORTEST_PAST: usize = 28;

/// A month, for checks.
const MONTH: usize = 28;

/// Days in the past at which each method is tried, at most.
const MOST_ORIGINS: usize = 24;

/// Differences that a range is made of, at least; where fewer are known, nearer stretches stand in for it.
const FEWEST_DIFFERENCES: usize = 5;

/// Stretches further ahead than any that was checked widen with this power of the distance: faster than chance alone
/// makes them (0.5), slower than a trend nobody saw (1).
const WIDENS: f64 = 0.75;

const WEEK: usize = 7;

/// By how much a method has to be better than a plainer one.
const CLEARLY: f64 = 0.95;

/// A method, tried.
#[derive(Clone, Debug)]
pub(super) struct Backtest {
    pub(super) method: Method,
    origins: Vec<Origin>,
}

/// What was forecast from one day of the past on, and what came; sums from that day on, so that any stretch is two of
/// them.
#[derive(Clone, Debug)]
struct Origin {
    predicted: Vec<Vec<f64>>,
    came: Vec<Vec<f64>>,
    levels: Vec<f64>,
}

impl Backtest {
    /// The method that was least wrong about months.
    pub(super) fn best(history: &History, horizon: usize) -> Self {
        let mut best: Option<(f64, Self)> = None;
        for method in Method::ALL {
            let tried = Self::of(*method, history, horizon);
            let wrong = tried.wrong_about_months();
            if best.as_ref().is_none_or(|(least, _)| wrong < least * CLEARLY) {
                best = Some((wrong, tried));
            }
        }
        best.map_or(Self { method: Method::WeekdayAverage, origins: Vec::new() }, |(_, best)| best)
    }

    fn of(method: Method, history: &History, horizon: usize) -> Self {
        let days = history.days();
        let room = days.saturating_sub(SHORTEST_PAST);
        let step = room.div_ceil(MOST_ORIGINS).max(1);
        let origins = (1..=room / step).map(|back| days - back * step);
        Self { method, origins: origins.map(|day| Origin::at(day, method, history, horizon)).collect() }
    }

    /// How far off it was about months, the nearest and those further ahead alike, as a share of what a day cost.
    fn wrong_about_months(&self) -> f64 {
        let all: Vec<f64> = self.months().map(f64::abs).collect();
        if all.is_empty() { f64::INFINITY } else { all.iter().sum::<f64>() / all.len() as f64 }
    }

    fn months(&self) -> impl Iterator<Item = f64> {
        self.origins.iter().flat_map(|origin| {
            let whole = origin.days() / MONTH;
            (0..whole).filter_map(move |month| origin.off(&origin.all(), month * MONTH, MONTH))
        })
    }

    /// Error, coverage and number of checks of the nearest month.
    pub(super) fn summary(&self) -> (f64, f64, usize) {
        let nearest: Vec<(f64, f64, f64)> = self.origins.iter().filter_map(Origin::nearest_month).collect();
        let (off, came) =
            nearest.iter().fold((0.0, 0.0), |(off, came), (by, of, _)| (off + by.abs(), came + of));
        let shares: Vec<f64> = nearest.iter().map(|(_, _, share)| share.abs()).collect();
        let held = (0..shares.len()).filter(|at| {
            let others: Vec<f64> =
                shares.iter().enumerate().filter(|(i, _)| i != at).map(|(_, s)| *s).collect();
            shares[*at] <= quantile(others, self.apart(0, MONTH))
        });
        let coverage = held.count() as f64 / shares.len().max(1) as f64;
        (if came > 0.0 { off / came } else { 0.0 }, coverage, shares.len())
    }

    /// How many stretches that do not overlap the differences stand for; at least one.
    fn apart(&self, from: usize, days: usize) -> f64 {
        let longest = self.origins.iter().map(Origin::days).max().unwrap_or(0);
        (longest.saturating_sub(from) as f64 / days.max(1) as f64)
            .clamp(1.0, self.origins.len().max(1) as f64)
    }

    /// How far a range reaches to either side, as a share of what the stretch costs by the present level.
    pub(super) fn off(&self, which: &[usize], from: usize, days: usize) -> f64 {
        if days == 0 {
            return 0.0;
        }
        let known = |from| -> Vec<f64> {
            self.origins.iter().filter_map(|origin| origin.off(which, from, days).map(f64::abs)).collect()
        };
        let mut nearer = from;
        loop {
            let differences = known(nearer);
            if differences.len() >= FEWEST_DIFFERENCES || nearer == 0 {
                let further = (from + days) as f64 / (nearer + days) as f64;
                return quantile(differences, self.apart(nearer, days)) * further.powf(WIDENS);
            }
            nearer = nearer.saturating_sub(WEEK);
        }
    }
}

impl Origin {
    fn at(day: usize, method: Method, history: &History, horizon: usize) -> Self {
        let past = history.until(day);
        let ahead = (history.days() - day).min(horizon);
        Self {
            predicted: past.iter().map(|series| sums(&method.predict(series, ahead))).collect(),
            came: history.series.iter().map(|series| sums(&series[day..day + ahead])).collect(),
            levels: past.iter().map(|series| level(series)).collect(),
        }
    }

    fn days(&self) -> usize {
        self.came.first().map_or(0, |sums| sums.len() - 1)
    }

    fn all(&self) -> Vec<usize> {
        (0..self.came.len()).collect()
    }

    /// By how much a stretch came dearer, as a share of what it costs by the level of then; `None` when it is not over.
    fn off(&self, which: &[usize], from: usize, days: usize) -> Option<f64> {
        if from + days > self.days() {
            return None;
        }
        let of = |sums: &[Vec<f64>]| -> f64 {
            which.iter().map(|at| sums[*at][from + days] - sums[*at][from]).sum()
        };
        let level: f64 = which.iter().map(|at| self.levels[*at]).sum();
        let off = of(&self.came) - of(&self.predicted);
        if level > 0.0 { Some(off / (level * days as f64)) } else { (off == 0.0).then_some(0.0) }
    }

    /// Of the month that follows: how far off, what came, and how far off as a share.
    fn nearest_month(&self) -> Option<(f64, f64, f64)> {
        let share = self.off(&self.all(), 0, MONTH)?;
        let came: f64 = self.came.iter().map(|sums| sums[MONTH]).sum();
        let predicted: f64 = self.predicted.iter().map(|sums| sums[MONTH]).sum();
        Some((came - predicted, came, share))
    }
}

/// Running sums, beginning with none.
fn sums(days: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let running = days.iter().map(|day| {
        sum += day;
        sum
    });
    std::iter::once(0.0).chain(running).collect()
}

/// The difference that eight of ten do not exceed, with room for how few say the same thing only once.
fn quantile(mut differences: Vec<f64>, apart: f64) -> f64 {
    differences.sort_by(f64::total_cmp);
    let Some(largest) = differences.last().copied() else { return 1.0 };
    let share = COVERAGE * (apart + 1.0) / apart;
    if share > 1.0 {
        // So few that even the largest of them is exceeded too often.
        return largest * share;
    }
    let at = (share * differences.len() as f64).ceil() as usize;
    differences.get(at.saturating_sub(1)).copied().unwrap_or(largest)
}
