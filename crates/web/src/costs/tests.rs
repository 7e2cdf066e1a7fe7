//! Whatever a month holds, its tables add up.

use super::*;
use dakiya_core::ledger::Differences;
use dakiya_core::message::{Category, Direction};
use dakiya_core::rate_card::RateItem;
use dakiya_core::tax::GstMode;
use dakiya_core::time::Timestamp;
use rust_decimal::Decimal;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides) as i64
    }

    fn line(&mut self) -> CostLine {
        let item = RateItem::ALL[self.roll(3) as usize];
        let category = Category::ALL.get(self.roll(5) as usize).copied();
        let (actual, outstanding) = (self.roll(90_000_000), self.roll(2) * self.roll(9_000_000));
        let differences = Differences {
            volume: -self.roll(1_000_000),
            segments: self.roll(1_000_000),
            rate: self.roll(2_000_000) - 1_000_000,
            fx: self.roll(10) * self.roll(99_999),
            failure: -self.roll(50_000),
        };
        // Now and then something without an estimate, as Twilio's own totals are.
        let unexplained = if self.roll(4) == 0 { actual / 2 } else { 0 };
        let estimated = actual + outstanding - differences.total() - unexplained;
        CostLine {
            item,
            direction: Direction::ALL[self.roll(2) as usize],
            category,
            template: None,
            campaign: None,
            reminder_rule: None,
            sender: format!("+1500555000{}", self.roll(6)),
            costs: Costs {
                messages: self.roll(900),
                segments: self.roll(2_000),
                failed: 0,
                priced: 0,
                estimated: Money::from_micros(estimated),
                actual: Money::from_micros(actual),
                outstanding: Money::from_micros(outstanding),
                differences,
            },
        }
    }
}

fn report(lines: Vec<CostLine>) -> MonthReport {
    let gst = Gst { mode: GstMode::VendorCharged, rate: Decimal::from(18) };
    MonthReport::reckon(Month::parse("2026-11").unwrap(), lines, Names::default(), gst, Vec::new())
}

fn sum(amounts: impl IntoIterator<Item = Money>) -> Money {
    amounts.into_iter().sum()
}

#[test]
fn every_table_of_any_month_adds_up_to_the_paisa() {
    let mut dice = Dice(11);
    for round in 0..300 {
        let lines = (0..dice.roll(40)).map(|_| dice.line()).collect();
        let report = report(lines);
        for by in By::ALL.into_iter().chain([By::What]) {
            let rows = report.by(by);
            assert_eq!(sum(rows.iter().map(|row| row.spent)), report.spent.shown, "{round} {by:?}");
            assert_eq!(sum(rows.iter().map(|row| row.estimated)), report.estimated.shown, "{round} {by:?}");
            assert_eq!(sum(rows.iter().map(|row| row.costs.spent())), report.spent.exact, "{round} {by:?}");
            for row in rows {
                let off = (row.spent - row.costs.spent()).rupees().abs();
                assert!(off < Decimal::new(1, 2), "{round} {by:?} {off}");
            }
        }
        let causes = sum(report.causes.iter().map(|(_, amount)| amount.shown));
        assert_eq!(report.estimated.shown + causes, report.spent.shown);
        assert_eq!(report.charged.shown + report.outstanding.shown, report.spent.shown);
        assert_eq!(report.spent.shown + report.gst.shown, report.with_gst.shown);
        assert_eq!(report.spent.shown, report.sum.spent().rounded_to_paise());
        assert_eq!(sum(report.shown_lines()), report.spent.shown);
    }
}

/// The cells of a file from the first count to the last amount, of rows that are called so.
fn figures_of(file: &[u8], row: &str) -> Vec<Vec<Decimal>> {
    let mut reader = ::csv::Reader::from_reader(file);
    let rows = reader.records().map(Result::unwrap).filter(|cells| &cells[0] == row);
    rows.map(|cells| cells.iter().skip(11).take(15).map(|cell| cell.parse().unwrap()).collect()).collect()
}

fn re_added(rows: &[Vec<Decimal>]) -> Vec<Decimal> {
    (0..15).map(|column| rows.iter().map(|row| row[column]).sum()).collect()
}

#[test]
fn every_column_of_a_file_re_adds_to_its_total() {
    let mut dice = Dice(7);
    let reports: Vec<MonthReport> = (0..3).map(|_| report((0..20).map(|_| dice.line()).collect())).collect();
    let month = month_csv(&reports[0]).unwrap();
    assert_eq!(figures_of(&month, "total"), [re_added(&figures_of(&month, "line"))]);
    let year = year_csv("2026-27", &reports, false).unwrap();
    assert_eq!(figures_of(&year, "year_total"), [re_added(&figures_of(&year, "line"))]);
    assert_eq!(figures_of(&year, "year_total"), [re_added(&figures_of(&year, "total"))]);
}

#[test]
fn a_month_of_nothing_costs_nothing() {
    let report = report(Vec::new());
    assert!(report.is_empty() && report.by(By::What).is_empty());
    assert_eq!((report.spent.shown, report.with_gst.shown), (Money::ZERO, Money::ZERO));
    assert!(report.causes.iter().all(|(cause, amount)| cause.is_some() && amount.shown.is_zero()));
    assert!(month_xlsx(&report, "VehicAid", (Timestamp::default(), chrono_tz::Asia::Kolkata)).is_ok());
}
