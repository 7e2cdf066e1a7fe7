//! What was done about waste, kept with what was before, so that the saving can be measured.

use crate::audit::{self, Actor};
use crate::column::{PhoneKey, Stored};
use crate::messages::first_id_at;
use crate::sql::{Row, Sql};
use crate::templates::{self, TemplateText, TemplateVersion};
use crate::{Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::ids::{ContactId, SavingsFixId, TemplateId};
use dakiya_core::message::{Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::savings::{Traffic, Waste};
use dakiya_core::template::Variables;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ConnectionTrait, QueryResult};

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// Its id.
    pub id: SavingsFixId,
    /// About what.
    pub waste: Waste,
    /// To which template's text, in which language, which became which version.
    pub template: Option<(TemplateId, String, i32)>,
    /// To whose number.
    pub contact: Option<ContactId>,
    /// The number, unless the person was erased.
    pub phone: Option<PhoneNumber>,
    /// What the finder promised a month, before tax.
    pub expected: Money,
    /// What a segment was expected to cost then.
    pub segment_price: Money,
    /// What went out in the days that were looked at.
    pub before: Traffic,
    /// The first day that counts as after it.
    pub counted_from: NaiveDate,
    /// When.
    pub at: Timestamp,
    /// By whom, as the audit log names them.
    pub by: String,
}

