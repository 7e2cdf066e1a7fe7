//! The ways to forecast: from the plainest to the one that knows most.

use crate::worded_enum;
use augurs_ets::AutoETS;
use augurs_ets::trend::AutoETSTrendModel;
use augurs_mstl::MSTLModel;

/// Days in the pattern that traffic has.
const WEEK: usize = 7;

/// Days that tell what a day costs at present.
const RECENT: usize = 56;

worded_enum! {
    /// How a forecast is made. The plainer ones come first, and win unless another is clearly better.
    Method {
        /// What each weekday cost on average in the last eight weeks.
        WeekdayAverage = "weekday_average",
        /// The median of each weekday in the last eight weeks, which a festival of three weeks does not move.
        WeekdayMedian = "weekday_median",
        /// Exponential smoothing with a damped trend.
        Ets = "ets",
        /// The weekly pattern taken out (MSTL), the rest by exponential smoothing of the level.
        MstlEtsLevel = "mstl_ets_level",
        /// The weekly pattern taken out (MSTL), the rest by exponential smoothing with a damped trend.
        MstlEts = "mstl_ets",
        /// The weekly pattern taken out (MSTL), the rest by exponential smoothing with a trend that goes on.
        MstlEtsTrend = "mstl_ets_trend",
    }
}

impl Method {
    /// The coming days of a series. Never negative; what a method cannot do, the plainest one does.
    pub(super) fn predict(self, series: &[f64], horizon: usize) -> Vec<f64> {
        if series.iter().all(|cost| *cost == 0.0) {
            return vec![0.0; horizon];
        }
        let predicted = match self {
            Method::WeekdayAverage => None,
            Method::WeekdayMedian => Some(by_weekday(series, horizon, median)),
            Method::Ets => ets("AAN", Some(true)).and_then(|model| smooth(&model, series, horizon)),
            Method::MstlEtsLevel => decomposed(ets("ANN", None), series, horizon),
            Method::MstlEts => decomposed(ets("AAN", Some(true)), series, horizon),
            Method::MstlEtsTrend => decomposed(ets("AAN", Some(false)), series, horizon),
        };
        let usable = predicted.filter(|days| days.len() == horizon && days.iter().all(|day| day.is_finite()));
        let mut days = usable.unwrap_or_else(|| by_weekday(series, horizon, mean));
        days.iter_mut().for_each(|day| *day = day.max(0.0));
        days
    }
}

/// What a day costs at present; where nothing was sent lately, in the whole past.
pub(super) fn level(series: &[f64]) -> f64 {
    match mean(&series[series.len().saturating_sub(RECENT)..]) {
        0.0 => mean(series),
        recent => recent,
    }
}

fn by_weekday(series: &[f64], horizon: usize, of: fn(&[f64]) -> f64) -> Vec<f64> {
    let recent = &series[series.len().saturating_sub(RECENT)..];
    let week: Vec<f64> = (0..WEEK)
        .map(|day| of(&recent.iter().rev().skip(WEEK - 1 - day).step_by(WEEK).copied().collect::<Vec<_>>()))
        .collect();
    week.into_iter().cycle().take(horizon).collect()
}

fn mean(days: &[f64]) -> f64 {
    days.iter().sum::<f64>() / days.len().max(1) as f64
}

fn median(days: &[f64]) -> f64 {
    let mut sorted = days.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        even if even % 2 == 0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted[middle],
    }
}

fn ets(spec: &str, damped: Option<bool>) -> Option<AutoETS> {
    let model = AutoETS::new(1, spec).ok()?;
    match damped {
        Some(damped) => model.damped(damped).ok(),
        None => Some(model),
    }
}

fn smooth(model: &AutoETS, series: &[f64], horizon: usize) -> Option<Vec<f64>> {
    use augurs_core::{Fit, Predict};
    Some(model.fit(series).ok()?.predict(horizon, None).ok()?.point)
}

fn decomposed(model: Option<AutoETS>, series: &[f64], horizon: usize) -> Option<Vec<f64>> {
    use augurs_core::{Fit, Predict};
    let model = MSTLModel::new(vec![WEEK], AutoETSTrendModel::from(model?));
    Some(model.fit(series).ok()?.predict(horizon, None).ok()?.point)
}
