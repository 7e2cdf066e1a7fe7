//! Lists of people in files: checked row by row in flat memory, then stored. A file that cannot be read to its end
//! leaves nothing behind, so it is read twice: once to check it, once to store it.

mod payments;

pub use payments::{Payments, last_rows};

use crate::api::contacts::is_language;
use dakiya_core::consent::Consent;
use dakiya_core::opt_out::OptOutScope;
use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use dakiya_core::table::{Row, RowError, Table, TableError};
use dakiya_core::template::{Variables, placeholder_name};
use dakiya_store::campaigns::NewRecipient;
use dakiya_store::contacts::ContactRow;
use dakiya_store::opt_outs::OptOutRow;
use std::fs::File;
use std::io::{Seek, SeekFrom};

/// Refused rows that are kept to be told; of more, the number is known.
pub const MOST_TOLD: usize = 10_000;

/// Longer cells are no names, reasons or details.
const MOST_CHARACTERS: usize = 1_000;

/// Names and tags are searched: what is longer fits into no index.
const MOST_KEY_CHARACTERS: usize = 200;

/// What a file's rows become.
pub trait Kind: Sized + Send {
    /// A good row.
    type Item: Send;

    /// Finds its columns.
    fn of(table: &Table<File>) -> Result<Self, TableError>;

    /// Reads a row.
    fn read(&self, row: &Row<'_>, allowed: &AllowedCountries) -> Result<Self::Item, RowError>;
}

/// What checking a file found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Rows that can be stored.
    pub good: u64,
    /// Rows that cannot.
    pub bad: u64,
    /// Why not, of the first [`MOST_TOLD`].
    pub told: Vec<RowError>,
}

/// Reads a file through. An error means that nothing of it may be kept.
pub fn check<K: Kind>(file: &File, allowed: &AllowedCountries) -> Result<Checked, TableError> {
    let mut checked = Checked::default();
    let mut rows = rows::<K>(file, allowed.clone())?;
    for row in &mut rows {
        match row {
            Ok(_) => checked.good += 1,
            Err(error) => {
                checked.bad += 1;
                if checked.told.len() < MOST_TOLD {
                    checked.told.push(error);
                }
            }
        }
    }
    rows.fault.map_or(Ok(checked), Err)
}

/// The good rows of a file that was checked.
pub fn good_rows<K: Kind>(
    file: &File,
    allowed: &AllowedCountries,
) -> Result<impl Iterator<Item = K::Item> + Send + use<K>, TableError> {
    Ok(rows::<K>(file, allowed.clone())?.filter_map(Result::ok))
}

/// A file's rows, good and bad.
struct Rows<K> {
    table: Table<File>,
    kind: K,
    allowed: AllowedCountries,
    fault: Option<TableError>,
}

fn rows<K: Kind>(file: &File, allowed: AllowedCountries) -> Result<Rows<K>, TableError> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(0))?;
    let table = Table::open(file)?;
    Ok(Rows { kind: K::of(&table)?, table, allowed, fault: None })
}

impl<K: Kind> Iterator for Rows<K> {
    type Item = Result<K::Item, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.table.next_row() {
            Ok(Some(Ok(row))) => Some(self.kind.read(&row, &self.allowed)),
            Ok(Some(Err(error))) => Some(Err(error)),
            Ok(None) => None,
            Err(fault) => {
                self.fault = Some(fault);
                None
            }
        }
    }
}

/// The columns of a file of contacts: `phone` (or `to`), and if there are such `name`, `language`, `tags` (split by
/// `;`), `consent` and `consent_evidence`; every other one is an attribute.
pub struct Contacts {
    phone: PhoneColumn,
    name: Option<usize>,
    language: Option<usize>,
    tags: Option<usize>,
    consent: Option<usize>,
    consent_evidence: Option<usize>,
    attributes: Vec<(usize, String)>,
}

impl Kind for Contacts {
    type Item = ContactRow;

    fn of(table: &Table<File>) -> Result<Self, TableError> {
        let phone = PhoneColumn::of(table)?;
        let (name, language, tags) = (table.column("name"), table.column("language"), table.column("tags"));
        let (consent, consent_evidence) = (table.column("consent"), table.column("consent_evidence"));
        let meant = [Some(phone.at), name, language, tags, consent, consent_evidence];
        let attributes = others(table, &meant);
        Ok(Self { phone, name, language, tags, consent, consent_evidence, attributes })
    }

