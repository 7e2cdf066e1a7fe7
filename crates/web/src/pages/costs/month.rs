//! One month: what it cost, what for, why it differs from the estimates, and GST apart. From roll-ups alone.

use super::month_of;
use crate::AppState;
use crate::auth::Person;
use crate::costs::{By, MonthReport, Row, cause_words, gst_words};
use crate::error::PageResult;
use crate::filters;
use crate::filters::counted;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use dakiya_core::money::Money;
use dakiya_core::projection::{financial_year, financial_year_words};
use dakiya_core::time::Month;
use dakiya_store::costs;
use std::collections::HashMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/costs/{month}", get(show))
}

/// Rows of a table before the others are one line, and when all are asked for.
const ROWS: usize = 15;
const MOST_ROWS: usize = 1_000;

/// A table of the page.
struct Table {
    by: By,
    rows: Vec<Row>,
    /// The others together: how many, and what they cost.
    others: Option<(usize, Rest)>,
    messages: i64,
    segments: i64,
}

#[derive(Clone, Copy, Default)]
struct Rest {
    messages: i64,
    segments: i64,
    estimated: Money,
    spent: Money,
}

impl Table {
    fn of(report: &MonthReport, by: By, most: usize) -> Self {
        let mut rows = report.by(by);
        // One more line in place of one row would hide it for nothing.
        let keep = if rows.len() == most + 1 { most + 1 } else { most };
        let cut = rows.split_off(rows.len().min(keep));
        let rest = cut.iter().fold(Rest::default(), |rest, row| Rest {
            messages: rest.messages + row.costs.messages,
            segments: rest.segments + row.costs.segments,
            estimated: rest.estimated + row.estimated,
            spent: rest.spent + row.spent,
        });
        let others = (!cut.is_empty()).then_some((cut.len(), rest));
        Self { by, rows, others, messages: report.sum.messages, segments: report.sum.segments }
    }
}

#[derive(Template)]
#[template(path = "costs/month.html")]
struct MonthPage {
    frame: Frame,
    tab: &'static str,
    report: MonthReport,
    name: String,
    year: String,
    year_key: i32,
    before: String,
    after: String,
    /// Why there is nothing, when there is nothing.
    nothing: String,
    /// The month is not over.
    under_way: bool,
    without_price: String,
    what: Table,
    tables: Vec<Table>,
}

impl MonthPage {
    fn messages_href(&self, row: &Row) -> String {
        let Some((what, id)) = &row.messages else { return String::new() };
        view::href(&format!("/costs/{}/messages", self.report.month), &[(what, id)])
    }
}

/// `November 2026`
pub(super) fn month_words(month: Month) -> String {
    month.first_day().format("%B %Y").to_string()
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Path(text): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let month = month_of(&text)?;
    let report = MonthReport::of(&app, month).await?;
    let frame = Frame::of(&app, &person, Section::Costs).await?;
    let all = query.get("all").map_or("", String::as_str);
    let table = |by: By| Table::of(&report, by, if by.word() == all { MOST_ROWS } else { ROWS });
    let page = MonthPage {
        tab: "months",
        name: month_words(month),
        year: financial_year_words(financial_year(month)),
        year_key: financial_year(month),
        before: month_before(month).to_string(),
        after: month.plus(1).to_string(),
        nothing: if report.is_empty() { why_nothing(&app, month).await? } else { String::new() },
        under_way: month == Month::of(app.today()),
        without_price: counted(
            u64::try_from(report.sum.messages - report.sum.priced).unwrap_or(0),
            "message",
            "messages",
        ),
        what: table(By::What),
        tables: By::ALL.into_iter().map(table).collect(),
        report,
        frame,
    };
    Ok(view::html(&page))
}

fn month_before(month: Month) -> Month {
    month.first_day().pred_opt().map_or(month, Month::of)
}

async fn why_nothing(app: &AppState, month: Month) -> PageResult<String> {
    let (this, name) = (Month::of(app.today()), month_words(month));
    let first = costs::first_month(&app.store).await?;
    Ok(match first {
        _ if month > this => {
            format!(
                "{name} has not begun. What it may come to is on the projection; what is spent will stand here."
            )
        }
        _ if month == this => "Nothing was sent, received or rented yet this month.".to_owned(),
        Some(first) if month < first => {
            format!(
                "{name} is before anything on record. The first month with costs is {}.",
                month_words(first)
            )
        }
        Some(_) => format!("Nothing was sent, received or rented in {name}."),
        None => "Nothing was sent, received or rented yet in any month.".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_month_before_january_is_december() {
        assert_eq!(month_before(Month::parse("2026-01").unwrap()).to_string(), "2025-12");
    }
}
