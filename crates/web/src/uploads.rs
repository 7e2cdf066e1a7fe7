//! Uploaded files: streamed to disk, checked row by row, kept until somebody decides.

use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::counted;
use crate::forms::CSRF_FIELD;
use crate::imports::Kind;
use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use dakiya_core::ids::UserId;
use dakiya_core::phone::AllowedCountries;
use dakiya_core::table::{RowError, Table, TableError};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufWriter, Seek as _, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use tokio::task::spawn_blocking;

/// No file may be larger.
pub(crate) const LIMIT_MEBIBYTES: usize = 200;

/// A file on disk, removed when it is dropped.
pub(crate) struct Received {
    pub(crate) file: NamedTempFile,
    /// As the person's machine calls it.
    pub(crate) name: String,
}

/// Streams a form with a file to disk. The token comes first in our forms, and is checked before a byte of the
/// file is taken. `None`: no file was chosen.
pub(crate) async fn receive(person: &Person, mut form: Multipart) -> PageResult<Option<Received>> {
    let mut ours = false;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        match field.name() {
            Some(CSRF_FIELD) => {
                person.check_token(&field.text().await.map_err(unreadable)?)?;
                ours = true;
            }
            Some("file") if ours => {
                let name: String = field
                    .file_name()
                    .unwrap_or_default()
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(120)
                    .collect();
                let received = write_down(field).await?;
                return Ok((!name.is_empty()).then_some(Received { file: received, name }));
            }
            _ => return Err(PageError::Forgery),
        }
    }
    if ours { Ok(None) } else { Err(PageError::Forgery) }
}

async fn write_down(mut field: Field<'_>) -> PageResult<NamedTempFile> {
    let file = NamedTempFile::new().map_err(|error| PageError::internal(&error))?;
    let handle = file.reopen().map_err(|error| PageError::internal(&error))?;
    let mut writer = tokio::io::BufWriter::new(tokio::fs::File::from_std(handle));
    let mut written = 0;
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        written += chunk.len();
        if written > LIMIT_MEBIBYTES * 1024 * 1024 {
            return Err(PageError::TooLarge { limit_mebibytes: LIMIT_MEBIBYTES });
        }
        writer.write_all(&chunk).await.map_err(|error| PageError::internal(&error))?;
    }
    writer.flush().await.map_err(|error| PageError::internal(&error))?;
    Ok(file)
}

fn unreadable(error: MultipartError) -> PageError {
    tracing::info!(%error, "an upload could not be read");
    PageError::BadRequest(
        "The upload broke off or is not in the shape that browsers send. Nothing was imported. Try again."
            .to_owned(),
    )
}

/// Bad rows on the page; the file to download has all of them.
const MOST_SHOWN: usize = 50;

/// Columns on the page.
const MOST_COLUMNS: usize = 7;

/// What checking a file found.
pub(crate) struct Checked {
    pub(crate) file_name: String,
    /// The first columns.
    pub(crate) columns: Vec<String>,
    pub(crate) good: u64,
    pub(crate) bad: u64,
    /// The first bad rows.
    pub(crate) shown: Vec<BadRow>,
    /// How often each fault occurs.
    faults: Vec<Fault>,
}

/// A row that needs fixing.
pub(crate) struct BadRow {
    pub(crate) line: u64,
    pub(crate) cells: Vec<BadCell>,
    /// Said beside the row's number, when no cell on the page is at fault.
    pub(crate) message: String,
}

/// A cell of such a row; `why` is empty when it is fine.
pub(crate) struct BadCell {
    pub(crate) text: String,
    pub(crate) why: String,
}

struct Fault {
    column: String,
    code: &'static str,
    /// Of the first such row.
    message: String,
    rows: u64,
    first_line: u64,
}

/// One kind of fault as something to do.
pub(crate) struct Todo {
    pub(crate) first_line: u64,
    pub(crate) words: String,
}

impl Checked {
    /// Every row of the file.
    pub(crate) fn rows(&self) -> u64 {
        self.good + self.bad
    }

    /// There are more bad rows than are shown.
    pub(crate) fn is_cut(&self) -> bool {
        (self.shown.len() as u64) < self.bad
    }

