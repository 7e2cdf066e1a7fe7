//! A month's close as the page shows it: what was closed, what was corrected since, what it is now.

use super::super::months::month_words;
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters::category_words;
use dakiya_core::message::Direction;
use dakiya_core::money::Money;
use dakiya_core::rate_card::RateItem;
use dakiya_core::time::Month;
use dakiya_store::costs::{self, Close, CloseError, CostLine};
use std::collections::BTreeMap;

/// Lines that have item, direction and category in common.
#[derive(Default)]
pub(super) struct LineRow {
    pub(super) name: String,
    pub(super) closed: Money,
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
        Ok(Self {
            name: month_words(month),
            close,
            over: month < this,
            from: month.plus(1).first_day().format("%-d %B %Y").to_string(),
            rows: rows.into_values().collect(),
            total,
        })
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
