//! Closing a month, and what was found by comparing it with Twilio's records.

use super::auth::{MayAdmin, MayRead};
use super::json::{Json, Path, Query};
use super::pagination::{List, page};
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use chrono::NaiveDate;
use dakiya_core::message::{Category, Direction};
use dakiya_core::money::Money;
use dakiya_core::rate_card::RateItem;
use dakiya_core::time::Month;
use dakiya_store::costs::{self, CloseError, ClosedLine};
use dakiya_store::reconciliation;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// A month to close.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// `YYYY-MM`, in the business's zone. It has to be over.
    #[schema(example = "2026-10")]
    month: String,
    /// What is to be remembered about it, for instance the invoice's number; at most 300 characters.
    #[serde(default)]
    #[schema(required = false)]
    note: String,
}

/// A line of a closed month: what has item, direction and category in common.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClosedLine)]
pub struct LineItem {
    /// `sms`, `whatsapp`, `number` or `other`.
    item: &'static str,
    /// `outbound` or `inbound`.
    direction: &'static str,
    /// Of messages of ours.
    #[schema(value_type = Option<schema::Category>)]
    category: Option<Category>,
    /// From Twilio's usage records, rather than messages of ours.
    from_usage_records: bool,
    /// As it was closed, before tax.
    #[schema(value_type = schema::Money)]
    closed: Money,
    /// What was added or taken away since.
    #[schema(value_type = schema::Money)]
    corrections: Money,
    /// As it is now.
    #[schema(value_type = schema::Money)]
    now: Money,
}

/// What of a month is neither explained nor settled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Unsettled)]
pub struct UnsettledItem {
    /// Differences that nobody has explained.
    open_differences: u64,
    /// Messages without a price.
    without_price: u64,
}

/// A closed month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClosedMonth)]
pub struct CloseDetail {
    /// `YYYY-MM`.
    month: String,
    /// When it was closed.
    closed_at: String,
    /// By whom.
    closed_by: String,
    /// What was said about it.
    note: String,
    /// Charged and expected then, before tax; nothing changes it.
    #[schema(value_type = schema::Money)]
    closed: Money,
    /// What was added or taken away since.
    #[schema(value_type = schema::Money)]
    corrections: Money,
    /// As it is now: closed and corrections.
    #[schema(value_type = schema::Money)]
    now: Money,
    /// Who accounted for GST then.
    #[schema(value_type = schema::GstMode)]
    gst_mode: String,
    /// Per cent, then.
    #[schema(value_type = schema::Decimal)]
    gst_rate: String,
    /// GST on what was closed; nothing changes it.
    #[schema(value_type = schema::Money)]
    gst: Money,
    /// What nobody has explained, and messages without a price: what they come to is a correction.
    unsettled: UnsettledItem,
    /// Line by line; they add up to the three figures above.
    lines: Vec<LineItem>,
}

fn parse(text: &str) -> Result<Month, Problem> {
    Month::parse(text).map_err(|error| Problem::field("month", Code::InvalidRequest, error))
}

async fn detail(app: &AppState, month: Month) -> Result<CloseDetail, Problem> {
    let close = costs::closed(&app.store, month).await?.ok_or_else(|| Problem::not_found("closed month"))?;
    let mut lines: BTreeMap<(RateItem, Direction, Option<Category>, bool), LineItem> = BTreeMap::new();
    for line in costs::closed_lines(&app.store, month).await? {
        let ClosedLine { now, closed } = &line;
        let from_usage_records = now.is_from_usage_records();
        let key = (now.item, now.direction, now.category, from_usage_records);
        let sum = lines.entry(key).or_insert_with(|| LineItem {
            item: now.item.as_str(),
            direction: now.direction.as_str(),
            category: now.category,
            from_usage_records,
            closed: Money::ZERO,
            corrections: Money::ZERO,
            now: Money::ZERO,
        });
        sum.closed += closed.spent();
        sum.corrections += line.correction();
        sum.now += now.costs.spent();
    }
    let lines: Vec<LineItem> = lines.into_values().collect();
    let unsettled = reconciliation::unsettled(&app.store, month).await?;
    Ok(CloseDetail {
        month: month.to_string(),
        closed_at: close.closed_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
        closed_by: close.closed_by,
        note: close.note,
        closed: close.spent,
        gst_mode: close.gst_rule.mode.to_string(),
        gst_rate: close.gst_rule.rate.normalize().to_string(),
        gst: close.gst,
        unsettled: UnsettledItem { open_differences: unsettled.open, without_price: unsettled.unpriced },
        corrections: lines.iter().map(|line| line.corrections).sum(),
        now: lines.iter().map(|line| line.now).sum(),
        lines,
    })
}

/// Close a month
///
/// Keeps its figures as they are. What is corrected later, for instance by a price that arrives late, stands beside them and never
/// changes them. A month that is not over, or was closed before, is refused.
#[utoipa::path(
    post, path = "/finance/close", operation_id = "close_month", tag = "Finance", request_body = CloseRequest,
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "It is closed", body = CloseDetail),
        (status = 409, description = "It is not over, or was closed before"),
    ),
)]
pub async fn close(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Json(asked): Json<CloseRequest>,
) -> Result<axum::Json<CloseDetail>, Problem> {
    let month = parse(&asked.month)?;
    if asked.note.chars().count() > 300 {
        return Err(Problem::field("note", Code::InvalidRequest, "at most 300 characters"));
    }
    let (today, now) = (app.today(), app.clock.now());
    match costs::close(&app.store, month, asked.note.trim(), &caller.actor(), today, now).await {
        Ok(_) => Ok(axum::Json(detail(&app, month).await?)),
        Err(CloseError::Store(error)) => Err(error.into()),
        Err(refusal) => Err(Problem::new(Code::InvalidState, refusal)),
    }
}

