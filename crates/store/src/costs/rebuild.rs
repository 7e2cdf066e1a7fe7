//! From the log to roll-ups: for messages from before roll-ups were kept, and to prove that both agree.

use super::entry::{Entry, Key, MessageMoney};
use super::write::CostChanges;
use crate::column::Stored;
use crate::sql::{Row, Sql, for_update};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use chrono_tz::Tz;
use dakiya_core::ids::MessageId;
use dakiya_core::message::{Channel, Direction};
use dakiya_core::rate_card::RateItem;
use dakiya_core::time::{Timestamp, day_in};
use sea_orm::{ConnectionTrait, QueryResult, Value};

/// Rows read at a time.
const BATCH: i64 = 5_000;

const MESSAGE_COLUMNS: &str = "id, channel, category, template_id, campaign_id, reminder_rule_id, sender, status, twilio_sid, \
    segments, twilio_segments, estimated_cost, estimated_fx, actual_cost, twilio_price, twilio_price_unit, fx_rate, cost_day, \
    taken_at";

/// Gives messages that were taken before roll-ups were kept their day, and counts them; a batch at a time, so that
/// nobody waits long. `false`: none are left.
pub async fn catch_up(store: &Store, zone: Tz) -> Result<bool, StoreError> {
    let none = Sql::new("SELECT id FROM messages WHERE taken_at IS NOT NULL AND cost_day IS NULL LIMIT 1");
    if none.one(store.read()).await?.is_none() {
        return Ok(false);
    }
    let tx = store.write().await?;
    let query = Sql::new("SELECT ")
        .text(MESSAGE_COLUMNS)
        .text(" FROM messages WHERE taken_at IS NOT NULL AND cost_day IS NULL ORDER BY id LIMIT ")
        .bind(BATCH);
    let rows = query.text(for_update(&*tx)).all(&*tx).await?;
    let mut costs = CostChanges::default();
    let mut days: Vec<[Value; 2]> = Vec::with_capacity(rows.len());
    for row in &rows {
        let taken_at: Timestamp = row.try_get("", "taken_at")?;
        let day = day_in(taken_at, zone);
        days.push([Stored(row.read::<MessageId>("id")?).into(), day.into()]);
        let (key, entry) = of_message(row, day)?;
        costs.changed(key, Entry::default(), entry);
    }
    if !days.is_empty() {
        Sql::new("WITH dated (id, day) AS (VALUES ")
            .rows(days)
            .text(") UPDATE messages SET cost_day = ")
            // SQLite gives the column of a list no type; PostgreSQL knows it from the values.
            .text("dated.day FROM dated WHERE messages.id = dated.id")
            .execute(&*tx)
            .await?;
    }
    costs.write_spent(&*tx).await?;
    costs.write_lines(&*tx).await?;
    tx.commit().await?;
    Ok(!rows.is_empty())
}

/// Makes all roll-ups anew from the log, in one transaction. Whatever differed before is right afterwards.
pub async fn rebuild(store: &Store) -> Result<(), StoreError> {
    let tx = store.write().await?;
    // Whoever changes a message waits until this is through.
    if store.engine() == "postgres" {
        tx.execute_unprepared(
            "LOCK TABLE messages, inbound_messages, usage_state, usage_costs, number_rents, monthly_costs, daily_costs, \
             month_lines IN EXCLUSIVE MODE",
        )
        .await?;
    }
    for roll_up in ["daily_costs", "month_lines", "monthly_costs"] {
        tx.execute_unprepared(&format!("DELETE FROM {roll_up}")).await?;
    }
    let mut costs = CostChanges::default();
    messages(&*tx, &mut costs).await?;
    inbound(&*tx, &mut costs).await?;
    for row in Sql::new("SELECT day, sender, cost - covered AS cost FROM number_rents").all(&*tx).await? {
        let cost: i64 = row.try_get("", "cost")?;
        let key = super::rents::key(row.try_get("", "day")?, row.try_get("", "sender")?);
        costs.changed(key, Entry::default(), super::rents::entry(cost));
    }
    crate::usage::filed(&*tx, &mut costs).await?;
    costs.write_spent(&*tx).await?;
    costs.write_lines(&*tx).await?;
    tx.commit().await
}