/// A better text, and what the finder said of the old one.
#[derive(Clone, Debug)]
pub struct TemplateFix {
    /// What was wrong.
    pub waste: Waste,
    /// The template's key.
    pub key: String,
    /// The version that the finder looked at.
    pub version: i32,
    /// What it becomes.
    pub text: TemplateText,
    /// What the finder promised a month, before tax.
    pub expected: Money,
    /// What a segment is expected to cost.
    pub segment_price: Money,
    /// What went out in the days that were looked at.
    pub before: Traffic,
    /// The first day that counts as after it.
    pub counted_from: NaiveDate,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum FixError {
    /// Somebody else changed it since.
    #[error("the text of \"{0}\" was changed meanwhile; look at it again")]
    Changed(String),
    /// The number is none of those that take no messages.
    #[error("{0} was reached meanwhile, or costs nothing; look at it again")]
    NotDead(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Writes a new version of a template's text, and remembers why.
pub async fn fix_template(
    store: &Store,
    fix: &TemplateFix,
    actor: &Actor,
    now: Timestamp,
) -> Result<TemplateVersion, FixError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    let changed = || FixError::Changed(fix.key.clone());
    let language = fix.text.language.as_deref();
    let current = templates::current_in(&*tx, &fix.key, language).await?.ok_or_else(changed)?;
    if current.version != fix.version {
        return Err(changed());
    }
    let saved = templates::put_in(store, &*tx, &fix.key, &fix.text, actor, now).await?;
    let row = Fix {
        id: store.new_id(now),
        waste: fix.waste,
        template: Some((saved.template_id, saved.language.clone(), saved.version)),
        contact: None,
        phone: None,
        expected: fix.expected,
        segment_price: fix.segment_price,
        before: fix.before,
        counted_from: fix.counted_from,
        at: now,
        by: audit::name_of(&*tx, actor).await?,
    };
    insert(&*tx, &row).await?;
    tx.commit().await?;
    Ok(saved)
}

/// Stops writing to a number that takes no messages: from now on messages to it are suppressed as `unreachable`, until
/// somebody says that it can be tried again. A number nobody knew becomes a contact. Nothing is done to one that gets
/// none already.
pub async fn suppress(
    store: &Store,
    phone: PhoneNumber,
    lost: (u64, Money),
    counted_from: NaiveDate,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let now = to_micros(now);
    let tx = store.write().await?;
    if is_unreachable(&*tx, phone).await? {
        return Ok(());
    }
    let none: Option<String> = None;
    Sql::new("INSERT INTO contacts (id, phone, name, name_key, language, attributes, unreachable_since, created_at, updated_at) VALUES ")
        .rows([[
            Stored(store.new_id::<ContactId>(now)).into(),
            Stored(phone).into(),
            none.clone().into(),
            none.clone().into(),
            none.into(),
            Stored(Variables::new()).into(),
            now.into(),
            now.into(),
            now.into(),
        ]])
        .text(" ON CONFLICT (phone) DO UPDATE SET unreachable_since = COALESCE(contacts.unreachable_since, excluded.unreachable_since)")
        .execute(&*tx)
        .await?;
    let contact = Sql::new("SELECT id FROM contacts WHERE phone = ").bind(Stored(phone)).one(&*tx).await?;
    let contact = contact.ok_or_else(|| StoreError::not_found("contact", phone.masked()))?;
    let row = Fix {
        id: store.new_id(now),
        waste: Waste::DeadNumber,
        template: None,
        contact: Some(contact.read("id")?),
        phone: Some(phone),
        expected: lost.1,
        segment_price: Money::ZERO,
        before: Traffic { messages: lost.0, segments: lost.0 },
        counted_from,
        at: now,
        by: audit::name_of(&*tx, actor).await?,
    };
    insert(&*tx, &row).await?;
    audit::record(store, &*tx, actor, now, "contact.suppressed", phone.masked(), "takes no messages").await?;
    tx.commit().await
}

/// Whether messages to a number are suppressed because it takes none.
pub async fn unreachable(store: &Store, phone: PhoneNumber) -> Result<bool, StoreError> {
    is_unreachable(store.read(), phone).await
}

async fn is_unreachable<C: ConnectionTrait>(db: &C, phone: PhoneNumber) -> Result<bool, StoreError> {
    let row = Sql::new("SELECT id FROM contacts WHERE unreachable_since IS NOT NULL AND phone = ");
    Ok(row.bind(Stored(phone)).one(db).await?.is_some())
}

async fn insert<C: ConnectionTrait>(tx: &C, fix: &Fix) -> Result<(), StoreError> {
    let (template, language, version) = match &fix.template {
        Some((template, language, version)) => {
            (Some(Stored(*template)), Some(language.clone()), Some(*version))
        }
        None => (None, None, None),
    };
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    Sql::new(
        "INSERT INTO savings_fixes (id, kind, template_id, language, version, contact_id, expected, segment_price, \
         before_messages, before_segments, counted_from, at, by_name) VALUES ",
    )
    .rows([[
        Stored(fix.id).into(),
        Stored(fix.waste).into(),
        template.into(),
        language.into(),
        version.into(),
        fix.contact.map(Stored).into(),
        Stored(fix.expected).into(),
        Stored(fix.segment_price).into(),
        count(fix.before.messages).into(),
        count(fix.before.segments).into(),
        fix.counted_from.into(),
        fix.at.into(),
        fix.by.clone().into(),
    ]])
    .execute(tx)
    .await?;
    Ok(())
}

/// What was done, the latest first.
pub async fn fixes(store: &Store, limit: u64) -> Result<Vec<Fix>, StoreError> {
    let query = Sql::new(
        "SELECT f.*, c.phone FROM savings_fixes f LEFT JOIN contacts c ON c.id = f.contact_id ORDER BY f.id DESC LIMIT ",
    )
    .bind(limit);
    query.all(store.read()).await?.iter().map(fix).collect()
}

fn fix(row: &QueryResult) -> Result<Fix, StoreError> {
    let template: Option<TemplateId> = row.maybe("template_id")?;
    let language: Option<String> = row.try_get("", "language")?;
    let version: Option<i32> = row.try_get("", "version")?;
    let count =
        |column: &str| -> Result<u64, StoreError> { Ok(row.try_get::<i64>("", column)?.unsigned_abs()) };
    Ok(Fix {
        id: row.read("id")?,
        waste: row.read("kind")?,
        template: template
            .zip(language)
            .zip(version)
            .map(|((id, language), version)| (id, language, version)),
        contact: row.maybe("contact_id")?,
        phone: row.maybe::<PhoneKey>("phone")?.and_then(|phone| phone.number()),
        expected: row.read("expected")?,
        segment_price: row.read("segment_price")?,
        before: Traffic { messages: count("before_messages")?, segments: count("before_segments")? },
        counted_from: row.try_get("", "counted_from")?,
        at: row.try_get("", "at")?,
        by: row.try_get("", "by_name")?,
    })
}

/// How many messages somebody did not get since an instant because their number takes none.
pub async fn spared(store: &Store, contact: ContactId, since: Timestamp) -> Result<u64, StoreError> {
    let row = Sql::new(
        "SELECT COUNT(*) AS messages FROM messages m JOIN contacts c ON c.phone = m.phone WHERE c.id = ",
    )
    .bind(Stored(contact))
    .text(" AND m.id >= ")
    .bind(Stored(first_id_at(since)))
    // Without statistics SQLite would walk through everything suppressed.
    .text(" AND m.status + 0 = ")
    .bind(Stored(Status::Suppressed))
    .text(" AND m.suppressed_reason = ")
    .bind(Stored(SuppressedReason::Unreachable))
    .one(store.read())
    .await?;
    let messages: i64 = row.map(|row| row.try_get("", "messages")).transpose()?.unwrap_or(0);
    Ok(messages.unsigned_abs())
}
