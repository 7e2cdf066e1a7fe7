//! Statements written out: SQL that both databases read, with its values bound as it is put together.

use crate::StoreError;
use crate::column::{Storable, Stored};
use sea_orm::sea_query::Value;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement};
use std::fmt::Write as _;

/// A statement under way. Texts are ours; whatever came from outside is bound.
pub(crate) struct Sql {
    text: String,
    values: Vec<Value>,
}

/// Where a bound value goes, until the database is known. No statement holds it otherwise.
const HOLE: char = '\0';

/// Longer lists are rare, and would come near the most values that a statement may have.
const PADDED: usize = 8_192;

impl Sql {
    /// Begins with a text.
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Goes on with a text.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    /// Goes on with a bound value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.push(value.into());
        self
    }

    /// Goes on with another statement, inside this one.
    pub(crate) fn append(mut self, inner: Sql) -> Self {
        self.text.push_str(&inner.text);
        self.values.extend(inner.values);
        self
    }

    /// Goes on with `(a, b, c)` as a set, in which it does not matter that the last value is said several times: so that
    /// lists come in few lengths, and the databases parse and plan few statements. Nothing is in an empty list.
    pub(crate) fn list<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let mut values: Vec<Value> = values.into_iter().map(Into::into).collect();
        if let Some(last) = values.last().cloned().filter(|_| values.len() <= PADDED) {
            values.resize(values.len().next_power_of_two(), last);
        }
        self.push_tuple(values);
        self
    }

    /// Goes on with `(a, b), (c, d)`.
    pub(crate) fn rows<const N: usize>(mut self, rows: impl IntoIterator<Item = [Value; N]>) -> Self {
        for (index, row) in rows.into_iter().enumerate() {
            if index > 0 {
                self.text.push_str(", ");
            }
            self.push_tuple(row);
        }
        self
    }

    /// As [`Self::rows`], as a set of rows in which it does not matter that the last one is said several times; for the reason
    /// given at [`Self::list`].
    pub(crate) fn set_of_rows<const N: usize>(self, rows: impl IntoIterator<Item = [Value; N]>) -> Self {
        let mut rows: Vec<[Value; N]> = rows.into_iter().collect();
        if let Some(last) = rows.last().cloned().filter(|_| rows.len() * N <= PADDED) {
            rows.resize(rows.len().next_power_of_two(), last);
        }
        self.rows(rows)
    }

    /// Runs it; how many rows it changed.
    pub(crate) async fn execute<C: ConnectionTrait>(self, db: &C) -> Result<u64, StoreError> {
        Ok(db.execute_raw(self.on(db.get_database_backend())).await?.rows_affected())
    }

    /// Runs it; the first row.
    pub(crate) async fn one<C: ConnectionTrait>(self, db: &C) -> Result<Option<QueryResult>, StoreError> {
        Ok(db.query_one_raw(self.on(db.get_database_backend())).await?)
    }

    /// Runs it; all rows.
    pub(crate) async fn all<C: ConnectionTrait>(self, db: &C) -> Result<Vec<QueryResult>, StoreError> {
        Ok(db.query_all_raw(self.on(db.get_database_backend())).await?)
    }

    /// Runs it; all rows, as an entity's.
    pub(crate) async fn models<M: FromQueryResult, C: ConnectionTrait>(
        self,
        db: &C,
    ) -> Result<Vec<M>, StoreError> {
        let rows = self.all(db).await?;
        Ok(rows.iter().map(|row| M::from_query_result(row, "")).collect::<Result<_, _>>()?)
    }

    fn on(self, backend: DbBackend) -> Statement {
        let text = match backend {
            DbBackend::Postgres => numbered(&self.text),
            // SQLite looks every numbered parameter up among all others: thousands of them take seconds.
            _ => self.text.replace(HOLE, "?"),
        };
        Statement::from_sql_and_values(backend, text, self.values)
    }

    fn push(&mut self, value: Value) {
        self.values.push(value);
        self.text.push(HOLE);
    }

    fn push_tuple<V: Into<Value>>(&mut self, values: impl IntoIterator<Item = V>) {
        self.text.push('(');
        let mut values = values.into_iter();
        match values.next() {
            Some(first) => self.push(first.into()),
            None => self.text.push_str("NULL"),
        }
        for value in values {
            self.text.push_str(", ");
            self.push(value.into());
        }
        self.text.push(')');
    }
}

