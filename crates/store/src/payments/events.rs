//! What happened to payments: appended, never edited; and kept too when it comes before the payment itself.

use crate::audit::{ACTOR_NAME, Actor};
use crate::column::Stored;
use crate::messages::tally::micros;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::ids::PaymentEventId;
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentEvent, PaymentEventKind, PaymentReference};
use dakiya_core::time::Timestamp;
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::{HashMap, HashSet};

/// The source of what a list of payments says.
const LIST: &str = "list";

/// The sources of events that our own doors write: no provider may be called so.
pub const OUR_SOURCES: [&str; 4] = ["page", "api", "list", "erasure"];

/// One thing that happened to a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// Its id.
    pub id: PaymentEventId,
    /// When we learned of it.
    pub at: Timestamp,
    /// What.
    pub event: PaymentEvent,
    /// Who said so: `page`, `api`, `list`, `erasure`, or the name under which a provider's webhook is called.
    pub source: String,
    /// Who recorded it, as people know them.
    pub actor: String,
    /// Which earlier event it takes back.
    pub takes_back: Option<PaymentEventId>,
}

impl Happened {
    /// Whether it is money that a person may take back: recorded here by somebody who can be mistaken, not told by the
    /// provider that has it.
    pub fn may_be_taken_back(&self) -> bool {
        let money = matches!(self.event, PaymentEvent::Received(Some(money)) if money > Money::ZERO);
        money && matches!(self.source.as_str(), "page" | "api" | LIST)
    }
}

/// The money that counts among all that was told of: what was taken back does not.
pub fn money_of(history: &[Happened]) -> impl Iterator<Item = Option<Money>> {
    let taken_back: HashSet<PaymentEventId> =
        history.iter().filter_map(|happened| happened.takes_back).collect();
    history.iter().filter(move |happened| !taken_back.contains(&happened.id)).filter_map(|happened| {
        match happened.event {
            PaymentEvent::Received(money) => Some(money),
            _ => None,
        }
    })
}

/// One thing about to be written down.
pub(super) struct NewEvent<'a> {
    pub(super) reference: &'a PaymentReference,
    pub(super) event: PaymentEvent,
    pub(super) source: &'a str,
    pub(super) external_id: Option<&'a str>,
    pub(super) link: Option<&'a str>,
    pub(super) takes_back: Option<PaymentEventId>,
}

impl<'a> NewEvent<'a> {
    /// What a list of payments says.
    pub(super) fn listed(reference: &'a PaymentReference, event: PaymentEvent) -> Self {
        Self { reference, event, source: LIST, external_id: None, link: None, takes_back: None }
    }
}

/// What happened to a payment, oldest first; at most `limit`.
pub async fn history(
    store: &Store,
    reference: &PaymentReference,
    limit: u64,
) -> Result<Vec<Happened>, StoreError> {
    history_in(store.read(), reference, limit).await
}

pub(super) async fn history_in<C: ConnectionTrait>(
    db: &C,
    reference: &PaymentReference,
    limit: u64,
) -> Result<Vec<Happened>, StoreError> {
    let rows = Sql::new("SELECT id, at, kind, amount, source, takes_back, ")
        .text(ACTOR_NAME)
        .text(" AS actor FROM payment_events WHERE reference = ")
        .bind(Stored(reference.clone()))
        .text(" ORDER BY id LIMIT ")
        .bind(limit)
        .all(db)
        .await?;
    let happened = |row: &QueryResult| {
        Ok(Happened {
            id: row.read("id")?,
            takes_back: row.maybe("takes_back")?,
            at: row.try_get("", "at")?,
            event: event_of(row)?,
            source: row.try_get("", "source")?,
            actor: row.try_get("", "actor")?,
        })
    };
    rows.iter().map(happened).collect()
}

/// What was told of these payments before they came, oldest first.
pub(super) async fn early<C: ConnectionTrait>(
    tx: &C,
    references: impl IntoIterator<Item = PaymentReference>,
) -> Result<HashMap<PaymentReference, Vec<(PaymentEvent, Timestamp)>>, StoreError> {
    let query = Sql::new("SELECT reference, at, kind, amount FROM payment_events WHERE reference IN ")
        .list(references.into_iter().map(Stored));
    let mut events: HashMap<PaymentReference, Vec<(PaymentEvent, Timestamp)>> = HashMap::new();
    for row in query.text(" ORDER BY reference, id").all(tx).await? {
        events.entry(row.read("reference")?).or_default().push((event_of(&row)?, row.try_get("", "at")?));
    }
    Ok(events)
}

/// Whether this was told before: by the same source, or about the same payment by any. A provider signs what it tells, not
/// the name under which it calls.
pub(super) async fn is_known<C: ConnectionTrait>(
    tx: &C,
    reference: &PaymentReference,
    source: &str,
    external_id: &str,
) -> Result<bool, StoreError> {
    let query = Sql::new("SELECT id FROM payment_events WHERE external_id = ")
        .bind(external_id)
        .text(" AND (source = ")
        .bind(source)
        .text(" OR reference = ")
        .bind(Stored(reference.clone()))
        .text(") LIMIT 1");
    Ok(query.one(tx).await?.is_some())
}

/// What a pay link is known to have brought.
pub(super) async fn brought_by<C: ConnectionTrait>(
    tx: &C,
    reference: &PaymentReference,
    link: &str,
) -> Result<Money, StoreError> {
    let row = Sql::new(
        "SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS brought FROM payment_events WHERE reference = ",
    )
    .bind(Stored(reference.clone()))
    .text(" AND link = ")
    .bind(link)
    .one(tx)
    .await?;
    row.map_or(Ok(Money::ZERO), |row| row.read("brought"))
}

/// Writes one down.
pub(super) async fn append<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    event: &NewEvent<'_>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (actor_kind, actor_id, actor_name) = actor.columns();
    let amount = match event.event {
        PaymentEvent::Received(money) => money,
        PaymentEvent::TakenBack(money) => Some(money),
        PaymentEvent::Canceled | PaymentEvent::LinkExpired => None,
    };
    let amount = amount.map(micros).transpose()?;
    Sql::new(
        "INSERT INTO payment_events (reference, id, at, kind, amount, source, external_id, link, takes_back, \
         actor_kind, actor_id, actor_name) VALUES ",
    )
    .rows([[
        Stored(event.reference.clone()).into(),
        Stored(store.new_id::<PaymentEventId>(now)).into(),
        now.into(),
        Stored(event.event.kind()).into(),
        amount.into(),
        event.source.into(),
        event.external_id.into(),
        event.link.into(),
        event.takes_back.map(Stored).into(),
        actor_kind.into(),
        actor_id.into(),
        actor_name.into(),
    ]])
    .execute(tx)
    .await?;
    Ok(())
}

fn event_of(row: &QueryResult) -> Result<PaymentEvent, StoreError> {
    Ok(match row.read("kind")? {
        PaymentEventKind::Received => PaymentEvent::Received(row.maybe("amount")?),
        PaymentEventKind::Canceled => PaymentEvent::Canceled,
        PaymentEventKind::LinkExpired => PaymentEvent::LinkExpired,
        PaymentEventKind::TakenBack => PaymentEvent::TakenBack(row.read("amount")?),
    })
}
