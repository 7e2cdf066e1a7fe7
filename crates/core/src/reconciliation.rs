//! Our log against a vendor's: message by message, and what a day's difference is made of.
//!
//! A day's difference is what the vendor charged less what we booked. It equals the findings that still count, and a
//! remainder that nobody can explain yet; both are shown, nothing is rounded away.

use crate::worded_enum;
use rust_decimal::Decimal;

worded_enum! {
    /// What was found.
    FindingKind {
        /// Twilio has rated a message since we last asked.
        LatePrice = "late_price",
        /// Twilio changed the price of a message that had one.
        Repriced = "repriced",
        /// It did not arrive, and Twilio charged it all the same.
        FailedCharged = "failed_charged",
        /// We did not know whether Twilio got it: it did.
        Unknown = "unknown",
        /// Neither we nor Twilio know a price.
        Unpriced = "unpriced",
        /// It did not arrive, and Twilio has no price for it: it cost nothing.
        NotCharged = "not_charged",
        /// Twilio has a message that we do not know.
        NotOurs = "not_ours",
        /// We have a message that Twilio does not know.
        Missing = "missing",
        /// We have it on another UTC day than Twilio: it was posted around midnight.
        OtherDay = "other_day",
        /// A number's rent.
        Rent = "rent",
        /// Something that is no message and no rent.
        Other = "other",
    }
}

worded_enum! {
    /// What became of a finding.
    FindingState {
        /// It is part of its day's difference.
        Open = "open",
        /// It is part of its day's difference, and somebody, or what it is, says why.
        Explained = "explained",
        /// It is in our books now: no difference any more.
        Settled = "settled",
    }
}

impl FindingState {
    /// Whether it is part of its day's difference.
    pub fn counts(self) -> bool {
        self != Self::Settled
    }
}

/// A message as we have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ours {
    /// What it cost, in the vendor's currency, as far as we know.
    pub price: Option<Decimal>,
    /// It did not arrive.
    pub failed: bool,
}

/// A difference of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What it is.
    pub kind: FindingKind,
    /// What the vendor charged less what we booked.
    pub amount: Decimal,
    /// The price to be taken into our books, after which nothing differs.
    pub takes: Option<Decimal>,
}

/// Compares one message. `theirs` is the price the vendor has for it, `Some(None)` when it has none yet, and `None` when
/// it does not know the message. Nothing: both say the same.
pub fn judge(ours: Option<Ours>, theirs: Option<Option<Decimal>>) -> Option<Judged> {
    let open = |kind, amount| Some(Judged { kind, amount, takes: None });
    let (ours, theirs) = match (ours, theirs) {
        (None, None) => return None,
        (None, Some(theirs)) => return open(FindingKind::NotOurs, theirs.unwrap_or_default()),
        (Some(ours), None) => return open(FindingKind::Missing, -ours.price.unwrap_or_default()),
        (Some(ours), Some(theirs)) => (ours, theirs),
    };
    match (ours.price, theirs) {
        // What did not arrive usually costs nothing. A price that comes all the same is taken then.
        (None, None) if ours.failed => open(FindingKind::NotCharged, Decimal::ZERO),
        (None, None) => open(FindingKind::Unpriced, Decimal::ZERO),
        // A price that was taken back: our books cannot forget one, so a person has to look.
        (Some(booked), None) => open(FindingKind::Repriced, -booked),
        (Some(booked), Some(price)) if booked == price => None,
        (booked, Some(price)) => {
            let kind = match booked {
                Some(_) => FindingKind::Repriced,
                None if ours.failed => FindingKind::FailedCharged,
                None => FindingKind::LatePrice,
            };
            Some(Judged { kind, amount: price - booked.unwrap_or_default(), takes: Some(price) })
        }
    }
}

/// What a day's difference is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// What the vendor charged that day.
    pub vendor: Decimal,
    /// What we booked for that day's messages.
    pub ours: Decimal,
    /// The findings that count, added up.
    pub found: Decimal,
}

impl Balance {
    /// What the vendor charged beyond our books.
    pub fn difference(self) -> Decimal {
        self.vendor - self.ours
    }

    /// What no finding explains.
    pub fn unexplained(self) -> Decimal {
        self.difference() - self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn price(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn ours(text: Option<&str>) -> Option<Ours> {
        Some(Ours { price: text.map(price), failed: false })
    }

    #[test]
    fn each_difference_has_its_reason_and_amount() {
        let seen = |ours, theirs| judge(ours, theirs).map(|judged| (judged.kind, judged.amount.to_string()));
        let found = |kind, amount: &str| Some((kind, amount.to_owned()));
        assert_eq!(seen(None, None), None);
        assert_eq!(seen(ours(Some("0.01")), Some(Some(price("0.010")))), None);
        assert_eq!(seen(None, Some(Some(price("0.02")))), found(FindingKind::NotOurs, "0.02"));
        assert_eq!(seen(None, Some(None)), found(FindingKind::NotOurs, "0"));
        assert_eq!(seen(ours(Some("0.01")), None), found(FindingKind::Missing, "-0.01"));
        assert_eq!(seen(ours(None), Some(None)), found(FindingKind::Unpriced, "0"));
        assert_eq!(seen(ours(None), Some(Some(price("0.02")))), found(FindingKind::LatePrice, "0.02"));
        assert_eq!(
            seen(ours(Some("0.03")), Some(Some(price("0.02")))),
            found(FindingKind::Repriced, "-0.01")
        );
        assert_eq!(seen(ours(Some("0.03")), Some(None)), found(FindingKind::Repriced, "-0.03"));
        let failed = Some(Ours { price: None, failed: true });
        assert_eq!(seen(failed, Some(None)), found(FindingKind::NotCharged, "0"));
        assert_eq!(seen(failed, Some(Some(price("0.02")))), found(FindingKind::FailedCharged, "0.02"));
    }

    proptest! {
        /// Whatever is listed, the day adds up: booking what can be booked leaves exactly what still counts.
        #[test]
        fn findings_of_messages_add_up_to_the_difference(
            days in prop::collection::vec(
                (prop::option::of((prop::option::of(0i64..1_000), any::<bool>())), prop::option::of(prop::option::of(0i64..1_000))),
                0..40,
            ),
        ) {
            let decimal = |micros: i64| Decimal::new(micros, 5);
            let mut before = Balance::default();
            let mut after = Balance::default();
            for (mine, theirs) in days {
                let mine = mine.map(|(price, failed)| Ours { price: price.map(decimal), failed });
                let theirs = theirs.map(|price| price.map(decimal));
                let vendor = theirs.flatten().unwrap_or_default();
                let booked = mine.and_then(|mine| mine.price).unwrap_or_default();
                before.vendor += vendor;
                before.ours += booked;
                after.vendor += vendor;
                after.ours += booked;
                if let Some(judged) = judge(mine, theirs) {
                    before.found += judged.amount;
                    match judged.takes {
                        Some(_) => after.ours += judged.amount,
                        None => after.found += judged.amount,
                    }
                }
            }
            prop_assert_eq!(before.unexplained(), Decimal::ZERO);
            prop_assert_eq!(after.unexplained(), Decimal::ZERO);
        }
    }
}
