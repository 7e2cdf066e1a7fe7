//! The chart of months, drawn here: bars of what is spent, certain and projected, its range, and the budget's line.

use dakiya_core::money::Money;
use dakiya_core::projection::MonthProjection;
use dakiya_core::time::Month;
use rust_decimal::prelude::ToPrimitive;

/// Height of the drawing, where its axis lies, and how high the highest value reaches, in pixels.
pub(super) const HEIGHT: u32 = 240;
const AXIS: f64 = 206.0;
const HIGHEST: f64 = 176.0;

/// Part of a month's slot that its bar fills.
const FILLED: f64 = 0.6;

/// More columns than can each say their value.
const MOST_VALUES: usize = 16;

/// What the axis is in, and how many rupees that is.
const UNITS: [(&str, f64); 4] = [("₹ crore", 1e7), ("₹ lakh", 1e5), ("₹ thousand", 1e3), ("₹", 1.0)];

/// A chart ready to be written down; places are in per cent across and in pixels down.
pub(super) struct Chart {
    pub(super) unit: &'static str,
    pub(super) ticks: Vec<Tick>,
    pub(super) bars: Vec<Bar>,
    /// What it shows, for who cannot see it.
    pub(super) description: String,
}

pub(super) struct Tick {
    pub(super) y: String,
    pub(super) baseline: String,
    pub(super) label: String,
}

pub(super) struct Bar {
    pub(super) x: String,
    pub(super) width: String,
    pub(super) middle: String,
    pub(super) actual: Option<Piece>,
    pub(super) committed: Option<Piece>,
    pub(super) projected: Option<Piece>,
    /// High end and low end of the range.
    pub(super) range: Option<(String, String)>,
    /// Height and both ends of the budget's line.
    pub(super) budget: Option<(String, String, String)>,
    pub(super) label: String,
    /// Whether a narrow screen has room for the label.
    pub(super) labelled: bool,
    pub(super) value: Option<(String, String)>,
}

/// A piece of a bar: its upper end and its height.
pub(super) struct Piece {
    pub(super) y: String,
    pub(super) height: String,
}

impl Chart {
    /// Of months in their order.
    pub(super) fn of(months: &[MonthProjection], this: Month) -> Self {
        let highest = months.iter().map(highest).fold(0.0, f64::max);
        let (unit, worth) = UNITS.into_iter().find(|(_, worth)| highest >= *worth).unwrap_or(("₹", 1.0));
        let step = step(highest / worth);
        let top = ((highest / worth / step).ceil().max(1.0)) * step * worth;
        let y = |value: f64| AXIS - value / top * HIGHEST;
        let ticks = (0..=(top / worth / step).round() as u32).map(|at| {
            let value = f64::from(at) * step;
            let line = y(value * worth);
            Tick { y: px(line), baseline: px(line + 4.0), label: number(value) }
        });
        let slot = 100.0 / months.len().max(1) as f64;
        let bars = months.iter().enumerate().map(|(at, month)| {
            let left = slot * at as f64;
            let value_worth = |money: Money| number_short(float(money) / worth);
            let highest_here = highest_bar(month);
            Bar {
                x: percent(left + slot * (1.0 - FILLED) / 2.0),
                width: percent(slot * FILLED),
                middle: percent(left + slot / 2.0),
                actual: piece(0.0, float(month.total.actual), &y),
                committed: piece(
                    float(month.total.actual),
                    float(month.total.actual + month.total.committed),
                    &y,
                ),
                projected: month
                    .total
                    .projected
                    .and_then(|projected| piece(0.0, float(projected.expected), &y)),
                range: month
                    .total
                    .projected
                    .filter(|projected| projected.low != projected.high)
                    .map(|projected| (px(y(float(projected.high))), px(y(float(projected.low))))),
                budget: month
                    .budget
                    .map(|budget| (px(y(float(budget))), percent(left), percent(left + slot))),
                label: label(month.month, this, at == 0),
                labelled: at % 3 == 0,
                value: (months.len() <= MOST_VALUES && !month.total.whole().is_zero())
                    .then(|| (px(y(highest_here) - 7.0), value_worth(month.total.whole()))),
            }
        });
        Self { unit, ticks: ticks.collect(), bars: bars.collect(), description: description(months) }
    }
}

fn description(months: &[MonthProjection]) -> String {
    let words = |month: &MonthProjection| {
        let over =
            month.budget.filter(|budget| month.total.whole() > *budget).map_or("", |_| ", over its budget");
        format!("{} {}{over}", month.month.first_day().format("%B %Y"), month.total.whole().with_sign())
    };
    format!("{}. The table below has every figure.", months.iter().map(words).collect::<Vec<_>>().join("; "))
}

/// `Nov`, with its year where one begins.
fn label(month: Month, this: Month, first: bool) -> String {
    let day = month.first_day();
    let january = day.format("%m").to_string() == "01";
    let form = if first || january { "%b ’%y" } else { "%b" };
    let now = if month == this { "*" } else { "" };
    format!("{}{now}", day.format(form))
}

/// How high a month's bar and budget reach.
fn highest(month: &MonthProjection) -> f64 {
    highest_bar(month).max(month.budget.map_or(0.0, float))
}

fn highest_bar(month: &MonthProjection) -> f64 {
    let certain = float(month.total.actual + month.total.committed);
    certain.max(month.total.projected.map_or(0.0, |projected| float(projected.high)))
}

fn piece(from: f64, to: f64, y: &impl Fn(f64) -> f64) -> Option<Piece> {
    (to > from).then(|| Piece { y: px(y(to)), height: px(y(from) - y(to)) })
}

/// A round step of which four or five reach the top.
fn step(top: f64) -> f64 {
    let rough = (top / 4.0).max(1e-6);
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= rough)
        .unwrap_or(power)
}

fn float(money: Money) -> f64 {
    money.rupees().to_f64().unwrap_or(0.0).max(0.0)
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

/// `2.5`, without noughts at its end.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn number_short(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dakiya_core::projection::Figures;
    use dakiya_core::rate_card::Spread;

    fn month(text: &str, rupees: &str, high: Option<&str>) -> MonthProjection {
        let money = |text: &str| Money::parse(text).unwrap();
        let projected =
            high.map(|high| Spread { low: money(rupees), expected: money(rupees), high: money(high) });
        let total = Figures { actual: money(rupees), committed: Money::ZERO, projected };
        MonthProjection {
            month: Month::parse(text).unwrap(),
            total,
            budget: None,
            gst: Money::ZERO,
            lines: Vec::new(),
        }
    }

    #[test]
    fn nothing_reaches_above_the_axis_and_the_unit_fits() {
        let months = [month("2026-11", "50000", None), month("2026-12", "300000", Some("450000"))];
        let chart = Chart::of(&months, months[0].month);
        assert_eq!(chart.unit, "₹ lakh");
        let labels: Vec<&str> = chart.ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["0", "2", "4", "6"]);
        let (high, low) = chart.bars[1].range.as_ref().unwrap();
        assert_eq!((high.as_str(), low.as_str()), ("74.0", "118.0"));
        assert_eq!(chart.bars[0].label, "Nov ’26*");
    }

    #[test]
    fn months_without_any_cost_are_drawn_too() {
        let chart = Chart::of(&[month("2026-11", "0", None)], Month::parse("2026-11").unwrap());
        assert!(chart.bars[0].actual.is_none() && chart.bars[0].value.is_none());
        assert!(chart.ticks.len() < 10);
    }
}
