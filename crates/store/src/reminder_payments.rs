//! Payments as reminders see them: read by due date, a batch at a time, no more of them than are due.

use crate::column::{PhoneKey, Stored};
use crate::messages::NewMessage;
use crate::sql::{Row, Sql, for_share};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::PaymentId;
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentFacts, PaymentReference, PaymentStatus};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::reminder::PaymentFilter;
use dakiya_core::template::Variables;
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::{HashMap, HashSet};

/// What a reminder needs to know of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReminderPayment {
    /// Its id.
    pub id: PaymentId,
    /// What the business calls it.
    pub reference: PaymentReference,
    /// Who owes it; a hash once the person asked to be erased.
    pub phone: PhoneKey,
    /// In which language they are written to.
    pub language: Option<String>,
    /// What is left of it.
    pub left: Money,
    /// By when.
    pub due_on: NaiveDate,
    /// Where it stands.
    pub status: PaymentStatus,
    /// Counts its changes.
    pub revision: i64,
    name: Option<String>,
    pay_url: Option<String>,
    variables: Variables,
}

impl ReminderPayment {
    /// What the placeholders of its texts stand for.
    pub fn placeholders(&self) -> Variables {
        let facts = PaymentFacts {
            reference: &self.reference,
            left: self.left,
            due_on: self.due_on,
            pay_url: self.pay_url.as_deref(),
            name: self.name.as_deref(),
            variables: &self.variables,
        };
        facts.placeholders()
    }
}

const COLUMNS: &str = "SELECT id, reference, phone, name, language, amount, paid, due_on, pay_url, link_expired_at IS NULL \
     AS link_works, variables, status, revision FROM payments WHERE ";

