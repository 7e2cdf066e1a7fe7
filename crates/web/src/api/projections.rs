//! What months cost: spent, certain to come, forecast.

use super::auth::MayRead;
use super::fields::Fields;
use super::json::Query;
use super::problem::{Code, Problem};
use super::schema;
use crate::{AppState, method};
use axum::extract::State;
use chrono::{DateTime, NaiveDate, Utc};
use dakiya_core::money::Money;
use dakiya_core::projection::{FORECAST_MONTHS, Figures, Line, MonthProjection};
use dakiya_core::rate_card::Spread;
use dakiya_core::time::Month;
use dakiya_scheduler::{Basis, MOST_MONTHS, Projection};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which months.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProjectionQuery {
    /// The first month, `YYYY-MM`; this one when absent.
    #[param(example = "2026-11")]
    from: Option<String>,
    /// How many: 1 to 24.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 24, default = 13)]
    months: Option<String>,
}

/// What a month or a line costs; all before tax.
#[derive(Debug, Serialize, ToSchema)]
pub struct FigureItem {
    /// Charged by Twilio, and what was sent and is not charged yet at its estimate.
    #[schema(value_type = schema::Money)]
    actual: Money,
    /// Certain to come: approved campaigns, reminders, rents, at their exact quotes.
    #[schema(value_type = schema::Money)]
    committed: Money,
    /// The whole month, what is spent already included. `expected` adds up over the lines, low and high need not. Null while
    /// history is too short, for months that are over, and more than twelve months ahead.
    #[schema(value_type = Option<schema::Spread>, required = true)]
    projected: Option<Spread>,
}

/// One line of a month.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectionLine {
    /// `sms`, `whatsapp`, or `number` for rents.
    #[schema(example = "sms")]
    channel: &'static str,
    /// `outbound` or `inbound`.
    #[schema(example = "outbound")]
    direction: &'static str,
    /// Null for rents, for what people send, and for Twilio's totals from before.
    #[schema(value_type = Option<schema::Category>, required = true)]
    category: Option<&'static str>,
    /// What it costs.
    #[serde(flatten)]
    figures: FigureItem,
}

/// One month; its figures are the sums of its lines.
#[derive(Debug, Serialize, ToSchema)]
pub struct MonthItem {
    /// `YYYY-MM`.
    #[schema(example = "2026-11")]
    month: String,
    /// What it costs.
    #[serde(flatten)]
    figures: FigureItem,
    /// What may be spent, if anybody said so.
    #[schema(value_type = Option<schema::Money>, required = true)]
    budget: Option<Money>,
    /// On `projected.expected`, or on actual and committed where nothing is projected. In none of the other figures.
    #[schema(value_type = schema::Money)]
    gst: Money,
    /// By channel, direction and category.
    lines: Vec<ProjectionLine>,
}

/// How the rest of the traffic was forecast.
#[derive(Debug, Serialize, ToSchema)]
pub struct MethodItem {
    /// A word for programs; `none` while history is too short.
    #[schema(example = "mstl_ets")]
    name: &'static str,
    /// What was done, in a sentence.
    description: String,
    /// Whole days of history.
    history_days: usize,
    /// How far off it was about months held back: 0.08 is 8 % of what they cost.
    #[schema(required = true)]
    error: Option<f64>,
    /// How many of the months held back a range made from the others holds; it should be about 0.8.
    #[schema(required = true)]
    coverage: Option<f64>,
    /// On how many months, overlapping, it was checked.
    checks: usize,
    /// What has to hold for the figures to come true.
    assumptions: Vec<String>,
}

/// What months cost.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProjectionAnswer {
    /// The rate card that prices what is certain.
    #[schema(example = "setup-guide")]
    rate_card: String,
    /// Since when its oldest price in force holds.
    #[schema(required = true)]
    rate_card_dated: Option<NaiveDate>,
    /// Of when the cost of coming reminders is.
    reminders_as_of: DateTime<Utc>,
    /// How it was reckoned.
    method: MethodItem,
    /// In their order.
    months: Vec<MonthItem>,
}

impl From<Figures> for FigureItem {
    fn from(figures: Figures) -> Self {
        let Figures { actual, committed, projected } = figures;
        Self { actual, committed, projected }
    }
}

impl From<&Line> for ProjectionLine {
    fn from(line: &Line) -> Self {
        Self {
            channel: line.key.item.as_str(),
            direction: line.key.direction.as_str(),
            category: line.key.category.map(|category| category.as_str()),
            figures: line.figures.into(),
        }
    }
}

impl From<&MonthProjection> for MonthItem {
    fn from(month: &MonthProjection) -> Self {
        Self {
            month: month.month.to_string(),
            figures: month.total.into(),
            budget: month.budget,
            gst: month.gst,
            lines: month.lines.iter().map(ProjectionLine::from).collect(),
        }
    }
}

impl From<&Projection> for MethodItem {
    fn from(projection: &Projection) -> Self {
        let basis = &projection.basis;
        let short = |share: f64| (share * 10_000.0).round() / 10_000.0;
        let (name, history_days, error, coverage, checks) = match basis {
            Basis::Forecast { method, days, error, coverage, checks } => {
                (method.as_str(), *days, Some(short(*error)), Some(short(*coverage)), *checks)
            }
            Basis::TooShort(found) => ("none", found.days, None, None, 0),
        };
        let (description, assumptions) = (method::sentence(basis), method::assumptions(projection));
        Self { name, description, history_days, error, coverage, checks, assumptions }
    }
}

/// Project months
///
/// What was spent, what is certain to come, and what the whole month will cost. A forecast of traffic that nobody schedules comes
/// with a range and is not given while history is too short.
#[utoipa::path(
    get, path = "/finance/projection", operation_id = "get_projection", tag = "Finance", params(ProjectionQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "Month by month", body = ProjectionAnswer)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<ProjectionQuery>,
) -> Result<axum::Json<ProjectionAnswer>, Problem> {
    let mut fields = Fields::default();
    let from = query.from.as_deref().map_or_else(|| Ok(Month::of(app.today())), Month::parse);
    let from = fields.keep("from", Code::InvalidRequest, from);
    let months = fields.keep("months", Code::InvalidRequest, months(query.months.as_deref()));
    let (from, months) = fields.finish_with(from.zip(months))?;
    let projection = app.commands.projection(from, months).await?;
    Ok(axum::Json(ProjectionAnswer {
        rate_card_dated: projection.rate_card.dated(projection.today),
        reminders_as_of: projection.reminders_as_of,
        method: MethodItem::from(&projection),
        months: projection.months.iter().map(MonthItem::from).collect(),
        rate_card: projection.rate_card.key,
    }))
}

fn months(given: Option<&str>) -> Result<u32, String> {
    let Some(text) = given else { return Ok(FORECAST_MONTHS + 1) };
    let months = text.parse().ok().filter(|months| (1..=MOST_MONTHS).contains(months));
    months.ok_or_else(|| format!("\"{text}\" is not a whole number from 1 to {MOST_MONTHS}"))
}
