//! The months that the projection's page and file show: the financial year so far, this month and the next twelve.

use crate::AppState;
use crate::uploads::safe_cell;
use chrono::NaiveDate;
use dakiya_core::money::Money;
use dakiya_core::projection::{FORECAST_MONTHS, ShownFigures, ShownMonth, financial_year, shown_years};
use dakiya_core::time::Month;
use dakiya_scheduler::Projection;
use dakiya_store::StoreError;

const HEADER: [&str; 12] = [
    "row",
    "month",
    "channel",
    "direction",
    "category",
    "spent_inr",
    "certain_to_come_inr",
    "whole_month_inr",
    "likely_low_inr",
    "likely_high_inr",
    "budget_inr",
    "left_of_budget_inr",
];

/// Reckons them.
pub(crate) async fn months_ahead(app: &AppState) -> Result<Projection, StoreError> {
    let this = Month::of(app.today());
    let since = NaiveDate::from_ymd_opt(financial_year(this), 4, 1).map_or(this, Month::of);
    let last = this.plus(FORECAST_MONTHS);
    let months = (0..).take_while(|ahead| since.plus(*ahead) <= last).count();
    app.commands.projection(since, u32::try_from(months).unwrap_or(1)).await
}

/// As CSV: the lines of each month with its totals, then those of the year; they add up as on the page.
pub(crate) fn projection_csv(projection: &Projection) -> Result<Vec<u8>, ::csv::Error> {
    let mut rows = vec![HEADER.map(str::to_owned)];
    for year in shown_years(&projection.months) {
        year.months.iter().for_each(|shown| month(&mut rows, shown));
        let name = format!("{}-{:02}", year.year, (year.year + 1).rem_euclid(100));
        rows.push(figures("year_total", &name, &year.total));
        rows.push(whole("year_gst", &name, year.gst));
        rows.push(whole("year_total_with_gst", &name, year.with_gst()));
    }
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|cell| safe_cell(cell)))?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

type Cells = [String; HEADER.len()];

fn month(rows: &mut Vec<Cells>, shown: &ShownMonth) {
    let name = shown.month.to_string();
    for (key, line) in &shown.lines {
        let mut cells = figures("line", &name, line);
        cells[2] = key.item.to_string();
        cells[3] = key.direction.to_string();
        cells[4] = key.category.map_or_else(String::new, |category| category.to_string());
        rows.push(cells);
    }
    let mut cells = figures("total", &name, &shown.total);
    let plain = |amount: Option<Money>| amount.map_or_else(String::new, |a| a.rounded_to_paise().to_plain());
    cells[8] = plain(shown.range.map(|range| range.low));
    cells[9] = plain(shown.range.map(|range| range.high));
    cells[10] = plain(shown.budget);
    cells[11] = plain(shown.left);
    rows.push(cells);
    rows.push(whole("gst", &name, shown.gst));
    rows.push(whole("total_with_gst", &name, shown.with_gst()));
}

fn figures(row: &str, month: &str, figures: &ShownFigures) -> Cells {
    let mut cells = whole(row, month, figures.whole);
    cells[5] = figures.actual.to_plain();
    cells[6] = figures.committed.to_plain();
    cells
}

/// A row with nothing but an amount for the whole month.
fn whole(row: &str, month: &str, amount: Money) -> Cells {
    let mut cells: Cells = std::array::from_fn(|_| String::new());
    cells[0] = row.to_owned();
    cells[1] = month.to_owned();
    cells[7] = amount.to_plain();
    cells
}
