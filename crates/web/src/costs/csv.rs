//! Months as CSV: a row a line, then the totals, which the rows add up to.

use super::{Amount, MonthReport};
use crate::uploads::safe_cell;
use dakiya_core::ledger::Cause;
use dakiya_core::money::Money;
use dakiya_store::costs::{CostLine, Costs};

const HEADER: [&str; 27] = [
    "row",
    "month",
    "channel",
    "direction",
    "category",
    "template",
    "template_name",
    "campaign",
    "campaign_id",
    "reminder_rule",
    "sender",
    "messages",
    "segments",
    "not_arrived",
    "without_price",
    "spent_inr",
    "spent_exact_inr",
    "charged_exact_inr",
    "not_charged_yet_exact_inr",
    "estimated_exact_inr",
    "difference_volume_inr",
    "difference_segments_inr",
    "difference_rate_inr",
    "difference_fx_inr",
    "difference_failure_inr",
    "difference_other_inr",
    "usd_inr",
];

/// Cells of text in a row, and cells of counts behind them.
const WORDS: usize = 11;
const COUNTS: usize = 4;

/// One month.
pub(crate) fn month_csv(report: &MonthReport) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = begin()?;
    month(&mut writer, report)?;
    end(writer)
}

/// Months one after another, with the sum of what each shows at the end. That of a year that is not over says so.
pub(crate) fn year_csv(
    year: &str,
    reports: &[MonthReport],
    under_way: bool,
) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = begin()?;
    for report in reports {
        month(&mut writer, report)?;
    }
    let prefix = if under_way { "year_to_date" } else { "year" };
    let sum = |of: fn(&MonthReport) -> Amount| {
        reports.iter().map(of).fold(Amount::default(), |sum, amount| Amount {
            exact: sum.exact + amount.exact,
            shown: sum.shown + amount.shown,
        })
    };
    let costs = reports.iter().fold(Costs::default(), |sum, report| sum + report.sum);
    let spent = sum(|report| report.spent).shown;
    total(&mut writer, &format!("{prefix}_total"), year, figures(&costs, spent))?;
    for (row, amount) in
        [("gst", sum(|report| report.gst)), ("total_with_gst", sum(|report| report.with_gst))]
    {
        total(&mut writer, &format!("{prefix}_{row}"), year, spent_alone(amount))?;
    }
    end(writer)
}

type Writer = ::csv::Writer<Vec<u8>>;

fn begin() -> Result<Writer, ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    Ok(writer)
}

fn end(writer: Writer) -> Result<Vec<u8>, ::csv::Error> {
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn month(writer: &mut Writer, report: &MonthReport) -> Result<(), ::csv::Error> {
    let name = report.month.to_string();
    let rates: Vec<String> = report
        .fx
        .iter()
        .map(|part| format!("{} from {}", part.rate.inr_per_usd.normalize(), part.from))
        .collect();
    let rates = rates.join("; ");
    for (line, shown) in report.lines.iter().zip(report.shown_lines()) {
        let mut cells = words(report, line);
        cells.extend(figures(&line.costs, shown));
        cells.push(rates.clone());
        writer.write_record(cells.iter().map(|cell| safe_cell(cell)))?;
    }
    total(writer, "total", &name, figures(&report.sum, report.spent.shown))?;
    total(writer, "gst", &name, spent_alone(report.gst))?;
    total(writer, "total_with_gst", &name, spent_alone(report.with_gst))?;
    let Some(closed) = &report.closed else { return Ok(()) };
    for (row, amount) in [
        ("closed", closed.spent),
        ("corrections", closed.corrections),
        ("closed_gst", closed.gst),
        ("gst_corrections", closed.gst_corrections),
    ] {
        total(writer, row, &name, spent_alone(amount))?;
    }
    Ok(())
}

/// A row with figures alone, from the first count on.
fn total(writer: &mut Writer, row: &str, month: &str, figures: Vec<String>) -> Result<(), ::csv::Error> {
    let mut cells = vec![String::new(); HEADER.len()];
    cells[0] = row.to_owned();
    cells[1] = month.to_owned();
    for (cell, figure) in cells[WORDS..].iter_mut().zip(figures) {
        *cell = figure;
    }
    writer.write_record(cells)
}

/// Figures that say nothing but an amount, as it is shown and exactly.
fn spent_alone(amount: Amount) -> Vec<String> {
    let mut cells = vec![String::new(); COUNTS];
    cells.extend([amount.shown.to_plain(), amount.exact.to_plain()]);
    cells
}

/// What a line is about, in words that programs know again.
pub(super) fn words(report: &MonthReport, line: &CostLine) -> Vec<String> {
    let names = &report.names;
    let template = line.template.and_then(|id| names.templates.get(&id)).cloned().unwrap_or_default();
    let campaign = line.campaign.and_then(|id| names.campaigns.get(&id)).cloned().unwrap_or_default();
    let rule = line.reminder_rule.and_then(|id| names.rules.get(&id)).cloned().unwrap_or_default();
    vec![
        "line".to_owned(),
        report.month.to_string(),
        line.item.to_string(),
        line.direction.to_string(),
        line.category.map_or_else(String::new, |category| category.to_string()),
        template.0,
        template.1,
        campaign,
        line.campaign.map_or_else(String::new, |id| id.to_string()),
        rule.0,
        line.sender.clone(),
    ]
}

fn figures(costs: &Costs, shown: Money) -> Vec<String> {
    let mut cells: Vec<String> = counts(costs).map(|count| count.to_string()).into();
    cells.extend(amounts(costs, shown).map(Money::to_plain));
    cells
}

/// The counts of a line or a total in the order of the columns.
pub(super) fn counts(costs: &Costs) -> [i64; COUNTS] {
    [costs.messages, costs.segments, costs.failed, costs.messages - costs.priced]
}

/// The amounts of a line or a total in the order of the columns: shown, then exact ones.
pub(super) fn amounts(costs: &Costs, shown: Money) -> [Money; 11] {
    let by = |cause| costs.differences.of(cause);
    let explained = Money::from_micros(costs.differences.total());
    [
        shown,
        costs.spent(),
        costs.actual,
        costs.outstanding,
        costs.estimated,
        by(Cause::Volume),
        by(Cause::Segments),
        by(Cause::Rate),
        by(Cause::Fx),
        by(Cause::Failure),
        costs.spent() - costs.estimated - explained,
    ]
}
