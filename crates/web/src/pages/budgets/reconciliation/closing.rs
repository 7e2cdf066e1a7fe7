//! A month's close as the page shows it: what was closed, what was corrected since, what it is now.

use super::super::months::month_words;
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters::{category_words, counted};
use dakiya_core::apportion;
use dakiya_core::message::Direction;
use dakiya_core::money::Money;
use dakiya_core::rate_card::RateItem;
use dakiya_core::time::Month;
use dakiya_store::costs::{self, Close, CloseError, CostLine};
use dakiya_store::reconciliation::{self, Unsettled};
use std::collections::BTreeMap;

/// Closed months listed.
const CLOSED_SHOWN: u64 = 24;

/// Lines that have item, direction and category in common.
#[derive(Default)]
pub(super) struct LineRow {
    pub(super) name: String,
    pub(super) closed: Money,
    pub(super) correction: Money,
    pub(super) now: Money,
}

/// A month that is closed, in the list of them.
pub(super) struct ClosedRow {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) close: Close,
    pub(super) correction: Money,
    pub(super) now: Money,
}

pub(super) struct CloseView {
    pub(super) name: String,
    pub(super) close: Option<Close>,
    /// Whether it may be closed already.
    pub(super) over: bool,
    /// From when on it may be.
    pub(super) from: String,
    /// What would become a correction if it were closed as it is; empty when nothing would.
    pub(super) warning: String,
    /// Months that are closed, the latest first.
    pub(super) closed: Vec<ClosedRow>,
    pub(super) rows: Vec<LineRow>,
    pub(super) total: LineRow,
}

/// `SMS out, service`
pub(super) fn line_words(line: &CostLine) -> String {
    let item = match (line.item, line.direction) {
        (RateItem::Sms, Direction::Outbound) => "SMS out",
        (RateItem::Sms, Direction::Inbound) => "SMS in",
        (RateItem::Whatsapp, Direction::Outbound) => "WhatsApp out",
        (RateItem::Whatsapp, Direction::Inbound) => "WhatsApp in",
        (RateItem::Number, _) => "Number rents",
        (RateItem::Other, _) => "Other charges",
    };
    let category = line.category.map(|category| format!(", {}", category_words(category).to_lowercase()));
    let whose = if line.is_from_usage_records() { " (from Twilio’s records)" } else { "" };
    format!("{item}{}{whose}", category.unwrap_or_default())
}

impl CloseView {
    pub(super) async fn of(app: &AppState, month: Month, this: Month) -> PageResult<Self> {
        let close = costs::closed(&app.store, month).await?;
        let mut rows: BTreeMap<String, LineRow> = BTreeMap::new();
        let mut total = LineRow { name: "All".to_owned(), ..LineRow::default() };
        let mut add = |name: String, closed: Money, now: Money| {
            let row = rows.entry(name.clone()).or_insert_with(|| LineRow { name, ..LineRow::default() });
            for sum in [row, &mut total] {
                sum.closed += closed;
                sum.now += now;
                sum.correction += now - closed;
            }
        };
        if close.is_some() {
            for line in costs::closed_lines(&app.store, month).await? {
                add(line_words(&line.now), line.closed.spent(), line.now.costs.spent());
            }
        } else {
            for line in costs::month(&app.store, month).await? {
                add(line_words(&line), Money::ZERO, line.costs.spent());
            }
        }
        let warning = match close {
            None if month < this => warning(&reconciliation::unsettled(&app.store, month).await?),
            _ => String::new(),
        };
        let mut rows: Vec<LineRow> = rows.into_values().collect();
        in_paise(&mut rows, &mut total);
        Ok(Self {
            warning,
            closed: closed(app).await?,
            name: month_words(month),
            close,
            over: month < this,
            from: month.plus(1).first_day().format("%-d %B %Y").to_string(),
            rows,
            total,
        })
    }
}

/// `3 differences are open, and 1 booked rent of ₹150.00 is in no record of Twilio’s.`
fn warning(unsettled: &Unsettled) -> String {
    let rents: Money = unsettled.rents.iter().map(|rent| rent.cost).sum();
    let counts = [
        (unsettled.open, "difference is open".to_owned(), "differences are open".to_owned()),
        (unsettled.unpriced, "message has no price yet".to_owned(), "messages have no price yet".to_owned()),
        (
            unsettled.rents.len() as u64,
            format!("booked rent of {} is in no record of Twilio’s", rents.with_sign()),
            format!("booked rents of {} are in no record of Twilio’s", rents.with_sign()),
        ),
    ];
    let said: Vec<String> = counts
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| counted(*count, one, many))
        .collect();
    match said.split_last() {
        None => String::new(),
        Some((last, [])) => format!("{last}."),
        Some((last, before)) => format!("{}, and {last}.", before.join(", ")),
    }
}

async fn closed(app: &AppState) -> PageResult<Vec<ClosedRow>> {
    let mut rows = Vec::new();
    for close in costs::closed_months(&app.store, CLOSED_SHOWN).await? {
        let now = costs::spent(&app.store, close.month).await?;
        rows.push(ClosedRow {
            key: close.month.to_string(),
            name: month_words(close.month),
            correction: now - close.spent,
            now,
            close,
        });
    }
    Ok(rows)
}

/// As it is shown: every row and every column adds up, and a line that nobody corrected has no correction.
fn in_paise(rows: &mut [LineRow], total: &mut LineRow) {
    let column = |of: fn(&LineRow) -> Money, total| {
        apportion::to_total(&rows.iter().map(of).collect::<Vec<_>>(), total)
    };
    total.now = total.now.rounded_to_paise();
    total.closed = total.closed.rounded_to_paise();
    total.correction = total.now - total.closed;
    let closed = column(|row| row.closed, total.closed);
    let corrections = column(|row| row.correction, total.correction);
    for ((row, closed), correction) in rows.iter_mut().zip(closed).zip(corrections) {
        (row.closed, row.correction, row.now) = (closed, correction, closed + correction);
    }
}

/// Closes a month; what refuses it, in words.
pub(super) async fn close(
    app: &AppState,
    person: &Person,
    month: Month,
    note: &str,
) -> PageResult<Option<String>> {
    match costs::close(&app.store, month, note, &person.actor(), app.today(), app.clock.now()).await {
        Ok(_) => Ok(None),
        Err(CloseError::Store(error)) => Err(error.into()),
        Err(refusal) => Ok(Some(refusal.to_string())),
    }
}
