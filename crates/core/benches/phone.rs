//! How many cells of a phone column are read in a second, one thread: plain ones, and a dirty Indian list.

use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use divan::counter::ItemsCount;

const CELLS: usize = 10_000;

fn main() {
    divan::main();
}

/// Numbers from a fixed seed (Steele and Vigna's SplitMix64).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// Nine cells in ten are spelt plainly; the tenth is damaged, foreign in script, a landline or no number.
fn dirty_list() -> Vec<String> {
    let mut seeded = Seeded(20_261_122);
    let mut cell = || {
        let national = 6_000_000_000 + seeded.next() % 4_000_000_000;
        let (head, tail) = (national / 100_000, national % 100_000);
        match seeded.next() % 40 {
            0..10 => format!("{national}"),
            10..18 => format!("+91{national}"),
            18..24 => format!("+91 {head} {tail:05}"),
            24..29 => format!("0{national}"),
            29..33 => format!("91{national}"),
            33..36 => format!("{head}-{tail:05}"),
            36 => format!("+91 (0) {head} {tail:05}"),
            37 => format!("91{national}.0"),
            38 => format!("\u{a0}{national}\u{200b}"),
            _ => match seeded.next() % 5 {
                0 => format!("080-4{:07}", national % 10_000_000),
                1 => format!("9.{}E+11", national % 100_000),
                2 => format!("{head}O{}", tail % 10_000),
                3 => format!("{national} / {national}"),
                _ => format!("{}", national / 10),
            },
        }
    };
    (0..CELLS).map(|_| cell()).collect()
}

fn plain_list() -> Vec<String> {
    let mut seeded = Seeded(7);
    (0..CELLS).map(|_| format!("+91 9{:09}", seeded.next() % 1_000_000_000)).collect()
}

fn read_all(cells: &[String], allowed: &AllowedCountries) -> usize {
    cells.iter().filter(|cell| PhoneNumber::parse_cell(cell, allowed).is_ok()).count()
}

#[divan::bench]
fn dirty(bencher: divan::Bencher<'_, '_>) {
    let (cells, allowed) = (dirty_list(), AllowedCountries::default());
    bencher.counter(ItemsCount::new(CELLS)).bench(|| read_all(divan::black_box(&cells), &allowed));
}

#[divan::bench]
fn plain(bencher: divan::Bencher<'_, '_>) {
    let (cells, allowed) = (plain_list(), AllowedCountries::default());
    bencher.counter(ItemsCount::new(CELLS)).bench(|| read_all(divan::black_box(&cells), &allowed));
}
