//! How long one look may write before it lets others have their turn.

use crate::clock::SharedClock;
use crate::context::Context;
use std::time::Duration;

/// Long enough for many batches, short enough that nobody notices the wait.
const LENGTH: Duration = Duration::from_secs(1);

/// One turn.
pub(crate) struct Turn {
    clock: SharedClock,
    ends: Duration,
}

impl Turn {
    /// One that begins now.
    pub(crate) fn begin(context: &Context) -> Self {
        let clock = context.clock.clone();
        Self { ends: clock.monotonic() + LENGTH * clock.speed(), clock }
    }

    /// Whether it is over.
    pub(crate) fn is_over(&self) -> bool {
        self.clock.monotonic() >= self.ends
    }
}
