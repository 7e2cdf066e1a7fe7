//! Grapheme clusters as grapheme-splitter 1.0.4 finds them: Unicode 10, and its deviations.
//!
//! Current libraries follow later rules that join Indic conjuncts, and would count some Hindi texts differently
//! from Twilio's calculator.

use super::cluster_data::RANGES;

/// Unicode 10's Grapheme_Cluster_Break.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Other,
    Cr,
    Lf,
    Control,
    Extend,
    RegionalIndicator,
    SpacingMark,
    L,
    V,
    T,
    Lv,
    Lvt,
    Prepend,
    EBase,
    EModifier,
    Zwj,
    GlueAfterZwj,
    EBaseGaz,
}

impl Class {
    /// Whether a cluster boundary lies before it when a letter and its marks stand there; `None`: ask the rules.
    fn calm_boundary(self) -> Option<bool> {
        match self {
            Class::Other | Class::Control | Class::Cr | Class::Lf => Some(true),
            Class::Extend | Class::SpacingMark | Class::Zwj => Some(false),
            _ => None,
        }
    }

    fn begins_calmly(self) -> bool {
        self.calm_boundary() == Some(true)
    }
}

/// The first two planes; beyond them only plane 14 has anything but `Other`.
const TABLED: usize = 0x2_0000;
static CLASSES: [Class; TABLED] = table();

const fn table() -> [Class; TABLED] {
    let mut classes = [Class::Other; TABLED];
    let mut group = 0;
    while group < RANGES.len() {
        let (class, ranges) = RANGES[group];
        let mut at = 0;
        while at < ranges.len() {
            let (first, last) = ranges[at];
            let mut code = first as usize;
            while code <= last as usize && code < TABLED {
                classes[code] = class;
                code += 1;
            }
            at += 1;
        }
        group += 1;
    }
    let mut hangul = 0xAC00;
    while hangul <= 0xD7A3 {
        classes[hangul] = if (hangul - 0xAC00) % 28 == 0 { Class::Lv } else { Class::Lvt };
        hangul += 1;
    }
    classes[0x0D] = Class::Cr;
    classes[0x0A] = Class::Lf;
    classes
}

fn class(character: char) -> Class {
    let code = character as u32;
    CLASSES.get(code as usize).copied().unwrap_or_else(|| {
        let holds =
            |ranges: &&[(u32, u32)]| ranges.iter().any(|(first, last)| (*first..=*last).contains(&code));
        RANGES.iter().find(|(_, ranges)| holds(ranges)).map_or(Class::Other, |(class, _)| *class)
    })
}

/// Takes the clusters of a text, in order.
pub(super) trait Clusters {
    /// A cluster of so many UTF-16 units, from one byte offset to another.
    fn take(&mut self, units: u32, start: usize, end: usize);
    /// So many clusters of one byte and one unit each.
    fn take_ascii(&mut self, count: usize, start: usize);
}

/// Hands over every cluster. CR LF is two, as the calculator has it.
pub(super) fn split(text: &str, clusters: &mut impl Clusters) {
    let mut open = Open { start: 0, units: 0, first: Class::Control, wild: None };
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        if byte.is_ascii() && open.wild.is_none() {
            open.close(at, clusters);
            // All but the last of a run are clusters of their own; a mark may follow the last.
            let last = at + ascii_run(&text.as_bytes()[at..]) - 1;
            clusters.take_ascii(last - at, at);
            open = Open::new(last, 1, CLASSES[usize::from(text.as_bytes()[last])]);
            at = last + 1;
            continue;
        }
        let Some(character) = text[at..].chars().next() else { break };
        let (next, units) = (class(character), character.len_utf16() as u32);
        if open.ends_before(next, &text[open.start..at]) {
            open.close(at, clusters);
            open = Open::new(at, units, next);
        } else {
            open.push(next, units);
        }
        at += character.len_utf8();
    }
    open.close(at, clusters);
}

/// How many ASCII characters a text begins with.
fn ascii_run(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(bytes.len())
}

/// The cluster being read.
///
/// Nearly all clusters are calm: a letter with marks, or a control. Only the others need all the rules and what those
/// rules know of a cluster.
struct Open {
    start: usize,
    units: u32,
    first: Class,
    wild: Option<Cluster>,
}

