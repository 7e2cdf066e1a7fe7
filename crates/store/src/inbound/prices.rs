//! What Twilio charged for messages that came in: asked for after a while, and again until it says so.

use crate::column::Stored;
use crate::costs::{CostChanges, Entry, inbound_key};
use crate::sql::{Row, Sql, for_update};
use crate::{Store, StoreError};
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::ids::InboundId;
use dakiya_core::message::Channel;
use dakiya_core::money::{FxRate, Price};
use dakiya_core::time::Timestamp;

/// When a price is asked for, counted from the last time; after the last it stays at its estimate.
pub(super) const PRICE_CHECKS: [TimeDelta; 6] = [
    TimeDelta::seconds(30),
    TimeDelta::minutes(1),
    TimeDelta::minutes(5),
    TimeDelta::hours(1),
    TimeDelta::hours(24),
    TimeDelta::hours(72),
];

/// A message whose price is to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpriced {
    /// Which.
    pub id: InboundId,
    /// Twilio's id.
    pub twilio_sid: String,
    /// The business day it came, for the exchange rate.
    pub day: NaiveDate,
}

/// What asking found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceFinding {
    /// Which message.
    pub id: InboundId,
    /// What Twilio charges, and the exchange rate it is converted with; `None`: it does not say yet.
    pub price: Option<(Price, FxRate)>,
    /// When it was asked.
    pub at: Timestamp,
}

/// Messages whose price is due to be asked for, the longest overdue first.
pub async fn unpriced(store: &Store, now: Timestamp, limit: u64) -> Result<Vec<Unpriced>, StoreError> {
    let rows = Sql::new(
        "SELECT id, twilio_sid, cost_day FROM inbound_messages WHERE price_check_at IS NOT NULL AND cost_day IS NOT NULL \
         AND price_check_at <= ",
    )
    .bind(now)
    .text(" ORDER BY price_check_at LIMIT ")
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .all(store.read())
    .await?;
    let message = |row: &sea_orm::QueryResult| -> Result<Unpriced, StoreError> {
        Ok(Unpriced {
            id: row.read("id")?,
            twilio_sid: row.try_get("", "twilio_sid")?,
            day: row.try_get("", "cost_day")?,
        })
    };
    rows.iter().map(message).collect()
}

/// Records what asking found, in one transaction, and decides when to ask again. Asking twice changes nothing.
pub async fn record_prices(store: &Store, findings: &[PriceFinding]) -> Result<(), StoreError> {
    if findings.is_empty() {
        return Ok(());
    }
    let tx = store.write().await?;
    let mut findings: Vec<&PriceFinding> = findings.iter().collect();
    findings.sort_unstable_by_key(|finding| finding.id);
    let mut costs = CostChanges::default();
    for finding in findings {
        let row = Sql::new(
            "SELECT channel, recipient, cost_day, estimated_cost, price_checks FROM inbound_messages \
             WHERE actual_cost IS NULL AND price_check_at IS NOT NULL AND id = ",
        )
        .bind(Stored(finding.id))
        .text(for_update(&*tx))
        .one(&*tx)
        .await?;
        let Some(row) = row else { continue };
        let checks: i32 = row.try_get("", "price_checks")?;
        let cost = finding.price.and_then(|(price, fx)| Some((price, fx, price.in_rupees(fx).to_micros()?)));
        let next = usize::try_from(checks + 1).ok().and_then(|at| PRICE_CHECKS.get(at));
        let again = next.filter(|_| cost.is_none()).map(|wait| finding.at + *wait);
        let mut update =
            Sql::new("UPDATE inbound_messages SET price_checks = price_checks + 1, price_check_at = ")
                .bind(again);
        if let Some((price, fx, micros)) = cost {
            let channel: Channel = row.read("channel")?;
            let estimated: i64 = row.try_get("", "estimated_cost")?;
            let key = inbound_key(row.try_get("", "cost_day")?, channel, row.try_get("", "recipient")?);
            let mut more = Entry { priced: 1, actual: micros, outstanding: -estimated, ..Entry::default() };
            more.differences.rate = micros - estimated;
            costs.changed(key, Entry::default(), more);
            update = update
                .text(", actual_cost = ")
                .bind(micros)
                .text(", twilio_price = ")
                .bind(price.amount.to_string())
                .text(", twilio_price_unit = ")
                .bind(price.currency.as_str())
                .text(", fx_rate = ")
                .bind(Stored(fx));
        }
        update.text(" WHERE id = ").bind(Stored(finding.id)).execute(&*tx).await?;
    }
    costs.write_spent(&*tx).await?;
    costs.write_lines(&*tx).await?;
    tx.commit().await
}

/// Takes a price that Twilio gave or changed after it was no longer asked for. The same price again changes nothing.
pub async fn correct_price(
    store: &Store,
    id: InboundId,
    (price, fx): (Price, FxRate),
) -> Result<(), StoreError> {
    let Some(micros) = price.in_rupees(fx).to_micros() else { return Ok(()) };
    let tx = store.write().await?;
    let row = Sql::new(
        "SELECT channel, recipient, cost_day, estimated_cost, actual_cost FROM inbound_messages \
         WHERE cost_day IS NOT NULL AND id = ",
    )
    .bind(Stored(id))
    .text(for_update(&*tx))
    .one(&*tx)
    .await?;
    let Some(row) = row else { return Ok(()) };
    let channel: Channel = row.read("channel")?;
    let estimated: i64 = row.try_get("", "estimated_cost")?;
    let before: Option<i64> = row.try_get("", "actual_cost")?;
    let key = inbound_key(row.try_get("", "cost_day")?, channel, row.try_get("", "recipient")?);
    let entry = |actual: Option<i64>| {
        let mut entry = Entry {
            priced: i64::from(actual.is_some()),
            actual: actual.unwrap_or(0),
            outstanding: if actual.is_some() { 0 } else { estimated },
            ..Entry::default()
        };
        entry.differences.rate = actual.map_or(0, |actual| actual - estimated);
        entry
    };
    let mut costs = CostChanges::default();
    costs.changed(key, entry(before), entry(Some(micros)));
    Sql::new("UPDATE inbound_messages SET price_check_at = NULL, actual_cost = ")
        .bind(micros)
        .text(", twilio_price = ")
        .bind(price.amount.to_string())
        .text(", twilio_price_unit = ")
        .bind(price.currency.as_str())
        .text(", fx_rate = ")
        .bind(Stored(fx))
        .text(" WHERE id = ")
        .bind(Stored(id))
        .execute(&*tx)
        .await?;
    costs.write_spent(&*tx).await?;
    costs.write_lines(&*tx).await?;
    tx.commit().await
}
