//! What was sent in some days, what a look at part of it says about all, and what a fix saved since.

use super::SavingKind;
use crate::money::Money;
use crate::worded_enum;
use rust_decimal::Decimal;
use std::ops::{Add, AddAssign};

worded_enum! {
    /// What wastes money in a month of traffic.
    Waste {
        /// `₹`, which is not in GSM-7, where `Rs.` would do.
        RupeeSign = "rupee_sign",
        /// Curly quotes, dashes and other typographic characters.
        Typography = "typography",
        /// A few characters over a segment for many people.
        JustOver = "just_over",
        /// A number that takes no messages, written to again and again.
        DeadNumber = "dead_number",
        /// Text messages to people whom a cheaper WhatsApp message reaches.
        CheaperOnWhatsapp = "cheaper_on_whatsapp",
    }
}

impl From<SavingKind> for Waste {
    fn from(kind: SavingKind) -> Self {
        match kind {
            SavingKind::RupeeSign => Waste::RupeeSign,
            SavingKind::Typography => Waste::Typography,
            SavingKind::JustOver => Waste::JustOver,
        }
    }
}

/// Messages of some days, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages that reached Twilio or may have.
    pub messages: u64,
    /// Billed parts.
    pub segments: u64,
}

impl Add for Traffic {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { messages: self.messages + other.messages, segments: self.segments + other.segments }
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// What part of the messages says about all: an amount found in `looked_at` messages, scaled to `all`. Exact when all
/// were looked at.
pub fn scaled(amount: Money, looked_at: u64, all: u64) -> Money {
    if looked_at == 0 || looked_at == all {
        return amount;
    }
    Money::new(amount.rupees() * Decimal::from(all) / Decimal::from(looked_at))
}

/// As [`scaled`], of a count; rounded down.
pub fn scaled_count(count: u64, looked_at: u64, all: u64) -> u64 {
    if looked_at == 0 {
        return count;
    }
    u64::try_from(u128::from(count) * u128::from(all) / u128::from(looked_at)).unwrap_or(u64::MAX)
}

impl Traffic {
    /// What a text would have saved, had it gone by WhatsApp at `whatsapp` a message to `reachable` of every `asked`
    /// people; `None` when that is not cheaper. `segment` is the price of one segment by text message.
    pub fn cheaper_on_whatsapp(
        self,
        segment: Money,
        whatsapp: Money,
        reachable: u64,
        asked: u64,
    ) -> Option<Money> {
        let more = segment * self.segments - whatsapp * self.messages;
        (more > Money::ZERO && reachable > 0 && asked > 0).then(|| scaled(more, asked, reachable))
    }

    /// What a fix saved: the messages `since`, had they been as long as those `before`, less what they are. Less than
    /// nothing when they grew.
    pub fn saved(before: Traffic, since: Traffic, segment: Money) -> Money {
        if before.messages == 0 {
            return Money::ZERO;
        }
        scaled(segment * before.segments, before.messages, since.messages) - segment * since.segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rupees(text: &str) -> Money {
        Money::parse(text).unwrap()
    }

    fn traffic(messages: u64, segments: u64) -> Traffic {
        Traffic { messages, segments }
    }

    #[test]
    fn a_part_stands_for_the_whole() {
        assert_eq!(scaled(rupees("80"), 100, 100), rupees("80"));
        assert_eq!(scaled(rupees("80"), 100, 250), rupees("200"));
        assert_eq!(scaled(rupees("80"), 0, 250), rupees("80"));
    }

    #[test]
    fn whatsapp_is_named_only_where_it_is_cheaper_and_reaches_somebody() {
        let two_segments = traffic(1_000, 2_000);
        let (segment, whatsapp) = (rupees("0.80"), rupees("0.60"));
        assert_eq!(two_segments.cheaper_on_whatsapp(segment, whatsapp, 10, 10), Some(rupees("1000")));
        assert_eq!(two_segments.cheaper_on_whatsapp(segment, whatsapp, 5, 10), Some(rupees("500")));
        assert_eq!(two_segments.cheaper_on_whatsapp(segment, whatsapp, 0, 10), None);
        assert_eq!(two_segments.cheaper_on_whatsapp(segment, rupees("1.60"), 10, 10), None);
    }

    #[test]
    fn what_a_fix_saved_is_measured_against_what_went_before() {
        let saved = Traffic::saved(traffic(500, 1_000), traffic(200, 200), rupees("0.80"));
        assert_eq!(saved, rupees("160"));
        assert_eq!(Traffic::saved(traffic(0, 0), traffic(200, 200), rupees("0.80")), Money::ZERO);
        let longer = Traffic::saved(traffic(10, 10), traffic(10, 20), rupees("0.80"));
        assert_eq!(longer, rupees("-8"));
    }

    proptest! {
        #[test]
        fn what_stays_as_it_was_saves_nothing(messages in 1u64..1_000_000, each in 1u64..5, times in 1u64..9) {
            let before = traffic(messages, messages * each);
            let since = traffic(messages * times, messages * each * times);
            prop_assert_eq!(Traffic::saved(before, since, Money::parse("0.80").unwrap()), Money::ZERO);
        }
    }
}
