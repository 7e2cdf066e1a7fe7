//! Lists of payments.

use super::{Kind, PhoneColumn, good_rows, language, name, others, tags, variables};
use dakiya_core::payment::{
    Listed, PaymentFault, PaymentReference, PaymentStatus, parse_amount, parse_due_date, parse_paid,
    parse_pay_url, parse_status,
};
use dakiya_core::phone::AllowedCountries;
use dakiya_core::table::{Row, RowError, Table, TableError};
use dakiya_store::payments::{ListedPayment, PaymentFields, PaymentRow};
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};

/// The columns of a file of payments: `reference`, `phone` (or `to`), `amount` and `due_on`, and if there are such `pay_url`,
/// `name`, `language`, `tags` (split by `;`), `status` and `paid` (what came so far, in all); every other one is a placeholder's value. What a file has no column for
/// stays as it is; what is empty in its column is none.
pub struct Payments {
    reference: usize,
    phone: PhoneColumn,
    amount: usize,
    due_on: usize,
    pay_url: Option<usize>,
    name: Option<usize>,
    language: Option<usize>,
    tags: Option<usize>,
    status: Option<usize>,
    paid: Option<usize>,
    variables: Vec<(usize, String)>,
}

impl Kind for Payments {
    type Item = ListedPayment;

    fn of(table: &Table<File>) -> Result<Self, TableError> {
        let reference = table.require(&["reference"])?;
        let phone = PhoneColumn::of(table)?;
        let (amount, due_on) = (table.require(&["amount"])?, table.require(&["due_on"])?);
        let optional = ["pay_url", "name", "language", "tags", "status", "paid"];
        let [pay_url, name, language, tags, status, paid] = optional.map(|column| table.column(column));
        let required = [reference, phone.at, amount, due_on].map(Some);
        let known = [required.as_slice(), &[pay_url, name, language, tags, status, paid]].concat();
        let variables = others(table, &known);
        Ok(Self { reference, phone, amount, due_on, pay_url, name, language, tags, status, paid, variables })
    }

    fn read(&self, row: &Row<'_>, allowed: &AllowedCountries) -> Result<ListedPayment, RowError> {
        let reference = read(row, "reference", self.reference, PaymentReference::parse)?;
        let pay_url = match self.pay_url {
            Some(at) if row.cell(at).is_empty() => Some(None),
            Some(at) => Some(Some(read(row, "pay_url", at, parse_pay_url)?)),
            None => None,
        };
        let fields = PaymentFields {
            phone: self.phone.read(row, allowed)?,
            amount: read(row, "amount", self.amount, parse_amount)?,
            due_on: read(row, "due_on", self.due_on, parse_due_date)?,
            pay_url,
            name: self.name.map(|at| name(row, Some(at))).transpose()?,
            language: self.language.map(|at| language(row, Some(at))).transpose()?,
            tags: self.tags.map(|at| tags(row, at)).transpose()?,
            variables: (!self.variables.is_empty()).then(|| variables(row, &self.variables)).transpose()?,
        };
        Ok(ListedPayment { row: PaymentRow { reference, fields }, listed: self.listed(row)? })
    }
}

impl Payments {
    fn listed(&self, row: &Row<'_>) -> Result<Listed, RowError> {
        let paid = self.paid.map(|at| read(row, "paid", at, parse_paid)).transpose()?.flatten();
        let Some(at) = self.status else { return Ok(Listed { paid, status: None }) };
        let status = read(row, "status", at, |text| match parse_status(text)? {
            Some(PaymentStatus::PartlyPaid) if paid.is_none() => Err(PaymentFault::NoPart),
            status => Ok(status),
        })?;
        Ok(Listed { paid, status })
    }
}

fn read<T>(
    row: &Row<'_>,
    column: &str,
    at: usize,
    parse: impl Fn(&str) -> Result<T, PaymentFault>,
) -> Result<T, RowError> {
    let cell = row.cell(at);
    parse(cell).map_err(|fault| RowError::cell(row.line(), column, cell, fault.code(), fault))
}

