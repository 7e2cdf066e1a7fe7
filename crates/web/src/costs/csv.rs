//! Months as CSV: a row a line, then the totals, which the rows add up to.

use super::MonthReport;
use crate::uploads::safe_cell;
use dakiya_core::ledger::Cause;
use dakiya_core::money::Money;
use dakiya_store::costs::CostLine;

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

/// Cells of text in a row.
const WORDS: usize = 11;

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
    let (mut spent, mut gst, mut with_gst) = (Money::ZERO, Money::ZERO, Money::ZERO);
    for report in reports {
        month(&mut writer, report)?;
        spent += report.spent.shown;
        gst += report.gst.shown;
        with_gst += report.with_gst.shown;
    }
    let prefix = if under_way { "year_to_date" } else { "year" };
    for (row, amount) in [("total", spent), ("gst", gst), ("total_with_gst", with_gst)] {
        total(&mut writer, &format!("{prefix}_{row}"), year, [amount.to_plain()])?;
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
        cells.extend(figures(line, shown));
        cells.push(rates.clone());
        writer.write_record(cells.iter().map(|cell| safe_cell(cell)))?;
    }
    total(writer, "total", &name, [report.spent.shown.to_plain(), report.spent.exact.to_plain()])?;
    total(writer, "gst", &name, [report.gst.shown.to_plain(), report.gst.exact.to_plain()])?;
    let with_gst = [report.with_gst.shown.to_plain(), report.with_gst.exact.to_plain()];
    total(writer, "total_with_gst", &name, with_gst)?;
    let Some(closed) = &report.closed else { return Ok(()) };
    for (row, amount) in [
        ("closed", closed.spent),
        ("corrections", closed.corrections),
        ("closed_gst", closed.gst),
        ("gst_corrections", closed.gst_corrections),
    ] {
        total(writer, row, &name, [amount.shown.to_plain(), amount.exact.to_plain()])?;
    }
    Ok(())
}

/// A row with amounts alone: what is shown, and perhaps what is exact.
fn total<const N: usize>(
    writer: &mut Writer,
    row: &str,
    month: &str,
    amounts: [String; N],
) -> Result<(), ::csv::Error> {
    let mut cells = vec![String::new(); HEADER.len()];
    cells[0] = row.to_owned();
    cells[1] = month.to_owned();
    for (cell, amount) in cells[WORDS + 4..].iter_mut().zip(amounts) {
        *cell = amount;
    }
    writer.write_record(cells)
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

fn figures(line: &CostLine, shown: Money) -> Vec<String> {
    let costs = line.costs;
    let mut cells: Vec<String> =
        [costs.messages, costs.segments, costs.failed, costs.messages - costs.priced]
            .map(|count| count.to_string())
            .into();
    cells.extend(amounts(line, shown).map(Money::to_plain));
    cells
}

/// The amounts of a line in the order of the columns: shown, then exact ones.
pub(super) fn amounts(line: &CostLine, shown: Money) -> [Money; 11] {
    let costs = line.costs;
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
