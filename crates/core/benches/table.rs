//! How many CSV rows are read in a second, and how many with their phone numbers.

use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use dakiya_core::table::Table;
use divan::counter::{BytesCount, ItemsCount};
use std::fmt::Write as _;

const ROWS: usize = 100_000;

fn main() {
    divan::main();
}

fn file() -> String {
    let mut text = String::from("phone,name,amount,pay_url\r\n");
    for row in 0..ROWS {
        let _ = writeln!(
            text,
            "+91 9{row:09},\"Asha, no. {row}\",\"1,250.00\",https://vehicaid.com/pay?r={row}\r"
        );
    }
    text
}

fn read(text: &str, allowed: Option<&AllowedCountries>) -> usize {
    let Ok(mut table) = Table::open(text.as_bytes()) else { return 0 };
    let mut good = 0;
    while let Ok(Some(Ok(row))) = table.next_row() {
        good += usize::from(allowed.is_none_or(|allowed| PhoneNumber::parse(row.cell(0), allowed).is_ok()));
    }
    good
}

#[divan::bench]
fn rows(bencher: divan::Bencher<'_, '_>) {
    let text = file();
    assert_eq!(read(&text, None), ROWS);
    bencher.counter(ItemsCount::new(ROWS)).counter(BytesCount::new(text.len())).bench(|| read(&text, None));
}

#[divan::bench]
fn rows_with_numbers(bencher: divan::Bencher<'_, '_>) {
    let (text, allowed) = (file(), AllowedCountries::default());
    assert_eq!(read(&text, Some(&allowed)), ROWS);
    bencher.counter(ItemsCount::new(ROWS)).bench(|| read(&text, Some(&allowed)));
}
