//! A month as a workbook: numbers as numbers, totals as formulas with their results beside them.

use super::csv::{amounts, counts, words};
use super::{By, MonthReport, cause_words, gst_words};
use chrono_tz::Tz;
use dakiya_core::money::Money;
use dakiya_core::time::{Timestamp, day_in};
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatBorder, Formula, Workbook, Worksheet, XlsxError,
};

/// Lakh and crore grouping, as far as a number format can do it.
const PAISE: &str = r"[>=10000000]##\,##\,##\,##0.00;[>=100000]##\,##\,##0.00;##,##0.00";
const EXACT: &str = "0.000000";
const COUNT: &str = r"[>=10000000]##\,##\,##\,##0;[>=100000]##\,##\,##0;##,##0";

const LINE_HEADS: [&str; 10] = [
    "Month",
    "Channel",
    "Direction",
    "Category",
    "Template",
    "Template name",
    "Campaign",
    "Campaign id",
    "Reminder rule",
    "Sender",
];
const COUNT_HEADS: [&str; 4] = ["Messages", "Segments", "Did not arrive", "Without a price"];
const AMOUNT_HEADS: [&str; 11] = [
    "Spent ₹",
    "Spent, exact ₹",
    "Charged, exact ₹",
    "Not charged yet, exact ₹",
    "Estimated, exact ₹",
    "Difference: not sent ₹",
    "Difference: segments ₹",
    "Difference: price ₹",
    "Difference: dollar ₹",
    "Difference: did not arrive ₹",
    "Difference: no estimate ₹",
];

/// One month. Days and times in it are those of the business's zone.
pub(crate) fn month_xlsx(
    report: &MonthReport,
    brand: &str,
    (at, zone): (Timestamp, Tz),
) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    let created = ExcelDateTime::from_timestamp(at.timestamp())?;
    let title = format!("Costs of {}", report.month);
    book.set_properties(
        &DocProperties::new().set_title(&title).set_company(brand).set_creation_datetime(&created),
    );
    summary(book.add_worksheet(), report, &title, zone)?;
    lines(book.add_worksheet(), report)?;
    campaigns(book.add_worksheet(), report)?;
    assumptions(book.add_worksheet(), report, brand, (at, zone))?;
    book.save_to_buffer()
}

/// A sheet that is filled from the top.
struct Sheet<'s> {
    sheet: &'s mut Worksheet,
    row: u32,
}

impl<'s> Sheet<'s> {
    fn named(sheet: &'s mut Worksheet, name: &str, widths: &[f64]) -> Result<Self, XlsxError> {
        sheet.set_name(name)?.set_landscape().set_print_fit_to_pages(1, 0);
        for (column, width) in widths.iter().enumerate() {
            sheet.set_column_width(at(column), *width)?;
        }
        Ok(Self { sheet, row: 0 })
    }

    fn heads(&mut self, heads: &[&str]) -> Result<(), XlsxError> {
        let bold = Format::new().set_bold().set_border_bottom(FormatBorder::Thin);
        for (column, head) in heads.iter().enumerate() {
            self.sheet.write_string_with_format(self.row, at(column), *head, &bold)?;
        }
        self.row += 1;
        Ok(())
    }

    /// A text is never read as a formula, whatever it begins with.
    fn text(&mut self, column: usize, text: &str) -> Result<(), XlsxError> {
        self.sheet.write_string(self.row, at(column), text).map(|_| ())
    }

    fn count(&mut self, column: usize, count: i64) -> Result<(), XlsxError> {
        let format = Format::new().set_num_format(COUNT);
        // Counts of messages are far below what a double holds exactly.
        self.sheet.write_number_with_format(self.row, at(column), count as f64, &format).map(|_| ())
    }

    fn money(&mut self, column: usize, amount: Money, format: &str) -> Result<(), XlsxError> {
        let format = Format::new().set_num_format(format);
        self.sheet.write_number_with_format(self.row, at(column), number(amount), &format).map(|_| ())
    }

    /// A formula, and what it comes to for those that do not reckon it.
    fn formula(&mut self, column: usize, formula: &str, result: &str, format: &str) -> Result<(), XlsxError> {
        let format = Format::new().set_num_format(format).set_bold().set_border_top(FormatBorder::Thin);
        let formula = Formula::new(formula).set_result(result);
        self.sheet.write_formula_with_format(self.row, at(column), formula, &format).map(|_| ())
    }

    /// The sum of a column from a row to the one above.
    fn sum(&mut self, column: usize, from: u32, result: Money, format: &str) -> Result<(), XlsxError> {
        if from == self.row {
            return self.money(column, result, format);
        }
        self.formula(column, &self.above(column, from), &result.to_plain(), format)
    }

