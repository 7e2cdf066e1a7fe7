//! Storing records and filing them in the roll-ups, in one transaction.

use super::UsageRecord;
use super::read::{figures_in, parse_currency};
use crate::column::Stored;
use crate::costs::{CostChanges, Entry, Key, USAGE_RECORDS, cover_rents};
use crate::sql::{Row, Sql, for_update};
use crate::{Store, StoreError, fx_rates};
use chrono::NaiveDate;
use dakiya_core::message::Direction;
use dakiya_core::rate_card::RateItem;
use dakiya_core::time::{Month, Timestamp, to_micros};
use dakiya_core::usage::{in_rupees, lines};
use sea_orm::{ConnectionTrait, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Rows written by one statement.
const BATCH: usize = 500;

/// What storing some days did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filed {
    /// Days read.
    pub days: u64,
    /// Of these, days before our first message, filed whole.
    pub filed: u64,
    /// Days that were not filed, because a record of theirs is in a currency that cannot be converted.
    pub unreadable: u64,
}

/// What of a day is filed about one thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Figure {
    messages: i64,
    segments: i64,
    cost: i64,
}

type Line = (NaiveDate, RateItem, Direction);

impl Figure {
    /// What it adds to a roll-up. How many numbers were charged is no count of messages.
    fn entry(self, item: RateItem) -> Entry {
        let (messages, segments) =
            if item == RateItem::Number { (0, 0) } else { (self.messages, self.segments) };
        Entry {
            messages,
            segments,
            priced: messages,
            // Nothing was expected of it; so it came as expected.
            estimated: self.cost,
            actual: self.cost,
            ..Entry::default()
        }
    }
}

fn key((day, item, direction): Line) -> Key {
    Key {
        day,
        item,
        direction,
        category: None,
        template: None,
        campaign: None,
        reminder_rule: None,
        sender: USAGE_RECORDS.to_owned(),
    }
}

/// Nobody else files until this transaction ends. Taken before anything that messages lock.
pub(crate) async fn lock<C: ConnectionTrait>(tx: &C) -> Result<(), StoreError> {
    Sql::new("SELECT id FROM usage_state WHERE id = 1").text(for_update(tx)).one(tx).await?;
    Ok(())
}

/// The UTC day of our first message, either way.
pub(crate) async fn first_own_day<C: ConnectionTrait>(tx: &C) -> Result<Option<NaiveDate>, StoreError> {
    let of = async |query: &str| -> Result<Option<Timestamp>, StoreError> {
        Sql::new(query).one(tx).await?.map_or(Ok(None), |row| Ok(row.try_get("", "at")?))
    };
    let sent = of("SELECT MIN(taken_at) AS at FROM messages WHERE cost_day IS NOT NULL").await?;
    let received = of("SELECT MIN(received_at) AS at FROM inbound_messages").await?;
    Ok(sent.into_iter().chain(received).min().map(|at| at.date_naive()))
}

/// Stores what the vendor says of the days from `first` to `last`, in place of what it said before, and files it. Days
/// that are still going on at `now` are stored, not filed.
pub async fn put(
    store: &Store,
    account: &str,
    (first, last): (NaiveDate, NaiveDate),
    records: &[UsageRecord],
    now: Timestamp,
) -> Result<Filed, StoreError> {
    let tx = store.write().await?;
    lock(&*tx).await?;
    Sql::new("DELETE FROM usage_days WHERE day >= ")
        .bind(first)
        .text(" AND day <= ")
        .bind(last)
        .execute(&*tx)
        .await?;
    let within: Vec<&UsageRecord> =
        records.iter().filter(|record| (first..=last).contains(&record.day)).collect();
    for batch in within.chunks(BATCH) {
        let rows = batch.iter().map(|record| -> [Value; 9] {
            [
                record.day.into(),
                record.category.clone().into(),
                record.kind.map(Stored).into(),
                record.count.into(),
                record.usage.map(|usage| usage.to_string()).into(),
                record.price.to_string().into(),
                record.price_unit.clone().into(),
                record.as_of.clone().into(),
                to_micros(now).into(),
            ]
        });
        Sql::new(
            "INSERT INTO usage_days (day, category, kind, count, usage, price, price_unit, as_of, read_at) VALUES ",
        )
        .rows(rows)
        // The same record twice, on two pages of a list that grew meanwhile.
        .text(" ON CONFLICT (day, category) DO UPDATE SET count = excluded.count, usage = excluded.usage, price = excluded.price")
        .execute(&*tx)
        .await?;
    }
    let mut filed = file(&*tx, first, last, now.date_naive()).await?;
    filed.days = u64::try_from((last - first).num_days() + 1).unwrap_or(0);
    // An oldest day of another account says nothing about this one.
    Sql::new("UPDATE usage_state SET oldest_day = CASE WHEN account = ")
        .bind(account)
        .text(" AND oldest_day < ")
        .bind(first)
        .text(" THEN oldest_day ELSE ")
        .bind(first)
        .text(" END, backfilled = (backfilled AND account = ")
        .bind(account)
        .text("), account = ")
        .bind(account)
        .text(", read_at = ")
        .bind(to_micros(now))
        .text(" WHERE id = 1")
        .execute(&*tx)
        .await?;
    tx.commit().await?;
    Ok(filed)
}

