//! What approved campaigns will still cost, by the month that their budgets know.

use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::Money;
use dakiya_core::time::Month;

/// What campaigns of one month, channel and category will still cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The month of their start, from whose budget it is set aside.
    pub month: Month,
    /// How they travel.
    pub channel: Channel,
    /// Why they are sent.
    pub category: Category,
    /// Approved and not posted yet, at the price of the approval; paused ones too.
    pub cost: Money,
}

/// What approved campaigns will still cost, whatever their month: the same reservations that budgets count, so that
/// the two never differ.
pub async fn committed(store: &Store) -> Result<Vec<Committed>, StoreError> {
    let rows = Sql::new(
        "SELECT budget_month, campaigns.channel AS channel, MIN(version.category) AS category, \
         CAST(SUM(campaigns.waiting_cost) AS BIGINT) AS cost FROM campaigns JOIN \
         (SELECT template_id, version, MIN(category) AS category FROM template_versions GROUP BY template_id, version) AS version \
         ON version.template_id = campaigns.template_id AND version.version = campaigns.template_version \
         WHERE waiting_cost <> 0 AND state <> 'canceled' AND budget_month IS NOT NULL \
         GROUP BY budget_month, campaigns.channel, version.category ORDER BY budget_month, campaigns.channel, version.category",
    )
    .all(store.read())
    .await?;
    let committed = |row: &sea_orm::QueryResult| {
        Ok(Committed {
            month: row.read("budget_month")?,
            channel: row.read("channel")?,
            category: row.read("category")?,
            cost: row.read("cost")?,
        })
    };
    rows.iter().map(committed).collect()
}
