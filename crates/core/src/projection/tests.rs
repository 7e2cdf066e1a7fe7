//! A month put together: what must hold whatever was spent, scheduled and forecast.

use super::*;
use crate::forecast::{Forecast, History};
use crate::tax::GstMode;
use proptest::prelude::*;
use rust_decimal::Decimal;

const GST: fn() -> Gst = || Gst { mode: GstMode::VendorCharged, rate: Decimal::from(18) };

fn month() -> Month {
    Month::parse("2026-11").unwrap()
}

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn sms(category: Category) -> LineKey {
    LineKey { item: RateItem::Sms, direction: Direction::Outbound, category: Some(category) }
}

fn stream(shares: &[(Category, i64)]) -> Stream {
    Stream {
        item: RateItem::Sms,
        direction: Direction::Outbound,
        shares: shares.iter().map(|(category, share)| (Some(*category), *share)).collect(),
    }
}

/// A hundred rupees a day, for a hundred days.
fn steady() -> Forecast {
    Forecast::learn(History { series: vec![vec![100.0; 100]] }, 60).unwrap()
}

#[test]
fn a_month_is_what_was_spent_what_is_certain_and_what_usually_comes() {
    let actual = Lines::from([(sms(Category::Otp), rupees("2000")), (LineKey::RENT, rupees("150"))]);
    let committed = Lines::from([(sms(Category::Promotional), rupees("500.25"))]);
    let streams = [stream(&[(Category::Otp, 3), (Category::Transactional, 1)])];
    // Nine days are left, today among them; of today's hundred, forty are spent.
    let coming = Coming::of(&steady(), &streams, 0, 9, &[rupees("40")]);
    let projected = project(month(), &actual, &committed, Some(&coming), Some(rupees("4000")), GST());
    let line = |key| projected.lines.iter().find(|line| line.key == key).unwrap().figures;
    let expected = |key| line(key).projected.unwrap().expected;
    assert_eq!(expected(sms(Category::Otp)), rupees("2645"));
    assert_eq!(expected(sms(Category::Transactional)), rupees("215"));
    assert_eq!(expected(sms(Category::Promotional)), rupees("500.25"));
    assert_eq!(expected(LineKey::RENT), rupees("150"));
    assert_eq!(projected.total.projected.unwrap().expected, rupees("3510.25"));
    assert_eq!(projected.gst, rupees("631.845"));
}

#[test]
fn a_day_that_is_spent_already_adds_nothing_more() {
    let coming = Coming::of(&steady(), &[stream(&[(Category::Otp, 1)])], 0, 1, &[rupees("250")]);
    assert_eq!(coming.total(), Spread::ZERO);
    let tomorrow = Coming::of(&steady(), &[stream(&[(Category::Otp, 1)])], 1, 1, &[rupees("250")]);
    assert_eq!(tomorrow.total().expected, rupees("100"));
}

#[test]
fn without_a_forecast_nothing_is_projected_and_gst_is_on_what_is_known() {
    let actual = Lines::from([(sms(Category::Otp), rupees("100"))]);
    let committed = Lines::from([(sms(Category::Otp), rupees("50"))]);
    let projected = project(month(), &actual, &committed, None, None, GST());
    assert_eq!(projected.total, Figures { actual: rupees("100"), committed: rupees("50"), projected: None });
    assert!(projected.lines.iter().all(|line| line.figures.projected.is_none()));
    assert_eq!(projected.gst, rupees("27"));
}

#[test]
fn what_cannot_be_divided_goes_to_those_that_lost_most() {
    assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(allocate(1, &[1, 3]), [0, 1]);
    assert_eq!(allocate(7, &[0, 0]), [7, 0]);
    assert_eq!(allocate(i64::MAX, &[i64::MAX, i64::MAX]), [i64::MAX / 2 + 1, i64::MAX / 2]);
    assert_eq!(allocate(5, &[]), Vec::<i64>::new());
}

#[test]
fn a_financial_year_begins_in_april() {
    let year = |text| financial_year_words(financial_year(Month::parse(text).unwrap()));
    assert_eq!([year("2026-03"), year("2026-04"), year("2027-03")], ["2025–26", "2026–27", "2026–27"]);
    assert_eq!(year("2099-12"), "2099–00");
}

