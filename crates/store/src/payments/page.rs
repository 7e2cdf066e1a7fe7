//! Payments in lists: by due date, or found by the beginning of a reference, number or name.

use super::{Payment, with_tags};
use crate::column::{Storable as _, Stored};
use crate::search::{after_prefix, phone_beginnings};
use crate::sql::Sql;
use crate::{Cursor, Page, Store, StoreError};
use chrono::NaiveDate;
use dakiya_core::payment::PaymentStatus;
use dakiya_core::phone::PhoneNumber;
use std::collections::BTreeSet;

/// Where payments of a list stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Something is still asked for.
    Owed,
    /// Just so.
    In(PaymentStatus),
}

/// Which payments a list shows; what is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentFilter {
    /// The beginning of a reference or name, in whatever case, or of a number.
    pub search: Option<String>,
    /// Where they stand.
    pub standing: Option<Standing>,
    /// Of this person.
    pub phone: Option<PhoneNumber>,
    /// Due then or later.
    pub due_from: Option<NaiveDate>,
    /// Due then or earlier.
    pub due_until: Option<NaiveDate>,
}

/// A page of payments. What is owed begins with what has been owed longest, other lists with the latest due date; what a
/// search finds comes by reference, then by number or name.
pub async fn page(
    store: &Store,
    filter: &PaymentFilter,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Payment>, StoreError> {
    match filter.search.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => found(store, filter, text, cursor, limit).await,
        None => by_due_date(store, filter, cursor, limit).await,
    }
}

/// Each index that may hold such payments gives its own next ones, and the union is cut.
async fn by_due_date(
    store: &Store,
    filter: &PaymentFilter,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Payment>, StoreError> {
    let after = cursor.map(Cursor::parts::<2>).transpose()?;
    let after = match after {
        Some([due_on, reference]) => {
            let day: NaiveDate = due_on.parse().map_err(|_| StoreError::Cursor(due_on))?;
            Some((day, reference))
        }
        None => None,
    };
    let oldest_first = match filter.standing {
        Some(Standing::Owed) => true,
        Some(Standing::In(status)) => status.is_owed(),
        None => false,
    };
    let (beyond, order) = if oldest_first { (">", "") } else { ("<", " DESC") };
    let mut query = Sql::new("SELECT * FROM (");
    for (index, standing) in standings(filter.standing).into_iter().enumerate() {
        let mut part = Sql::new("SELECT * FROM payments p WHERE ").text(&condition(standing, filter));
        part = narrowed(part, filter);
        if let Some((day, reference)) = &after {
            part = part.text(&format!(" AND (p.due_on, p.reference) {beyond} (")).bind(*day);
            part = part.text(", ").bind(reference.clone()).text(")");
        }
        part = part.text(&format!(" ORDER BY p.due_on{order}, p.reference{order} LIMIT ")).bind(limit + 1);
        let union = if index > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" };
        query = query.text(union).append(part).text(&format!(") AS part_{index}"));
    }
    query =
        query.text(&format!(") AS listed ORDER BY due_on{order}, reference{order} LIMIT ")).bind(limit + 1);
    let payments = with_tags(store.read(), query.models(store.read()).await?).await?;
    Ok(Page::cut(payments, limit, |last| Cursor::of([&last.due_on.to_string(), last.reference.as_str()])))
}

fn standings(standing: Option<Standing>) -> Vec<Standing> {
    match standing {
        Some(standing) => vec![standing],
        None => {
            vec![Standing::Owed, Standing::In(PaymentStatus::Paid), Standing::In(PaymentStatus::Canceled)]
        }
    }
}

/// Written out, and each with the condition of the index that holds just these: a bound value would hide it.
fn listed(standing: Standing) -> &'static str {
    match standing {
        Standing::Owed => "p.status < 2",
        Standing::In(PaymentStatus::Open) => "p.status < 2 AND p.status = 0",
        Standing::In(PaymentStatus::PartlyPaid) => "p.status = 1",
        Standing::In(PaymentStatus::Paid) => "p.status > 1 AND p.status = 2",
        Standing::In(PaymentStatus::Canceled) => "p.status > 1 AND p.status = 3",
    }
}

/// As [`listed`], written so that no index of statuses is used: without statistics SQLite would walk through everything
/// paid, when a person or a search has few.
fn among_few(standing: Standing) -> String {
    match standing {
        Standing::Owed => "p.status + 0 < 2".to_owned(),
        Standing::In(status) => format!("p.status + 0 = {}", status.to_raw()),
    }
}

