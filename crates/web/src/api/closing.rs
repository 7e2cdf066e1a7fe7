//! Closing a month.

use super::auth::{MayAdmin, MayRead};
use super::json::{Json, Path};
use super::problem::{Code, Problem};
use super::reconciliation::RentItem;
use super::schema;
use crate::AppState;
use axum::extract::State;
use dakiya_core::message::{Category, Direction};
use dakiya_core::money::Money;
use dakiya_core::rate_card::RateItem;
use dakiya_core::time::Month;
use dakiya_store::costs::{self, CloseError, ClosedLine};
use dakiya_store::reconciliation;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

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
    /// Rents that are booked and in none of Twilio's records.
    rents_not_charged: Vec<RentItem>,
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
    /// What nobody has explained, and messages and rents that are not charged: what they come to is a correction.
    unsettled: UnsettledItem,
    /// Line by line; they add up to the three figures above.
    lines: Vec<LineItem>,
}

pub(super) fn parse(text: &str) -> Result<Month, Problem> {
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
        unsettled: UnsettledItem {
            open_differences: unsettled.open,
            without_price: unsettled.unpriced,
            rents_not_charged: unsettled.rents.into_iter().map(RentItem::from).collect(),
        },
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
