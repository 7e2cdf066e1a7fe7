//! Notices when the machine's clock is set: ages reckoned by it mean nothing for a while.

use crate::clock::SharedClock;
use chrono::TimeDelta;
use dakiya_core::time::Timestamp;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Clocks that are kept right are moved by less than this.
const JUMP: TimeDelta = TimeDelta::seconds(5);

/// Compares the clock with time that only goes forward, from one look to the next.
pub(crate) struct Jumps {
    clock: SharedClock,
    looks: Mutex<Look>,
}

#[derive(Clone, Copy)]
struct Look {
    now: Timestamp,
    monotonic: Duration,
    /// When a jump was last noticed.
    jumped: Option<Duration>,
}

impl Jumps {
    pub(crate) fn new(clock: SharedClock) -> Self {
        let look = Look { now: clock.now(), monotonic: clock.monotonic(), jumped: None };
        Self { clock, looks: Mutex::new(look) }
    }

    /// Whether the clock was set within the last `while_ago`.
    pub(crate) fn within(&self, while_ago: Duration) -> bool {
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        let mut look = self.looks.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = TimeDelta::from_std(monotonic.saturating_sub(look.monotonic)).unwrap_or(TimeDelta::MAX);
        let jumped = if (now - look.now - passed).abs() > JUMP { Some(monotonic) } else { look.jumped };
        *look = Look { now, monotonic, jumped };
        jumped.is_some_and(|at| monotonic.saturating_sub(at) < while_ago)
    }
}