    fn read(&self, row: &Row<'_>, allowed: &AllowedCountries) -> Result<ContactRow, RowError> {
        let mut attributes = variables(row, &self.attributes)?;
        attributes.retain(|_, value| !value.is_empty());
        Ok(ContactRow {
            phone: self.phone.read(row, allowed)?,
            name: name(row, self.name)?,
            language: language(row, self.language)?,
            tags: self.tags.map(|at| tags(row, at)).transpose()?,
            consent: self.consent(row)?,
            attributes,
        })
    }
}

impl Contacts {
    fn consent(&self, row: &Row<'_>) -> Result<Option<Consent>, RowError> {
        let cell = self.consent.map_or("", |at| row.cell(at));
        let said = Consent::parse(cell)
            .map_err(|error| RowError::cell(row.line(), "consent", cell, "invalid_consent", error))?;
        let evidence = self.consent_evidence.map(|at| short(row, "consent_evidence", at)).transpose()?;
        Ok(said.map(|consent| consent.with_evidence(evidence.unwrap_or_default())))
    }
}

/// The columns of a campaign's file: `phone` or `to`; every other one is a placeholder's value, and `language` also
/// chooses the variant of the text.
pub struct Recipients {
    phone: PhoneColumn,
    language: Option<usize>,
    variables: Vec<(usize, String)>,
}

impl Kind for Recipients {
    type Item = NewRecipient;

    fn of(table: &Table<File>) -> Result<Self, TableError> {
        let phone = PhoneColumn::of(table)?;
        let variables = others(table, &[Some(phone.at)]);
        Ok(Self { phone, language: table.column("language"), variables })
    }

    fn read(&self, row: &Row<'_>, allowed: &AllowedCountries) -> Result<NewRecipient, RowError> {
        Ok(NewRecipient {
            phone: self.phone.read(row, allowed)?,
            language: language(row, self.language)?,
            variables: variables(row, &self.variables)?,
        })
    }
}

/// The columns of a file of opt-outs: `phone` (or `to`), and if there are such `scope` (all when empty) and `reason`.
pub struct OptOuts {
    phone: PhoneColumn,
    scope: Option<usize>,
    reason: Option<usize>,
}

impl Kind for OptOuts {
    type Item = OptOutRow;

    fn of(table: &Table<File>) -> Result<Self, TableError> {
        let phone = PhoneColumn::of(table)?;
        Ok(Self { phone, scope: table.column("scope"), reason: table.column("reason") })
    }

    fn read(&self, row: &Row<'_>, allowed: &AllowedCountries) -> Result<OptOutRow, RowError> {
        let scope = match self.scope.map_or("", |at| row.cell(at)) {
            "" => OptOutScope::All,
            word => OptOutScope::parse(&word.to_lowercase())
                .map_err(|error| RowError::cell(row.line(), "scope", word, "invalid_scope", error))?,
        };
        let reason = self.reason.map(|at| short(row, "reason", at)).transpose()?.unwrap_or_default();
        let separator = if reason.is_empty() { "" } else { ": " };
        let evidence = format!("line {}{separator}{reason}", row.line());
        Ok(OptOutRow { phone: self.phone.read(row, allowed)?, scope, evidence })
    }
}

/// The column that says whom a row is about.
struct PhoneColumn {
    at: usize,
    name: String,
}

impl PhoneColumn {
    fn of(table: &Table<File>) -> Result<Self, TableError> {
        let at = table.require(&["phone", "to"])?;
        Ok(Self { at, name: table.columns()[at].clone() })
    }

    fn read(&self, row: &Row<'_>, allowed: &AllowedCountries) -> Result<PhoneNumber, RowError> {
        let cell = row.cell(self.at);
        PhoneNumber::parse(cell, allowed)
            .map_err(|error| RowError::cell(row.line(), &self.name, cell, error.code(), error))
    }
}

