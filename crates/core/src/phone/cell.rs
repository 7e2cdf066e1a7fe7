//! What people and spreadsheets put around the digits of a number, taken away.

use super::{PhoneError, Repair};

/// A number as it would be dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dialled {
    /// Whether it is in international form: `+` came first.
    pub international: bool,
    /// ASCII digits, at least one.
    pub digits: String,
}

/// A cell's number and what was repaired.
pub(super) struct Cell {
    pub dialled: Dialled,
    pub repair: Option<Repair>,
}

/// Digits enough that a piece of a cell could be a number of its own.
const FULL_NUMBER: usize = 10;

/// Reads a cell without asking whether the number exists.
pub(super) fn read(text: &str) -> Result<Cell, PhoneError> {
    let visible: String = text.chars().filter(|c| !is_invisible(*c)).map(plain).collect();
    let bare = visible.trim().trim_end_matches([',', ';', '|', '/']).trim_end();
    let unquoted = bare.trim_start_matches('\'').trim_start();
    let number = without_point_zero(unquoted);
    if number.is_empty() {
        return Err(PhoneError::Empty);
    }
    if is_scientific(number) {
        return Err(PhoneError::Scientific { text: text.trim().to_owned() });
    }
    if holds_several(number) {
        return Err(PhoneError::Several { text: text.trim().to_owned() });
    }
    let repair = if number.len() < unquoted.len() {
        Some(Repair::TrailingPointZero)
    } else if unquoted.len() < bare.len() {
        Some(Repair::LeadingApostrophe)
    } else {
        None
    };
    Ok(Cell { dialled: dial(text, number)?, repair })
}

/// Keeps the digits; refuses what is neither digit nor the punctuation of phone numbers. Letters must be refused
/// here, because phone libraries read `98765O43210` as if the letter O were not there.
fn dial(text: &str, number: &str) -> Result<Dialled, PhoneError> {
    let mut international = false;
    let mut digits = String::with_capacity(number.len());
    for character in number.chars() {
        match character {
            '0'..='9' => digits.push(character),
            '+' if digits.is_empty() => international = true,
            ' ' | '-' | '(' | ')' | '.' | '[' | ']' => {}
            letter if letter.is_alphabetic() => {
                return Err(PhoneError::Letter { text: text.trim().to_owned(), letter });
            }
            character => return Err(PhoneError::Character { text: text.trim().to_owned(), character }),
        }
    }
    if digits.is_empty() {
        return Err(PhoneError::Empty);
    }
    Ok(Dialled { international, digits })
}

/// `919876543210.0` without its `.0`, which Excel adds when it takes a number for a quantity.
fn without_point_zero(text: &str) -> &str {
    let Some((whole, fraction)) = text.split_once('.') else { return text };
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let damaged = !digits.is_empty()
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !fraction.is_empty()
        && fraction.len() <= 2
        && fraction.bytes().all(|b| b == b'0');
    if damaged { whole } else { text }
}

/// `9.19877E+11`: digits, `E`, digits.
fn is_scientific(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let mantissa = mantissa.strip_prefix('+').unwrap_or(mantissa);
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let has_digits = |part: &str| part.bytes().any(|b| b.is_ascii_digit());
    has_digits(mantissa)
        && has_digits(exponent)
        && mantissa.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',')
        && exponent.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a separator, "or", "and" or mere space parts the text into several numbers.
fn holds_several(text: &str) -> bool {
    let lower = text.to_ascii_lowercase().replace(" or ", "/").replace(" and ", "/");
    let parted =
        lower.split(['/', ',', ';', '|', '&', '\n', '\r']).filter(|piece| digits_in(piece) > 0).count();
    let spaced = text.split_whitespace().filter(|piece| digits_in(piece) >= FULL_NUMBER).count();
    parted > 1 || spaced > 1
}

fn digits_in(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii_digit).count()
}

/// Zero-width and direction marks, which copying from chats and web pages leaves behind.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// The ASCII character people meant: digits of Indian scripts, full-width forms, spaces, dashes and apostrophes.
fn plain(character: char) -> char {
    const ZEROS: [u32; 13] =
        [0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0x1C50, 0xABF0];
    let code = character as u32;
    if let Some(zero) = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)) {
        return char::from_digit(code - zero, 10).unwrap_or(character);
    }
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(code - 0xFEE0).unwrap_or(character),
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' => '-',
        '\u{2018}' | '\u{2019}' | '\u{201B}' | '`' => '\'',
        '\n' | '\r' => character,
        space if space.is_whitespace() => ' ',
        other => other,
    }
}
