//! Made-up pasts of which the future is known: how far off forecasts are, and how often their ranges hold what came.
//!
//! `docs/decisions/0010-forecasts.md` has the figures that these tests print.

use super::*;

/// Days that are forecast and then compared.
const AHEAD: usize = 396;

/// A stretch in the rest of this month, and whole months from the next on: first day, days.
const STRETCHES: [(usize, usize); 5] = [(0, 8), (8, 30), (38, 30), (68, 30), (158, 30)];

/// Numbers that look like chance, the same ones each time.
struct Chance(u64);

impl Chance {
    fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1_u64 << 31) as f64
    }

    /// With a spread of one around nought.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// The same each day, but for chance.
    Flat,
    /// Busy on Mondays, quiet on Sundays.
    Weekdays,
    /// That, and two rupees more each day.
    Trend,
    /// That, drifting with neither aim nor end.
    Drift,
    /// Weekdays, and three weeks of more than double each 120 days.
    Festivals,
    /// One day in seven.
    Sparse,
}

fn made_up(kind: Kind, days: usize, seed: u64) -> Vec<f64> {
    let mut chance = Chance(seed * 7_919 + 13);
    let (begins, mut drift) = ((seed as usize * 37) % 120, 0.0);
    let weekday = [1.2, 1.1, 1.05, 1.0, 1.1, 0.8, 0.5];
    let mut day = |day: usize| {
        let usual = 1_000.0 * weekday[day % 7];
        drift += 0.015 * chance.normal();
        let expected = match kind {
            Kind::Flat => 1_000.0,
            Kind::Weekdays => usual,
            Kind::Trend => usual * (0.6 + 0.002 * day as f64),
            Kind::Drift => usual * f64::exp(drift),
            Kind::Festivals if (15..36).contains(&((day + begins) % 120)) => usual * 2.2,
            Kind::Festivals => usual,
            Kind::Sparse if chance.even() < 0.15 => 2_000.0,
            Kind::Sparse => 0.0,
        };
        (expected * (1.0 + 0.15 * chance.normal())).max(0.0)
    };
    (0..days).map(&mut day).collect()
}

/// What was forecast of many pasts of one kind, against what came: for each stretch, how often the range held it, and
/// how far off the forecast was as a share of it (sMAPE).
fn judged(kind: Kind, days: usize) -> Vec<(f64, f64)> {
    const PASTS: u64 = 12;
    let mut held = [0.0; STRETCHES.len()];
    let mut off = [0.0; STRETCHES.len()];
    for seed in 0..PASTS {
        let made_up = made_up(kind, days + AHEAD, seed);
        let forecast = Forecast::learn(History { series: vec![made_up[..days].to_vec()] }, AHEAD).unwrap();
        for (at, (from, length)) in STRETCHES.into_iter().enumerate() {
            let range = forecast.total(from, length);
            let came: f64 = made_up[days + from..days + from + length].iter().sum();
            held[at] += f64::from(u8::from(range.low <= came && came <= range.high)) / PASTS as f64;
            off[at] += 2.0 * (came - range.expected).abs() / (came + range.expected).max(1.0) / PASTS as f64;
        }
    }
    held.into_iter().zip(off).collect()
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count().max(1) as f64
}

/// Bounds that a broken method or range would miss; the figures themselves are printed.
fn judge(kind: Kind, days: usize, most_off: f64, held_at_least: f64) {
    let judged = judged(kind, days);
    let words: Vec<String> = judged
        .iter()
        .map(|(held, off)| format!("{:3.0} % held, off {:4.1} %", held * 100.0, off * 100.0))
        .collect();
    let (held, off) = (mean(judged.iter().map(|one| one.0)), mean(judged.iter().map(|one| one.1)));
    #[allow(clippy::print_stderr, reason = "the figures of the decision record")]
    {
        eprintln!(
            "{kind:?} {days} days: {}; all: {:.0} % held, off {:.1} %",
            words.join(" | "),
            held * 100.0,
            off * 100.0
        );
    }
    assert!(off <= most_off, "{kind:?}: {off}");
    assert!(held >= held_at_least, "{kind:?}: {held}");
}