    /// The same of counts.
    fn sum_count(&mut self, column: usize, from: u32, result: i64) -> Result<(), XlsxError> {
        if from == self.row {
            return self.count(column, result);
        }
        self.formula(column, &self.above(column, from), &result.to_string(), COUNT)
    }

    fn above(&self, column: usize, from: u32) -> String {
        let letter = letters(column);
        format!("=SUM({letter}{}:{letter}{})", from + 1, self.row)
    }
}

fn summary(sheet: &mut Worksheet, report: &MonthReport, title: &str, zone: Tz) -> Result<(), XlsxError> {
    let mut sheet = Sheet::named(sheet, "Summary", &[44.0, 12.0, 12.0, 18.0, 18.0])?;
    sheet.heads(&[title])?;
    sheet.row += 1;
    sheet.heads(&["Line", "Messages", "Segments", "Estimated ₹", "Spent ₹"])?;
    let first = sheet.row;
    for row in report.by(By::What) {
        sheet.text(0, &row.label)?;
        sheet.count(1, row.costs.messages)?;
        sheet.count(2, row.costs.segments)?;
        sheet.money(3, row.estimated, PAISE)?;
        sheet.money(4, row.spent, PAISE)?;
        sheet.row += 1;
    }
    sheet.text(0, "Before GST")?;
    sheet.sum_count(1, first, report.sum.messages)?;
    sheet.sum_count(2, first, report.sum.segments)?;
    sheet.sum(3, first, report.estimated.shown, PAISE)?;
    sheet.sum(4, first, report.spent.shown, PAISE)?;
    let total = sheet.row;
    sheet.row += 1;
    sheet.text(0, &gst_words(&report.gst_rule))?;
    sheet.money(4, report.gst.shown, PAISE)?;
    sheet.row += 1;
    sheet.text(0, "With GST")?;
    let with_gst = report.with_gst.shown.to_plain();
    sheet.formula(4, &format!("=E{}+E{}", total + 1, total + 2), &with_gst, PAISE)?;
    sheet.row += 2;
    close(&mut sheet, report, zone)?;
    sheet.heads(&["Of what was spent", "", "", "", "₹"])?;
    let first = sheet.row;
    for (label, amount) in
        [("Charged by Twilio", report.charged), ("Sent, not charged yet", report.outstanding)]
    {
        sheet.text(0, label)?;
        sheet.money(4, amount.shown, PAISE)?;
        sheet.row += 1;
    }
    sheet.text(0, "Spent")?;
    sheet.sum(4, first, report.spent.shown, PAISE)?;
    sheet.row += 2;
    sheet.heads(&["Estimate against actual", "", "", "", "₹"])?;
    let first = sheet.row;
    sheet.text(0, "Estimated")?;
    sheet.money(4, report.estimated.shown, PAISE)?;
    sheet.row += 1;
    for (cause, amount) in &report.causes {
        sheet.text(0, cause_words(cause))?;
        sheet.money(4, amount.shown, PAISE)?;
        sheet.row += 1;
    }
    sheet.text(0, "Spent")?;
    sheet.sum(4, first, report.spent.shown, PAISE)
}

/// What was frozen and what was corrected since, of a month that is closed.
fn close(sheet: &mut Sheet, report: &MonthReport, zone: Tz) -> Result<(), XlsxError> {
    let Some(closed) = &report.closed else { return Ok(()) };
    let day = day_in(closed.close.closed_at, zone);
    let title = format!("Closed on {day} by {}", closed.close.closed_by);
    sheet.heads(&[&title, "", "", "GST ₹", "Before GST ₹"])?;
    let first = sheet.row;
    for (label, gst, spent) in [
        ("As it was closed", closed.gst, closed.spent),
        ("Corrections since", closed.gst_corrections, closed.corrections),
    ] {
        sheet.text(0, label)?;
        sheet.money(3, gst.shown, PAISE)?;
        sheet.money(4, spent.shown, PAISE)?;
        sheet.row += 1;
    }
    sheet.text(0, "Now")?;
    sheet.sum(3, first, report.gst.shown, PAISE)?;
    sheet.sum(4, first, report.spent.shown, PAISE)?;
    sheet.row += 2;
    Ok(())
}

