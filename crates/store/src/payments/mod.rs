//! What customers owe: one row per reference, the sums per due date, and what happened to each.

mod change;
mod days;
mod erase;
mod events;
mod import;
mod page;
mod record;
mod take_back;
mod write;

pub use days::{Sum, Totals, totals};
pub(crate) use erase::erase_in;
pub use events::{Happened, OUR_SOURCES, history, money_of};
pub use import::{ListedPayment, PaymentRow, import, put};
pub use page::{PaymentFilter, Standing, page};
pub use record::{PaymentReport, Recorded, Reported, Reporter, record};
pub use take_back::take_back;

use crate::column::Stored;
use crate::entities::payments as table;
use crate::sql::{Row, Sql};
use crate::{PhoneKey, Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::PaymentId;
use dakiya_core::money::Money;
use dakiya_core::payment::{Balance, PaymentFacts, PaymentReference, PaymentStatus};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use std::collections::{BTreeSet, HashMap};

/// Something a customer owes, or owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its id; messages name it by this.
    pub id: PaymentId,
    /// What the business calls it.
    pub reference: PaymentReference,
    /// Who owes it; a hash once the person asked to be erased.
    pub phone: PhoneKey,
    /// What they are called.
    pub name: Option<String>,
    /// The language they are written to in.
    pub language: Option<String>,
    /// What is asked for.
    pub amount: Money,
    /// What came.
    pub paid: Money,
    /// Where it stands.
    pub status: PaymentStatus,
    /// By when it is to be paid.
    pub due_on: NaiveDate,
    /// Where to pay.
    pub pay_url: Option<String>,
    /// Since when that link works no longer.
    pub link_expired_at: Option<Timestamp>,
    /// What else a reminder may say.
    pub variables: Variables,
    /// In alphabetical order.
    pub tags: Vec<String>,
    /// When it was paid in full, or canceled.
    pub settled_at: Option<Timestamp>,
    /// How often it was changed.
    pub revision: i64,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What a person, a program or a list says about a payment. `None` leaves what is there; where two are nested, the inner
/// one says that there is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentFields {
    /// Who owes it.
    pub phone: PhoneNumber,
    /// What is asked for.
    pub amount: Money,
    /// By when.
    pub due_on: NaiveDate,
    /// Where to pay.
    pub pay_url: Option<Option<String>>,
    /// What they are called.
    pub name: Option<Option<String>>,
    /// The language they are written to in.
    pub language: Option<Option<String>>,
    /// The tags, all of them.
    pub tags: Option<Vec<String>>,
    /// What else a reminder may say, all of it.
    pub variables: Option<Variables>,
}

impl Payment {
    /// What is asked for and how much of it came.
    pub fn balance(&self) -> Balance {
        Balance { amount: self.amount, paid: self.paid, canceled: self.status == PaymentStatus::Canceled }
    }

    /// What is still asked for.
    pub fn left(&self) -> Money {
        self.balance().left()
    }

    /// The pay link, while it works.
    pub fn working_link(&self) -> Option<&str> {
        self.pay_url.as_deref().filter(|_| self.link_expired_at.is_none())
    }

    /// What a reminder's placeholders stand for now.
    pub fn placeholders(&self) -> Variables {
        let facts = PaymentFacts {
            reference: &self.reference,
            left: self.left(),
            due_on: self.due_on,
            pay_url: self.working_link(),
            name: self.name.as_deref(),
            variables: &self.variables,
        };
        facts.placeholders()
    }
}

impl table::Model {
    fn balance(&self) -> Balance {
        Balance {
            amount: self.amount.0,
            paid: self.paid.0,
            canceled: self.status.0 == PaymentStatus::Canceled,
        }
    }
}

/// One payment.
pub async fn get(store: &Store, reference: &PaymentReference) -> Result<Option<Payment>, StoreError> {
    get_in(store.read(), reference).await
}

pub(super) async fn get_in<C: ConnectionTrait>(
    db: &C,
    reference: &PaymentReference,
) -> Result<Option<Payment>, StoreError> {
    let row =
        table::Entity::find().filter(table::Column::Reference.eq(Stored(reference.clone()))).one(db).await?;
    Ok(with_tags(db, row.into_iter().collect()).await?.pop())
}

/// Rows with their tags, in the order given.
async fn with_tags<C: ConnectionTrait>(db: &C, rows: Vec<table::Model>) -> Result<Vec<Payment>, StoreError> {
    let mut tags: HashMap<PaymentId, Vec<String>> = HashMap::new();
    if !rows.is_empty() {
        let query = Sql::new("SELECT payment_id, tag FROM payment_tags WHERE payment_id IN ")
            .list(rows.iter().map(|row| row.id));
        for row in query.text(" ORDER BY tag").all(db).await? {
            tags.entry(row.read("payment_id")?).or_default().push(row.try_get("", "tag")?);
        }
    }
    let payment = |row: table::Model| Payment {
        tags: tags.remove(&row.id.0).unwrap_or_default(),
        id: row.id.0,
        reference: row.reference.0,
        phone: row.phone.0,
        name: row.name,
        language: row.language,
        amount: row.amount.0,
        paid: row.paid.0,
        status: row.status.0,
        due_on: row.due_on,
        pay_url: row.pay_url,
        link_expired_at: row.link_expired_at,
        variables: row.variables.0,
        settled_at: row.settled_at,
        revision: row.revision,
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    Ok(rows.into_iter().map(payment).collect())
}

/// Trimmed, each once, none empty.
fn clean_tags(tags: &[String]) -> BTreeSet<String> {
    tags.iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
}
