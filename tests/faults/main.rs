//! The real binary, killed at every step, and the promises that must hold after a restart.

mod aftermath;
mod fences;
mod random_kills;
mod reminders;
mod steps;
