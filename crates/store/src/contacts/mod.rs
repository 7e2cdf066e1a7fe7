//! Stored people: one row per number.

mod audience;
mod erase;
mod import;

pub use audience::{ContactFilter, TagCount, audience_count, page, page_audience, tags};
pub use erase::erase;
pub use import::{ContactRow, import};

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::contacts;
use crate::sql::{Row, Sql};
use crate::{Store, StoreError};
use dakiya_core::consent::Consent;
use dakiya_core::ids::ContactId;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use std::collections::{BTreeSet, HashMap};

/// A stored person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Their id; the audit log names them by it.
    pub id: ContactId,
    /// Their number.
    pub phone: PhoneNumber,
    /// What they are called.
    pub name: Option<String>,
    /// The language they are written to in, such as `hi`.
    pub language: Option<String>,
    /// What else is known, usable as placeholders.
    pub attributes: Variables,
    /// In alphabetical order.
    pub tags: Vec<String>,
    /// When they agreed to promotional messages.
    pub consent_promotional_at: Option<Timestamp>,
    /// How we know that.
    pub consent_evidence: Option<String>,
    /// Since when their number is known not to receive messages.
    pub unreachable_since: Option<Timestamp>,
    /// When they were first stored.
    pub created_at: Timestamp,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

/// What a person or a program says about a contact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactFields {
    /// What they are called.
    pub name: Option<String>,
    /// The language they are written to in.
    pub language: Option<String>,
    /// What else is known.
    pub attributes: Variables,
    /// The tags, all of them; `None` leaves those there are.
    pub tags: Option<Vec<String>>,
    /// What they say about promotional messages; `None` leaves what is on record.
    pub consent: Option<Consent>,
}

/// One contact.
pub async fn get(store: &Store, phone: PhoneNumber) -> Result<Option<Contact>, StoreError> {
    get_in(store.read(), phone).await
}

async fn get_in<C: ConnectionTrait>(db: &C, phone: PhoneNumber) -> Result<Option<Contact>, StoreError> {
    let row = contacts::Entity::find().filter(contacts::Column::Phone.eq(Stored(phone))).one(db).await?;
    Ok(with_tags(db, row.into_iter().collect()).await?.pop())
}

/// Lets a number be written to again that was known to take no messages. Whether it was.
pub async fn try_again(
    store: &Store,
    phone: PhoneNumber,
    actor: &Actor,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    let update = Sql::new("UPDATE contacts SET unreachable_since = NULL, updated_at = ").bind(now);
    let update = update.text(" WHERE unreachable_since IS NOT NULL AND phone = ").bind(Stored(phone));
    let was = update.execute(&*tx).await? > 0;
    if was {
        audit::record(store, &*tx, actor, now, "contact.tried_again", phone.masked(), "").await?;
    }
    tx.commit().await?;
    Ok(was)
}

/// Stores what is known of a person, whether they were known or not. Opt-outs are not touched.
pub async fn put(
    store: &Store,
    phone: PhoneNumber,
    fields: &ContactFields,
    actor: &Actor,
    now: Timestamp,
) -> Result<Contact, StoreError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    let known = get_in(&*tx, phone).await?;
    let (consent_at, consent_evidence) = consent_columns(fields.consent.as_ref(), now);
    Sql::new(INSERT)
        .rows([[
            Stored(store.new_id::<ContactId>(now)).into(),
            Stored(phone).into(),
            fields.name.clone().into(),
            name_key(fields.name.as_deref()).into(),
            fields.language.clone().into(),
            Stored(fields.attributes.clone()).into(),
            consent_at.into(),
            consent_evidence.into(),
            now.into(),
            now.into(),
        ]])
        .text(
            " ON CONFLICT (phone) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, \
             language = excluded.language, attributes = excluded.attributes, updated_at = excluded.updated_at",
        )
        .text(consent_kept(fields.consent.as_ref()))
        .execute(&*tx)
        .await?;
    if let Some(tags) = &fields.tags {
        delete_tags(&*tx, phone).await?;
        let rows =
            clean_tags(tags).into_iter().map(|tag| [tag.into(), Stored(phone).into()]).collect::<Vec<_>>();
        if !rows.is_empty() {
            Sql::new("INSERT INTO contact_tags (tag, phone) VALUES ").rows(rows).execute(&*tx).await?;
        }
    }
    let stored =
        get_in(&*tx, phone).await?.ok_or_else(|| StoreError::not_found("contact", phone.masked()))?;
    let action = if known.is_some() { "contact.changed" } else { "contact.added" };
    audit::record(store, &*tx, actor, now, action, phone.masked(), stored.id.to_string()).await?;
    let consented = |contact: &Contact| (contact.consent_promotional_at, contact.consent_evidence.clone());
    if known.as_ref().map_or((None, None), consented) != consented(&stored) {
        let action =
            if stored.consent_promotional_at.is_some() { "consent.recorded" } else { "consent.withdrawn" };
        audit::record(store, &*tx, actor, now, action, phone.masked(), stored.id.to_string()).await?;
    }
    tx.commit().await?;
    Ok(stored)
}

