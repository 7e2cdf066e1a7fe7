//! Budgets by month, with what was spent and set aside of them.

use super::auth::{MayAdmin, MayRead};
use super::fields::Fields;
use super::json::{Json, Object, Path, Query};
use super::pagination::{List, PageQuery};
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use dakiya_core::budget::{Budget, WARN_AT, Warning};
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use dakiya_store::budgets;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A budget to set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BudgetPut {
    /// What may be spent in the month, before tax.
    #[schema(value_type = schema::Money)]
    amount: Object<Money>,
    /// Whether sending stops when it is used up. OTPs go on in any case. No, when absent.
    #[serde(default)]
    #[schema(required = false)]
    stop: bool,
    /// Per cent of the amount at which somebody is warned; 50, 80 and 100 when absent.
    #[schema(schema_with = schema::warn_at)]
    warn_at: Option<Vec<u32>>,
}

/// A share of a budget that was reached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BudgetWarning)]
pub struct WarningItem {
    /// By what was spent (`actual`), or by what the month is expected to cost (`forecast`): what is spent and certain while there is
    /// no forecast.
    #[schema(value_type = String, example = "actual")]
    basis: &'static str,
    /// The share that was reached, in per cent of the budget: one of `warn_at`.
    percent: u32,
}

/// What a budget holds back.
#[derive(Debug, Serialize, ToSchema)]
pub struct BudgetHeld {
    /// Single messages; they stay queued.
    messages: u64,
    /// Ids of campaigns; they stay as they are and go on by themselves.
    campaigns: Vec<String>,
}

/// A month's budget and where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Budget)]
pub struct BudgetDetail {
    /// `YYYY-MM`, in the business's zone.
    #[schema(example = "2026-11")]
    month: String,
    /// What may be spent, before tax.
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// Whether sending stops when it is used up.
    stop: bool,
    /// Per cent of the amount at which somebody is warned.
    warn_at: Vec<u32>,
    /// Charged by Twilio, and what was sent and is not charged yet at its estimate.
    #[schema(value_type = schema::Money)]
    spent: Money,
    /// Set aside for approved campaigns, as far as it is not sent.
    #[schema(value_type = schema::Money)]
    reserved: Money,
    /// Neither spent nor set aside; negative when the budget was lowered below that.
    #[schema(value_type = schema::Money)]
    left: Money,
    /// What the whole month is expected to cost: the forecast, or what is spent and certain while there is none.
    #[schema(value_type = schema::Money)]
    expected: Money,
    /// Shares that were reached.
    warnings: Vec<WarningItem>,
    /// What waits for room.
    held: BudgetHeld,
}

/// One budget and where it stands.
async fn single(app: &AppState, budget: Budget) -> Result<BudgetDetail, Problem> {
    let expected = app.commands.expected(&[budget.month]).await?;
    let expected = expected.get(&budget.month).copied().unwrap_or_default();
    detail(app, budget, expected).await
}

async fn detail(app: &AppState, budget: Budget, expected: Money) -> Result<BudgetDetail, Problem> {
    let standing = budgets::standing(&app.store, budget.month).await?;
    let held = budgets::held(&app.store, budget.month).await?;
    let warning = |Warning { basis, percent }: Warning| WarningItem { basis: basis.as_str(), percent };
    Ok(BudgetDetail {
        month: budget.month.to_string(),
        left: budget.left(standing),
        spent: standing.spent,
        reserved: standing.reserved,
        expected,
        warnings: budget.warnings(standing.spent, expected).into_iter().map(warning).collect(),
        held: BudgetHeld {
            messages: held.messages,
            campaigns: held.campaigns.iter().map(|(id, _)| id.to_string()).collect(),
        },
        amount: budget.amount,
        stop: budget.stop,
        warn_at: budget.warn_at,
    })
}

fn month(text: &str) -> Result<Month, Problem> {
    Month::parse(text).map_err(|error| Problem::field("month", Code::InvalidRequest, error))
}

/// List budgets
///
/// In the order of their months.
#[utoipa::path(
    get, path = "/budgets", operation_id = "list_budgets", tag = "Finance", params(PageQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "A page of budgets and where they stand", body = List<BudgetDetail>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<List<BudgetDetail>>, Problem> {
    let (limit, cursor) = query.page()?;
    let page = budgets::page(&app.store, cursor.as_ref(), limit).await?;
    let months: Vec<Month> = page.items.iter().map(|stored| stored.budget.month).collect();
    let expected = app.commands.expected(&months).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for stored in page.items {
        let expected = expected.get(&stored.budget.month).copied().unwrap_or_default();
        items.push(detail(&app, stored.budget, expected).await?);
    }
    Ok(axum::Json(List { items, next_cursor: page.next.map(|cursor| cursor.to_string()) }))
}

/// Read a month's budget
#[utoipa::path(
    get, path = "/budgets/{month}", operation_id = "get_budget", tag = "Finance",
    params(("month" = String, Path, description = "`YYYY-MM`", example = "2026-11")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The budget and where it stands", body = BudgetDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(text): Path<String>,
) -> Result<axum::Json<BudgetDetail>, Problem> {
    let stored = budgets::get(&app.store, month(&text)?).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("budget"))?;
    Ok(axum::Json(single(&app, stored.budget).await?))
}

/// Set a month's budget
///
/// It holds from the next message on. What it kept waiting goes on by itself as far as there is room again.
#[utoipa::path(
    put, path = "/budgets/{month}", operation_id = "put_budget", tag = "Finance", request_body = BudgetPut,
    params(("month" = String, Path, description = "`YYYY-MM`", example = "2026-11")),
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "It was set before and is changed", body = BudgetDetail),
        (status = 201, description = "It is new", body = BudgetDetail),
    ),
)]
pub async fn put(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Path(text): Path<String>,
    Json(given): Json<BudgetPut>,
) -> Result<(StatusCode, axum::Json<BudgetDetail>), Problem> {
    let mut fields = Fields::default();
    let month = fields.keep("month", Code::InvalidRequest, Month::parse(&text));
    let month = fields.finish_with(month)?;
    let budget = Budget {
        month,
        amount: given.amount.0,
        stop: given.stop,
        warn_at: given.warn_at.unwrap_or_else(|| WARN_AT.to_vec()),
    };
    let budget = budget.checked().map_err(Problem::fields)?;
    let known = budgets::get(&app.store, month).await?.is_some();
    budgets::put(&app.store, &budget, &caller.actor(), app.clock.now()).await?;
    app.commands.nudge();
    let status = if known { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, axum::Json(single(&app, budget).await?)))
}

/// Take a month's budget away
///
/// What it kept waiting goes on by itself.
#[utoipa::path(
    delete, path = "/budgets/{month}", operation_id = "delete_budget", tag = "Finance",
    params(("month" = String, Path, description = "`YYYY-MM`", example = "2026-11")),
    security(("api_key" = ["admin"])),
    responses((status = 204, description = "It is gone")),
)]
pub async fn delete(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Path(text): Path<String>,
) -> Result<StatusCode, Problem> {
    if !budgets::remove(&app.store, month(&text)?, &caller.actor(), app.clock.now()).await? {
        return Err(Problem::not_found("budget"));
    }
    app.commands.nudge();
    Ok(StatusCode::NO_CONTENT)
}