/// Read a closed month
#[utoipa::path(
    get, path = "/finance/close/{month}", operation_id = "get_closed_month", tag = "Finance",
    params(("month" = String, Path, description = "`YYYY-MM`", example = "2026-10")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "What was closed, and what was corrected since", body = CloseDetail)),
)]
pub async fn get_closed(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(text): Path<String>,
) -> Result<axum::Json<CloseDetail>, Problem> {
    Ok(axum::Json(detail(&app, parse(&text)?).await?))
}

/// Which month, and which part of what was found in it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ReconciliationQuery {
    /// `YYYY-MM`.
    #[param(example = "2026-11")]
    month: String,
    /// One day of the month, in UTC: what was found of it alone.
    #[param(example = "2026-11-21", format = Date)]
    day: Option<String>,
    /// Findings on a page: 1 to 500.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl ReconciliationQuery {
    fn days(&self, month: Month) -> Result<(NaiveDate, NaiveDate), Problem> {
        let Some(text) = &self.day else { return Ok((month.first_day(), month.last_day())) };
        match text.parse::<NaiveDate>() {
            Ok(day) if Month::of(day) == month => Ok((day, day)),
            _ => {
                let said = format!("\"{text}\" is not a day of {month}; write it as {month}-01");
                Err(Problem::field("day", Code::InvalidRequest, said))
            }
        }
    }
}

/// A day that was compared. Amounts are in the vendor's currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconciledDay)]
pub struct DayItem {
    /// The day, in UTC.
    #[schema(example = "2026-11-21")]
    day: String,
    /// The currency.
    #[schema(example = "USD")]
    currency: String,
    /// What Twilio's records say was charged.
    #[schema(value_type = schema::Decimal)]
    charged: String,
    /// What was booked for that day's messages.
    #[schema(value_type = schema::Decimal)]
    booked: String,
    /// Charged less booked.
    #[schema(value_type = schema::Decimal)]
    difference: String,
    /// The part of the difference that is listed in `findings`.
    #[schema(value_type = schema::Decimal)]
    listed: String,
    /// The rest of it.
    #[schema(value_type = schema::Decimal)]
    unexplained: String,
    /// Messages of ours without a price.
    unpriced: i64,
    /// Whether every message could be looked at.
    complete: bool,
    /// When the day's messages were looked through one by one the last time; until then it agrees in sum at most.
    #[schema(required = true)]
    listed_at: Option<String>,
}

/// Something that differs.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ReconciliationFinding)]
pub struct FindingItem {
    /// Its id.
    id: String,
    /// Of which day, in UTC.
    day: String,
    /// `late_price`, `repriced`, `failed_charged`, `not_charged`, `unknown`, `unpriced`, `not_ours`, `missing`, `other_day`,
    /// `rent`, `other`.
    kind: &'static str,
    /// Twilio's id of the message, or a category.
    subject: String,
    /// Our message.
    message: Option<String>,
    /// Charged less booked, in the day's currency.
    #[schema(value_type = schema::Decimal)]
    amount: String,
    /// What our message is counted at, while it has no price.
    #[schema(value_type = Option<schema::Money>, required = true)]
    expected: Option<Money>,
    /// `open` and `explained` are part of the day's difference, `settled` is in the books.
    state: &'static str,
    /// What was said about it.
    note: String,
}

/// A month against Twilio's records.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reconciliation {
    /// `YYYY-MM`.
    month: String,
    /// Days that were compared: those with messages of ours that are over.
    days: Vec<DayItem>,
    /// A page of what differs, the open ones first.
    items: Vec<FindingItem>,
    /// Give it as `cursor` to read on; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// The same as `items`.
    findings: Vec<FindingItem>,
}

/// Read a month's reconciliation
#[utoipa::path(
    get, path = "/finance/reconciliation", operation_id = "get_reconciliation", tag = "Finance", params(ReconciliationQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "Day by day, and what differs", body = Reconciliation)),
)]
pub async fn reconciliation(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(asked): Query<ReconciliationQuery>,
) -> Result<axum::Json<Reconciliation>, Problem> {
    let month = parse(&asked.month)?;
    let plain = |amount: Decimal| amount.normalize().to_string();
    let day = |day: reconciliation::ReconciledDay| DayItem {
        day: day.day.to_string(),
        currency: day.unit,
        charged: plain(day.balance.vendor),
        booked: plain(day.balance.ours),
        difference: plain(day.balance.difference()),
        listed: plain(day.balance.found),
        unexplained: plain(day.balance.unexplained()),
        unpriced: day.unpriced,
        complete: day.complete,
        listed_at: day.listed_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)),
    };
    let finding = |found: reconciliation::Finding| FindingItem {
        id: found.id.to_string(),
        day: found.day.to_string(),
        kind: found.kind.as_str(),
        subject: found.subject,
        message: found.message.map(|id| id.to_string()),
        amount: plain(found.amount),
        expected: found.expected,
        state: found.state.as_str(),
        note: found.note,
    };
    let range = asked.days(month)?;
    let (limit, cursor) = page(asked.limit.as_deref(), asked.cursor)?;
    let found = reconciliation::findings_page(&app.store, range, cursor.as_ref(), limit).await?;
    let List { items, next_cursor } = List::of(found, finding);
    let days = reconciliation::days(&app.store, month).await?;
    Ok(axum::Json(Reconciliation {
        month: month.to_string(),
        days: days.into_iter().map(day).collect(),
        findings: items.clone(),
        items,
        next_cursor,
    }))
}
