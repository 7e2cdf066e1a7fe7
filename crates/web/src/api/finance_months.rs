//! A month's costs, as JSON with exact amounts and as a CSV file.

use super::auth::MayRead;
use super::json::Path;
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use crate::costs::{MonthReport, month_csv};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use dakiya_core::ledger::Cause;
use dakiya_core::message::Category;
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

/// Why something cost another amount than expected; the parts add up to the difference exactly.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CostDifferences)]
pub struct DifferenceItem {
    /// It was not sent after all.
    #[schema(value_type = schema::Money)]
    volume: Money,
    /// Twilio billed more or fewer segments.
    #[schema(value_type = schema::Money)]
    segments: Money,
    /// Another price for one.
    #[schema(value_type = schema::Money)]
    rate: Money,
    /// The dollar's price changed since the estimate.
    #[schema(value_type = schema::Money)]
    fx: Money,
    /// It did not arrive, and was charged differently.
    #[schema(value_type = schema::Money)]
    failure: Money,
    /// Charged without an estimate of ours.
    #[schema(value_type = schema::Money)]
    other: Money,
}

/// What everything has in common that one line adds up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CostLine)]
pub struct LineItem {
    /// `sms`, `whatsapp`, or `number` for rents.
    #[schema(example = "sms")]
    channel: String,
    /// `outbound` or `inbound`.
    #[schema(example = "outbound")]
    direction: String,
    /// Rents and what people send have none.
    #[schema(value_type = Option<schema::Category>, required = true)]
    category: Option<Category>,
    /// The template's key.
    #[schema(required = true)]
    template: Option<String>,
    /// The campaign's id.
    #[schema(required = true)]
    campaign: Option<String>,
    /// The reminder rule's key.
    #[schema(required = true)]
    reminder_rule: Option<String>,
    /// From, or to, which of our addresses.
    sender: String,
    /// Messages that reached Twilio or may have.
    messages: i64,
    /// Billed parts.
    segments: i64,
    /// Of the messages, those that did not arrive.
    not_arrived: i64,
    /// Of the messages, those with a price.
    priced: i64,
    /// What was expected.
    #[schema(value_type = schema::Money)]
    estimated: Money,
    /// What Twilio charged.
    #[schema(value_type = schema::Money)]
    actual: Money,
    /// What those without a price are expected to cost.
    #[schema(value_type = schema::Money)]
    outstanding: Money,
    /// Actual and outstanding.
    #[schema(value_type = schema::Money)]
    spent: Money,
}

/// A dollar's price within the month.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonthFx)]
pub struct FxItem {
    /// First day of the month on which it held.
    from: NaiveDate,
    /// Rupees for a dollar.
    #[serde(with = "dakiya_core::decimal::two_places")]
    #[schema(value_type = schema::Decimal)]
    usd_inr: Decimal,
}

/// What was frozen of a closed month, exact to the micro-rupee.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonthClose)]
pub struct CloseItem {
    /// When it was closed.
    closed_at: String,
    /// By whom.
    closed_by: String,
    /// What was spent then, before GST; nothing changes it.
    #[schema(value_type = schema::Money)]
    closed: Money,
    /// What was added or taken away since.
    #[schema(value_type = schema::Money)]
    corrections: Money,
    /// As it is now: closed and corrections.
    #[schema(value_type = schema::Money)]
    now: Money,
    /// GST on what was spent then.
    #[schema(value_type = schema::Money)]
    gst: Money,
}

/// A month's costs before GST, exact to the micro-rupee; GST apart.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MonthCosts)]
pub struct MonthDetail {
    /// `YYYY-MM`, in the business's zone.
    #[schema(example = "2026-11")]
    month: String,
    /// What was expected.
    #[schema(value_type = schema::Money)]
    estimated: Money,
    /// What Twilio charged.
    #[schema(value_type = schema::Money)]
    actual: Money,
    /// Sent, and not charged yet: at its estimate.
    #[schema(value_type = schema::Money)]
    outstanding: Money,
    /// Actual and outstanding: the sum of the lines.
    #[schema(value_type = schema::Money)]
    spent: Money,
    /// Spent less estimated, by cause.
    differences: DifferenceItem,
    /// Who accounts for GST.
    #[schema(value_type = schema::GstMode)]
    gst_mode: String,
    /// On what was spent.
    #[schema(value_type = schema::Money)]
    gst: Money,
    /// With GST.
    #[schema(value_type = schema::Money)]
    total: Money,
    /// What was frozen, when the month is closed.
    #[schema(required = true)]
    close: Option<CloseItem>,
    /// Dollar rates that held in the month.
    fx: Vec<FxItem>,
    /// One for everything that has channel, direction, category, template, campaign, rule and sender in common.
    lines: Vec<LineItem>,
}

