//! Time is an argument. Only a few places read the clock, and hand it on.

use crate::sources::{assert_none, product};

/// Where the clock may be read: the scheduler's clock, the gate that keeps a POST from beginning too late, the binary,
/// and the simulator, which plays another machine.
const MAY_READ: &[&str] =
    &["crates/scheduler/src/clock.rs", "crates/twilio/src/gate.rs", "crates/dakiya/", "crates/simulator/"];

const READINGS: &[&str] = &["Utc::now(", "Local::now(", "SystemTime::now(", "Instant::now("];

#[test]
fn only_the_clock_reads_the_clock() {
    let mut offences = Vec::new();
    for file in product().iter().filter(|file| !MAY_READ.iter().any(|place| file.path.starts_with(place))) {
        for (number, line) in file.code_lines() {
            if READINGS.iter().any(|reading| line.contains(reading)) {
                offences.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    assert_none(&offences, "Take `now` as an argument, or ask the scheduler's Clock:");
}
