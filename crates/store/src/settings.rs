//! Business settings: one row, edited in the browser.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, fx_rates, rate_cards};
use chrono::NaiveDate;
use dakiya_core::fx_rate::DatedFx;
use dakiya_core::settings::Settings;
use dakiya_core::tax::{Gst, GstHistory};
use dakiya_core::time::{Month, Timestamp, to_micros};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, Value};
use serde_json::Value as Json;

/// The settings in force; the defaults until somebody changed one.
pub async fn get(store: &Store) -> Result<Settings, StoreError> {
    get_in(store.read()).await
}

/// The settings, as a transaction sees them.
pub(crate) async fn get_in<C: ConnectionTrait>(db: &C) -> Result<Settings, StoreError> {
    let row = Sql::new("SELECT settings FROM settings WHERE id = 1").one(db).await?;
    row.map_or_else(|| Ok(Settings::default()), |row| row.read("settings"))
}

/// The settings as they are on a day: the exchange rate is the one in force.
pub async fn on(store: &Store, day: NaiveDate) -> Result<Settings, StoreError> {
    on_in(store.read(), day).await
}

async fn on_in<C: ConnectionTrait>(db: &C, day: NaiveDate) -> Result<Settings, StoreError> {
    let usd_inr = fx_rates::history_in(db).await?.on(day).inr_per_usd;
    Ok(Settings { usd_inr, ..get_in(db).await? })
}

/// GST month by month.
pub async fn gst(store: &Store) -> Result<GstHistory, StoreError> {
    gst_in(store.read()).await
}

/// GST month by month, as a transaction sees it.
pub(crate) async fn gst_in<C: ConnectionTrait>(db: &C) -> Result<GstHistory, StoreError> {
    let mut past = Vec::new();
    for row in Sql::new("SELECT before_month, mode, rate FROM past_gst").all(db).await? {
        let rate: String = row.try_get("", "rate")?;
        let rate = Decimal::from_str_exact(&rate)
            .map_err(|_| StoreError::Inconsistent(format!("{rate} where a rate of GST was expected")))?;
        past.push((row.read("before_month")?, Gst { mode: row.read("mode")?, rate }));
    }
    Ok(GstHistory::new(past, get_in(db).await?.gst))
}

/// Months before this one keep the GST that held in them.
async fn keep_past_gst<C: ConnectionTrait>(tx: &C, old: Gst, today: NaiveDate) -> Result<(), StoreError> {
    let row: [Value; 3] =
        [Stored(Month::of(today)).into(), Stored(old.mode).into(), old.rate.normalize().to_string().into()];
    // What held before is that of the month's first change.
    Sql::new("INSERT INTO past_gst (before_month, mode, rate) VALUES ")
        .rows([row])
        .text(" ON CONFLICT (before_month) DO NOTHING")
        .execute(tx)
        .await?;
    Ok(())
}

/// Replaces the settings. The audit log names what changed. Another exchange rate becomes a dated one from `today` on;
/// what was sent before keeps its own; other GST holds from today's month on. A conflict when another rate card is named
/// that is not there, or could not price what goes out.
pub async fn update(
    store: &Store,
    settings: &Settings,
    actor: &Actor,
    now: Timestamp,
    today: NaiveDate,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let old = on_in(&*tx, today).await?;
    let changes = changes(&old, settings);
    if changes.is_empty() {
        return Ok(());
    }
    if old.rate_card != settings.rate_card {
        let card = rate_cards::get_in(&*tx, &settings.rate_card).await?;
        let none = || StoreError::Conflict(format!("there is no rate card \"{}\"", settings.rate_card));
        rate_cards::must_price(&*tx, &card.ok_or_else(none)?, today).await?;
    }
    if old.usd_inr != settings.usd_inr {
        let rate = DatedFx { valid_from: today, rate: settings.fx(), source: "Settings".to_owned() };
        fx_rates::put_in(store, &*tx, &[rate], actor, now).await?;
    }
    if old.gst != settings.gst {
        keep_past_gst(&*tx, old.gst, today).await?;
    }
    let settings = &Settings { usd_inr: get_in(&*tx).await?.usd_inr, ..settings.clone() };
    Sql::new("INSERT INTO settings (id, settings, version, updated_at) VALUES (1, ")
        .bind(Stored(settings.clone()))
        .text(", 1, ")
        .bind(to_micros(now))
        .text(
            ") ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, version = settings.version + 1, \
             updated_at = excluded.updated_at",
        )
        .execute(&*tx)
        .await?;
    audit::record(store, &*tx, actor, now, "settings.changed", "settings", changes.join("; ")).await?;
    tx.commit().await
}

/// `name: old → new` of each setting that differs. The team's numbers are not shown.
fn changes(old: &Settings, new: &Settings) -> Vec<String> {
    let fields = |settings| match serde_json::to_value(settings) {
        Ok(Json::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (fields(old), fields(new));
    let changed = new.iter().filter(|(name, value)| old.get(*name) != Some(value));
    changed
        .map(|(name, value)| match name.as_str() {
            "team_numbers" => format!("{name} changed"),
            _ => format!("{name}: {} → {value}", old.get(name).unwrap_or(&Json::Null)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_change_names_old_and_new_but_no_numbers() {
        let old = Settings::default();
        let new =
            Settings { retries: 5, team_numbers: vec!["+919876543210".to_owned()], ..Settings::default() };
        assert_eq!(changes(&old, &new), ["retries: 3 → 5", "team_numbers changed"]);
    }
}
