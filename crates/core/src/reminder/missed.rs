//! What becomes of a run whose time has come: sent, sent late, or skipped.

use super::{Holidays, ReminderRule, ReminderRun};
use crate::time::Timestamp;
use crate::window::Window;
use crate::worded_enum;
use chrono::TimeDelta;
use chrono_tz::Tz;

/// A run that is looked at later than this after its time was missed.
pub const ON_TIME_WITHIN: TimeDelta = TimeDelta::seconds(60);

worded_enum! {
    /// Why a run was deliberately not sent.
    SkipReason {
        /// It was missed, and the rule does not catch up.
        Missed = "missed",
        /// It was missed by more than the rule allows.
        TooLate = "too_late",
        /// It was missed, and a later step of the same payments is due as well: they get that one alone.
        Superseded = "superseded",
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

/// Decides about a run whose time has come. `window` is that of reminders, in the business's zone.
pub fn decide_run(
    rule: &ReminderRule,
    run: &ReminderRun,
    holidays: &Holidays,
    window: &Window,
    zone: Tz,
    now: Timestamp,
) -> RunDecision {
    if now - run.at <= ON_TIME_WITHIN {
        return RunDecision::Send { send_at: run.at, late: false };
    }
    if !rule.catch_up {
        return RunDecision::Skip(SkipReason::Missed);
    }
    // It cannot begin before the window opens, and that is what counts as late.
    let send_at = window.closed_until(now, zone).unwrap_or(now);
    if send_at - run.at > rule.maximum_lateness() {
        return RunDecision::Skip(SkipReason::TooLate);
    }
    let overtaken = |step: &i32| *step > run.step && rule.run(*step, run.due_on, holidays).at <= now;
    if rule.steps.iter().map(|step| step.offset_days).any(|step| overtaken(&step)) {
        return RunDecision::Skip(SkipReason::Superseded);
    }
    RunDecision::Send { send_at, late: true }
}
