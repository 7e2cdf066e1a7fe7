//! Imported lists: the file on its way in, and the answer with what became of its rows.

use super::body::{self, Spooled};
use super::json;
use super::problem::{Code, Problem};
use crate::imports::{self, Checked, Kind};
use axum::extract::Request;
use dakiya_core::phone::AllowedCountries;
use dakiya_core::table::{RowError, TableError};
use dakiya_store::imports::Imported as Stored;
use serde::Serialize;
use std::fs::File;
use utoipa::ToSchema;

/// What became of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Imported {
    /// Rows stored.
    accepted: u64,
    /// Rows whose number came before; the first stays.
    duplicates: u64,
    /// Rows that cannot be used, and why; of very many the first 10,000.
    rejected: Vec<RejectedRow>,
    /// How many rows cannot be used.
    rejected_count: u64,
}

/// A row that cannot be used.
#[derive(Debug, Serialize, ToSchema)]
pub struct RejectedRow {
    /// Where the row begins; the header is line 1. In a JSON list: its place, from 1.
    line: u64,
    /// The column at fault; null when it is the row as a whole.
    #[schema(required = true)]
    column: Option<String>,
    /// What stands there.
    value: String,
    /// A word that programs can rely on.
    #[schema(example = "invalid_phone")]
    code: &'static str,
    /// What is wrong and what to do.
    message: String,
}

impl From<RowError> for RejectedRow {
    fn from(error: RowError) -> Self {
        Self {
            line: error.line,
            column: error.column,
            value: error.value,
            code: error.code,
            message: error.message,
        }
    }
}

impl Imported {
    /// What became of a list of which this was checked and that was stored.
    pub fn of(stored: Stored, checked: Checked) -> Self {
        let Stored { accepted, duplicates } = stored;
        let rejected = checked.told.into_iter().map(RejectedRow::from).collect();
        Self { accepted, duplicates, rejected, rejected_count: checked.bad }
    }
}

/// Takes a CSV file in and reads it through once.
pub async fn checked_csv<K: Kind + 'static>(
    request: Request,
    allowed: AllowedCountries,
) -> Result<(File, Checked), Problem> {
    if !is_csv(&json::content_type(request.headers())) {
        return Err(Problem::new(Code::UnsupportedMediaType, "send the file as text/csv"));
    }
    let Spooled { file, .. } = body::spool(request.into_body(), body::FILE_LIMIT).await?;
    let checking = tokio::task::spawn_blocking(move || {
        imports::check::<K>(&file, &allowed).map(|checked| (file, checked))
    });
    Ok(checking.await.map_err(|error| Problem::internal(&error))??)
}

fn is_csv(media_type: &str) -> bool {
    matches!(
        media_type,
        "text/csv"
            | "application/csv"
            | "application/vnd.ms-excel"
            | "text/plain"
            | "application/octet-stream"
            | ""
    )
}

impl From<TableError> for Problem {
    fn from(error: TableError) -> Self {
        Problem::new(Code::InvalidCsv, error)
    }
}
