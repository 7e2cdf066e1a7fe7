//! Dated exchange rates: how many rupees a dollar cost, and since when.

use crate::decimal;
use crate::money::FxRate;
use crate::table::{RowError, Table, TableError};
use chrono::{Datelike as _, Months, NaiveDate};
use rust_decimal::Decimal;
use std::io::Read;

/// A rate older than this is doubtful (docs/guides/finance.md: once a month is a fair habit).
pub const STALE_AFTER_DAYS: i64 = 30;

/// A rate and the first day it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedFx {
    /// First day in force, in the business's zone.
    pub valid_from: NaiveDate,
    /// The rate.
    pub rate: FxRate,
    /// Where it was read.
    pub source: String,
}

/// Why a rate is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FxRateError {
    /// Not a plain decimal.
    #[error(transparent)]
    NotANumber(#[from] decimal::DecimalError),
    /// No rate that the rupee has or will have soon.
    #[error("{0} rupees for a dollar cannot be right; it is between 1 and 1000")]
    OutOfRange(Decimal),
    /// More decimals than any source publishes.
    #[error("{0} has more than six decimals")]
    TooFine(Decimal),
    /// Another year was meant: it would rewrite what past months cost, or never begin.
    #[error(
        "{day} cannot be right; a rate begins between {earliest} and {latest}, thirteen months back and a year ahead"
    )]
    OutOfReach {
        /// The day given.
        day: NaiveDate,
        /// The earliest that is taken.
        earliest: NaiveDate,
        /// The latest that is taken.
        latest: NaiveDate,
    },
    /// Not a day as people write it.
    #[error("write the first day as 2026-11-22")]
    NotADay,
}

/// Months back in which a rate may begin: as far as an account's past is ever read.
const MONTHS_BACK: Months = Months::new(13);

/// Months ahead in which a rate may begin.
const MONTHS_AHEAD: Months = Months::new(12);

/// Reads the first day of a rate, as people and spreadsheets write it.
pub fn first_day(text: &str, today: NaiveDate) -> Result<NaiveDate, FxRateError> {
    let day = ["%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y"]
        .iter()
        .find_map(|form| NaiveDate::parse_from_str(text.trim(), form).ok())
        .ok_or(FxRateError::NotADay)?;
    let earliest = (today - MONTHS_BACK).with_day(1).unwrap_or(today);
    let latest = today + MONTHS_AHEAD;
    if (earliest..=latest).contains(&day) {
        Ok(day)
    } else {
        Err(FxRateError::OutOfReach { day, earliest, latest })
    }
}

/// Reads a rate: rupees for one US dollar.
pub fn parse(text: &str) -> Result<FxRate, FxRateError> {
    checked(decimal::typed(text, decimal::RUPEES)?)
}

/// A rate that the rupee may have: rupees for one US dollar.
pub fn checked(rate: Decimal) -> Result<FxRate, FxRateError> {
    if rate < Decimal::ONE || rate > Decimal::from(1_000) {
        return Err(FxRateError::OutOfRange(rate));
    }
    if rate.normalize().scale() > 6 {
        return Err(FxRateError::TooFine(rate));
    }
    Ok(FxRate { inr_per_usd: rate.normalize() })
}

/// All rates, and the one that held before the first of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FxHistory {
    rates: Vec<DatedFx>,
    otherwise: FxRate,
}

impl FxHistory {
    /// Rates in any order; `otherwise` holds before the first.
    pub fn new(mut rates: Vec<DatedFx>, otherwise: FxRate) -> Self {
        rates.sort_by_key(|dated| dated.valid_from);
        Self { rates, otherwise }
    }

    /// The rate in force on a day: the latest that had begun.
    pub fn on(&self, day: NaiveDate) -> FxRate {
        self.dated_on(day).map_or(self.otherwise, |dated| dated.rate)
    }

    /// The rate in force on a day with its date, if any had begun.
    pub fn dated_on(&self, day: NaiveDate) -> Option<&DatedFx> {
        let begun = self.rates.partition_point(|dated| dated.valid_from <= day);
        begun.checked_sub(1).and_then(|at| self.rates.get(at))
    }

    /// Days since the rate in force began, when that is too long.
    pub fn stale_for(&self, today: NaiveDate) -> Option<i64> {
        let age = (today - self.dated_on(today)?.valid_from).num_days();
        (age > STALE_AFTER_DAYS).then_some(age)
    }

    /// All of them, the oldest first.
    pub fn rates(&self) -> &[DatedFx] {
        &self.rates
    }
}

