//! Contacts in lists: a page of a search, the tags, and the people a campaign is meant for.

use super::{Contact, name_key, with_tags};
use crate::column::Stored;
use crate::search::{after_prefix, phone_beginnings};
use crate::sql::Sql;
use crate::{Cursor, Page, Store, StoreError};
use dakiya_core::audience::Audience;
use dakiya_core::phone::PhoneNumber;

/// Which contacts a page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactFilter {
    /// The beginning of a number or of a name, in whatever case.
    pub search: Option<String>,
    /// Only those with this tag.
    pub tag: Option<String>,
}

/// A tag and how many contacts carry it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagCount {
    /// The tag.
    pub tag: String,
    /// How many carry it.
    pub count: u64,
}

/// A page of contacts: by number, or by name when a name is searched.
pub async fn page(
    store: &Store,
    filter: &ContactFilter,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Contact>, StoreError> {
    let search = filter.search.as_deref().map(str::trim).filter(|text| !text.is_empty());
    match search.map(|text| (text, phone_beginnings(text))) {
        None => page_by_phone(store, filter, &["+".to_owned()], cursor, limit).await,
        Some((_, Some(beginnings))) => page_by_phone(store, filter, &beginnings, cursor, limit).await,
        Some((name, None)) => page_by_name(store, filter, &name.to_lowercase(), cursor, limit).await,
    }
}

/// The filter's contacts, those of one tag or all. Sorted by the tag's own index where there is one.
fn contacts_of(filter: &ContactFilter) -> (Sql, &'static str) {
    match &filter.tag {
        Some(tag) => {
            let query = "SELECT c.* FROM contact_tags t JOIN contacts c ON c.phone = t.phone WHERE t.tag = ";
            (Sql::new(query).bind(tag.clone()), "t.phone")
        }
        None => (Sql::new("SELECT c.* FROM contacts c WHERE 1 = 1"), "c.phone"),
    }
}

/// Each beginning gives its own next contacts from the index, and the union is cut: an OR would sort all of them.
async fn page_by_phone(
    store: &Store,
    filter: &ContactFilter,
    beginnings: &[String],
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Contact>, StoreError> {
    let after: Option<String> = cursor.map(Cursor::part).transpose()?;
    let mut query = Sql::new("SELECT * FROM (");
    for (index, beginning) in beginnings.iter().enumerate() {
        let (contacts, phone) = contacts_of(filter);
        let mut contacts = contacts.text(" AND ").text(phone).text(" BETWEEN ").bind(beginning.clone());
        contacts = contacts.text(" AND ").bind(after_prefix(beginning));
        if let Some(after) = &after {
            contacts = contacts.text(" AND ").text(phone).text(" > ").bind(after.clone());
        }
        contacts = contacts.text(" ORDER BY ").text(phone).text(" LIMIT ").bind(limit + 1);
        let union = if index > 0 { " UNION SELECT * FROM (" } else { "SELECT * FROM (" };
        query = query.text(union).append(contacts).text(&format!(") AS part_{index}"));
    }
    let query = query.text(") AS found ORDER BY phone LIMIT ").bind(limit + 1);
    let contacts = with_tags(store.read(), query.models(store.read()).await?).await?;
    Ok(Page::cut(contacts, limit, |last| Cursor::of([&last.phone.to_string()])))
}

async fn page_by_name(
    store: &Store,
    filter: &ContactFilter,
    beginning: &str,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Contact>, StoreError> {
    let mut query = contacts_of(filter).0.text(" AND c.name_key BETWEEN ").bind(beginning);
    query = query.text(" AND ").bind(after_prefix(beginning));
    if let Some(cursor) = cursor {
        let [phone, name] = cursor.parts()?;
        query = query.text(" AND (c.name_key, c.phone) > (").bind(name).text(", ").bind(phone).text(")");
    }
    let query = query.text(" ORDER BY c.name_key, c.phone LIMIT ").bind(limit + 1);
    let contacts = with_tags(store.read(), query.models(store.read()).await?).await?;
    Ok(Page::cut(contacts, limit, |last| {
        Cursor::of([&last.phone.to_string(), &name_key(last.name.as_deref()).unwrap_or_default()])
    }))
}

/// The tags with how many carry each, in alphabetical order; at most `limit`.
pub async fn tags(store: &Store, limit: u64) -> Result<Vec<TagCount>, StoreError> {
    let query = "SELECT tag, COUNT(*) AS count FROM contact_tags GROUP BY tag ORDER BY tag LIMIT ";
    let rows = Sql::new(query).bind(limit).all(store.read()).await?;
    let count = |row: &sea_orm::QueryResult| {
        let count: i64 = row.try_get("", "count")?;
        Ok(TagCount { tag: row.try_get("", "tag")?, count: count.unsigned_abs() })
    };
    rows.iter().map(count).collect()
}

/// How many stored contacts an audience has.
pub async fn audience_count(store: &Store, audience: &Audience) -> Result<u64, StoreError> {
    let query = if audience.all {
        Sql::new("SELECT COUNT(*) AS count FROM contacts")
    } else {
        Sql::new("SELECT COUNT(DISTINCT phone) AS count FROM contact_tags WHERE tag IN ")
            .list(audience.tags.clone())
    };
    let row = query.one(store.read()).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "count"))?;
    Ok(count.unsigned_abs())
}

/// The next people of an audience in the order of their numbers, for reading it through whatever its size.
pub async fn page_audience(
    store: &Store,
    audience: &Audience,
    after: Option<PhoneNumber>,
    limit: u64,
) -> Result<Vec<Contact>, StoreError> {
    page_audience_in(store.read(), audience, after, limit).await
}

/// As [`page_audience`], as a transaction sees it.
pub(crate) async fn page_audience_in<C: sea_orm::ConnectionTrait>(
    db: &C,
    audience: &Audience,
    after: Option<PhoneNumber>,
    limit: u64,
) -> Result<Vec<Contact>, StoreError> {
    // Sorts before every number.
    let after = after.map_or_else(|| "+".to_owned(), |phone| phone.to_string());
    let query = if audience.all {
        Sql::new("SELECT * FROM contacts WHERE phone > ")
            .bind(after)
            .text(" ORDER BY phone LIMIT ")
            .bind(limit)
    } else {
        let phones = phones_with_tags(db, &audience.tags, &after, limit).await?;
        Sql::new("SELECT * FROM contacts WHERE phone IN ").list(phones).text(" ORDER BY phone")
    };
    let rows = query.models(db).await?;
    with_tags(db, rows).await
}

/// The next numbers that carry any of the tags: each tag gives its own next ones from the index, and the union is cut.
async fn phones_with_tags<C: sea_orm::ConnectionTrait>(
    db: &C,
    tags: &[String],
    after: &str,
    limit: u64,
) -> Result<Vec<Stored<PhoneNumber>>, StoreError> {
    if tags.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Sql::new("SELECT phone FROM (");
    for (index, tag) in tags.iter().enumerate() {
        query = query
            .text(if index > 0 { " UNION " } else { "" })
            .text("SELECT phone FROM (SELECT phone FROM contact_tags WHERE tag = ")
            .bind(tag.clone())
            .text(" AND phone > ")
            .bind(after)
            .text(" ORDER BY phone LIMIT ")
            .bind(limit)
            .text(&format!(") AS tag_{index}"));
    }
    let rows = query.text(") AS phones ORDER BY phone LIMIT ").bind(limit).all(db).await?;
    rows.iter().map(|row| Ok(row.try_get("", "phone")?)).collect()
}
