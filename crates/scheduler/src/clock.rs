//! Real time, or time that a test moves.

use chrono::Utc;
use dakiya_core::time::{Timestamp, to_micros};
use futures::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tells the time and waits for it. Nothing else in Dakiya's engine reads a clock.
pub trait Clock: Send + Sync + 'static {
    /// The time, to the microsecond.
    fn now(&self) -> Timestamp;
    /// Time that only ever goes forward, however the machine's clock is set: for deadlines.
    fn monotonic(&self) -> Duration;
    /// Comes back when [`Clock::now`] has reached `at`.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()>;
    /// How many of its seconds pass in one of ours.
    fn speed(&self) -> u32 {
        1
    }
}

/// A moment after which something may not begin any more. By the machine's own monotonic time, also under a clock
/// that a test moves: it is about what is written to a real socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// This long from now.
    pub(crate) fn after(wait: Duration) -> Self {
        Self(Instant::now() + wait)
    }

    /// Whether it is over.
    pub(crate) fn has_passed(self) -> bool {
        Instant::now() > self.0
    }

    /// As the HTTP client takes it.
    pub(crate) fn instant(self) -> Instant {
        self.0
    }
}

/// A clock as it is passed around.
pub type SharedClock = Arc<dyn Clock>;

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// The machine's clock, ready to be shared.
    pub fn shared() -> SharedClock {
        Arc::new(Self { started: Instant::now() })
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        to_micros(Utc::now())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Ok(wait) = (at - self.now()).to_std() {
                tokio::time::sleep(wait).await;
            }
        })
    }
}

/// The machine's clock, run faster: for a demo in which a day may pass in a minute.
#[derive(Debug)]
pub struct FastClock {
    started: Instant,
    began_at: Timestamp,
    speed: u32,
}

impl FastClock {
    /// A clock that shows the time now and runs so many times as fast from here on, ready to be shared.
    pub fn shared(speed: u32) -> SharedClock {
        Arc::new(Self { started: Instant::now(), began_at: to_micros(Utc::now()), speed: speed.max(1) })
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let passed = chrono::Duration::from_std(self.monotonic()).unwrap_or(chrono::Duration::zero());
        to_micros(self.began_at + passed)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed() * self.speed
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Ok(wait) = (at - self.now()).to_std() {
                tokio::time::sleep(wait / self.speed).await;
            }
        })
    }

    fn speed(&self) -> u32 {
        self.speed
    }
}

/// A clock for tests. It stands still until it is moved, and nobody waits for it: whoever sleeps moves it on to
/// the instant slept for.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<Mutex<Timestamp>>,
    /// What `monotonic` counts from: moved along when the clock is set.
    started: Arc<Mutex<Timestamp>>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        let start = to_micros(start);
        Self { now: Arc::new(Mutex::new(start)), started: Arc::new(Mutex::new(start)) }
    }

    /// Moves the time on.
    pub fn advance(&self, by: Duration) {
        let by = chrono::Duration::from_std(by).unwrap_or(chrono::Duration::zero());
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) += by;
    }

    /// Sets the clock, as a person or a time server does: no time passes.
    pub fn set(&self, to: Timestamp) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *self.started.lock().unwrap_or_else(PoisonError::into_inner) += to_micros(to) - *now;
        *now = to_micros(to);
    }

    /// Moves the time on to `at`; never back.
    pub fn advance_to(&self, at: Timestamp) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        *now = (*now).max(to_micros(at));
    }

    /// The same clock, ready to be shared.
    pub fn shared(&self) -> SharedClock {
        Arc::new(self.clone())
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn monotonic(&self) -> Duration {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        (*now - *self.started.lock().unwrap_or_else(PoisonError::into_inner)).to_std().unwrap_or_default()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.advance_to(at);
            tokio::task::yield_now().await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;

    #[tokio::test]
    async fn a_fast_clock_reaches_tomorrow_soon_and_never_goes_back() {
        let clock = FastClock::shared(1_000_000);
        let tomorrow = clock.now() + chrono::Duration::days(1);
        clock.sleep_until(tomorrow).await;
        let reached = clock.now();
        assert!(reached >= tomorrow && clock.now() >= reached);
        assert_eq!(clock.speed(), 1_000_000);
    }

    #[tokio::test]
    async fn whoever_sleeps_on_a_manual_clock_moves_it_and_it_never_goes_back() {
        let start = Utc.with_ymd_and_hms(2026, 11, 2, 10, 0, 0).unwrap();
        let clock = ManualClock::at(start);
        clock.sleep_until(start + chrono::Duration::seconds(5)).await;
        clock.advance_to(start);
        assert_eq!(clock.now(), start + chrono::Duration::seconds(5));
        assert_eq!(clock.monotonic(), Duration::from_secs(5));
    }
}
