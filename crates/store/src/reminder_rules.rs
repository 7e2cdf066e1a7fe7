//! Reminder rules, and the holidays that they know.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::sql::{Row, Sql, for_update};
use crate::{Cursor, Page, Store, StoreError, reminder_runs};
use dakiya_core::ids::ReminderRuleId;
use dakiya_core::reminder::{Holidays, ReminderRule, Schedule};
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, QueryResult};

/// A rule as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRule {
    /// Its id.
    pub id: ReminderRuleId,
    /// Its key in API and addresses.
    pub key: String,
    /// What it says.
    pub rule: ReminderRule,
    /// Its runs until then have been looked for.
    pub planned_through: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Rules of one installation that run.
const MOST_RUNNING: u64 = 1_000;

const COLUMNS: &str = "SELECT id, key, rule, planned_through, updated_at FROM reminder_rules";

/// Stores a rule, whether it was known or not. Its runs count from now on when it is new, switched on, or comes at
/// other times than before; what was sent is never sent again, whatever changes. A run that was still to come and whose
/// time has passed by the new rule is remembered: it is sent late or skipped, and either way accounted for.
pub async fn put(
    store: &Store,
    key: &str,
    rule: &ReminderRule,
    actor: &Actor,
    now: Timestamp,
) -> Result<StoredRule, StoreError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    let known = Sql::new(COLUMNS).text(" WHERE key = ").bind(key.to_owned()).text(for_update(&*tx));
    let known = known.one(&*tx).await?.map(|row| stored(&row)).transpose()?;
    let planned_through = match &known {
        Some(before) if same_times(&before.rule, rule) => before.planned_through,
        _ => now,
    };
    if let Some(known) = &known {
        remember_moved(&*tx, known, rule, now).await?;
    }
    Sql::new("INSERT INTO reminder_rules (id, key, rule, enabled, planned_through, created_at, updated_at) VALUES ")
        .rows([[
            Stored(known.map_or_else(|| store.new_id(now), |known| known.id)).into(),
            key.to_owned().into(),
            Stored(rule.clone()).into(),
            rule.enabled.into(),
            planned_through.into(),
            now.into(),
            now.into(),
        ]])
        .text(
            " ON CONFLICT (key) DO UPDATE SET rule = excluded.rule, enabled = excluded.enabled, \
             planned_through = excluded.planned_through, updated_at = excluded.updated_at",
        )
        .execute(&*tx)
        .await?;
    let what = if rule.enabled { "on" } else { "off" };
    audit::record(store, &*tx, actor, now, "reminder_rule.changed", key, what).await?;
    let written = Sql::new(COLUMNS).text(" WHERE key = ").bind(key.to_owned()).one(&*tx).await?;
    let written = stored(&written.ok_or_else(|| StoreError::not_found("reminder rule", key))?)?;
    tx.commit().await?;
    Ok(written)
}

/// Remembers the runs that nobody would look for once a rule has changed.
async fn remember_moved<C: ConnectionTrait>(
    tx: &C,
    before: &StoredRule,
    rule: &ReminderRule,
    now: Timestamp,
) -> Result<(), StoreError> {
    if !rule.enabled {
        return reminder_runs::forget_moved(tx, before.id).await;
    }
    if !before.rule.enabled || same_times(&before.rule, rule) {
        return Ok(());
    }
    let holidays = holidays_in(tx).await?;
    let holidays = &holidays;
    let after = Schedule { rule, holidays };
    let before_it = Schedule { rule: &before.rule, holidays };
    let moved = before_it.moved_into_past(before.planned_through, &after, now);
    reminder_runs::remember_moved(tx, before.id, &moved).await
}

/// Whether two versions of a rule come at the same times, so that downtime before the change still counts.
fn same_times(before: &ReminderRule, after: &ReminderRule) -> bool {
    let offsets = |rule: &ReminderRule| rule.steps.iter().map(|step| step.offset_days).collect::<Vec<_>>();
    before.enabled == after.enabled
        && before.at == after.at
        && before.zone == after.zone
        && before.working_days_only == after.working_days_only
        && offsets(before) == offsets(after)
}

