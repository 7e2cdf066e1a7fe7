//! What becomes of a run whose time has come: sent, sent late, or skipped.

use super::{Holidays, ReminderHours, ReminderRule, ReminderRun};
use crate::time::Timestamp;
use crate::worded_enum;
use chrono::TimeDelta;
use std::collections::BTreeSet;

/// A run that is looked at later than this after its time was missed, as long as clocks run at the usual speed.
pub const ON_TIME_WITHIN: TimeDelta = TimeDelta::seconds(60);

worded_enum! {
    /// Why a run was deliberately not sent.
    SkipReason {
        /// It was missed, and the rule does not catch up.
        Missed = "missed",
        /// It was missed by more than the rule allows.
        TooLate = "too_late",
        /// A later step of the same payments goes out at the same time: they get that one alone.
        Superseded = "superseded",
        /// Its time was moved to one that had passed, and the rule does not send so late.
        Moved = "moved",
        /// A person skipped it.
        ByPerson = "by_person",
    }
}

/// What to do with a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunDecision {
    /// Send it, not before this instant.
    Send {
        /// When its messages become due.
        send_at: Timestamp,
        /// It was missed.
        late: bool,
    },
    /// Do not send it.
    Skip(SkipReason),
}

/// What is known when it is decided about runs.
#[derive(Clone, Copy, Debug)]
pub struct RunFacts<'a> {
    /// Days on which nobody works.
    pub holidays: &'a Holidays,
    /// When the rule's reminders may go out.
    pub hours: ReminderHours<'a>,
    /// How long after its time a run is still on time.
    pub on_time_within: TimeDelta,
    /// Steps of the same due date that do not go by themselves any more: skipped already, or held.
    pub stopped: &'a BTreeSet<i32>,
}

/// Decides about a run whose time has come.
pub fn decide_run(
    rule: &ReminderRule,
    run: &ReminderRun,
    facts: &RunFacts<'_>,
    now: Timestamp,
) -> RunDecision {
    let late = now - run.at > facts.on_time_within;
    if late && !rule.catch_up {
        return RunDecision::Skip(SkipReason::Missed);
    }
    // It cannot begin before the hours allow, and that is what counts as late.
    let goes_at = facts.hours.opening(if late { now } else { run.at });
    if late && goes_at > facts.hours.latest(run.at, rule.maximum_lateness()) {
        return RunDecision::Skip(SkipReason::TooLate);
    }
    if overtaken(rule, run, facts, goes_at) {
        return RunDecision::Skip(SkipReason::Superseded);
    }
    RunDecision::Send { send_at: if late { goes_at } else { run.at }, late }
}

/// Whether a later step reaches the same payments no later than this one would go. It is less late than this one, so where
/// this one is not too late it is not either.
pub fn overtaken(rule: &ReminderRule, run: &ReminderRun, facts: &RunFacts<'_>, goes_at: Timestamp) -> bool {
    let later = rule.steps.iter().map(|step| step.offset_days);
    let mut later = later.filter(|step| *step > run.step && !facts.stopped.contains(step));
    later.any(|step| facts.hours.opening(rule.run(step, run.due_on, facts.holidays).at) <= goes_at)
}
