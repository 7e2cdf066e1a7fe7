//! Twilio's spelling stays in `twilio`, and in the simulator, which speaks it too.

use crate::sources::{assert_none, product};

const TWILIO_WORDS: &[&str] = &[
    "\"MessageSid\"",
    "\"MessageStatus\"",
    "\"StatusCallback\"",
    "\"MessagingServiceSid\"",
    "\"NumSegments\"",
];

#[test]
fn only_twilio_and_the_simulator_spell_as_twilio_does() {
    let speaks = |path: &str| path.starts_with("crates/twilio/") || path.starts_with("crates/simulator/");
    let mut offences = Vec::new();
    for file in product().iter().filter(|file| !speaks(&file.path)) {
        for (number, line) in file.code_lines() {
            if TWILIO_WORDS.iter().any(|word| line.contains(word)) {
                offences.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    assert_none(&offences, "Let a type of the twilio crate read or write this:");
}
