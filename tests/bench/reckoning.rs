//! What `core` reckons by itself, on one thread: numbers parsed, segments counted.

use crate::generate::{body, dirty_number};
use crate::measure::{Figure, Time, measure};
use dakiya_core::encoding;
use dakiya_core::phone::{AllowedCountries, PhoneNumber};
use harness::seeded::Seeded;
use std::hint::black_box;

const NUMBERS: usize = 500_000;
const BODIES: usize = 500_000;

/// A: a dirty Indian list, parsed, checked and typed.
pub fn phones() -> Vec<Figure> {
    let mut random = Seeded::new(1);
    let cells: Vec<String> = (0..NUMBERS).map(|_| dirty_number(&mut random)).collect();
    let allowed = AllowedCountries::default();
    black_box(PhoneNumber::parse("9876543210", &allowed).is_ok());
    let (good, reading) =
        measure(|| cells.iter().filter(|cell| PhoneNumber::parse(cell, &allowed).is_ok()).count());
    let (_, bare) = measure(|| cells.iter().filter(|cell| black_box(plain_digits(cell)).is_some()).count());
    let limit = NUMBERS as f64 / bare.cpu_seconds.max(bare.wall.as_secs_f64());
    let share = good as f64 / NUMBERS as f64;
    vec![
        Figure::new("phones parsed", NUMBERS as u64, &reading)
            .beside("digits alone", Time::Cpu, limit)
            .note("valid share", share),
    ]
}

/// The last ten digits, and nothing about whether they are a number.
fn plain_digits(cell: &str) -> Option<u64> {
    let digits = cell.bytes().filter(u8::is_ascii_digit);
    let number = digits.fold(0_u64, |number, digit| number.wrapping_mul(10) + u64::from(digit - b'0'));
    (number > 6_000_000_000).then_some(number % 10_000_000_000)
}

/// B: encoding and segments of mixed bodies.
pub fn segments() -> Vec<Figure> {
    let mut random = Seeded::new(2);
    let bodies: Vec<String> = (0..BODIES).map(|_| body(&mut random)).collect();
    let count = || bodies.iter().map(|body| u64::from(encoding::measure(body).segments.0)).sum::<u64>();
    let (total, reading) = measure(count);
    let (_, bare) =
        measure(|| bodies.iter().map(|body| u64::from(black_box(naive_segments(body)))).sum::<u64>());
    let limit = BODIES as f64 / bare.cpu_seconds.max(bare.wall.as_secs_f64());
    let mean = total as f64 / BODIES as f64;
    vec![
        Figure::new("segments counted", BODIES as u64, &reading)
            .beside("naive scan", Time::Cpu, limit)
            .note("segments each", mean),
    ]
}

/// Divides code units, as most counters do; wrong for clusters and extension characters.
fn naive_segments(body: &str) -> u32 {
    let (alone, joined) = if body.is_ascii() { (160, 153) } else { (70, 67) };
    let units = if body.is_ascii() { body.len() } else { body.encode_utf16().count() };
    if units <= alone { 1 } else { units.div_ceil(joined) as u32 }
}
