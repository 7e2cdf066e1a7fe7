//! Templates and their versions. A version is never changed: what was approved and sent can always be read again.
//!
//! Versions count over all languages of a template. "As of version n" is therefore one text per language: the
//! latest of that language that is not younger than n. A campaign remembers one number.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::{template_versions, templates};
use crate::sql::{Sql, for_update};
use crate::{Cursor, Page, Store, StoreError};
use dakiya_core::ids::{TemplateId, TemplateVersionId};
use dakiya_core::message::{Category, Channel};
use dakiya_core::template::Dlt;
use dakiya_core::time::{Timestamp, to_micros};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// One version of a template, in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateVersion {
    /// The version's own id.
    pub id: TemplateVersionId,
    /// The template's id.
    pub template_id: TemplateId,
    /// The template's key.
    pub key: String,
    /// What people call the template now.
    pub name: String,
    /// Counts over all languages, from 1.
    pub version: i32,
    /// Such as `en` or `hi`.
    pub language: String,
    /// Why it is sent.
    pub category: Category,
    /// How it travels.
    pub channel: Channel,
    /// The text, with placeholders.
    pub body: String,
    /// Its DLT registration.
    pub dlt: Option<Dlt>,
    /// Twilio's id of the approved WhatsApp content.
    pub content_sid: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// By whom, as the audit log names them.
    pub created_by: String,
}

/// What a person or a program says about a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateText {
    /// What people call it.
    pub name: String,
    /// Why it is sent.
    pub category: Category,
    /// How it travels.
    pub channel: Channel,
    /// The language; the template's default if `None`.
    pub language: Option<String>,
    /// The text, with placeholders.
    pub body: String,
    /// Its DLT registration.
    pub dlt: Option<Dlt>,
    /// Twilio's id of the approved WhatsApp content.
    pub content_sid: Option<String>,
}

/// The language of a template that names none.
const FIRST_LANGUAGE: &str = "en";
const MOST_LANGUAGES: u64 = 100;

/// Writes a new version, of a new template if the key is new. The same text again makes no new version.
pub async fn put(
    store: &Store,
    key: &str,
    text: &TemplateText,
    actor: &Actor,
    now: Timestamp,
) -> Result<TemplateVersion, StoreError> {
    let tx = store.write().await?;
    let version = put_in(store, &*tx, key, text, actor, now).await?;
    tx.commit().await?;
    Ok(version)
}

/// Writes all texts of a template, in a transaction of the caller's, unless the key is known.
pub(crate) async fn ensure<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    key: &str,
    texts: impl IntoIterator<Item = TemplateText>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    if template(tx, key).await?.is_none() {
        for text in texts {
            put_in(store, tx, key, &text, actor, now).await?;
        }
    }
    Ok(())
}

pub(crate) async fn put_in<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    key: &str,
    text: &TemplateText,
    actor: &Actor,
    now: Timestamp,
) -> Result<TemplateVersion, StoreError> {
    let now = to_micros(now);
    let known = template(tx, key).await?;
    let default = known.as_ref().map_or(FIRST_LANGUAGE, |template| &template.default_language);
    let language = text.language.clone().unwrap_or_else(|| default.to_owned());
    if let Some(known) = &known {
        let current = version_in(tx, known, &language, i32::MAX).await?;
        if let Some(current) = current.filter(|current| known.name == text.name && says(current, text)) {
            return Ok(current);
        }
    }
    let template = upsert(store, tx, key, text, &language, known, now).await?;
    let version = template_versions::Model {
        id: Stored(store.new_id(now)),
        template_id: template.id,
        language,
        version: template.latest_version,
        category: Stored(text.category),
        channel: Stored(text.channel),
        body: text.body.clone(),
        dlt: text.dlt.clone().map(Stored),
        content_sid: text.content_sid.clone(),
        created_at: now,
        created_by: audit::name_of(tx, actor).await?,
    };
    let row = template_versions::ActiveModel::from(version.clone());
    template_versions::Entity::insert(row).exec_without_returning(tx).await?;
    let detail = format!("version {} in {}", version.version, version.language);
    audit::record(store, tx, actor, now, "template.changed", key, detail).await?;
    Ok(joined(&template, version))
}

