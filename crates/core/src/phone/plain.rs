//! The plain spellings of Indian mobile numbers, read without a phone library.
//!
//! Nearly every row of an Indian list is of this kind. The first five digits decide whether ten digits
//! that begin with 6 to 9 are a mobile number or a landline; a test asks rlibphonenumber about every one of them.

use super::PhoneNumber;
use super::plain_data::MOBILE_RANGES;

const TEN_DIGITS: u64 = 10_000_000_000;
const INDIA: u64 = 91;
const FIRST_PREFIX: u64 = 60_000;
const PREFIXES: usize = 40_000;
const LAST_FIVE: u64 = 100_000;

/// One bit for each five digits from 60000 to 99999.
static IS_MOBILE: [u64; PREFIXES / 64] = {
    let mut bits = [0; PREFIXES / 64];
    let mut range = 0;
    while range < MOBILE_RANGES.len() {
        let (first, last) = MOBILE_RANGES[range];
        let mut prefix = first as usize - FIRST_PREFIX as usize;
        while prefix <= last as usize - FIRST_PREFIX as usize {
            bits[prefix / 64] |= 1 << (prefix % 64);
            prefix += 1;
        }
        range += 1;
    }
    bits
};

/// What ten digits after India's code are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Mobile(PhoneNumber),
    Landline(PhoneNumber),
}

/// Reads ten digits that begin with 6 to 9, or as many with `0`, `91`, `+91` or `0091` before them, grouped by spaces
/// or hyphens. `None`: not so plain, which says nothing about the number.
pub(super) fn read(text: &str) -> Option<Plain> {
    let (plus, bytes) = match text.as_bytes() {
        [b'+', rest @ ..] => (true, rest),
        bytes => (false, bytes),
    };
    let mut value = 0;
    let mut digits = 0;
    for byte in bytes {
        match byte {
            b'0'..=b'9' if digits < 14 => {
                value = value * 10 + u64::from(byte - b'0');
                digits += 1;
            }
            b' ' | b'-' => {}
            _ => return None,
        }
    }
    let national = match (plus, digits) {
        (false, 10) => value,
        (false, 11) if value < TEN_DIGITS => value,
        (_, 12) | (false, 14) if value / TEN_DIGITS == INDIA => value % TEN_DIGITS,
        _ => return None,
    };
    let prefix = (national / LAST_FIVE).checked_sub(FIRST_PREFIX)? as usize;
    let number = PhoneNumber(INDIA * TEN_DIGITS + national);
    let is_mobile = IS_MOBILE[prefix / 64] >> (prefix % 64) & 1 == 1;
    Some(if is_mobile { Plain::Mobile(number) } else { Plain::Landline(number) })
}

/// Whether a stored number has India's country code and length.
pub(super) fn is_indian(number: PhoneNumber) -> bool {
    number.0 / TEN_DIGITS == INDIA
}
