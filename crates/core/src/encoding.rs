//! Encoding and segments, counted exactly as Twilio's calculator counts them.
//!
//! A text goes out in GSM-7 when all its characters are in that alphabet, else wholly in UCS-2. Parts never
//! split an escaped character (GSM-7) or a grapheme cluster (UCS-2).

mod cluster;
mod cluster_data;
mod gsm7;
mod packing;
mod smart;
mod smart_data;

pub use smart::smart_encode;

use crate::message::Channel;
use crate::worded_enum;
use packing::Packing;

worded_enum! {
    /// The alphabet a text message travels in.
    Encoding {
        /// The 7-bit alphabet of GSM 03.38: 160 characters, or 153 a segment.
        Gsm7 = "GSM-7",
        /// 16-bit units: 70 characters, or 67 a segment.
        Ucs2 = "UCS-2",
    }
}

impl Encoding {
    /// Units that fit into a message of one segment: septets, or UTF-16 units.
    pub const fn units_alone(self) -> u32 {
        match self {
            Encoding::Gsm7 => 160,
            Encoding::Ucs2 => 70,
        }
    }

    /// Units that fit into each segment of a longer message, whose header takes six bytes.
    pub const fn units_joined(self) -> u32 {
        match self {
            Encoding::Gsm7 => 153,
            Encoding::Ucs2 => 67,
        }
    }
}

/// A number of billed parts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Segments(pub u32);

/// What counting a text finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// The alphabet.
    pub encoding: Encoding,
    /// Billed parts; an empty text is one.
    pub segments: Segments,
    /// Septets (GSM-7) or UTF-16 units (UCS-2).
    pub units: u32,
    /// Units that still fit into the last segment.
    pub units_left: u32,
}

/// A character that is not in GSM-7 and so makes the whole text UCS-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcingCharacter {
    /// The character.
    pub character: char,
    /// How often it stands in the text.
    pub count: u32,
    /// What could stand there instead without changing the meaning; empty: it can go. `None`: nothing.
    pub replacement: Option<&'static str>,
}

/// What replaces `₹`; Twilio's Smart Encoding has nothing for it.
pub const RUPEES_IN_GSM7: &str = "Rs.";

/// Counts a text. One pass for short texts, no allocation.
pub fn measure(text: &str) -> Measure {
    match gsm7::septets(text) {
        Some(count) => measure_gsm7(text, count),
        None => measure_ucs2(text),
    }
}

/// What a channel bills for a text: its segments by SMS, one message by WhatsApp.
pub fn billed_units(channel: Channel, text: &str) -> Segments {
    match channel {
        Channel::Sms => measure(text).segments,
        Channel::Whatsapp => Segments(1),
    }
}

/// Where segments begin, as byte offsets, without the first. A first cluster too big for any segment leaves the
/// first segment empty, as in Twilio's calculator: the cut is then at 0.
pub fn cuts(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let encoding = if gsm7::septets(text).is_some() { Encoding::Gsm7 } else { Encoding::Ucs2 };
    packing::pack(text, encoding, |cut| found.push(cut));
    found
}

/// The characters that force UCS-2, each once, in the order they first appear.
pub fn forcing_characters(text: &str) -> Vec<ForcingCharacter> {
    let mut found: Vec<ForcingCharacter> = Vec::new();
    for character in text.chars().filter(|c| gsm7::cost(*c) == 0) {
        match found.iter_mut().find(|known| known.character == character) {
            Some(known) => known.count += 1,
            None => found.push(ForcingCharacter { character, count: 1, replacement: replacement(character) }),
        }
    }
    found
}

/// Whether a character is in GSM-7 or something in GSM-7 means the same.
pub fn can_be_gsm7(character: char) -> bool {
    gsm7::cost(character) > 0 || replacement(character).is_some()
}

fn replacement(character: char) -> Option<&'static str> {
    if character == '₹' { Some(RUPEES_IN_GSM7) } else { smart::replacement(character) }
}

fn measure_gsm7(text: &str, count: gsm7::Count) -> Measure {
    let (alone, joined) = (Encoding::Gsm7.units_alone(), Encoding::Gsm7.units_joined());
    let units = count.septets;
    if units > alone && count.escapes {
        return measure_packed(text, Encoding::Gsm7, units);
    }
    let segments = if units <= alone { 1 } else { units.div_ceil(joined) };
    let room = if segments == 1 { alone } else { segments * joined };
    Measure { encoding: Encoding::Gsm7, segments: Segments(segments), units, units_left: room - units }
}

fn measure_ucs2(text: &str) -> Measure {
    let units = utf16_units(text);
    let alone = Encoding::Ucs2.units_alone();
    if units > alone {
        return measure_packed(text, Encoding::Ucs2, units);
    }
    Measure { encoding: Encoding::Ucs2, segments: Segments(1), units, units_left: alone - units }
}

fn measure_packed(text: &str, encoding: Encoding, units: u32) -> Measure {
    let Packing { segments, used } = packing::pack(text, encoding, |_| ());
    let units_left = encoding.units_joined().saturating_sub(used);
    Measure { encoding, segments: Segments(segments), units, units_left }
}

/// Characters, and one more for each beyond the basic plane.
fn utf16_units(text: &str) -> u32 {
    text.bytes().map(|byte| u32::from(byte & 0xC0 != 0x80) + u32::from(byte >= 0xF0)).sum()
}

#[cfg(test)]
mod tests;
