//! Rents that are booked and that no usage record covers: part of what a month has spent, and not of what was charged.

use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::message::Channel;
use dakiya_core::money::Money;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::Month;

/// A rent that is booked and that Twilio's records do not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnchargedRent {
    /// The number.
    pub sender: SenderAddress,
    /// What it speaks.
    pub channel: Channel,
    /// The business day on which it was booked.
    pub day: NaiveDate,
    /// What it is counted at, before tax.
    pub cost: Money,
}

/// Those of a month, by number.
pub async fn uncharged_rents(store: &Store, month: Month) -> Result<Vec<UnchargedRent>, StoreError> {
    let rows =
        Sql::new("SELECT channel, sender, day, cost - covered AS cost FROM number_rents WHERE month = ")
            .bind(Stored(month))
            .text(" AND cost <> covered ORDER BY sender, channel")
            .all(store.read())
            .await?;
    let rent = |row: &sea_orm::QueryResult| {
        Ok(UnchargedRent {
            sender: row.read("sender")?,
            channel: row.read("channel")?,
            day: row.try_get("", "day")?,
            cost: row.read("cost")?,
        })
    };
    rows.iter().map(rent).collect()
}
