//! Dated exchange rates, set by hand or from a file.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, settings};
use chrono::NaiveDate;
use dakiya_core::fx_rate::{DatedFx, FxHistory};
use dakiya_core::money::FxRate;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, Value};

/// A rate for each working day of forty years.
const MOST_RATES: i64 = 10_000;

/// All rates. Before the first one is set, the setting's.
pub async fn history(store: &Store) -> Result<FxHistory, StoreError> {
    history_in(store.read()).await
}

pub(crate) async fn history_in<C: ConnectionTrait>(db: &C) -> Result<FxHistory, StoreError> {
    let rows = Sql::new("SELECT valid_from, rate, source FROM fx_rates ORDER BY valid_from DESC LIMIT ")
        .bind(MOST_RATES)
        .all(db)
        .await?;
    let mut rates = Vec::with_capacity(rows.len());
    for row in rows {
        rates.push(DatedFx {
            valid_from: row.try_get("", "valid_from")?,
            rate: row.read("rate")?,
            source: row.try_get("", "source")?,
        });
    }
    Ok(FxHistory::new(rates, settings::get_in(db).await?.fx()))
}

/// The rate in force on a day.
pub async fn on(store: &Store, day: NaiveDate) -> Result<FxRate, StoreError> {
    Ok(history(store).await?.on(day))
}

/// Sets rates; one of the same day is replaced. All or none.
pub async fn put(store: &Store, rates: &[DatedFx], actor: &Actor, now: Timestamp) -> Result<(), StoreError> {
    let tx = store.write().await?;
    put_in(store, &*tx, rates, actor, now).await?;
    tx.commit().await
}

pub(crate) async fn put_in<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    rates: &[DatedFx],
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let by = audit::name_of(tx, actor).await?;
    for dated in rates {
        let row: [Value; 5] = [
            dated.valid_from.into(),
            Stored(dated.rate).into(),
            dated.source.clone().into(),
            to_micros(now).into(),
            by.clone().into(),
        ];
        Sql::new("INSERT INTO fx_rates (valid_from, rate, source, created_at, created_by) VALUES ")
            .rows([row])
            .text(
                " ON CONFLICT (valid_from) DO UPDATE SET rate = excluded.rate, source = excluded.source, \
                 created_at = excluded.created_at, created_by = excluded.created_by",
            )
            .execute(tx)
            .await?;
    }
    let said = match rates {
        [only] => format!("{} from {} ({})", only.rate.inr_per_usd, only.valid_from, only.source),
        several => format!("{} rates", several.len()),
    };
    audit::record(store, tx, actor, now, "fx_rate.changed", "USD/INR", said).await
}

/// Takes a rate away. Whether there was one.
pub async fn remove(
    store: &Store,
    valid_from: NaiveDate,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let removed =
        Sql::new("DELETE FROM fx_rates WHERE valid_from = ").bind(valid_from).execute(&*tx).await? > 0;
    if removed {
        audit::record(store, &*tx, actor, now, "fx_rate.removed", "USD/INR", valid_from.to_string()).await?;
    }
    tx.commit().await?;
    Ok(removed)
}