/// Files stored days anew: exchange rates may have changed since.
pub async fn refile(
    store: &Store,
    first: NaiveDate,
    last: NaiveDate,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    lock(&*tx).await?;
    file(&*tx, first, last, now.date_naive()).await?;
    tx.commit().await
}

async fn file<C: ConnectionTrait>(
    tx: &C,
    first: NaiveDate,
    last: NaiveDate,
    today: NaiveDate,
) -> Result<Filed, StoreError> {
    let until = first_own_day(tx).await?.map_or(today, |own| own.min(today));
    let (rates, mut done) = (fx_rates::history_in(tx).await?, Filed::default());
    let mut wanted: BTreeMap<Line, Figure> = BTreeMap::new();
    for (day, (unit, figures)) in figures_in(tx, first, last).await? {
        let lines = lines(&figures);
        let costs = parse_currency(&unit).and_then(|unit| in_rupees(&lines, unit, rates.on(day)));
        let Some(costs) = costs else {
            done.unreadable += 1;
            continue;
        };
        done.filed += u64::from(day < until);
        for (line, cost) in lines.iter().zip(costs) {
            if day < until || line.item == RateItem::Number {
                let figure = Figure { messages: line.messages, segments: line.units, cost };
                wanted.insert((day, line.item, line.direction), figure);
            }
        }
    }
    let present = present(tx, first, last).await?;
    let mut costs = CostChanges::default();
    let lines: BTreeSet<&Line> = wanted.keys().chain(present.keys()).collect();
    let mut months: BTreeSet<Month> = BTreeSet::new();
    for line in lines {
        let figure = |map: &BTreeMap<Line, Figure>| map.get(line).copied().unwrap_or_default();
        let (before, after) = (figure(&present), figure(&wanted));
        costs.changed(key(*line), before.entry(line.1), after.entry(line.1));
        if line.1 == RateItem::Number && before != after {
            months.insert(Month::of(line.0));
        }
    }
    if wanted != present {
        replace(tx, first, last, &wanted).await?;
    }
    for month in months {
        cover_rents(tx, month, &mut costs).await?;
    }
    costs.write_spent(tx).await?;
    costs.write_lines(tx).await?;
    Ok(done)
}

async fn present<C: ConnectionTrait>(
    tx: &C,
    first: NaiveDate,
    last: NaiveDate,
) -> Result<BTreeMap<Line, Figure>, StoreError> {
    let rows =
        Sql::new("SELECT day, item, direction, messages, segments, cost FROM usage_costs WHERE day >= ")
            .bind(first)
            .text(" AND day <= ")
            .bind(last)
            .all(tx)
            .await?;
    rows.iter().map(read).collect()
}

fn read(row: &sea_orm::QueryResult) -> Result<(Line, Figure), StoreError> {
    let line = (row.try_get("", "day")?, row.read("item")?, row.read("direction")?);
    let figure = Figure {
        messages: row.try_get("", "messages")?,
        segments: row.try_get("", "segments")?,
        cost: row.try_get("", "cost")?,
    };
    Ok((line, figure))
}

async fn replace<C: ConnectionTrait>(
    tx: &C,
    first: NaiveDate,
    last: NaiveDate,
    wanted: &BTreeMap<Line, Figure>,
) -> Result<(), StoreError> {
    Sql::new("DELETE FROM usage_costs WHERE day >= ")
        .bind(first)
        .text(" AND day <= ")
        .bind(last)
        .execute(tx)
        .await?;
    let rows: Vec<_> = wanted.iter().collect();
    for batch in rows.chunks(BATCH) {
        let values = batch.iter().map(|((day, item, direction), figure)| -> [Value; 6] {
            [
                (*day).into(),
                Stored(*item).into(),
                Stored(*direction).into(),
                figure.messages.into(),
                figure.segments.into(),
                figure.cost.into(),
            ]
        });
        Sql::new("INSERT INTO usage_costs (day, item, direction, messages, segments, cost) VALUES ")
            .rows(values)
            .execute(tx)
            .await?;
    }
    Ok(())
}

/// Everything that is filed, for roll-ups made anew.
pub(crate) async fn filed<C: ConnectionTrait>(tx: &C, costs: &mut CostChanges) -> Result<(), StoreError> {
    for row in
        Sql::new("SELECT day, item, direction, messages, segments, cost FROM usage_costs").all(tx).await?
    {
        let (line, figure) = read(&row)?;
        costs.changed(key(line), Entry::default(), figure.entry(line.1));
    }
    Ok(())
}