fn condition(standing: Standing, filter: &PaymentFilter) -> String {
    if filter.phone.is_some() { among_few(standing) } else { listed(standing).to_owned() }
}

fn narrowed(mut query: Sql, filter: &PaymentFilter) -> Sql {
    if let Some(from) = filter.due_from {
        query = query.text(" AND p.due_on >= ").bind(from);
    }
    if let Some(until) = filter.due_until {
        query = query.text(" AND p.due_on <= ").bind(until);
    }
    if let Some(phone) = filter.phone {
        query = query.text(" AND p.phone = ").bind(Stored(phone));
    }
    query
}

/// One way to find payments: beginnings of a column, which has an index.
struct Way {
    column: &'static str,
    beginnings: Vec<String>,
}

/// References first, then what is found by number or name alone. A page may hold the end of one and the beginning of the
/// other.
async fn found(
    store: &Store,
    filter: &PaymentFilter,
    text: &str,
    cursor: Option<&Cursor>,
    limit: u64,
) -> Result<Page<Payment>, StoreError> {
    let spellings = [text.to_owned(), text.to_uppercase(), text.to_lowercase()];
    let references = spellings.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let first = Way { column: "reference", beginnings: references };
    let second = match phone_beginnings(text) {
        Some(beginnings) => Way { column: "phone", beginnings },
        None => Way { column: "name_key", beginnings: vec![text.to_lowercase()] },
    };
    let at = cursor.map(Cursor::parts::<3>).transpose()?;
    let in_second = at.as_ref().is_some_and(|[way, ..]| way == "2");
    let after = at.map(|[_, reference, key]| (key, reference));
    let (mut rows, mut next) = (Vec::new(), after);
    if !in_second {
        rows = ways(store, filter, &first, None, next.take(), limit + 1).await?;
    }
    let of_first = rows.len() as u64;
    if of_first <= limit {
        let more = ways(store, filter, &second, Some(&first), next, limit + 1 - of_first).await?;
        rows.extend(more);
    }
    let of_second: BTreeSet<_> =
        rows.iter().skip(usize::try_from(of_first).unwrap_or(usize::MAX)).map(|row| row.id).collect();
    Ok(Page::cut(rows, limit, |last| {
        let key = match second.column {
            "phone" => last.phone.stored(),
            _ => last.name.as_deref().map(str::to_lowercase).unwrap_or_default(),
        };
        if of_second.contains(&last.id) {
            Cursor::of(["2", last.reference.as_str(), &key])
        } else {
            Cursor::of(["1", last.reference.as_str(), last.reference.as_str()])
        }
    }))
}

/// The next payments found in one way and not already in another, in the order of its index.
async fn ways(
    store: &Store,
    filter: &PaymentFilter,
    way: &Way,
    not: Option<&Way>,
    after: Option<(String, String)>,
    limit: u64,
) -> Result<Vec<Payment>, StoreError> {
    let column = way.column;
    let mut query = Sql::new("SELECT * FROM (");
    for (index, beginning) in way.beginnings.iter().enumerate() {
        let mut part =
            Sql::new(&format!("SELECT * FROM payments p WHERE p.{column} BETWEEN ")).bind(beginning.clone());
        part = part.text(" AND ").bind(after_prefix(beginning));
        for other in not.iter().flat_map(|way| way.beginnings.iter().map(|beginning| (way.column, beginning)))
        {
            part = part.text(&format!(" AND p.{} NOT BETWEEN ", other.0)).bind(other.1.clone());
            part = part.text(" AND ").bind(after_prefix(other.1));
        }
        if let Some(standing) = filter.standing {
            part = part.text(" AND ").text(&among_few(standing));
        }
        part = narrowed(part, filter);
        if let Some((key, reference)) = &after {
            part = part.text(&format!(" AND (p.{column}, p.reference) > (")).bind(key.clone());
            part = part.text(", ").bind(reference.clone()).text(")");
        }
        part = part.text(&format!(" ORDER BY p.{column}, p.reference LIMIT ")).bind(limit);
        let union = if index > 0 { " UNION SELECT * FROM (" } else { "SELECT * FROM (" };
        query = query.text(union).append(part).text(&format!(") AS part_{index}"));
    }
    let query = query.text(&format!(") AS found ORDER BY {column}, reference LIMIT ")).bind(limit);
    with_tags(store.read(), query.models(store.read()).await?).await
}