/// Payments that a rule covers, are owed and due on a day, in the order of their references, after one of them.
pub async fn owed_on(
    store: &Store,
    due_on: NaiveDate,
    filter: &PaymentFilter,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<ReminderPayment>, StoreError> {
    let mut query = Sql::new(COLUMNS).text("status < 2 AND due_on = ").bind(due_on);
    if let Some(after) = after {
        query = query.text(" AND reference > ").bind(after.to_owned());
    }
    let query = filtered(query, filter, "amount - paid").text(" ORDER BY reference LIMIT ").bind(limit);
    query.all(store.read()).await?.iter().map(payment).collect()
}

/// How many payments that a rule covers are owed and due on a day.
pub async fn count_owed_on(
    store: &Store,
    due_on: NaiveDate,
    filter: &PaymentFilter,
) -> Result<u64, StoreError> {
    let query =
        Sql::new("SELECT count(*) AS found FROM payments WHERE status < 2 AND due_on = ").bind(due_on);
    let row = filtered(query, filter, "amount - paid").one(store.read()).await?;
    let found: i64 = row.map(|row| row.try_get("", "found")).transpose()?.unwrap_or(0);
    Ok(found.unsigned_abs())
}

/// One payment.
pub async fn get(store: &Store, id: PaymentId) -> Result<Option<ReminderPayment>, StoreError> {
    Ok(by_ids(store.read(), &[id]).await?.into_iter().next())
}

/// How many payments that a rule covers and that were due on a day are paid.
pub async fn paid_on(store: &Store, due_on: NaiveDate, filter: &PaymentFilter) -> Result<u64, StoreError> {
    // Said twice, because SQLite uses the index of what is settled only for its own words.
    let query =
        Sql::new("SELECT count(*) AS found FROM payments WHERE status > 1 AND status = 2 AND due_on = ");
    let row = filtered(query.bind(due_on), filter, "amount").one(store.read()).await?;
    let found: i64 = row.map(|row| row.try_get("", "found")).transpose()?.unwrap_or(0);
    Ok(found.unsigned_abs())
}

/// How many payments are owed and due on a day from one until another, which counts itself.
pub async fn due_between(store: &Store, from: NaiveDate, until: NaiveDate) -> Result<u64, StoreError> {
    let row = Sql::new(
        "SELECT CAST(COALESCE(sum(payments), 0) AS BIGINT) AS found FROM payment_days WHERE status < 2 AND due_on >= ",
    )
    .bind(from)
    .text(" AND due_on <= ")
    .bind(until)
    .one(store.read())
    .await?;
    let found: i64 = row.map(|row| row.try_get("", "found")).transpose()?.unwrap_or(0);
    Ok(found.unsigned_abs())
}

/// Those of some people who owe several payments that a rule covers, due on one day.
pub async fn owing_several(
    store: &Store,
    due_on: NaiveDate,
    filter: &PaymentFilter,
    phones: &[PhoneNumber],
) -> Result<HashSet<PhoneNumber>, StoreError> {
    // `status + 0` has each looked up by number: as many as asked about, not as many as are due.
    let query = Sql::new("SELECT phone FROM payments WHERE status + 0 < 2 AND due_on = ")
        .bind(due_on)
        .text(" AND phone IN ")
        .list(phones.iter().copied().map(Stored));
    let query = filtered(query, filter, "amount - paid").text(" GROUP BY phone HAVING count(*) > 1");
    query.all(store.read()).await?.iter().map(|row| row.read("phone")).collect()
}

/// The days from one on on which something that is owed is due, the earliest first.
pub async fn due_days(store: &Store, from: NaiveDate, limit: u64) -> Result<Vec<NaiveDate>, StoreError> {
    let rows = Sql::new("SELECT due_on FROM payment_days WHERE status < 2 AND payments > 0 AND due_on >= ")
        .bind(from)
        .text(" GROUP BY due_on ORDER BY due_on LIMIT ")
        .bind(limit)
        .all(store.read())
        .await?;
    rows.iter().map(|row| Ok(row.try_get("", "due_on")?)).collect()
}

/// Payments by id, as a transaction sees them.
pub(crate) async fn by_ids<C: ConnectionTrait>(
    tx: &C,
    ids: &[PaymentId],
) -> Result<Vec<ReminderPayment>, StoreError> {
    let rows = Sql::new(COLUMNS).text("id IN ").list(ids.iter().copied().map(Stored)).all(tx).await?;
    rows.iter().map(payment).collect()
}

/// What payments are tagged with, as a transaction sees it; those without a tag are left out.
pub(crate) async fn tags_of<C: ConnectionTrait>(
    tx: &C,
    ids: &[PaymentId],
) -> Result<HashMap<PaymentId, Vec<String>>, StoreError> {
    let query = Sql::new("SELECT payment_id, tag FROM payment_tags WHERE payment_id IN ");
    let mut tags: HashMap<PaymentId, Vec<String>> = HashMap::new();
    for row in query.list(ids.iter().copied().map(Stored)).all(tx).await? {
        tags.entry(row.read("payment_id")?).or_default().push(row.try_get("", "tag")?);
    }
    Ok(tags)
}

/// Whether the payments of these messages still are what they were when the messages were made. Until the transaction ends
/// nobody changes them: whoever does so afterwards finds the messages written down, and takes them back.
pub(crate) async fn unchanged<C: ConnectionTrait>(
    tx: &C,
    messages: &[NewMessage],
) -> Result<bool, StoreError> {
    let about = messages.iter().filter_map(|message| message.reminder.as_ref());
    let made_of: HashMap<PaymentId, i64> =
        about.map(|reminder| (reminder.payment, reminder.revision)).collect();
    if made_of.is_empty() {
        return Ok(true);
    }
    // In the order in which others lock payments, so that none waits for another in a circle.
    let rows = Sql::new("SELECT id, revision FROM payments WHERE id IN ")
        .list(made_of.keys().copied().map(Stored))
        .text(" ORDER BY reference")
        .text(for_share(tx))
        .all(tx)
        .await?;
    let mut same = 0;
    for row in &rows {
        let revision: i64 = row.try_get("", "revision")?;
        same += usize::from(made_of.get(&row.read("id")?) == Some(&revision));
    }
    Ok(same == made_of.len())
}

fn filtered(mut query: Sql, filter: &PaymentFilter, amount: &str) -> Sql {
    if !filter.tags.is_empty() {
        query = query
            .text(" AND EXISTS (SELECT 1 FROM payment_tags WHERE payment_tags.payment_id = payments.id AND tag IN ")
            .list(filter.tags.iter().cloned())
            .text(")");
    }
    for (compare, bound) in [(" >= ", filter.least), (" <= ", filter.most)] {
        if let Some(bound) = bound {
            query = query.text(" AND ").text(amount).text(compare).bind(Stored(bound));
        }
    }
    query
}

fn payment(row: &QueryResult) -> Result<ReminderPayment, StoreError> {
    let (amount, paid): (Money, Money) = (row.read("amount")?, row.read("paid")?);
    let link_works: bool = row.try_get("", "link_works")?;
    let pay_url: Option<String> = row.try_get("", "pay_url")?;
    Ok(ReminderPayment {
        id: row.read("id")?,
        reference: row.read("reference")?,
        phone: row.read("phone")?,
        language: row.try_get("", "language")?,
        left: amount - paid,
        due_on: row.try_get("", "due_on")?,
        status: row.read("status")?,
        revision: row.try_get("", "revision")?,
        name: row.try_get("", "name")?,
        pay_url: pay_url.filter(|_| link_works),
        variables: row.read("variables")?,
    })
}
