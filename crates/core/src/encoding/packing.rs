//! Filling segments the way Twilio's calculator does.

use super::cluster::{self, Clusters};
use super::{Encoding, gsm7};

/// How a text fills its segments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packing {
    pub segments: u32,
    /// Units in the last segment, header excluded.
    pub used: u32,
}

/// Packs a text and reports each byte offset where a further segment begins.
pub(super) fn pack(text: &str, encoding: Encoding, cut: impl FnMut(usize)) -> Packing {
    let mut packer = Packer::new(encoding, cut);
    match encoding {
        Encoding::Gsm7 => {
            let mut at = 0;
            while let Some(character) = text[at..].chars().next() {
                let run = gsm7::basic_ascii_run(&text.as_bytes()[at..]);
                let length = if run > 0 { run } else { character.len_utf8() };
                if run > 0 {
                    packer.take_ascii(run, at);
                } else {
                    packer.take(u32::from(gsm7::cost(character)), at, at + length);
                }
                at += length;
            }
        }
        Encoding::Ucs2 => cluster::split(text, &mut packer),
    }
    Packing { segments: packer.segments, used: packer.used }
}

/// The first segment is filled as if it were alone; when a second one is needed, it makes room for the header and
/// what no longer fits moves on. That, and never splitting a piece, is what division gets wrong.
struct Packer<F> {
    alone: u32,
    joined: u32,
    segments: u32,
    used: u32,
    /// Units of the first segment's pieces that stay in it when the header comes.
    kept: u32,
    kept_end: usize,
    cut: F,
}

impl<F: FnMut(usize)> Packer<F> {
    fn new(encoding: Encoding, cut: F) -> Self {
        let (alone, joined) = (encoding.units_alone(), encoding.units_joined());
        Self { alone, joined, segments: 1, used: 0, kept: 0, kept_end: 0, cut }
    }

    fn room(&self) -> u32 {
        let whole = if self.segments == 1 { self.alone } else { self.joined };
        whole.saturating_sub(self.used)
    }

    fn open_segment(&mut self, start: usize) {
        if self.segments == 1 {
            self.used -= self.kept;
            (self.cut)(self.kept_end);
        } else {
            self.used = 0;
            (self.cut)(start);
        }
        self.segments += 1;
    }
}

impl<F: FnMut(usize)> Clusters for Packer<F> {
    fn take(&mut self, units: u32, start: usize, end: usize) {
        if units > self.room() {
            self.open_segment(start);
        }
        self.used += units;
        if self.segments == 1 && self.used <= self.joined {
            self.kept = self.used;
            self.kept_end = end;
        }
    }

    fn take_ascii(&mut self, count: usize, start: usize) {
        let mut at = start;
        let end = start + count;
        while at < end {
            // At the joined limit too, so that the first segment knows what it keeps.
            let stop = if self.used < self.joined { self.joined - self.used } else { self.room() };
            let bulk = (stop as usize).min(end - at).saturating_sub(1);
            self.used += bulk as u32;
            at += bulk;
            self.take(1, at, at + 1);
            at += 1;
        }
    }
}