fn lines(sheet: &mut Worksheet, report: &MonthReport) -> Result<(), XlsxError> {
    let mut sheet =
        Sheet::named(sheet, "Lines", &[9.0, 10.0, 10.0, 14.0, 24.0, 26.0, 26.0, 38.0, 20.0, 18.0])?;
    let heads: Vec<&str> = LINE_HEADS.into_iter().chain(COUNT_HEADS).chain(AMOUNT_HEADS).collect();
    sheet.heads(&heads)?;
    sheet.sheet.set_freeze_panes(1, 0)?.set_repeat_rows(0, 0)?;
    let first = sheet.row;
    let (counted, money) = (LINE_HEADS.len(), LINE_HEADS.len() + COUNT_HEADS.len());
    for (line, shown) in report.lines.iter().zip(report.shown_lines()) {
        // The first word says that it is a line; here the sheet does.
        for (column, word) in words(report, line)[1..].iter().enumerate() {
            sheet.text(column, word)?;
        }
        for (index, count) in counts(&line.costs).into_iter().enumerate() {
            sheet.count(counted + index, count)?;
        }
        for (index, amount) in amounts(&line.costs, shown).into_iter().enumerate() {
            sheet.money(money + index, amount, if index == 0 { PAISE } else { EXACT })?;
        }
        sheet.row += 1;
    }
    sheet.text(0, "Total")?;
    for (index, sum) in counts(&report.sum).into_iter().enumerate() {
        sheet.sum_count(counted + index, first, sum)?;
    }
    for (index, sum) in amounts(&report.sum, report.spent.shown).into_iter().enumerate() {
        sheet.sum(money + index, first, sum, if index == 0 { PAISE } else { EXACT })?;
    }
    Ok(())
}

fn campaigns(sheet: &mut Worksheet, report: &MonthReport) -> Result<(), XlsxError> {
    let mut sheet = Sheet::named(sheet, "Campaigns", &[40.0, 38.0, 12.0, 12.0, 18.0, 18.0])?;
    sheet.heads(&["Campaign", "Campaign id", "Messages", "Segments", "Estimated ₹", "Spent ₹"])?;
    sheet.sheet.set_freeze_panes(1, 0)?.set_repeat_rows(0, 0)?;
    let first = sheet.row;
    for row in report.by(By::Campaign) {
        sheet.text(0, &row.label)?;
        sheet.text(1, row.messages.as_ref().map_or("", |(_, id)| id))?;
        sheet.count(2, row.costs.messages)?;
        sheet.count(3, row.costs.segments)?;
        sheet.money(4, row.estimated, PAISE)?;
        sheet.money(5, row.spent, PAISE)?;
        sheet.row += 1;
    }
    sheet.text(0, "Total")?;
    sheet.sum_count(2, first, report.sum.messages)?;
    sheet.sum_count(3, first, report.sum.segments)?;
    sheet.sum(4, first, report.estimated.shown, PAISE)?;
    sheet.sum(5, first, report.spent.shown, PAISE)
}

fn assumptions(
    sheet: &mut Worksheet,
    report: &MonthReport,
    brand: &str,
    (at, zone): (Timestamp, Tz),
) -> Result<(), XlsxError> {
    let mut sheet = Sheet::named(sheet, "Assumptions", &[26.0, 110.0])?;
    sheet.heads(&["What", "How"])?;
    let mut said = vec![
        ("Business".to_owned(), brand.to_owned()),
        ("Month".to_owned(), format!("{}, in the business's time zone", report.month)),
        ("Written at".to_owned(), at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()),
        ("GST".to_owned(), format!("{}; on the exact sum, rounded once", gst_words(&report.gst_rule))),
    ];
    for part in &report.fx {
        let rate = part.rate.inr_per_usd.normalize();
        said.push((
            format!("Dollar from {}", part.from),
            format!("₹{rate} {}", part.source).trim().to_owned(),
        ));
    }
    said.extend(ASSUMPTIONS.map(|(what, how)| (what.to_owned(), how.to_owned())));
    for (what, how) in said {
        sheet.text(0, &what)?;
        sheet.text(1, &how)?;
        sheet.row += 1;
    }
    Ok(())
}

const ASSUMPTIONS: [(&str, &str); 4] = [
    (
        "Spent",
        "What Twilio charged, and what was sent and is not charged yet at its estimate; rents and received messages included; before GST.",
    ),
    ("Day", "A message belongs to the day on which it was last given to Twilio."),
    (
        "Rounding",
        "Amounts are exact to the millionth of a rupee. Totals are rounded once, half up; their parts are cut to the paisa, and the missing paise go to the parts that were cut most.",
    ),
    ("Source", "Daily roll-ups that are kept with each message and equal the message log."),
];

/// The nearest number that a spreadsheet holds.
fn number(amount: Money) -> f64 {
    amount.to_plain().parse().unwrap_or(f64::NAN)
}

fn at(column: usize) -> u16 {
    u16::try_from(column).unwrap_or(u16::MAX)
}

/// A column as formulas name it; none of ours is beyond Z.
fn letters(column: usize) -> char {
    char::from(b'A' + u8::try_from(column % 26).unwrap_or(0))
}