/// Read a month's costs
///
/// From roll-ups; the message log is not touched.
#[utoipa::path(
    get, path = "/finance/months/{month}", operation_id = "get_month", tag = "Finance",
    params(("month" = String, Path, description = "`YYYY-MM`", example = "2026-11")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "What the month cost", body = MonthDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let (text, as_csv) = text.strip_suffix(".csv").map_or((text.as_str(), false), |text| (text, true));
    let month = Month::parse(text).map_err(|error| Problem::field("month", Code::InvalidRequest, error))?;
    let report = MonthReport::of(&app, month).await?;
    if as_csv { csv(&report) } else { Ok(axum::Json(detail(report)).into_response()) }
}

/// Read a month's costs as a CSV file
///
/// The lines of the month: `spent_inr` is in paise and adds up to its total.
#[utoipa::path(
    get, path = "/api/v1/finance/months/{month}.csv", operation_id = "get_month_csv", tag = "Finance",
    params(("month" = String, Path, description = "`YYYY-MM`", example = "2026-11")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "What the month cost", body = schema::Csv, content_type = "text/csv")),
)]
fn csv(report: &MonthReport) -> Result<Response, Problem> {
    let file = month_csv(report).map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], file).into_response())
}

/// The address with `.csv` behind it: one route serves both, and the document names both.
#[derive(utoipa::OpenApi)]
#[openapi(paths(csv))]
pub struct CsvAddress;

fn detail(report: MonthReport) -> MonthDetail {
    let sum = report.sum;
    let by = |cause| sum.differences.of(cause);
    let other = report.causes.iter().find(|(cause, _)| cause.is_none());
    let names = &report.names;
    let line = |line: &dakiya_store::costs::CostLine| LineItem {
        channel: line.item.to_string(),
        direction: line.direction.to_string(),
        category: line.category,
        template: line.template.and_then(|id| names.templates.get(&id)).map(|(key, _)| key.clone()),
        campaign: line.campaign.map(|id| id.to_string()),
        reminder_rule: line.reminder_rule.and_then(|id| names.rules.get(&id)).map(|(key, _)| key.clone()),
        sender: line.sender.clone(),
        messages: line.costs.messages,
        segments: line.costs.segments,
        not_arrived: line.costs.failed,
        priced: line.costs.priced,
        estimated: line.costs.estimated,
        actual: line.costs.actual,
        outstanding: line.costs.outstanding,
        spent: line.costs.spent(),
    };
    MonthDetail {
        month: report.month.to_string(),
        estimated: sum.estimated,
        actual: sum.actual,
        outstanding: sum.outstanding,
        spent: sum.spent(),
        differences: DifferenceItem {
            volume: by(Cause::Volume),
            segments: by(Cause::Segments),
            rate: by(Cause::Rate),
            fx: by(Cause::Fx),
            failure: by(Cause::Failure),
            other: other.map_or(Money::ZERO, |(_, amount)| amount.exact),
        },
        gst_mode: report.gst_rule.mode.to_string(),
        gst: report.gst.exact,
        total: report.with_gst.exact,
        close: report.closed.as_ref().map(|closed| CloseItem {
            closed_at: closed.close.closed_at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            closed_by: closed.close.closed_by.clone(),
            closed: closed.spent.exact,
            corrections: closed.corrections.exact,
            now: report.spent.exact,
            gst: closed.gst.exact,
        }),
        fx: report.fx.iter().map(|part| FxItem { from: part.from, usd_inr: part.rate.inr_per_usd }).collect(),
        lines: report.lines.iter().map(line).collect(),
    }
}
