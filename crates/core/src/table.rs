//! Tables in files: CSV as spreadsheets really write it, read row by row in flat memory.

mod records;

use records::{Record, Records};
use serde::Serialize;
use std::io::Read;

/// More columns than any real list has.
const MOST_COLUMNS: usize = 200;

/// A file that cannot be imported at all. Nothing of it may be kept, rows already read included.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// No header line.
    #[error("The file is empty; its first line must name the columns")]
    Empty,
    /// A quote that goes on to the end of the file.
    #[error("The row that begins on line {line} opens a quote (\") that is never closed")]
    UnclosedQuote {
        /// Where the row begins; the header is line 1.
        line: u64,
    },
    /// A header of too many columns: another kind of file, or a wrong delimiter.
    #[error("The file has {columns} columns, more than {MOST_COLUMNS}; is it a list of people?")]
    TooManyColumns {
        /// How many there are.
        columns: usize,
    },
    /// Two columns of one name.
    #[error("Two columns are called \"{name}\"; rename one")]
    RepeatedColumn {
        /// The name.
        name: String,
    },
    /// A column that must be there.
    #[error("No column \"{wanted}\"; the file has: {}", found.join(", "))]
    MissingColumn {
        /// The name, or the names of which one would do.
        wanted: String,
        /// The columns there are.
        found: Vec<String>,
    },
    /// Not text: a spreadsheet file, or an unmarked UTF-16.
    #[error("This is not a CSV text file; save it as \"CSV UTF-8\" and try again")]
    NotText,
    /// The file could not be read.
    #[error("The file could not be read: {0}")]
    Read(#[from] std::io::Error),
}

/// A row that cannot be used; the others can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// Where the row begins; the header is line 1.
    pub line: u64,
    /// The column at fault; `None` when it is the row as a whole.
    pub column: Option<String>,
    /// What stands there, shortened.
    pub value: String,
    /// For programs: `invalid_phone`, `wrong_number_of_cells` …
    pub code: &'static str,
    /// For people: what is wrong and what to do.
    pub message: String,
}

/// Longer values are cut in errors.
const SHOWN_VALUE: usize = 100;

impl RowError {
    /// An error about one cell.
    pub fn cell(line: u64, column: &str, value: &str, code: &'static str, message: impl ToString) -> Self {
        let value = value.chars().take(SHOWN_VALUE).collect();
        Self { line, column: Some(column.to_owned()), value, code, message: message.to_string() }
    }

    /// An error about a whole row.
    pub fn row(line: u64, code: &'static str, message: impl ToString) -> Self {
        Self { line, column: None, value: String::new(), code, message: message.to_string() }
    }
}

/// A table being read.
pub struct Table<R: Read> {
    records: Records<R>,
    columns: Vec<String>,
    record: Record,
    cells: Vec<(usize, usize)>,
    text: String,
}

/// One row. Cells are trimmed.
#[derive(Clone, Copy, Debug)]
pub struct Row<'t> {
    line: u64,
    text: &'t str,
    cells: &'t [(usize, usize)],
}

impl Row<'_> {
    /// Where the row begins in the file; the header is line 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The cell of a column, by its place in [`Table::columns`]; empty when there is none.
    pub fn cell(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |(start, end)| &self.text[*start..*end])
    }
}

impl<R: Read> Table<R> {
    /// Reads the header line. The delimiter (comma, semicolon, tab or bar) is the one it uses most.
    pub fn open(input: R) -> Result<Self, TableError> {
        let records = Records::open(input)?;
        let record = Record::default();
        let mut table = Self { records, columns: Vec::new(), record, cells: Vec::new(), text: String::new() };
        table.columns = table.read_header()?;
        Ok(table)
    }

    /// The columns' names, trimmed and in lower case; a column without a name has an empty one.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Where a column is.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// Where a column is that must be there, under any of its names.
    pub fn require(&self, names: &[&str]) -> Result<usize, TableError> {
        names.iter().find_map(|name| self.column(name)).ok_or_else(|| TableError::MissingColumn {
            wanted: names.join("\" or \""),
            found: self.columns.iter().filter(|name| !name.is_empty()).cloned().collect(),
        })
    }

    /// The next row, or what is wrong with it. `None` at the end. An outer error spoils the whole file.
    pub fn next_row(&mut self) -> Result<Option<Result<Row<'_>, RowError>>, TableError> {
        loop {
            let Some(line) = self.records.read(&mut self.record)? else { return Ok(None) };
            if let Err(error) = self.take_text(line) {
                return Ok(Some(Err(error)));
            }
            let blank = self.cells.iter().all(|(start, end)| start == end);
            if !blank {
                return Ok(Some(self.fitting_row(line)));
            }
        }
    }

    fn read_header(&mut self) -> Result<Vec<String>, TableError> {
        let line = self.records.read(&mut self.record)?.ok_or(TableError::Empty)?;
        self.take_text(line).map_err(|_| TableError::NotText)?;
        if self.cells.len() > MOST_COLUMNS {
            return Err(TableError::TooManyColumns { columns: self.cells.len() });
        }
        let mut names: Vec<String> = Vec::new();
        for (start, end) in &self.cells {
            let name = self.text[*start..*end].to_lowercase();
            if !name.is_empty() && names.contains(&name) {
                return Err(TableError::RepeatedColumn { name });
            }
            names.push(name);
        }
        if names.iter().all(String::is_empty) {
            return Err(TableError::Empty);
        }
        // Every list has a column with an English name; a header without a Latin letter was read in the wrong encoding.
        if names.iter().any(|name| name.bytes().any(|byte| byte.is_ascii_alphanumeric())) {
            Ok(names)
        } else {
            Err(TableError::NotText)
        }
    }

    /// Takes the record's cells over as trimmed text.
    fn take_text(&mut self, line: u64) -> Result<(), RowError> {
        self.cells.clear();
        self.text.clear();
        for (at, cell) in self.record.cells().enumerate() {
            let column = || self.columns.get(at).filter(|name| !name.is_empty()).cloned();
            let Ok(cell_text) = std::str::from_utf8(cell) else {
                return Err(RowError {
                    line,
                    column: column(),
                    value: String::from_utf8_lossy(cell).chars().take(SHOWN_VALUE).collect(),
                    code: "invalid_text",
                    message: "Not UTF-8 text; save the file as \"CSV UTF-8\"".to_owned(),
                });
            };
            if cell_text.contains('\0') {
                let message = "Holds a NUL character, which is no text; type the cell again".to_owned();
                return Err(RowError {
                    line,
                    column: column(),
                    value: String::new(),
                    code: "invalid_text",
                    message,
                });
            }
            let start = self.text.len();
            self.text.push_str(cell_text.trim());
            self.cells.push((start, self.text.len()));
        }
        Ok(())
    }

    /// The row, when it has a cell for each column. Empty cells beyond the last column are spreadsheets' habit.
    fn fitting_row(&self, line: u64) -> Result<Row<'_>, RowError> {
        let (needed, given) = (self.columns.len(), self.cells.len());
        let overhang = self.cells.get(needed..).unwrap_or_default();
        if given < needed || overhang.iter().any(|(start, end)| start < end) {
            let message = format!("The row has {given} cells, but the header has {needed}");
            return Err(RowError::row(line, "wrong_number_of_cells", message));
        }
        Ok(Row { line, text: &self.text, cells: &self.cells })
    }
}

#[cfg(test)]
mod tests;