/// Cuts what is to be inserted into few lengths, the longest first, so that few statements are parsed and planned.
pub(crate) fn in_few_lengths<T>(mut items: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let fits = items.len().min(most);
        let length = if fits == 0 { return None } else { 1 << fits.ilog2() };
        let (batch, rest) = items.split_at(length);
        items = rest;
        Some(batch)
    })
}

/// Holes as `$1`, `$2` …
fn numbered(text: &str) -> String {
    let mut pieces = text.split(HOLE);
    let mut sql = String::with_capacity(text.len() * 2);
    sql.push_str(pieces.next().unwrap_or_default());
    for (index, piece) in pieces.enumerate() {
        // Writing into a string cannot fail.
        let _ = write!(sql, "${}{piece}", index + 1);
    }
    sql
}

/// Reads core's types from a row.
pub(crate) trait Row {
    /// The value of a column that always has one.
    fn read<T: Storable>(&self, column: &str) -> Result<T, StoreError>;
    /// The value of a column that may have none.
    fn maybe<T: Storable>(&self, column: &str) -> Result<Option<T>, StoreError>;
}

impl Row for QueryResult {
    fn read<T: Storable>(&self, column: &str) -> Result<T, StoreError> {
        Ok(self.try_get::<Stored<T>>("", column)?.0)
    }
    fn maybe<T: Storable>(&self, column: &str) -> Result<Option<T>, StoreError> {
        Ok(self.try_get::<Option<Stored<T>>>("", column)?.map(|stored| stored.0))
    }
}

/// The end of a `SELECT` whose rows this transaction is about to change. SQLite has one writer and needs none.
pub(crate) fn for_update<C: ConnectionTrait>(db: &C) -> &'static str {
    match db.get_database_backend() {
        DbBackend::Postgres => " FOR UPDATE",
        _ => "",
    }
}

/// As [`for_update`], for rows that are only read: several may, and nobody changes them meanwhile.
pub(crate) fn for_share<C: ConnectionTrait>(db: &C) -> &'static str {
    match db.get_database_backend() {
        DbBackend::Postgres => " FOR SHARE",
        _ => "",
    }
}

/// As [`for_update`], passing over rows that another transaction holds.
pub(crate) fn skip_locked<C: ConnectionTrait>(db: &C) -> &'static str {
    match db.get_database_backend() {
        DbBackend::Postgres => " FOR UPDATE SKIP LOCKED",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(query: Sql) -> String {
        query.on(DbBackend::Postgres).sql
    }

    #[test]
    fn lists_come_in_few_lengths_and_say_nothing_new() {
        let of = |count: i64| text(Sql::new("IN ").list(0..count));
        assert_eq!(of(0), "IN (NULL)");
        assert_eq!(of(1), "IN ($1)");
        assert_eq!(of(3), "IN ($1, $2, $3, $4)");
        assert_eq!(Sql::new("").list(0i64..3).values[2..], [Value::from(2i64), Value::from(2i64)]);
        let rows = Sql::new("").set_of_rows((0i64..3).map(|n| [n.into(), n.into()]));
        assert_eq!(rows.values.len(), 8);
        assert_eq!(Sql::new("").list(0i64..9_000).values.len(), 9_000, "too many are not made more");
    }

    #[test]
    fn what_is_inserted_is_cut_and_nothing_is_left_out() {
        let items: Vec<u32> = (0..162).collect();
        let lengths: Vec<usize> = in_few_lengths(&items, 1_024).map(<[u32]>::len).collect();
        assert_eq!(lengths, [128, 32, 2]);
        assert_eq!(in_few_lengths(&items, 64).flatten().copied().collect::<Vec<_>>(), items);
        assert_eq!(in_few_lengths::<u32>(&[], 64).count(), 0);
    }
}
