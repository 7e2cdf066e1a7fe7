//! How many messages each number has had within the hour.

use crate::StoreError;
use crate::column::Stored;
use crate::sql::{Row, Sql};
use chrono::TimeDelta;
use dakiya_core::message::Category;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use sea_orm::ConnectionTrait;
use std::collections::HashMap;

/// Messages to each number in the last hour: OTPs, and all others.
#[derive(Default)]
pub(super) struct Recent(HashMap<(PhoneNumber, bool), u32>);

impl Recent {
    pub(super) fn count(&self, phone: PhoneNumber, category: Category) -> u32 {
        self.0.get(&(phone, category == Category::Otp)).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, phone: PhoneNumber, category: Category) {
        *self.0.entry((phone, category == Category::Otp)).or_default() += 1;
    }
}

pub(super) async fn sent_last_hour<C: ConnectionTrait>(
    tx: &C,
    phones: &[PhoneNumber],
    now: Timestamp,
) -> Result<Recent, StoreError> {
    let mut recent = Recent::default();
    if phones.is_empty() {
        return Ok(recent);
    }
    // The limit is about what people receive: what was refused or never left does not count, a failure that Twilio
    // never had a message for included.
    let rows = Sql::new("SELECT phone, category FROM messages WHERE phone IN ")
        .list(phones.iter().copied().map(Stored))
        .text(" AND taken_at > ")
        .bind(now - TimeDelta::hours(1))
        .text(" AND status BETWEEN 1 AND 8 AND NOT (status = 8 AND twilio_sid IS NULL)")
        .all(tx)
        .await?;
    for row in rows {
        recent.add(row.read("phone")?, row.read("category")?);
    }
    Ok(recent)
}