/// Reads a file with the columns `date` (`YYYY-MM-DD` or `DD/MM/YYYY`) and `usd_inr`, and perhaps `source`. One bad row
/// spoils none of the others; whether the good ones are kept is for the caller to say. Of two rows for one day the second
/// is a bad one.
pub fn read_csv(input: impl Read, today: NaiveDate) -> Result<(Vec<DatedFx>, Vec<RowError>), TableError> {
    let mut table = Table::open(input)?;
    let date = table.require(&["date", "valid_from"])?;
    let rate = table.require(&["usd_inr", "rate"])?;
    let source = table.column("source");
    let (mut good, mut bad, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(row) = table.next_row()? {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                bad.push(error);
                continue;
            }
        };
        let valid_from = match first_day(row.cell(date), today) {
            Ok(day) => day,
            Err(error) => {
                bad.push(RowError::cell(row.line(), "date", row.cell(date), "invalid_date", error));
                continue;
            }
        };
        if let Some((line, _)) = lines.iter().find(|(_, day)| *day == valid_from) {
            let told = format!("line {line} has a rate for this day already");
            bad.push(RowError::cell(row.line(), "date", row.cell(date), "duplicate_date", told));
            continue;
        }
        let named = source.map(|column| row.cell(column)).filter(|text| !text.is_empty());
        match parse(row.cell(rate)) {
            Ok(rate) => {
                lines.push((row.line(), valid_from));
                good.push(DatedFx { valid_from, rate, source: named.unwrap_or("CSV file").to_owned() })
            }
            Err(error) => {
                bad.push(RowError::cell(row.line(), "usd_inr", row.cell(rate), "invalid_rate", error))
            }
        }
    }
    Ok((good, bad))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn dated(valid_from: &str, rate: &str) -> DatedFx {
        DatedFx { valid_from: at(valid_from), rate: parse(rate).unwrap(), source: "FBIL".to_owned() }
    }

    fn history() -> FxHistory {
        FxHistory::new(vec![dated("2026-11-10", "95.5"), dated("2026-08-01", "96")], parse("90").unwrap())
    }

    #[test]
    fn the_latest_rate_that_had_begun_is_in_force() {
        for (day, rate) in [
            ("2026-07-31", "90"),
            ("2026-08-01", "96"),
            ("2026-11-09", "96"),
            ("2026-11-10", "95.5"),
            ("2027-01-01", "95.5"),
        ] {
            assert_eq!(history().on(at(day)), parse(rate).unwrap(), "{day}");
        }
        assert_eq!(
            FxHistory::new(Vec::new(), parse("90").unwrap()).on(at("2026-01-01")),
            parse("90").unwrap()
        );
    }

    #[test]
    fn a_rate_is_stale_after_thirty_days() {
        assert_eq!(history().stale_for(at("2026-12-10")), None);
        assert_eq!(history().stale_for(at("2026-12-11")), Some(31));
    }

    #[test]
    fn a_file_is_read_row_by_row_and_says_which_are_wrong() {
        let file = "date,usd_inr\n2026-11-01,96.1\n02/11/2026,96.25\nyesterday,96\n2026-11-03,0.5\n0026-11-01,90\n01/11/2026,97\n";
        let (good, bad) = read_csv(file.as_bytes(), at("2026-11-22")).unwrap();
        let rates: Vec<_> = good.iter().map(|dated| (dated.valid_from, dated.rate)).collect();
        assert_eq!(
            rates,
            [(at("2026-11-01"), parse("96.1").unwrap()), (at("2026-11-02"), parse("96.25").unwrap())]
        );
        let faults: Vec<_> = bad.iter().map(|error| (error.line, error.code)).collect();
        let expected = [(4, "invalid_date"), (5, "invalid_rate"), (6, "invalid_date"), (7, "duplicate_date")];
        assert_eq!(faults, expected);
        assert_eq!(
            bad.last().map(|error| error.message.as_str()),
            Some("line 2 has a rate for this day already")
        );
    }

    #[test]
    fn a_rate_begins_neither_before_the_past_that_is_read_nor_more_than_a_year_ahead() {
        for (text, fits) in [
            ("0026-11-01", false),
            ("2025-09-30", false),
            ("2025-10-01", true),
            ("01/11/2026", true),
            ("2027-11-22", true),
            ("2027-11-23", false),
            ("2926-11-01", false),
            ("9999-12-31", false),
            ("yesterday", false),
        ] {
            assert_eq!(first_day(text, at("2026-11-22")).is_ok(), fits, "{text}");
        }
    }

    #[test]
    fn a_rate_that_cannot_be_right_is_refused() {
        for text in ["", "0.99", "1000.01", "96,5", "1e2", "96.1234567"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(parse("96.00").unwrap(), parse("96").unwrap());
    }
}