    /// `1 row`, `2 rows`
    pub(crate) fn rows_words(&self, rows: &u64) -> String {
        counted(*rows, "row", "rows")
    }

    /// What to do, the most frequent fault first.
    pub(crate) fn todos(&self) -> Vec<Todo> {
        let todo = |fault: &Fault| {
            let rows = counted(fault.rows, "row", "rows");
            let what = match fault.column.as_str() {
                "" => format!("fix {rows}"),
                column => format!("fix “{column}” in {rows}"),
            };
            let for_instance = if fault.rows == 1 { "" } else { "for instance: " };
            Todo {
                first_line: fault.first_line, words: format!("{what} – {for_instance}{}", fault.message)
            }
        };
        self.faults.iter().map(todo).collect()
    }

    fn note(&mut self, error: &RowError) {
        let column = error.column.clone().unwrap_or_default();
        match self.faults.iter().position(|fault| fault.column == column && fault.code == error.code) {
            Some(known) => self.faults[known].rows += 1,
            None if self.faults.len() < MOST_SHOWN => self.faults.push(Fault {
                code: error.code,
                column,
                message: error.message.clone(),
                rows: 1,
                first_line: error.line,
            }),
            None => {}
        }
    }

    fn show(&mut self, error: &RowError, cells: &[String]) {
        if self.shown.len() == MOST_SHOWN {
            return;
        }
        let at_fault =
            error.column.as_ref().and_then(|name| self.columns.iter().position(|column| column == name));
        let cell = |(at, text): (usize, &String)| BadCell {
            text: text.clone(),
            why: if Some(at) == at_fault { error.message.clone() } else { String::new() },
        };
        let message =
            if at_fault.is_some() && !cells.is_empty() { String::new() } else { error.message.clone() };
        self.shown.push(BadRow {
            line: error.line,
            cells: cells.iter().take(self.columns.len()).enumerate().map(cell).collect(),
            message,
        });
    }
}

/// A checked file that waits for a decision.
pub(crate) struct Upload {
    /// In its address; only its owner may use it.
    pub(crate) id: String,
    owner: UserId,
    /// Whose import it is, for instance `contacts`.
    purpose: String,
    pub(crate) checked: Checked,
    file: NamedTempFile,
    bad_rows: NamedTempFile,
}

impl Upload {
    /// The file, from its beginning.
    pub(crate) fn file(&self) -> &File {
        self.file.as_file()
    }

    /// The bad rows with their reasons, as CSV.
    pub(crate) fn bad_rows(&self) -> PageResult<tokio::fs::File> {
        self.bad_rows.reopen().map(tokio::fs::File::from_std).map_err(|error| PageError::internal(&error))
    }
}

/// Checks a file, away from the threads that answer requests. The inner error is about the file as a whole.
pub(crate) async fn check<K: Kind + 'static>(
    person: &Person,
    purpose: String,
    received: Received,
    allowed: AllowedCountries,
) -> PageResult<Result<Upload, TableError>> {
    let (owner, id) = (person.id, crate::auth::random_token()?);
    let checked = spawn_blocking(move || {
        let bad_rows = NamedTempFile::new()?;
        let checked = check_rows::<K>(received.file.as_file(), bad_rows.as_file(), received.name, &allowed)?;
        Ok(Upload { id, owner, purpose, checked, file: received.file, bad_rows })
    });
    checked.await.map_err(|error| PageError::internal(&error))
}

