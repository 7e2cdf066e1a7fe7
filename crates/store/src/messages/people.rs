//! What is known about the people behind numbers, as far as it decides whether they may be messaged.

use crate::column::Stored;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError, opt_outs};
use dakiya_core::dispatch;
use dakiya_core::opt_out::OptOutScope;
use dakiya_core::phone::PhoneNumber;
use sea_orm::ConnectionTrait;
use std::collections::HashMap;

/// One person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Their widest opt-out in force.
    pub opt_out: Option<OptOutScope>,
    /// Whether consent to promotional messages is on record.
    pub consented: bool,
    /// Whether the number is known not to receive messages.
    pub unreachable: bool,
}

impl Person {
    /// As the rules want to know it.
    pub fn facts(&self) -> dispatch::Person<'_> {
        dispatch::Person {
            opt_outs: self.opt_out.as_slice(),
            consented: self.consented,
            unreachable: self.unreachable,
        }
    }
}

/// People by number; those nothing is known about are left out.
#[derive(Clone, Debug, Default)]
pub struct People(HashMap<PhoneNumber, Person>);

const NOBODY: &Person = &Person { opt_out: None, consented: false, unreachable: false };

impl People {
    /// What is known about a number.
    pub fn get(&self, phone: PhoneNumber) -> &Person {
        self.0.get(&phone).unwrap_or(NOBODY)
    }
}

/// Looks up people, a page of numbers at a time.
pub async fn people(store: &Store, phones: &[PhoneNumber]) -> Result<People, StoreError> {
    people_in(store, store.read(), phones).await
}

/// Looks up people in a transaction.
pub(crate) async fn people_in<C: ConnectionTrait>(
    store: &Store,
    on: &C,
    phones: &[PhoneNumber],
) -> Result<People, StoreError> {
    let mut people: HashMap<PhoneNumber, Person> = HashMap::new();
    for batch in phones.chunks(5_000) {
        for (phone, scope) in opt_outs::covering_in(store, on, batch).await? {
            people.entry(phone).or_default().opt_out = Some(scope);
        }
        let rows = Sql::new(
            "SELECT phone, consent_promotional_at IS NOT NULL AS consented, unreachable_since IS NOT NULL AS unreachable \
             FROM contacts WHERE (consent_promotional_at IS NOT NULL OR unreachable_since IS NOT NULL) AND phone IN ",
        )
        .list(batch.iter().copied().map(Stored))
        .all(on)
        .await?;
        for row in rows {
            let person = people.entry(row.read("phone")?).or_default();
            person.consented = row.try_get("", "consented")?;
            person.unreachable = row.try_get("", "unreachable")?;
        }
    }
    Ok(People(people))
}
