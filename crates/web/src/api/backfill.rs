//! The account's past, read from Twilio's daily usage records.

use super::auth::MayAdmin;
use super::json::Json;
use super::problem::{Code, Problem};
use crate::AppState;
use axum::extract::State;
use dakiya_scheduler::{BACKFILL_MONTHS, BackfillError, MOST_BACKFILL_MONTHS};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of the past to read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackfillRequest {
    /// Months before this one, 1 to 60; 13 when absent. This month so far is always read.
    #[schema(example = 13)]
    months: Option<u32>,
}

/// What was read.
#[derive(Debug, Serialize, ToSchema)]
pub struct BackfillAnswer {
    /// As asked.
    months: u32,
    /// The oldest day that was read; Twilio's days are UTC.
    #[schema(example = "2025-10-01")]
    first_day: String,
    /// The newest.
    #[schema(example = "2026-11-22")]
    last_day: String,
    /// How many days were read.
    days_read: u64,
    /// Of these, days before the first message of our own: they count as Twilio's totals.
    days_filed: u64,
    /// Of these, days in a currency that cannot be converted: they do not count.
    days_unreadable: u64,
}

/// Read the account's past
///
/// Reads Twilio's daily usage records. Days before the first message of our own become actuals, as Twilio's totals; later
/// days are kept for reconciliation. Repeating it changes nothing. Answers when everything is read and stored; what was read
/// before a failure stays.
#[utoipa::path(
    post, path = "/finance/backfill", operation_id = "backfill", tag = "Finance", request_body = BackfillRequest,
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "Read and stored", body = BackfillAnswer),
        (status = 502, description = "Twilio could not be asked, or refused to answer"),
    ),
)]
pub async fn backfill(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Json(asked): Json<BackfillRequest>,
) -> Result<axum::Json<BackfillAnswer>, Problem> {
    let months = asked.months.unwrap_or(BACKFILL_MONTHS);
    if !(1..=MOST_BACKFILL_MONTHS).contains(&months) {
        let range = format!("between 1 and {MOST_BACKFILL_MONTHS} months");
        return Err(Problem::field("months", Code::InvalidRequest, range));
    }
    let read = app.commands.backfill(months, &caller.actor(), &|_| {}).await.map_err(problem)?;
    Ok(axum::Json(BackfillAnswer {
        months,
        first_day: read.first.to_string(),
        last_day: read.last.to_string(),
        days_read: read.filed.days,
        days_filed: read.filed.filed,
        days_unreadable: read.filed.unreadable,
    }))
}

/// Why usage records could not be read.
pub(super) fn problem(error: BackfillError) -> Problem {
    match error {
        BackfillError::Store(error) => error.into(),
        error => Problem::new(Code::TwilioUnavailable, error),
    }
}