/// One rule.
pub async fn get(store: &Store, key: &str) -> Result<Option<StoredRule>, StoreError> {
    let row = Sql::new(COLUMNS).text(" WHERE key = ").bind(key.to_owned()).one(store.read()).await?;
    row.map(|row| stored(&row)).transpose()
}

/// One rule, by id.
pub async fn by_id(store: &Store, id: ReminderRuleId) -> Result<Option<StoredRule>, StoreError> {
    let row = Sql::new(COLUMNS).text(" WHERE id = ").bind(Stored(id)).one(store.read()).await?;
    row.map(|row| stored(&row)).transpose()
}

/// Rules by key.
pub async fn list(
    store: &Store,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<StoredRule>, StoreError> {
    let mut query = Sql::new(COLUMNS);
    if let Some(cursor) = cursor {
        query = query.text(" WHERE key > ").bind(cursor.part::<String>()?);
    }
    let rows = query.text(" ORDER BY key LIMIT ").bind(limit + 1).all(store.read()).await?;
    let rules = rows.iter().map(stored).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::cut(rules, limit, |rule| Cursor::of([&rule.key])))
}

/// The rules that run.
pub async fn running(store: &Store) -> Result<Vec<StoredRule>, StoreError> {
    running_in(store.read(), "").await
}

async fn running_in<C: ConnectionTrait>(db: &C, lock: &'static str) -> Result<Vec<StoredRule>, StoreError> {
    let query = Sql::new(COLUMNS).text(" WHERE enabled ORDER BY key LIMIT ").bind(MOST_RUNNING).text(lock);
    query.all(db).await?.iter().map(stored).collect()
}

fn stored(row: &QueryResult) -> Result<StoredRule, StoreError> {
    Ok(StoredRule {
        id: row.read("id")?,
        key: row.try_get("", "key")?,
        rule: row.read("rule")?,
        planned_through: row.try_get("", "planned_through")?,
        updated_at: row.try_get("", "updated_at")?,
    })
}

/// The listed holidays.
pub async fn holidays(store: &Store) -> Result<Holidays, StoreError> {
    holidays_in(store.read()).await
}

/// As [`holidays`], as a transaction sees them.
pub(crate) async fn holidays_in<C: ConnectionTrait>(db: &C) -> Result<Holidays, StoreError> {
    let named = named_holidays_in(db).await?;
    Ok(Holidays(named.into_iter().map(|(day, _)| day).collect()))
}

/// The listed holidays with their names, the earliest first.
pub async fn named_holidays(store: &Store) -> Result<Vec<(chrono::NaiveDate, String)>, StoreError> {
    named_holidays_in(store.read()).await
}

async fn named_holidays_in<C: ConnectionTrait>(
    db: &C,
) -> Result<Vec<(chrono::NaiveDate, String)>, StoreError> {
    let rows = Sql::new("SELECT day, name FROM holidays ORDER BY day LIMIT 10000").all(db).await?;
    rows.iter().map(|row| Ok((row.try_get("", "day")?, row.try_get("", "name")?))).collect()
}

/// Replaces the listed holidays. Runs that were moved from a day that has come, and would have to be sent on it now, are
/// remembered as by [`put`].
pub async fn put_holidays(
    store: &Store,
    days: &[(chrono::NaiveDate, String)],
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let rules = running_in(&*tx, for_update(&*tx)).await?;
    let before = holidays_in(&*tx).await?;
    let after = Holidays(days.iter().map(|(day, _)| *day).collect());
    for stored in rules.iter().filter(|stored| stored.rule.working_days_only) {
        let schedule = |holidays| Schedule { rule: &stored.rule, holidays };
        let moved = schedule(&before).moved_into_past(stored.planned_through, &schedule(&after), now);
        reminder_runs::remember_moved(&*tx, stored.id, &moved).await?;
    }
    tx.execute_unprepared("DELETE FROM holidays").await?;
    for batch in days.chunks(1_000) {
        Sql::new("INSERT INTO holidays (day, name) VALUES ")
            .rows(batch.iter().map(|(day, name)| [(*day).into(), name.clone().into()]))
            .text(" ON CONFLICT (day) DO NOTHING")
            .execute(&*tx)
            .await?;
    }
    audit::record(store, &*tx, actor, now, "holidays.changed", "holidays", days.len().to_string()).await?;
    tx.commit().await
}
