//! From a forecast, which is in floating point, to amounts: rounded here, once, and shared out so that nothing is lost.

use super::{LineKey, Lines};
use crate::forecast::{Forecast, Range};
use crate::message::{Category, Direction};
use crate::money::Money;
use crate::rate_card::{RateItem, Spread};
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use std::collections::BTreeMap;

/// Traffic that is forecast as one: everything that is paid alike and goes one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// What is paid for.
    pub item: RateItem,
    /// From us or to us.
    pub direction: Direction,
    /// How it was shared among categories lately, in micro-rupees.
    pub shares: BTreeMap<Option<Category>, i64>,
}

/// What a stretch of days that are not over costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coming {
    /// Line by line.
    pub(super) lines: BTreeMap<LineKey, Spread>,
    low: Money,
    high: Money,
}

impl Coming {
    /// Of `days` days, the first of which is `from` days after today. `today` is what was spent of today's traffic
    /// already, stream by stream, when today is one of them: that part of today's forecast has come.
    pub fn of(forecast: &Forecast, streams: &[Stream], from: usize, days: usize, today: &[Money]) -> Self {
        let mut lines = BTreeMap::new();
        let mut come = 0.0;
        let mut expected = Money::ZERO;
        for (at, stream) in streams.iter().enumerate() {
            let spent = if from == 0 { today.get(at).copied().unwrap_or(Money::ZERO) } else { Money::ZERO };
            let of_today = float(spent).min(forecast.of(at, 0, 1.min(days)).expected);
            come += of_today;
            let rest = spread(less(forecast.of(at, from, days), of_today));
            expected += rest.expected;
            for (key, part) in stream.lines(rest) {
                lines.insert(key, part);
            }
        }
        let total = spread(less(forecast.total(from, days), come));
        // Rounded part by part, what is expected of all may be some millionths off.
        Self { lines, low: total.low.min(expected), high: total.high.max(expected) }
    }

    /// All of it. What is expected is the sum of the lines; low and high are nearer than theirs.
    pub fn total(&self) -> Spread {
        let expected = self.lines.values().map(|line| line.expected).sum();
        Spread { low: self.low, expected, high: self.high }
    }

    /// What is expected, by line.
    pub fn expected(&self) -> Lines {
        self.lines.iter().map(|(key, line)| (*key, line.expected)).collect()
    }
}

impl Stream {
    /// Shared out among its categories as lately.
    fn lines(&self, whole: Spread) -> Vec<(LineKey, Spread)> {
        let (categories, weights): (Vec<Option<Category>>, Vec<i64>) =
            if self.shares.is_empty() { (vec![None], vec![1]) } else { self.shares.iter().unzip() };
        let share = |amount: Money| allocate(amount.to_micros().unwrap_or(0), &weights);
        let (low, expected, high) = (share(whole.low), share(whole.expected), share(whole.high));
        let money = |parts: &[i64], at: usize| Money::from_micros(parts.get(at).copied().unwrap_or(0));
        let part = |at: usize| {
            // Rounding must not put an end on the wrong side.
            let expected = money(&expected, at);
            Spread { low: money(&low, at).min(expected), expected, high: money(&high, at).max(expected) }
        };
        let key = |category| LineKey { item: self.item, direction: self.direction, category };
        categories.into_iter().enumerate().map(|(at, category)| (key(category), part(at))).collect()
    }
}

/// Shares a whole number out by weight: each part is rounded down, and those that lost most get what is left over, so that
/// the parts add up to the whole. Without any weight the first part gets everything.
pub fn allocate(whole: i64, weights: &[i64]) -> Vec<i64> {
    let weight = |weight: &i64| i128::from((*weight).max(0));
    let all: i128 = weights.iter().map(weight).sum();
    if all == 0 {
        let first = |at: usize| if at == 0 { whole } else { 0 };
        return (0..weights.len()).map(first).collect();
    }
    let product = |given: &i64| i128::from(whole) * weight(given);
    let mut parts: Vec<i64> =
        weights.iter().map(|w| i64::try_from(product(w).div_euclid(all)).unwrap_or(0)).collect();
    let mut lost: Vec<(i128, usize)> =
        weights.iter().enumerate().map(|(at, w)| (product(w).rem_euclid(all), at)).collect();
    lost.sort_by_key(|(rest, at)| (std::cmp::Reverse(*rest), *at));
    let left = whole - parts.iter().sum::<i64>();
    for (_, at) in lost.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        parts[at] += 1;
    }
    parts
}

fn less(range: Range, come: f64) -> Range {
    let less = |end: f64| (end - come).max(0.0);
    Range { low: less(range.low), expected: less(range.expected), high: less(range.high) }
}

fn spread(range: Range) -> Spread {
    Spread { low: money(range.low), expected: money(range.expected), high: money(range.high) }
}

/// To the micro-rupee; what no business spends becomes nothing rather than wrong.
fn money(rupees: f64) -> Money {
    let rounded = Decimal::from_f64(rupees).map(|rupees| Money::new(rupees).to_micros());
    Money::from_micros(rounded.flatten().unwrap_or(0))
}

fn float(money: Money) -> f64 {
    rust_decimal::prelude::ToPrimitive::to_f64(&money.rupees()).unwrap_or(0.0)
}