/// The named columns that have no meaning of their own, under their names as placeholders.
fn others(table: &Table<File>, known: &[Option<usize>]) -> Vec<(usize, String)> {
    let columns = table.columns().iter().enumerate();
    let meant = columns.filter(|(at, name)| !name.is_empty() && !known.contains(&Some(*at)));
    meant.map(|(at, name)| (at, placeholder_name(name))).collect()
}

fn variables(row: &Row<'_>, columns: &[(usize, String)]) -> Result<Variables, RowError> {
    columns.iter().map(|(at, name)| Ok((name.clone(), short(row, name, *at)?.to_owned()))).collect()
}

fn short<'r>(row: &'r Row<'_>, column: &str, at: usize) -> Result<&'r str, RowError> {
    let cell = row.cell(at);
    if cell.chars().count() > MOST_CHARACTERS {
        let message = format!("Longer than {MOST_CHARACTERS} characters; shorten it");
        return Err(RowError::cell(row.line(), column, cell, "too_long", message));
    }
    Ok(cell)
}

fn name(row: &Row<'_>, at: Option<usize>) -> Result<Option<String>, RowError> {
    let name = at.map(|at| row.cell(at));
    if let Some(long) = name.filter(|name| name.chars().count() > MOST_KEY_CHARACTERS) {
        let message = format!("Longer than {MOST_KEY_CHARACTERS} characters; shorten it");
        return Err(RowError::cell(row.line(), "name", long, "too_long", message));
    }
    Ok(name.filter(|name| !name.is_empty()).map(str::to_owned))
}

fn language(row: &Row<'_>, at: Option<usize>) -> Result<Option<String>, RowError> {
    match at.map_or("", |at| row.cell(at)) {
        "" => Ok(None),
        code if is_language(code) => Ok(Some(code.to_lowercase())),
        other => {
            let message = "Not a language code; write en, hi …";
            Err(RowError::cell(row.line(), "language", other, "invalid_language", message))
        }
    }
}

fn tags(row: &Row<'_>, at: usize) -> Result<Vec<String>, RowError> {
    let tags: Vec<String> =
        row.cell(at).split(';').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    match tags.iter().find(|tag| tag.chars().count() > MOST_KEY_CHARACTERS) {
        None => Ok(tags),
        Some(tag) => {
            let message = format!("A tag has at most {MOST_KEY_CHARACTERS} characters; separate tags by ;");
            Err(RowError::cell(row.line(), "tags", tag, "too_long", message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn file(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn good<K: Kind>(text: &str) -> Vec<K::Item> {
        good_rows::<K>(&file(text), &AllowedCountries::default()).unwrap().collect()
    }

    #[test]
    fn a_contact_keeps_its_further_columns_as_attributes() {
        let rows = good::<Contacts>(
            "phone,name,tags,vehicle,note\n98450 11234,Ramesh,renewal; kerala ;,KA05MN4321,\n",
        );
        assert_eq!(rows[0].phone.to_string(), "+919845011234");
        assert_eq!(rows[0].tags, Some(vec!["renewal".to_owned(), "kerala".to_owned()]));
        assert_eq!(rows[0].attributes, Variables::from([("vehicle".to_owned(), "KA05MN4321".to_owned())]));
    }

    #[test]
    fn a_recipient_may_have_an_empty_placeholder() {
        let rows = good::<Recipients>("to,amount,name\n9845011234,,Asha\n");
        assert_eq!(rows[0].variables["amount"], "");
    }

    #[test]
    fn an_opt_out_without_a_scope_is_from_everything() {
        let rows =
            good::<OptOuts>("phone,scope,reason\n9845011234,,asked by phone\n9845011235,Promotional,\n");
        assert_eq!((rows[0].scope, rows[0].evidence.as_str()), (OptOutScope::All, "line 2: asked by phone"));
        assert_eq!(rows[1].scope, OptOutScope::Promotional);
    }

    #[test]
    fn bad_rows_are_counted_and_explained_and_the_others_stay_good() {
        let text = "phone,language\n9845011234,en\n12345,en\n9845011235,the moon's\n";
        let checked = check::<Contacts>(&file(text), &AllowedCountries::default()).unwrap();
        assert_eq!((checked.good, checked.bad), (1, 2));
        assert_eq!(checked.told.iter().map(|error| error.line).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(good::<Contacts>(text).len(), 1);
    }
}
