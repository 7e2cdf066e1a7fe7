//! New ids: UUIDv7 that sort in the order in which this process made them.

use dakiya_core::ids::Id;
use dakiya_core::time::Timestamp;
use std::sync::{Mutex, PoisonError};

/// Makes ids. Those made within one millisecond count up from a random start.
#[derive(Default)]
pub(crate) struct IdMaker {
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    millis: i64,
    /// The bits that the version leaves free at the front, random per millisecond.
    head: [u8; 2],
    /// Below 2⁶², the bits that the variant leaves free.
    tail: u64,
}

impl IdMaker {
    pub(crate) fn make<T: Id>(&self, now: Timestamp) -> T {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.millis == now.timestamp_millis() {
            last.tail += 1;
        } else {
            let mut bytes = [0u8; 10];
            // Without randomness ids are still unique in this process, and the database refuses a collision.
            let _ = getrandom::fill(&mut bytes);
            let [a, b, tail @ ..] = bytes;
            // The top bit stays free, so that counting up never overflows.
            *last =
                Last { millis: now.timestamp_millis(), head: [a, b], tail: u64::from_be_bytes(tail) >> 3 };
        }
        let mut random = [0u8; 10];
        random[..2].copy_from_slice(&last.head);
        random[2..].copy_from_slice(&last.tail.to_be_bytes());
        T::new(now, random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dakiya_core::ids::EventId;
    use dakiya_core::time::Timestamp;

    #[test]
    fn ids_of_one_instant_are_distinct_and_in_order() {
        let maker = IdMaker::default();
        let made: Vec<EventId> = (0..1_000).map(|_| maker.make(Timestamp::UNIX_EPOCH)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
