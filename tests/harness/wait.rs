//! Waiting for something to become true, never for time to pass.

use chrono::{FixedOffset, TimeDelta, Utc};
use std::time::{Duration, Instant};

/// Longer than anything that works takes, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How much longer a month lasts once [`clear_of_a_new_month`] is over.
const MONTH_LASTS: TimeDelta = TimeDelta::minutes(3);

/// Looks again and again until there is something to see. Panics when patience ends.
pub async fn eventually<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look).await
}

/// [`eventually`], with a patience of its own.
pub async fn within<T>(patience: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + patience;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "waited {} s, and still not: {what}", patience.as_secs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Lets India's month end first if it is about to: for what is told about "this month" more than once.
pub async fn clear_of_a_new_month() {
    let india = FixedOffset::east_opt(330 * 60).expect("half past five");
    let now = Utc::now().with_timezone(&india);
    let soon = now + MONTH_LASTS;
    if soon.format("%Y-%m").to_string() != now.format("%Y-%m").to_string() {
        tokio::time::sleep(MONTH_LASTS.to_std().expect("ahead")).await;
    }
}

/// [`eventually`], for a condition.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    eventually(what, async || holds().await.then_some(())).await;
}
