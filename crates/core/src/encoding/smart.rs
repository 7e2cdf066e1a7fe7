//! Twilio's Smart Encoding: typographic characters become plain ones.

use super::smart_data::REPLACEMENTS;
use std::borrow::Cow;

/// What Smart Encoding puts in place of a character; empty: it is removed.
pub(super) fn replacement(character: char) -> Option<&'static str> {
    if matches!(character, ' '..='_' | 'a'..='~' | '\n' | '\r') {
        return None;
    }
    let found = REPLACEMENTS.binary_search_by_key(&character, |(from, _)| *from).ok()?;
    Some(REPLACEMENTS[found].1)
}

/// Replaces what Twilio's Smart Encoding replaces, character by character: `’` by `'`, `…` by `...`. It can
/// lengthen a text, and it knows nothing for `₹`.
pub fn smart_encode(text: &str) -> Cow<'_, str> {
    let Some(first) = text.char_indices().find(|(_, c)| replacement(*c).is_some()).map(|(at, _)| at) else {
        return Cow::Borrowed(text);
    };
    let mut plain = String::with_capacity(text.len());
    plain.push_str(&text[..first]);
    for character in text[first..].chars() {
        match replacement(character) {
            Some(replaced) => plain.push_str(replaced),
            None => plain.push(character),
        }
    }
    Cow::Owned(plain)
}