fn any_lines() -> impl Strategy<Value = Lines> {
    let key = (0..RateItem::ALL.len(), 0..2usize, proptest::option::of(0..Category::ALL.len()));
    let key = key.prop_map(|(item, direction, category)| LineKey {
        item: RateItem::ALL[item],
        direction: Direction::ALL[direction],
        category: category.map(|at| Category::ALL[at]),
    });
    proptest::collection::btree_map(key, (0i64..1_000_000_000_000).prop_map(Money::from_micros), 0..12)
}

proptest! {
    #[test]
    fn parts_add_up_to_the_whole(whole in 0i64..i64::MAX, weights in proptest::collection::vec(0i64..i64::MAX, 1..6)) {
        let parts = allocate(whole, &weights);
        prop_assert_eq!(parts.iter().sum::<i64>(), whole);
        prop_assert!(parts.iter().all(|part| *part >= 0));
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_total_is_the_sum_of_its_lines(
        actual in any_lines(), committed in any_lines(), shares in proptest::collection::vec(0i64..1_000_000, 4),
        daily in proptest::collection::vec(0.0..1e5f64, 60..80), from in 0usize..40, days in 0usize..32,
        spent in 0i64..1_000_000_000_000,
    ) {
        let other: Vec<f64> = daily.iter().rev().map(|day| day / 3.0).collect();
        let forecast = Forecast::learn(History { series: vec![daily, other] }, 80).unwrap();
        let shares: Vec<(Category, i64)> = Category::ALL.iter().copied().zip(shares).collect();
        let inbound = Stream { item: RateItem::Sms, direction: Direction::Inbound, shares: BTreeMap::new() };
        let today = [Money::from_micros(spent), Money::ZERO];
        let coming = Coming::of(&forecast, &[stream(&shares), inbound], from, days, &today);
        for coming in [Some(&coming), None] {
            let month = project(month(), &actual, &committed, coming, None, GST());
            let sum = |of: &dyn Fn(&Figures) -> Money| month.lines.iter().map(|line| of(&line.figures)).sum::<Money>();
            prop_assert_eq!(sum(&|line| line.actual), month.total.actual);
            prop_assert_eq!(sum(&|line| line.committed), month.total.committed);
            prop_assert_eq!(sum(&|line| line.whole()), month.total.whole());
            for figures in month.lines.iter().map(|line| line.figures).chain([month.total]) {
                if let Some(Spread { low, expected, high }) = figures.projected {
                    prop_assert!(figures.actual + figures.committed <= low && low <= expected && expected <= high);
                }
            }
            prop_assert_eq!(month.gst, GST().on(month.total.whole()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_shown_of_months_adds_up_to_the_paisa(
        months in proptest::collection::vec((any_lines(), any_lines()), 1..16), forecast in proptest::bool::ANY,
    ) {
        let steady = Forecast::learn(History { series: vec![vec![33.333333; 70]] }, 31).unwrap();
        let coming = Coming::of(&steady, &[stream(&[(Category::Otp, 1), (Category::Service, 2)])], 0, 7, &[]);
        let coming = forecast.then_some(&coming);
        let first = month();
        let months: Vec<MonthProjection> = (0..)
            .zip(&months)
            .map(|(ahead, (actual, committed))| project(first.plus(ahead), actual, committed, coming, None, GST()))
            .collect();
        for year in shown_years(&months) {
            let (mut total, mut gst) = (ShownFigures::default(), Money::ZERO);
            for month in &year.months {
                total += month.total;
                gst += month.gst;
                let mut lines = ShownFigures::default();
                month.lines.iter().for_each(|(_, figures)| lines += *figures);
                prop_assert_eq!(lines, month.total);
                prop_assert_eq!(month.with_gst(), month.total.whole + month.gst);
                let shown = [month.total.actual, month.total.committed, month.total.whole, month.gst];
                prop_assert_eq!(shown, shown.map(Money::rounded_to_paise));
                if !forecast {
                    for (_, line) in &month.lines {
                        prop_assert_eq!(line.actual + line.committed, line.whole);
                    }
                }
            }
            prop_assert_eq!((total, gst), (year.total, year.gst));
        }
    }
}
