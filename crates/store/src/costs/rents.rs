//! What numbers cost by the month: booked once per number and month, at the price of that day.

use super::entry::{Entry, Key};
use super::write::CostChanges;
use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::message::{Channel, Direction};
use dakiya_core::money::Money;
use dakiya_core::rate_card::RateItem;
use dakiya_core::sender::SenderAddress;
use dakiya_core::time::Month;
use sea_orm::{ConnectionTrait, Value};

/// A number's rent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rent {
    /// The number.
    pub sender: SenderAddress,
    /// What it speaks.
    pub channel: Channel,
    /// For one month, before tax.
    pub cost: Money,
}

/// Books rents for the month a day lies in; those that are booked already stay as they are. Returns how many were new.
pub async fn book_rents(store: &Store, rents: &[Rent], day: NaiveDate) -> Result<usize, StoreError> {
    let month = Month::of(day);
    let known = booked(store, month).await?;
    if rents.iter().all(|rent| known.contains(&(rent.channel, rent.sender.clone()))) {
        return Ok(0);
    }
    let tx = store.write().await?;
    crate::usage::lock(&*tx).await?;
    let (mut costs, mut new) = (CostChanges::default(), 0);
    for rent in rents {
        let cost = crate::messages::tally::micros(rent.cost)?;
        let row: [Value; 5] = [
            Stored(month).into(),
            Stored(rent.channel).into(),
            Stored(rent.sender.clone()).into(),
            day.into(),
            cost.into(),
        ];
        let inserted = Sql::new("INSERT INTO number_rents (month, channel, sender, day, cost) VALUES ")
            .rows([row])
            .text(" ON CONFLICT (month, channel, sender) DO NOTHING")
            .execute(&*tx)
            .await?;
        if inserted > 0 {
            new += 1;
            costs.changed(key(day, rent.sender.as_str().to_owned()), Entry::default(), entry(cost));
        }
    }
    cover_rents(&*tx, month, &mut costs).await?;
    costs.write_spent(&*tx).await?;
    costs.write_lines(&*tx).await?;
    tx.commit().await?;
    Ok(new)
}

/// Whose rents are booked for a month.
pub async fn booked(store: &Store, month: Month) -> Result<Vec<(Channel, SenderAddress)>, StoreError> {
    let rows = Sql::new("SELECT channel, sender FROM number_rents WHERE month = ").bind(Stored(month));
    let rows = rows.text(" ORDER BY channel, sender").all(store.read()).await?;
    rows.iter().map(|row| Ok((row.read("channel")?, row.read("sender")?))).collect()
}

pub(super) fn key(day: NaiveDate, sender: String) -> Key {
    Key {
        day,
        item: RateItem::Number,
        direction: Direction::Outbound,
        category: None,
        template: None,
        campaign: None,
        reminder_rule: None,
        sender,
    }
}

/// Expected until Twilio's usage records say what was charged.
pub(super) fn entry(cost: i64) -> Entry {
    Entry { estimated: cost, outstanding: cost, ..Entry::default() }
}

/// Takes back what was booked for as many numbers as usage records of the month have rents of: those are filed
/// themselves, and nothing is counted twice. Whoever calls it has locked the usage records.
pub(crate) async fn cover_rents<C: ConnectionTrait>(
    tx: &C,
    month: Month,
    costs: &mut CostChanges,
) -> Result<(), StoreError> {
    let charged = Sql::new(
        "SELECT CAST(COALESCE(SUM(messages), 0) AS BIGINT) AS numbers FROM usage_costs WHERE item = 'number' AND day >= ",
    )
    .bind(month.first_day())
    .text(" AND day <= ")
    .bind(month.last_day())
    .one(tx)
    .await?;
    let mut charged: i64 = charged.map_or(Ok(0), |row| row.try_get("", "numbers"))?;
    let booked = Sql::new("SELECT channel, sender, day, cost, covered FROM number_rents WHERE month = ")
        .bind(Stored(month))
        .text(" ORDER BY channel, sender")
        .all(tx)
        .await?;
    for row in booked {
        let (cost, was): (i64, i64) = (row.try_get("", "cost")?, row.try_get("", "covered")?);
        let covered = if charged > 0 { cost } else { 0 };
        charged -= 1;
        if covered == was {
            continue;
        }
        let sender: String = row.try_get("", "sender")?;
        Sql::new("UPDATE number_rents SET covered = ")
            .bind(covered)
            .text(" WHERE month = ")
            .bind(Stored(month))
            .text(" AND channel = ")
            .bind(Stored(row.read::<Channel>("channel")?))
            .text(" AND sender = ")
            .bind(sender.clone())
            .execute(tx)
            .await?;
        costs.changed(key(row.try_get("", "day")?, sender), entry(cost - was), entry(cost - covered));
    }
    Ok(())
}
