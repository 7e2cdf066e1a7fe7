//! What was found by comparing a month with Twilio's records.

use super::auth::MayRead;
use super::closing::parse;
use super::json::Query;
use super::pagination::{List, page};
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use crate::costs::{MonthDay, month_days};
use axum::extract::State;
use chrono::NaiveDate;
use dakiya_core::money::Money;
use dakiya_core::time::Month;
use dakiya_store::costs::{self, UnchargedRent};
use dakiya_store::reconciliation;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A rent that is booked and in none of Twilio's records: part of what the month has spent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RentNotCharged)]
pub struct RentItem {
    /// The number.
    #[schema(example = "+15005550006")]
    sender: String,
    /// The business day on which it was booked.
    #[schema(example = "2026-11-01")]
    day: String,
    /// What it is counted at, before tax.
    #[schema(value_type = schema::Money)]
    amount: Money,
}

impl From<UnchargedRent> for RentItem {
    fn from(rent: UnchargedRent) -> Self {
        Self { sender: rent.sender.to_string(), day: rent.day.to_string(), amount: rent.cost }
    }
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

/// A day of which there are records. Amounts are in the vendor's currency.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReconciledDay)]
pub struct DayItem {
    /// The day, in UTC.
    #[schema(example = "2026-11-21")]
    day: String,
    /// `compared` with our messages; `from_records`, before our first message, where Twilio's totals are what is booked;
    /// or `not_compared` yet.
    #[schema(example = "compared")]
    state: &'static str,
    /// The currency.
    #[schema(example = "USD")]
    currency: String,
    /// What Twilio's records say was charged.
    #[schema(value_type = schema::Decimal)]
    charged: String,
    /// What was booked for that day's messages; null while it is not compared.
    #[schema(value_type = Option<schema::Decimal>, required = true)]
    booked: Option<String>,
    /// Charged less booked.
    #[schema(value_type = Option<schema::Decimal>, required = true)]
    difference: Option<String>,
    /// The part of the difference that is listed in `items`.
    #[schema(value_type = Option<schema::Decimal>, required = true)]
    listed: Option<String>,
    /// The rest of it.
    #[schema(value_type = Option<schema::Decimal>, required = true)]
    unexplained: Option<String>,
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
    /// Days of which there are records, as the page shows them.
    days: Vec<DayItem>,
    /// Rents that are booked and in none of Twilio's records; they are part of what the month has spent.
    rents_not_charged: Vec<RentItem>,
    /// A page of what differs, the open ones first.
    items: Vec<FindingItem>,
    /// Give it as `cursor` to read on; null on the last page.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

fn plain(amount: Decimal) -> String {
    amount.normalize().to_string()
}

impl From<MonthDay> for DayItem {
    fn from(day: MonthDay) -> Self {
        match day {
            MonthDay::Compared(day) => Self {
                day: day.day.to_string(),
                state: "compared",
                currency: day.unit,
                charged: plain(day.balance.vendor),
                booked: Some(plain(day.balance.ours)),
                difference: Some(plain(day.balance.difference())),
                listed: Some(plain(day.balance.found)),
                unexplained: Some(plain(day.balance.unexplained())),
                unpriced: day.unpriced,
                complete: day.complete,
                listed_at: day.listed_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)),
            },
            MonthDay::Read(read) => {
                let of_past = |amount| read.is_past.then(|| plain(amount));
                Self {
                    day: read.day.to_string(),
                    state: if read.is_past { "from_records" } else { "not_compared" },
                    charged: plain(read.charged),
                    booked: of_past(read.charged),
                    difference: of_past(Decimal::ZERO),
                    listed: of_past(Decimal::ZERO),
                    unexplained: of_past(Decimal::ZERO),
                    currency: read.unit,
                    unpriced: 0,
                    complete: read.is_past,
                    listed_at: None,
                }
            }
        }
    }
}

/// Read a month's reconciliation
#[utoipa::path(
    get, path = "/finance/reconciliation", operation_id = "get_reconciliation", tag = "Finance", params(ReconciliationQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "Day by day, and what differs", body = Reconciliation)),
)]
pub async fn read(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(asked): Query<ReconciliationQuery>,
) -> Result<axum::Json<Reconciliation>, Problem> {
    let month = parse(&asked.month)?;
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
    let rents = costs::uncharged_rents(&app.store, month).await?;
    Ok(axum::Json(Reconciliation {
        month: month.to_string(),
        days: month_days(&app, month).await?.into_iter().map(DayItem::from).collect(),
        rents_not_charged: rents.into_iter().map(RentItem::from).collect(),
        items,
        next_cursor,
    }))
}