fn check_rows<K: Kind>(
    file: &File,
    bad_rows: &File,
    file_name: String,
    allowed: &AllowedCountries,
) -> Result<Checked, TableError> {
    let mut source = file.try_clone()?;
    source.seek(SeekFrom::Start(0))?;
    let mut table = Table::open(source)?;
    let kind = K::of(&table)?;
    let header = table.columns().to_vec();
    let mut report = csv::Writer::from_writer(BufWriter::new(bad_rows));
    write_row(&mut report, header.iter().map(String::as_str), "row", "what is wrong")?;
    let columns = header.iter().take(MOST_COLUMNS).cloned().collect();
    let mut checked = Checked { file_name, columns, good: 0, bad: 0, shown: Vec::new(), faults: Vec::new() };
    while let Some(row) = table.next_row()? {
        let (error, cells) = match row {
            Ok(row) => match kind.read(&row, allowed) {
                Ok(_) => {
                    checked.good += 1;
                    continue;
                }
                Err(error) => (error, (0..header.len()).map(|at| row.cell(at).to_owned()).collect()),
            },
            Err(error) => (error, Vec::new()),
        };
        checked.bad += 1;
        checked.note(&error);
        checked.show(&error, &cells);
        let padded =
            cells.iter().map(String::as_str).chain(std::iter::repeat_n("", header.len() - cells.len()));
        write_row(&mut report, padded, &error.line.to_string(), &error.message)?;
    }
    report.flush()?;
    checked.faults.sort_by_key(|fault| std::cmp::Reverse(fault.rows));
    Ok(checked)
}

fn write_row<'a, W: Write>(
    report: &mut csv::Writer<W>,
    cells: impl Iterator<Item = &'a str>,
    line: &'a str,
    why: &'a str,
) -> std::io::Result<()> {
    let all: Vec<String> = cells.chain([line, why]).map(safe_cell).collect();
    report.write_record(all).map_err(std::io::Error::other)
}

/// A cell that no spreadsheet takes for a formula. Numbers in international form stay as they are.
pub(crate) fn safe_cell(text: &str) -> String {
    let number = text
        .strip_prefix(['+', '-'])
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !number {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Files that wait for a decision; the oldest make room. A restart forgets them: nothing of them is stored yet.
#[derive(Clone, Default)]
pub(crate) struct Uploads(Arc<Mutex<VecDeque<Arc<Upload>>>>);

/// Files kept at once.
const MOST_WAITING: usize = 24;

impl Uploads {
    /// Keeps a file until somebody decides.
    pub(crate) fn keep(&self, upload: Upload) -> Arc<Upload> {
        let upload = Arc::new(upload);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() == MOST_WAITING {
            waiting.pop_front();
        }
        waiting.push_back(Arc::clone(&upload));
        upload
    }

    /// A file of this person for this purpose. `None`: it was imported, made room, or this process never had it.
    pub(crate) fn find(&self, person: &Person, purpose: &str, id: &str) -> Option<Arc<Upload>> {
        let waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ours =
            |upload: &&Arc<Upload>| upload.id == id && upload.owner == person.id && upload.purpose == purpose;
        waiting.iter().find(ours).cloned()
    }

    /// Forgets a file that was imported.
    pub(crate) fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|upload| upload.id != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::Contacts;
    use std::io::Read as _;

    fn checked(text: &str) -> (Checked, String) {
        let (mut file, bad_rows) = (NamedTempFile::new().unwrap(), NamedTempFile::new().unwrap());
        file.write_all(text.as_bytes()).unwrap();
        let checked = check_rows::<Contacts>(
            file.as_file(),
            bad_rows.as_file(),
            "list.csv".to_owned(),
            &AllowedCountries::default(),
        )
        .unwrap();
        let mut report = String::new();
        bad_rows.reopen().unwrap().read_to_string(&mut report).unwrap();
        (checked, report)
    }

    #[test]
    fn bad_rows_come_back_whole_with_their_reasons() {
        let (checked, report) = checked("phone,name\n9845011234,Ramesh\n12,\"=HYPERLINK(1)\"\n");
        assert_eq!((checked.good, checked.bad), (1, 1));
        assert_eq!(checked.todos().len(), 1);
        assert!(!checked.shown[0].cells[0].why.is_empty());
        assert!(report.starts_with("phone,name,row,what is wrong\n12,'=HYPERLINK(1),3,"), "{report}");
    }

    #[test]
    fn a_spreadsheet_finds_no_formula_in_what_we_write() {
        assert_eq!(safe_cell("=1+1"), "'=1+1");
        assert_eq!(safe_cell("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(safe_cell("+919845011234"), "+919845011234");
        assert_eq!(safe_cell("-12.50"), "-12.50");
        assert_eq!(safe_cell("Asha"), "Asha");
    }
}