/// Whether a version says all that a text says.
fn says(version: &TemplateVersion, text: &TemplateText) -> bool {
    version.category == text.category
        && version.channel == text.channel
        && version.body == text.body
        && version.dlt == text.dlt
        && version.content_sid == text.content_sid
}

/// The template with its next version number.
async fn upsert<C: ConnectionTrait>(
    store: &Store,
    tx: &C,
    key: &str,
    text: &TemplateText,
    language: &str,
    known: Option<templates::Model>,
    now: Timestamp,
) -> Result<templates::Model, StoreError> {
    let Some(mut template) = known else {
        let template = templates::Model {
            id: Stored(store.new_id(now)),
            key: key.to_owned(),
            name: text.name.clone(),
            category: Stored(text.category),
            channel: Stored(text.channel),
            default_language: language.to_owned(),
            latest_version: 1,
            created_at: now,
            updated_at: now,
        };
        templates::Entity::insert(templates::ActiveModel::from(template.clone()))
            .exec_without_returning(tx)
            .await?;
        return Ok(template);
    };
    template.name.clone_from(&text.name);
    template.category = Stored(text.category);
    template.channel = Stored(text.channel);
    template.latest_version += 1;
    template.updated_at = now;
    Sql::new("UPDATE templates SET name = ")
        .bind(template.name.clone())
        .text(", category = ")
        .bind(template.category)
        .text(", channel = ")
        .bind(template.channel)
        .text(", latest_version = ")
        .bind(template.latest_version)
        .text(", updated_at = ")
        .bind(now)
        .text(" WHERE id = ")
        .bind(template.id)
        .execute(tx)
        .await?;
    Ok(template)
}

/// The latest version in a language, or in the template's default language when there is none in that one.
pub async fn get(
    store: &Store,
    key: &str,
    language: Option<&str>,
) -> Result<Option<TemplateVersion>, StoreError> {
    let db = store.read();
    match templates::Entity::find().filter(templates::Column::Key.eq(key)).one(db).await? {
        Some(template) => best(db, &template, language, i32::MAX).await,
        None => Ok(None),
    }
}

/// The latest version in exactly this language (the default one if `None`), its template locked until the transaction ends.
pub(crate) async fn current_in<C: ConnectionTrait>(
    tx: &C,
    key: &str,
    language: Option<&str>,
) -> Result<Option<TemplateVersion>, StoreError> {
    match template(tx, key).await? {
        Some(known) => {
            let language = language.unwrap_or(&known.default_language).to_owned();
            version_in(tx, &known, &language, i32::MAX).await
        }
        None => Ok(None),
    }
}

/// The text as of a version, in a language or in the template's default language.
pub async fn at_version(
    store: &Store,
    id: TemplateId,
    version: i32,
    language: Option<&str>,
) -> Result<Option<TemplateVersion>, StoreError> {
    let db = store.read();
    match templates::Entity::find_by_id(Stored(id)).one(db).await? {
        Some(template) => best(db, &template, language, version).await,
        None => Ok(None),
    }
}

/// All language variants as of a version, the default language first. Empty if there is no such template.
pub async fn variants(
    store: &Store,
    id: TemplateId,
    version: i32,
) -> Result<Vec<TemplateVersion>, StoreError> {
    let db = store.read();
    let Some(template) = templates::Entity::find_by_id(Stored(id)).one(db).await? else {
        return Ok(Vec::new());
    };
    let rows: Vec<template_versions::Model> = Sql::new(
        "SELECT * FROM template_versions v WHERE v.template_id = ",
    )
    .bind(template.id)
    .text(" AND v.version = (SELECT MAX(w.version) FROM template_versions w WHERE w.template_id = v.template_id \
           AND w.language = v.language AND w.version <= ")
    .bind(version)
    .text(") ORDER BY v.language LIMIT ")
    .bind(MOST_LANGUAGES)
    .models(db)
    .await?;
    let mut variants: Vec<_> = rows.into_iter().map(|row| joined(&template, row)).collect();
    variants.sort_by_key(|variant| variant.language != template.default_language);
    Ok(variants)
}