impl Open {
    fn new(start: usize, units: u32, first: Class) -> Self {
        let wild = if first.begins_calmly() { None } else { Some(Cluster::of(first)) };
        Self { start, units, first, wild }
    }

    fn ends_before(&mut self, next: Class, so_far: &str) -> bool {
        match (&self.wild, next.calm_boundary()) {
            (None, Some(boundary)) => boundary || self.first != Class::Other,
            (Some(cluster), _) => cluster.ends_before(next),
            (None, None) => {
                self.wild = Cluster::read(so_far);
                self.wild.as_ref().is_none_or(|cluster| cluster.ends_before(next))
            }
        }
    }

    fn push(&mut self, next: Class, units: u32) {
        self.units += units;
        if let Some(cluster) = &mut self.wild {
            cluster.push(next);
        }
    }

    fn close(&self, end: usize, clusters: &mut impl Clusters) {
        if self.units > 0 {
            clusters.take(self.units, self.start, end);
        }
    }
}

/// What the rules need to know of the characters of a cluster so far.
struct Cluster {
    first: Class,
    last: Class,
    before_last: Class,
    /// Whether only the first character has been seen.
    single: bool,
    /// Whether all characters after the first are `Extend`.
    only_extended: bool,
    has_extend: bool,
    /// Whether a run of regional indicators directly follows the first character, and none comes later.
    flag_follows: bool,
    other_flag: bool,
}

impl Cluster {
    /// The state after some characters, all of one cluster.
    fn read(text: &str) -> Option<Self> {
        let mut classes = text.chars().map(class);
        let first = Self::of(classes.next()?);
        Some(classes.fold(first, |mut cluster, next| {
            cluster.push(next);
            cluster
        }))
    }

    fn of(first: Class) -> Self {
        Self {
            first,
            last: first,
            before_last: Class::Other,
            single: true,
            only_extended: true,
            has_extend: first == Class::Extend,
            flag_follows: false,
            other_flag: false,
        }
    }

    fn push(&mut self, next: Class) {
        if next == Class::RegionalIndicator {
            let in_leading_run = self.single || (self.flag_follows && self.last == Class::RegionalIndicator);
            self.flag_follows |= in_leading_run;
            self.other_flag |= !in_leading_run;
        }
        self.only_extended &= next == Class::Extend;
        self.has_extend |= next == Class::Extend;
        self.before_last = self.last;
        self.last = next;
        self.single = false;
    }

    /// Whether a cluster boundary lies before `next`.
    fn ends_before(&self, next: Class) -> bool {
        self.ends_by_lookahead(next) || !self.joins(next)
    }

    /// grapheme-splitter's two look-ahead rules. They stand before all others, so that for example a second
    /// `Extend` after a flag begins a cluster of its own, which Unicode would not have.
    fn ends_by_lookahead(&self, next: Class) -> bool {
        use Class::{EBase, EBaseGaz, EModifier, Extend, Prepend, RegionalIndicator};
        if next == EModifier {
            let bare = !self.single && self.only_extended && !matches!(self.first, Extend | EBase | EBaseGaz);
            if bare {
                return true;
            }
        }
        let flag =
            if next == RegionalIndicator { self.single } else { self.flag_follows && !self.other_flag };
        flag && !matches!(self.last, Prepend | RegionalIndicator)
    }

    /// Unicode 10's rules GB4 to GB13, in order.
    fn joins(&self, next: Class) -> bool {
        use Class::*;
        match (self.last, next) {
            (Control | Cr | Lf, _) | (_, Control | Cr | Lf) => false,
            (L, L | V | Lv | Lvt) | (Lv | V, V | T) | (Lvt | T, T) => true,
            (_, Extend | Zwj | SpacingMark) | (Prepend, _) => true,
            (_, EModifier) => self.takes_modifier(),
            (Zwj, GlueAfterZwj | EBaseGaz) => true,
            (RegionalIndicator, RegionalIndicator) => self.single,
            _ => false,
        }
    }

    /// GB10, which grapheme-splitter follows over one `Extend` but not over several.
    fn takes_modifier(&self) -> bool {
        use Class::{EBase, EBaseGaz, Extend};
        let base = if self.has_extend && self.last == Extend {
            self.before_last
        } else if self.has_extend {
            return false;
        } else {
            self.last
        };
        matches!(base, EBase | EBaseGaz)
    }
}