#[test]
fn steady_traffic_is_forecast_within_a_few_per_cent_and_ranges_hold_eight_of_ten() {
    for days in [90, 395] {
        judge(Kind::Flat, days, 0.05, 0.70);
        judge(Kind::Weekdays, days, 0.05, 0.70);
    }
}

#[test]
fn traffic_that_grows_or_drifts_is_forecast_with_ranges_that_know_it() {
    judge(Kind::Trend, 395, 0.10, 0.70);
    judge(Kind::Drift, 395, 0.20, 0.60);
}

#[test]
fn festivals_and_rare_traffic_widen_the_range() {
    judge(Kind::Festivals, 395, 0.40, 0.70);
    judge(Kind::Sparse, 395, 0.70, 0.65);
}

#[test]
fn a_weekly_pattern_is_seen_in_single_days() {
    let past = made_up(Kind::Weekdays, 392, 3);
    let forecast = Forecast::learn(History { series: vec![past] }, 14).unwrap();
    let day = |from| forecast.of(0, from, 1).expected;
    for week in [0, 7] {
        assert!(day(week) > 2.0 * day(week + 6), "Monday {} and Sunday {}", day(week), day(week + 6));
    }
}

#[test]
fn there_is_none_while_history_is_too_short() {
    let learn = |series: Vec<f64>| Forecast::learn(History { series: vec![series] }, 30).map(|_| ());
    assert_eq!(learn(Vec::new()), Err(TooShort { days: 0, with_traffic: 0 }));
    assert_eq!(learn(vec![0.0; 400]), Err(TooShort { days: 0, with_traffic: 0 }));
    assert_eq!(learn(vec![5.0; SHORTEST_DAYS - 1]), Err(TooShort { days: 55, with_traffic: 55 }));
    assert_eq!(learn(vec![5.0; SHORTEST_DAYS]), Ok(()));
    // Days before the first message are no history.
    let late = [vec![0.0; 300], vec![5.0; 20]].concat();
    assert_eq!(learn(late), Err(TooShort { days: 20, with_traffic: 20 }));
    let rare: Vec<f64> = (0..100).map(|day| if day % 10 == 0 { 5.0 } else { 0.0 }).collect();
    assert_eq!(learn(rare), Err(TooShort { days: 100, with_traffic: 10 }));
}

#[test]
fn what_never_changes_is_forecast_exactly_with_no_range() {
    let forecast = Forecast::learn(History { series: vec![vec![7.0; 100], vec![0.0; 100]] }, 60).unwrap();
    let month = forecast.total(3, 30);
    for end in [month.low, month.expected, month.high] {
        assert!((end - 210.0).abs() < 0.01, "{month:?}");
    }
    assert_eq!(forecast.of(1, 0, 30), Range::default());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(24))]
    #[test]
    fn no_forecast_is_negative_and_every_range_holds_its_expectation(
        seed in 0u64..1_000_000, days in 56usize..200, from in 0usize..300, length in 0usize..60, share in 0.0..1.0f64,
    ) {
        let mut chance = Chance(seed);
        let noise: Vec<f64> = (0..days).map(|_| if chance.even() < share { chance.even() * 1e6 } else { 0.0 }).collect();
        let history = History { series: vec![noise.clone(), noise.into_iter().rev().collect()] };
        let Ok(forecast) = Forecast::learn(history, 360) else { return Ok(()) };
        for range in [forecast.of(0, from, length), forecast.of(1, from, length), forecast.total(from, length)] {
            proptest::prop_assert!(range.low >= 0.0 && range.low <= range.expected && range.expected <= range.high);
            proptest::prop_assert!(range.high.is_finite());
        }
        let parts = forecast.of(0, from, length).expected + forecast.of(1, from, length).expected;
        let total = forecast.total(from, length).expected;
        proptest::prop_assert!((parts - total).abs() <= total * 1e-9);
    }
}
