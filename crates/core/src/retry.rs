//! When to try again: data, not code in a loop.

use std::time::Duration;

/// Exponential back-off with jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Retries after the first attempt.
    pub retries: u32,
    /// Delay before the first retry.
    pub base: Duration,
    /// No delay is longer.
    pub cap: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries: 3, base: Duration::from_secs(2), cap: Duration::from_secs(300) }
    }
}

impl RetryPolicy {
    /// The delay before the next try after `attempts` attempts, or `None` when there is none left. `jitter` is a
    /// random fraction in 0.0..1.0; the delay lies between half and all of the exponential step.
    pub fn next_delay(&self, attempts: u32, jitter: f64) -> Option<Duration> {
        if attempts > self.retries {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(31);
        let step = self.base.saturating_mul(1 << doublings).min(self.cap);
        let fraction = if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) };
        Some(step / 2 + (step / 2).mul_f64(fraction))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_retries_then_no_more() {
        let policy = RetryPolicy::default();
        let delays: Vec<_> = (1..=4).map(|attempts| policy.next_delay(attempts, 1.0)).collect();
        let seconds = |count| Some(Duration::from_secs(count));
        assert_eq!(delays, [seconds(2), seconds(4), seconds(8), None]);
    }

    proptest! {
        #[test]
        fn a_delay_lies_between_half_and_all_of_its_step(attempts in 0u32..200, retries in 0u32..200, jitter: f64) {
            let policy = RetryPolicy { retries, ..RetryPolicy::default() };
            let step = Duration::from_secs(2u64.saturating_pow(attempts.max(1)).min(300));
            match policy.next_delay(attempts, jitter) {
                Some(delay) => prop_assert!(attempts <= retries && delay >= step / 2 && delay <= step),
                None => prop_assert!(attempts > retries),
            }
        }
    }
}
