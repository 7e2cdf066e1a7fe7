//! The last look before a POST: in no second do more segments begin than a sender may carry.
//!
//! Slots are spaced when messages are taken, but timers fire late, and one late POST followed by punctual ones would
//! put a second over the limit. So each POST also waits until the last second has room for it. Waiting never
//! accumulates: slots go on at the pace itself, and the guard is only as late as the latest timer was.

use crate::clock::SharedClock;
use chrono::TimeDelta;
use dakiya_core::message::Channel;
use dakiya_core::pacing::STRETCHED_SECOND;
use dakiya_core::sender::SenderAddress;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A second with the headroom that slots have, because a POST may also be late on its way.
const SECOND: Duration = Duration::from_millis(STRETCHED_SECOND.num_milliseconds().unsigned_abs());

/// Asking more often is of no use.
const SHORTEST_WAIT: Duration = Duration::from_micros(100);

/// When POSTs began within the last second, how many segments each carries, and their sum.
#[derive(Default)]
struct LastSecond {
    begun: VecDeque<(Duration, u32)>,
    carried: u32,
}

/// What began within the last second, per sender.
pub(crate) struct PaceGuard {
    clock: SharedClock,
    begun: Mutex<HashMap<(Channel, SenderAddress), LastSecond>>,
}

impl PaceGuard {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self { clock, begun: Mutex::default() }
    }

    /// `None`: `segments` may begin, and are counted as begun. Otherwise how long to wait before asking again.
    pub(crate) fn try_admit(
        &self,
        channel: Channel,
        sender: &SenderAddress,
        segments: u32,
        limit: u32,
    ) -> Option<TimeDelta> {
        let now = self.clock.monotonic();
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let last = begun.entry((channel, sender.clone())).or_default();
        while let Some((_, segments)) = last.begun.pop_front_if(|(at, _)| *at + SECOND <= now) {
            last.carried -= segments;
        }
        // A message longer than a second's worth goes alone; it could never go otherwise.
        if last.begun.is_empty() || last.carried.saturating_add(segments) <= limit {
            last.begun.push_back((now, segments));
            last.carried += segments;
            return None;
        }
        let oldest = last.begun.front().map_or(now, |(at, _)| *at);
        let wait = (oldest + SECOND).saturating_sub(now).max(SHORTEST_WAIT);
        Some(TimeDelta::from_std(wait).unwrap_or(TimeDelta::zero()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock as _, ManualClock};
    use dakiya_core::time::Timestamp;

    #[test]
    fn no_second_carries_more_than_the_limit_however_late_the_timers_are() {
        let clock = ManualClock::at(Timestamp::UNIX_EPOCH);
        let guard = PaceGuard::new(clock.shared());
        let sender = SenderAddress::stored("+15005550006".to_owned());
        let mut begun = Vec::new();
        for number in 0u64..200 {
            // Slots as the pace gives them, every seventh timer 350 ms late.
            let slot = SECOND / 10 * u32::try_from(number).unwrap()
                + Duration::from_millis(if number % 7 == 0 { 350 } else { 0 });
            clock.advance_to(Timestamp::UNIX_EPOCH + slot);
            while let Some(wait) = guard.try_admit(Channel::Sms, &sender, 1, 10) {
                clock.advance(wait.to_std().unwrap());
            }
            begun.push(clock.monotonic());
        }
        for (index, first) in begun.iter().enumerate() {
            let within =
                begun[index..].iter().take_while(|at| **at < *first + Duration::from_secs(1)).count();
            assert!(within <= 10, "{within} began within a second");
        }
        assert!(
            begun[199] < SECOND / 10 * 199 + Duration::from_millis(400),
            "waiting accumulated to {:?}",
            begun[199]
        );
    }
}
