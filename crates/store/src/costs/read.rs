//! Asking roll-ups. The log is never read.

use super::entry::{Entry, Key, USAGE_RECORDS};
use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::{CampaignId, ReminderRuleId, TemplateId};
use dakiya_core::ledger::Differences;
use dakiya_core::message::{Category, Direction};
use dakiya_core::money::Money;
use dakiya_core::rate_card::RateItem;
use dakiya_core::time::Month;
use sea_orm::{ConnectionTrait, QueryResult};
use std::ops::Add;

/// What was added up; before tax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Costs {
    /// Messages that reached Twilio or may have.
    pub messages: i64,
    /// Billed parts.
    pub segments: i64,
    /// Of the messages, those that did not arrive.
    pub failed: i64,
    /// Of the messages, those with a price.
    pub priced: i64,
    /// What was expected.
    pub estimated: Money,
    /// What Twilio charged.
    pub actual: Money,
    /// What those without a price are expected to cost.
    pub outstanding: Money,
    /// Actual less estimate of those with a price, by cause.
    pub differences: Differences,
}

impl Costs {
    /// Charged, and expected of what is not charged yet.
    pub fn spent(&self) -> Money {
        self.actual + self.outstanding
    }
}

impl Add for Costs {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            messages: self.messages + other.messages,
            segments: self.segments + other.segments,
            failed: self.failed + other.failed,
            priced: self.priced + other.priced,
            estimated: self.estimated + other.estimated,
            actual: self.actual + other.actual,
            outstanding: self.outstanding + other.outstanding,
            differences: self.differences + other.differences,
        }
    }
}

impl From<Entry> for Costs {
    fn from(entry: Entry) -> Self {
        Self {
            messages: entry.messages,
            segments: entry.segments,
            failed: entry.failed,
            priced: entry.priced,
            estimated: Money::from_micros(entry.estimated),
            actual: Money::from_micros(entry.actual),
            outstanding: Money::from_micros(entry.outstanding),
            differences: entry.differences,
        }
    }
}

/// Costs of what has everything named here in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostLine {
    /// What was paid for.
    pub item: RateItem,
    /// From us or to us.
    pub direction: Direction,
    /// Of which category; rents and what people send have none.
    pub category: Option<Category>,
    /// Rendered from which template.
    pub template: Option<TemplateId>,
    /// Of which campaign.
    pub campaign: Option<CampaignId>,
    /// Of which reminder rule.
    pub reminder_rule: Option<ReminderRuleId>,
    /// From, or to, which of our addresses.
    pub sender: String,
    /// How much.
    pub costs: Costs,
}

impl CostLine {
    /// Whether it is the vendor's own total, from its usage records, rather than messages of ours: of days (UTC) before
    /// our first message, and rents.
    pub fn is_from_usage_records(&self) -> bool {
        self.sender == USAGE_RECORDS
    }
}

fn sums() -> String {
    let sum = |column: &&str| format!("CAST(SUM({column}) AS BIGINT) AS {column}");
    Entry::COLUMNS.iter().map(sum).collect::<Vec<_>>().join(", ")
}

pub(super) fn line(row: &QueryResult) -> Result<CostLine, StoreError> {
    let key = Key::read(row)?;
    Ok(CostLine {
        item: key.item,
        direction: key.direction,
        category: key.category,
        template: key.template,
        campaign: key.campaign,
        reminder_rule: key.reminder_rule,
        sender: key.sender,
        costs: Entry::read(row)?.into(),
    })
}

/// Everything of a month, a line for everything that has item, direction, category, template, campaign, reminder rule
/// and sender in common.
pub async fn month(store: &Store, month: Month) -> Result<Vec<CostLine>, StoreError> {
    // A key holds a day; of a month it is the first one.
    let rows = Sql::new("SELECT ")
        .bind(month.first_day())
        .text(&format!(
            " AS day, {}, {} FROM month_lines WHERE month = ",
            Key::COLUMNS,
            Entry::COLUMNS.join(", ")
        ))
        .bind(Stored(month))
        .text(&format!(" ORDER BY {}", Key::COLUMNS))
        .all(store.read())
        .await?;
    Ok(rows.iter().map(line).collect::<Result<Vec<_>, _>>()?.into_iter().filter(says_something).collect())
}

/// What was taken back leaves a row of noughts.
fn says_something(line: &CostLine) -> bool {
    line.costs != Costs::default()
}

/// Costs by day, item, direction and category, both days included; for forecasts and charts.
pub async fn by_day(
    store: &Store,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<(NaiveDate, CostLine)>, StoreError> {
    let by = "day, item, direction, category";
    let nil = "MIN(sender) AS sender";
    let none = uuid::Uuid::nil();
    let rows = Sql::new(&format!("SELECT {by}, {nil}, {}, ", sums()))
        .bind(none)
        .text(" AS template_id, ")
        .bind(none)
        .text(" AS campaign_id, ")
        .bind(none)
        .text(" AS reminder_rule_id FROM daily_costs WHERE day >= ")
        .bind(first)
        .text(" AND day <= ")
        .bind(last)
        .text(&format!(" GROUP BY {by} ORDER BY {by}"))
        .all(store.read())
        .await?;
    let mut days = Vec::with_capacity(rows.len());
    for row in &rows {
        days.push((row.try_get("", "day")?, line(row)?));
    }
    days.retain(|(_, line)| says_something(line));
    Ok(days)
}

/// What a campaign cost, all its days together.
pub async fn by_campaign(store: &Store, campaign: CampaignId) -> Result<Costs, StoreError> {
    let row =
        Sql::new(&format!("SELECT COUNT(*) AS rows_found, {} FROM daily_costs WHERE campaign_id = ", sums()))
            .bind(Stored(campaign))
            .one(store.read())
            .await?;
    match row {
        Some(row) if row.try_get::<i64>("", "rows_found")? > 0 => Ok(Entry::read(&row)?.into()),
        _ => Ok(Costs::default()),
    }
}

/// The first month that has any costs.
pub async fn first_month(store: &Store) -> Result<Option<Month>, StoreError> {
    first_month_in(store.read()).await
}

pub(super) async fn first_month_in<C: ConnectionTrait>(db: &C) -> Result<Option<Month>, StoreError> {
    let row = Sql::new("SELECT day FROM daily_costs ORDER BY day LIMIT 1").one(db).await?;
    row.map(|row| Ok(Month::of(row.try_get("", "day")?))).transpose()
}

/// What counts against a month's budget: charged, and expected of what is not charged yet.
pub async fn spent(store: &Store, month: Month) -> Result<Money, StoreError> {
    let row = Sql::new("SELECT spent FROM monthly_costs WHERE month = ").bind(Stored(month));
    row.one(store.read()).await?.map_or(Ok(Money::ZERO), |row| row.read("spent"))
}