async fn messages<C: ConnectionTrait>(tx: &C, costs: &mut CostChanges) -> Result<(), StoreError> {
    let mut after: Option<MessageId> = None;
    loop {
        let mut query =
            Sql::new("SELECT ").text(MESSAGE_COLUMNS).text(" FROM messages WHERE cost_day IS NOT NULL");
        if let Some(after) = after {
            query = query.text(" AND id > ").bind(Stored(after));
        }
        let rows = query.text(" ORDER BY id LIMIT ").bind(BATCH).all(tx).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = Some(last.read("id")?);
        for row in &rows {
            let (key, entry) = of_message(row, row.try_get("", "cost_day")?)?;
            costs.changed(key, Entry::default(), entry);
        }
    }
}

fn of_message(row: &QueryResult, day: NaiveDate) -> Result<(Key, Entry), StoreError> {
    let channel: Channel = row.read("channel")?;
    let key = Key {
        day,
        item: channel.into(),
        direction: Direction::Outbound,
        category: Some(row.read("category")?),
        template: row.maybe("template_id")?,
        campaign: row.maybe("campaign_id")?,
        reminder_rule: row.maybe("reminder_rule_id")?,
        sender: row.try_get("", "sender")?,
    };
    let text = |column: &str| -> Result<Option<String>, StoreError> { Ok(row.try_get("", column)?) };
    let (fx, price) =
        (text("estimated_fx")?, (text("twilio_price")?, text("twilio_price_unit")?, text("fx_rate")?));
    let money = MessageMoney {
        channel,
        status: row.read("status")?,
        has_sid: text("twilio_sid")?.is_some(),
        segments: row.try_get("", "segments")?,
        twilio_segments: row.try_get("", "twilio_segments")?,
        estimated: row.try_get("", "estimated_cost")?,
        estimated_fx: fx.as_deref(),
        actual: row.try_get("", "actual_cost")?,
        price: match &price {
            (Some(amount), Some(unit), Some(rate)) => Some((amount, unit, rate)),
            _ => None,
        },
    };
    Ok((key, money.entry()))
}

async fn inbound<C: ConnectionTrait>(tx: &C, costs: &mut CostChanges) -> Result<(), StoreError> {
    // Few beside what is sent; added up by the database.
    let rows = Sql::new(
        "SELECT cost_day, channel, recipient, COUNT(*) AS messages, CAST(SUM(segments) AS BIGINT) AS segments, \
         COUNT(actual_cost) AS priced, CAST(SUM(estimated_cost) AS BIGINT) AS estimated, \
         CAST(COALESCE(SUM(actual_cost), 0) AS BIGINT) AS actual, \
         CAST(SUM(CASE WHEN actual_cost IS NULL THEN estimated_cost ELSE 0 END) AS BIGINT) AS outstanding \
         FROM inbound_messages WHERE cost_day IS NOT NULL GROUP BY cost_day, channel, recipient",
    )
    .all(tx)
    .await?;
    for row in rows {
        let of = |column: &str| -> Result<i64, StoreError> { Ok(row.try_get("", column)?) };
        let key =
            inbound_key(row.try_get("", "cost_day")?, row.read("channel")?, row.try_get("", "recipient")?);
        let mut entry = Entry {
            messages: of("messages")?,
            segments: of("segments")?,
            priced: of("priced")?,
            estimated: of("estimated")?,
            actual: of("actual")?,
            outstanding: of("outstanding")?,
            ..Entry::default()
        };
        // What people send is not split further: how many segments it has is known when it comes.
        entry.differences.rate = entry.spent() - entry.estimated;
        costs.changed(key, Entry::default(), entry);
    }
    Ok(())
}

/// What inbound messages of a day are filed under.
pub(crate) fn inbound_key(day: NaiveDate, channel: Channel, recipient: String) -> Key {
    Key {
        day,
        item: RateItem::from(channel),
        direction: Direction::Inbound,
        category: None,
        template: None,
        campaign: None,
        reminder_rule: None,
        sender: recipient,
    }
}
