//! The alphabet of GSM 03.38.

/// The characters that cost one septet. Source: 3GPP TS 23.038, 6.2.1.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

/// The characters that cost two: an escape and the character. Source: 3GPP TS 23.038, 6.2.1.1.
const EXTENSION: &str = "\u{C}^{}\\[~]|€";

const SMALL: usize = 0x400;
const COSTS: [u8; SMALL] = {
    let mut costs = [0; SMALL];
    fill(&mut costs, BASIC.as_bytes(), 1);
    fill(&mut costs, EXTENSION.as_bytes(), 2);
    costs
};

/// The septets a text costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    pub septets: u32,
    /// Whether any character costs two.
    pub escapes: bool,
}

/// Septets a character costs; 0 when it is not in the alphabet.
pub(super) const fn cost(character: char) -> u8 {
    let code = character as usize;
    if code < SMALL {
        COSTS[code]
    } else if character == '€' {
        2
    } else {
        0
    }
}

/// The septets of a text; `None` when a character is not in the alphabet.
pub(super) fn septets(text: &str) -> Option<Count> {
    if text.is_ascii() {
        return ascii_septets(text.as_bytes());
    }
    let mut septets = 0;
    let mut characters = 0;
    for character in text.chars() {
        match cost(character) {
            0 => return None,
            cost => septets += u32::from(cost),
        }
        characters += 1;
    }
    Some(Count { septets, escapes: septets > characters })
}

/// Without a branch for each character: most texts are ASCII, and nearly all of those are in the alphabet.
fn ascii_septets(text: &[u8]) -> Option<Count> {
    let (mut septets, mut foreign) = (0, false);
    for byte in text {
        let cost = COSTS[usize::from(*byte)];
        septets += u32::from(cost);
        foreign |= cost == 0;
    }
    (!foreign).then_some(Count { septets, escapes: septets as usize > text.len() })
}

/// How many ASCII characters of one septet a text begins with.
pub(super) fn basic_ascii_run(bytes: &[u8]) -> usize {
    let is_basic = |byte: &u8| byte.is_ascii() && COSTS[usize::from(*byte)] == 1;
    bytes.iter().position(|byte| !is_basic(byte)).unwrap_or(bytes.len())
}

/// Writes a cost for each character of a text; those above the table (`€`) are left out.
const fn fill(costs: &mut [u8; SMALL], text: &[u8], cost: u8) {
    let mut at = 0;
    while at < text.len() {
        let lead = text[at] as usize;
        at += if lead < 0x80 {
            costs[lead] = cost;
            1
        } else if lead < 0xE0 {
            costs[(lead & 0x1F) << 6 | (text[at + 1] as usize & 0x3F)] = cost;
            2
        } else {
            3
        };
    }
}