/// The good rows of a checked file, of several about one payment the last one; and how many others there are. Reads the file
/// once more, because which row is the last is known at its end.
pub fn last_rows(
    file: &File,
    allowed: &AllowedCountries,
) -> Result<(impl Iterator<Item = ListedPayment> + Send + use<>, u64), TableError> {
    // Two independent hashes stand for a reference, so that memory does not grow with what references look like.
    let (first, second) = (RandomState::new(), RandomState::new());
    let mut last = HashMap::new();
    let mut earlier = HashSet::new();
    for (at, row) in good_rows::<Payments>(file, allowed)?.enumerate() {
        let key = (first.hash_one(&row.row.reference), second.hash_one(&row.row.reference));
        earlier.extend(last.insert(key, at));
    }
    let duplicates = earlier.len() as u64;
    let rows = good_rows::<Payments>(file, allowed)?.enumerate();
    Ok((rows.filter(move |(at, _)| !earlier.contains(at)).map(|(_, row)| row), duplicates))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imports::check;
    use dakiya_core::money::Money;
    use std::io::Write as _;

    fn file(text: &str) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn read_all(text: &str) -> (Vec<PaymentRow>, u64) {
        let (rows, duplicates) = last_rows(&file(text), &AllowedCountries::default()).unwrap();
        (rows.map(|listed| listed.row).collect(), duplicates)
    }

    #[test]
    fn a_row_says_what_its_columns_say_and_nothing_of_others() {
        let (rows, _) = read_all(
            "reference,phone,amount,due_on,pay_url,Vehicle No,tags\nINV/1,98450 11234,\"1,250.50\",05/12/2026,,KA05MN4321,gold; pune\n",
        );
        let fields = &rows[0].fields;
        assert_eq!(rows[0].reference.as_str(), "INV/1");
        assert_eq!(fields.amount, Money::parse("1250.50").unwrap());
        assert_eq!(fields.due_on.to_string(), "2026-12-05");
        assert_eq!((&fields.pay_url, &fields.name), (&Some(None), &None));
        assert_eq!(fields.tags, Some(vec!["gold".to_owned(), "pune".to_owned()]));
        assert_eq!(fields.variables.as_ref().unwrap()["vehicle_no"], "KA05MN4321");
        let (plain, _) = read_all("reference,phone,amount,due_on\n1,9845011234,5,2026-12-05\n");
        assert_eq!((&plain[0].fields.variables, &plain[0].fields.tags), (&None, &None));
    }

    #[test]
    fn of_rows_about_one_payment_the_last_counts_wherever_it_stands() {
        let row = |reference: &str, amount: u32| format!("{reference},9845011234,{amount},2026-12-05\n");
        let (rows, duplicates) = read_all(
            &[
                "reference,phone,amount,due_on\n".to_owned(),
                row("a", 1),
                row("b", 2),
                row("a", 3),
                row("a", 4),
            ]
            .concat(),
        );
        let told: Vec<_> =
            rows.iter().map(|row| (row.reference.as_str(), row.fields.amount.to_plain())).collect();
        assert_eq!(told, [("b", "2.00".to_owned()), ("a", "4.00".to_owned())]);
        assert_eq!(duplicates, 2);
    }

    #[test]
    fn a_list_may_say_what_became_of_a_payment() {
        let text = "reference,phone,amount,due_on,Status,paid,note\n1,9845011234,5,2026-12-05,Cancelled,2,a\n\
            2,9845011234,5,2026-12-05,,,b\n";
        let (rows, _) = last_rows(&file(text), &AllowedCountries::default()).unwrap();
        let rows: Vec<_> = rows.collect();
        let paid = Some(Money::parse("2").unwrap());
        assert_eq!(rows[0].listed, Listed { paid, status: Some(PaymentStatus::Canceled) });
        assert_eq!(rows[1].listed, Listed::default());
        let placeholders: Vec<_> = rows[0].row.fields.variables.as_ref().unwrap().keys().collect();
        assert_eq!(placeholders, ["note"], "a state is no placeholder");
        let bad = "reference,phone,amount,due_on,status\n1,9845011234,5,2026-12-05,settled\n1,9845011234,5,2026-12-05,partly paid\n";
        let checked = check::<Payments>(&file(bad), &AllowedCountries::default()).unwrap();
        assert_eq!(checked.told.iter().map(|error| error.code).collect::<Vec<_>>(), ["invalid_status"; 2]);
    }

    #[test]
    fn every_bad_cell_is_named() {
        let text = "reference,phone,amount,due_on,pay_url,language\n\
            ,9845011234,5,2026-12-05,,\n1,12345,5,2026-12-05,,\n1,9845011234,0,2026-12-05,,\n1,9845011234,5,31/02/2026,,\n\
            1,9845011234,5,2026-12-05,pay here,\n1,9845011234,5,2026-12-05,,the moon's\n1,9845011234,5,2026-12-05,,hi\n";
        let checked = check::<Payments>(&file(text), &AllowedCountries::default()).unwrap();
        let told: Vec<_> =
            checked.told.iter().map(|error| (error.column.as_deref().unwrap(), error.code)).collect();
        assert_eq!(
            told,
            [
                ("reference", "invalid_reference"),
                ("phone", "invalid_phone"),
                ("amount", "invalid_amount"),
                ("due_on", "invalid_date"),
                ("pay_url", "invalid_pay_url"),
                ("language", "invalid_language"),
            ]
        );
        assert_eq!(checked.good, 1);
    }
}