/// The beginning of every statement that stores contacts.
const INSERT: &str = "INSERT INTO contacts (id, phone, name, name_key, language, attributes, consent_promotional_at, \
     consent_evidence, created_at, updated_at) VALUES ";

/// What a consent becomes in the columns of somebody new.
fn consent_columns(consent: Option<&Consent>, now: Timestamp) -> (Option<Timestamp>, Option<String>) {
    match consent {
        // A day begins before its hour has come where clocks are ahead.
        Some(Consent::Given { at, evidence }) => {
            (Some(at.map_or(now, |at| to_micros(at).min(now))), evidence.clone())
        }
        Some(Consent::Withdrawn) | None => (None, None),
    }
}

/// The end of an upsert: what a consent does to what is on record. The first time stays until another one is named or
/// the consent is withdrawn.
fn consent_kept(consent: Option<&Consent>) -> &'static str {
    match consent {
        None => "",
        Some(Consent::Withdrawn) => ", consent_promotional_at = NULL, consent_evidence = NULL",
        Some(Consent::Given { at: Some(_), .. }) => {
            ", consent_promotional_at = excluded.consent_promotional_at, \
             consent_evidence = COALESCE(excluded.consent_evidence, contacts.consent_evidence)"
        }
        Some(Consent::Given { at: None, .. }) => {
            ", consent_promotional_at = COALESCE(contacts.consent_promotional_at, excluded.consent_promotional_at), \
             consent_evidence = COALESCE(excluded.consent_evidence, contacts.consent_evidence)"
        }
    }
}

async fn delete_tags<C: ConnectionTrait>(tx: &C, phone: PhoneNumber) -> Result<(), StoreError> {
    Sql::new("DELETE FROM contact_tags WHERE phone = ").bind(Stored(phone)).execute(tx).await?;
    Ok(())
}

/// Contacts of these numbers, by number; those not stored are not in it.
pub async fn of_phones(
    store: &Store,
    phones: &[PhoneNumber],
) -> Result<HashMap<PhoneNumber, Contact>, StoreError> {
    let mut found = HashMap::new();
    for batch in phones.chunks(5_000) {
        let rows =
            Sql::new("SELECT * FROM contacts WHERE phone IN ").list(batch.iter().map(|phone| Stored(*phone)));
        let rows = rows.models(store.read()).await?;
        found
            .extend(with_tags(store.read(), rows).await?.into_iter().map(|contact| (contact.phone, contact)));
    }
    Ok(found)
}

/// Rows with their tags, in the order given.
async fn with_tags<C: ConnectionTrait>(
    db: &C,
    rows: Vec<contacts::Model>,
) -> Result<Vec<Contact>, StoreError> {
    let mut tags: HashMap<PhoneNumber, Vec<String>> = HashMap::new();
    if !rows.is_empty() {
        let query = Sql::new("SELECT phone, tag FROM contact_tags WHERE phone IN ")
            .list(rows.iter().map(|row| row.phone));
        for row in query.text(" ORDER BY tag").all(db).await? {
            tags.entry(row.read("phone")?).or_default().push(row.try_get("", "tag")?);
        }
    }
    let contact = |row: contacts::Model| Contact {
        tags: tags.remove(&row.phone.0).unwrap_or_default(),
        id: row.id.0,
        phone: row.phone.0,
        name: row.name,
        language: row.language,
        attributes: row.attributes.0,
        consent_promotional_at: row.consent_promotional_at,
        consent_evidence: row.consent_evidence,
        unreachable_since: row.unreachable_since,
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    Ok(rows.into_iter().map(contact).collect())
}

/// What a search by name compares: lower case.
fn name_key(name: Option<&str>) -> Option<String> {
    name.map(str::to_lowercase)
}

/// Trimmed, each once, none empty.
fn clean_tags(tags: &[String]) -> BTreeSet<String> {
    tags.iter().map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect()
}
