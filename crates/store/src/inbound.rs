//! Messages from people, as Twilio's webhook brings them.

mod prices;

use prices::PRICE_CHECKS;
pub use prices::{PriceFinding, Unpriced, correct_price, record_prices, unpriced};

use crate::column::{PhoneKey, Stored};
use crate::costs::{CostChanges, Entry, inbound_key};
use crate::messages::tally::micros;
use crate::sql::{Row, Sql};
use crate::{Cursor, Page, Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::encoding::Segments;
use dakiya_core::ids::InboundId;
use dakiya_core::message::Channel;
use dakiya_core::money::{FxRate, Money};
use dakiya_core::opt_out::Keyword;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::QueryResult;

/// A message that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInbound {
    /// Twilio's id; the same message is brought twice when our first answer got lost.
    pub twilio_sid: String,
    /// From whom, without `whatsapp:`. Not always a number.
    pub from: String,
    /// To which of our addresses, without `whatsapp:`.
    pub recipient: String,
    /// How it came.
    pub channel: Channel,
    /// What it says.
    pub body: String,
    /// What it asks for, if it is a keyword.
    pub keyword: Option<Keyword>,
    /// Billed parts.
    pub segments: Segments,
    /// The business day it came.
    pub day: NaiveDate,
    /// Expected cost, before tax; nothing where no rate card has a price.
    pub estimated_cost: Money,
    /// The dollar's price it was reckoned with; `None` when no dollars were in it.
    pub estimated_fx: Option<FxRate>,
}

/// A message that came in, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// Its id.
    pub id: InboundId,
    /// From whom; a hash once the person asked to be erased.
    pub phone: PhoneKey,
    /// To which of our addresses.
    pub recipient: String,
    /// How it came.
    pub channel: Channel,
    /// What it says.
    pub body: String,
    /// What it asks for, if it is a keyword.
    pub keyword: Option<Keyword>,
    /// When.
    pub received_at: Timestamp,
}

/// Keeps a message. `false`: it was kept before.
pub async fn record(store: &Store, new: &NewInbound, now: Timestamp) -> Result<bool, StoreError> {
    let tx = store.write().await?;
    let estimated = micros(new.estimated_cost)?;
    let row = [
        Stored(store.new_id::<InboundId>(now)).into(),
        new.twilio_sid.clone().into(),
        Stored(PhoneKey::of_address(&new.from)).into(),
        new.recipient.clone().into(),
        Stored(new.channel).into(),
        new.body.clone().into(),
        new.keyword.map(Stored).into(),
        Stored(new.segments).into(),
        to_micros(now).into(),
        new.day.into(),
        estimated.into(),
        new.estimated_fx.map(Stored).into(),
        (to_micros(now) + PRICE_CHECKS[0]).into(),
    ];
    let inserted = Sql::new(
        "INSERT INTO inbound_messages (id, twilio_sid, phone, recipient, channel, body, keyword, segments, received_at, \
         cost_day, estimated_cost, estimated_fx, price_check_at) VALUES ",
    )
    .rows([row])
    .text(" ON CONFLICT (twilio_sid) DO NOTHING")
    .execute(&*tx)
    .await?;
    if inserted > 0 {
        let entry = Entry {
            messages: 1,
            segments: i64::from(new.segments.0),
            estimated,
            outstanding: estimated,
            ..Entry::default()
        };
        let mut costs = CostChanges::default();
        costs.changed(inbound_key(new.day, new.channel, new.recipient.clone()), Entry::default(), entry);
        costs.write_spent(&*tx).await?;
        costs.write_lines(&*tx).await?;
    }
    tx.commit().await?;
    Ok(inserted > 0)
}

/// Whether a message was kept before.
pub async fn is_known(store: &Store, twilio_sid: &str) -> Result<bool, StoreError> {
    let query = Sql::new("SELECT 1 AS known FROM inbound_messages WHERE twilio_sid = ").bind(twilio_sid);
    Ok(query.one(store.read()).await?.is_some())
}

/// What came in, newest first; from everybody or from one number.
pub async fn page(
    store: &Store,
    phone: Option<PhoneNumber>,
    after: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Inbound>, StoreError> {
    let mut query = Sql::new(
        "SELECT id, phone, recipient, channel, body, keyword, received_at FROM inbound_messages WHERE body IS NOT NULL",
    );
    if let Some(phone) = phone {
        query = query.text(" AND phone = ").bind(Stored(PhoneKey::Number(phone)));
    }
    if let Some(after) = after {
        query = query.text(" AND id < ").bind(Stored(after.part::<InboundId>()?));
    }
    let rows = query
        .text(" ORDER BY id DESC LIMIT ")
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .all(store.read())
        .await?;
    let items = rows.iter().map(inbound).collect::<Result<Vec<_>, StoreError>>()?;
    Ok(Page::cut(items, limit, |message| Cursor::of([&message.id.to_string()])))
}

fn inbound(row: &QueryResult) -> Result<Inbound, StoreError> {
    Ok(Inbound {
        id: row.read("id")?,
        phone: row.read("phone")?,
        recipient: row.try_get("", "recipient")?,
        channel: row.read("channel")?,
        body: row.try_get("", "body")?,
        keyword: row.maybe("keyword")?,
        received_at: row.try_get("", "received_at")?,
    })
}