/// The templates by key, each as its latest version in its default language.
pub async fn list(
    store: &Store,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<TemplateVersion>, StoreError> {
    let db = store.read();
    let mut query = templates::Entity::find().order_by_asc(templates::Column::Key).limit(limit + 1);
    if let Some(cursor) = cursor {
        query = query.filter(templates::Column::Key.gt(cursor.part::<String>()?));
    }
    let page =
        Page::cut(query.all(db).await?, limit, |template: &templates::Model| Cursor::of([&template.key]));
    let mut items = Vec::with_capacity(page.items.len());
    for template in &page.items {
        items.extend(version_in(db, template, &template.default_language, i32::MAX).await?);
    }
    Ok(Page { items, next: page.next })
}

/// All versions of a template, the newest first.
pub async fn history(
    store: &Store,
    key: &str,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<TemplateVersion>, StoreError> {
    let db = store.read();
    let template = templates::Entity::find().filter(templates::Column::Key.eq(key)).one(db).await?;
    let template = template.ok_or_else(|| StoreError::not_found("template", key))?;
    let mut query = template_versions::Entity::find()
        .filter(template_versions::Column::TemplateId.eq(template.id))
        .order_by_desc(template_versions::Column::Version)
        .limit(limit + 1);
    if let Some(cursor) = cursor {
        query = query.filter(template_versions::Column::Version.lt(cursor.part::<i32>()?));
    }
    let versions = query.all(db).await?.into_iter().map(|row| joined(&template, row)).collect();
    Ok(Page::cut(versions, limit, |version: &TemplateVersion| Cursor::of([&version.version.to_string()])))
}

async fn best<C: ConnectionTrait>(
    db: &C,
    template: &templates::Model,
    language: Option<&str>,
    version: i32,
) -> Result<Option<TemplateVersion>, StoreError> {
    if let Some(language) = language.filter(|language| *language != template.default_language) {
        let found = version_in(db, template, language, version).await?;
        if found.is_some() {
            return Ok(found);
        }
    }
    version_in(db, template, &template.default_language, version).await
}

async fn version_in<C: ConnectionTrait>(
    db: &C,
    template: &templates::Model,
    language: &str,
    at_most: i32,
) -> Result<Option<TemplateVersion>, StoreError> {
    let row = template_versions::Entity::find()
        .filter(template_versions::Column::TemplateId.eq(template.id))
        .filter(template_versions::Column::Language.eq(language))
        .filter(template_versions::Column::Version.lte(at_most))
        .order_by_desc(template_versions::Column::Version)
        .one(db)
        .await?;
    Ok(row.map(|row| joined(template, row)))
}

/// The template of a key, locked so that two writers do not give one number twice.
async fn template<C: ConnectionTrait>(tx: &C, key: &str) -> Result<Option<templates::Model>, StoreError> {
    let query = Sql::new("SELECT * FROM templates WHERE key = ").bind(key).text(for_update(tx));
    Ok(query.models(tx).await?.pop())
}

fn joined(template: &templates::Model, row: template_versions::Model) -> TemplateVersion {
    TemplateVersion {
        id: row.id.0,
        template_id: template.id.0,
        key: template.key.clone(),
        name: template.name.clone(),
        version: row.version,
        language: row.language,
        category: row.category.0,
        channel: row.channel.0,
        body: row.body,
        dlt: row.dlt.map(|dlt| dlt.0),
        content_sid: row.content_sid,
        created_at: row.created_at,
        created_by: row.created_by,
    }
}
