//! Lists: a page at a time, continued from an opaque cursor.

use super::problem::{Code, Problem};
use dakiya_store::{Cursor, Page};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Items when no limit is given.
pub const DEFAULT_LIMIT: u32 = 50;
/// No page is longer.
pub const MAX_LIMIT: u32 = 500;

/// A list without filters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Items on a page: 1 to 500.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

impl PageQuery {
    /// Reads both.
    pub fn page(self) -> Result<(u64, Option<Cursor>), Problem> {
        page(self.limit.as_deref(), self.cursor)
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// Give it as `cursor` to read on; null on the last page.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A page of the store, its items in their JSON shape.
    pub fn of<U>(page: Page<U>, shape: impl FnMut(U) -> T) -> Self {
        let page = page.map(shape);
        Self { items: page.items, next_cursor: page.next.map(|cursor| cursor.to_string()) }
    }

    /// A list that fits one page.
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

/// Reads `limit` and `cursor`.
pub fn page(limit: Option<&str>, cursor: Option<String>) -> Result<(u64, Option<Cursor>), Problem> {
    Ok((self::limit(limit)?.into(), cursor.map(Cursor::new)))
}

/// Reads `limit`: 1 to 500, 50 when absent.
fn limit(given: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = given else { return Ok(DEFAULT_LIMIT) };
    match text.parse() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        _ => Err(Problem::field(
            "limit",
            Code::InvalidRequest,
            format!("\"{text}\" is not a whole number from 1 to {MAX_LIMIT}"),
        )),
    }
}
