//! What nobody schedules, day by day: for forecasts.

use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::message::{Category, Direction};
use dakiya_core::money::Money;
use dakiya_core::rate_card::RateItem;
use uuid::Uuid;

/// What one kind of traffic cost on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayCost {
    /// The business day.
    pub day: NaiveDate,
    /// What was paid for.
    pub item: RateItem,
    /// From us or to us.
    pub direction: Direction,
    /// Of which category; what people send has none.
    pub category: Option<Category>,
    /// Charged, and expected of what is not charged yet.
    pub spent: Money,
}

/// Costs of traffic that belongs to no campaign and no reminder rule, by day, both days included; rents are no traffic.
/// Campaigns and reminders are counted by their quotes, and would be counted twice in a forecast.
pub async fn run_rate(store: &Store, first: NaiveDate, last: NaiveDate) -> Result<Vec<DayCost>, StoreError> {
    let by = "day, item, direction, category";
    let nobody = || Uuid::nil();
    let rows = Sql::new(&format!(
        "SELECT {by}, CAST(SUM(actual + outstanding) AS BIGINT) AS spent FROM daily_costs WHERE day >= "
    ))
    .bind(first)
    .text(" AND day <= ")
    .bind(last)
    .text(" AND campaign_id = ")
    .bind(nobody())
    .text(" AND reminder_rule_id = ")
    .bind(nobody())
    .text(" AND item <> ")
    .bind(RateItem::Number.as_str().to_owned())
    .text(&format!(" GROUP BY {by} ORDER BY {by}"))
    .all(store.read())
    .await?;
    let cost = |row: &sea_orm::QueryResult| {
        Ok(DayCost {
            day: row.try_get("", "day")?,
            item: row.read("item")?,
            direction: row.read("direction")?,
            category: super::entry::category(row)?,
            spent: row.read("spent")?,
        })
    };
    rows.iter().map(cost).collect()
}
