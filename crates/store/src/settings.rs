//! Business settings: one row, edited in the browser.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, fx_rates};
use chrono::NaiveDate;
use dakiya_core::fx_rate::DatedFx;
use dakiya_core::settings::Settings;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::ConnectionTrait;
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

/// Replaces the settings. The audit log names what changed. Another exchange rate becomes a dated one from `today` on;
/// what was sent before keeps its own.
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
    if old.usd_inr != settings.usd_inr {
        let rate = DatedFx { valid_from: today, rate: settings.fx(), source: "Settings".to_owned() };
        fx_rates::put_in(store, &*tx, &[rate], actor, now).await?;
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
