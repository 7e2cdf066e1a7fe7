//! When each step of a rule comes: days are counted on the calendar, times by the clock of the rule's zone.

use super::ReminderRule;
use crate::time::{Timestamp, day_in, instant_of};
use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};
use std::collections::BTreeSet;

/// Days on which nobody works, besides Sundays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holidays(pub BTreeSet<NaiveDate>);

/// One time at which one step of a rule reaches the payments of one due date. The step and the due date are its
/// identity; the instant may move with the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReminderRun {
    /// When.
    pub at: Timestamp,
    /// Days after the due date.
    pub step: i32,
    /// Payments that are due on this day.
    pub due_on: NaiveDate,
}

/// A rule and the holidays it knows: when its runs come.
#[derive(Clone, Copy, Debug)]
pub struct Schedule<'a> {
    /// The rule.
    pub rule: &'a ReminderRule,
    /// Days on which nobody works, besides Sundays.
    pub holidays: &'a Holidays,
}

impl Schedule<'_> {
    /// The runs for which nobody has looked yet, because they come after an instant, and whose time has passed by another
    /// schedule: they would be lost between the two.
    pub fn moved_into_past(
        &self,
        looked_through: Timestamp,
        after: &Schedule<'_>,
        now: Timestamp,
    ) -> Vec<ReminderRun> {
        let both = self.rule.steps.iter().filter(|step| after.rule.step(step.offset_days).is_some());
        let days = self.rule.due_days(looked_through, now + TimeDelta::days(1), self.holidays);
        let mut moved: Vec<ReminderRun> = both
            .flat_map(|step| days.iter().map(|day| (step.offset_days, shifted(*day, -step.offset_days))))
            .filter(|(step, due_on)| self.rule.run(*step, *due_on, self.holidays).at > looked_through)
            .map(|(step, due_on)| after.rule.run(step, due_on, after.holidays))
            .filter(|run| run.at <= now)
            .collect();
        moved.sort_unstable();
        moved
    }
}

impl Holidays {
    pub(super) fn is_closed(&self, day: NaiveDate) -> bool {
        day.weekday() == Weekday::Sun || self.0.contains(&day)
    }

    /// The day itself, or the first working day after it.
    pub(super) fn working_day(&self, day: NaiveDate) -> NaiveDate {
        day.iter_days().find(|day| !self.is_closed(*day)).unwrap_or(day)
    }

    /// The earliest day from which something may have been moved to this one or later.
    fn earliest_moved_to(&self, day: NaiveDate) -> NaiveDate {
        let mut first = day;
        while let Some(before) = first.pred_opt().filter(|before| self.is_closed(*before)) {
            first = before;
        }
        first
    }
}

impl ReminderRule {
    /// When a step reaches the payments of a due date.
    pub fn run(&self, step: i32, due_on: NaiveDate, holidays: &Holidays) -> ReminderRun {
        let nominal = shifted(due_on, step);
        let day = if self.working_days_only { holidays.working_day(nominal) } else { nominal };
        ReminderRun { at: instant_of(day, self.at, self.zone.0), step, due_on }
    }

    /// The runs after one instant until another, which counts itself, in the order of their times.
    pub fn runs_between(
        &self,
        after: Timestamp,
        through: Timestamp,
        holidays: &Holidays,
    ) -> Vec<ReminderRun> {
        let days = self.due_days(after, through, holidays);
        let mut runs: Vec<ReminderRun> = self
            .steps
            .iter()
            .flat_map(|step| days.iter().map(|day| (step.offset_days, shifted(*day, -step.offset_days))))
            .map(|(step, due_on)| self.run(step, due_on, holidays))
            .filter(|run| run.at > after && run.at <= through)
            .collect();
        runs.sort_unstable();
        runs
    }

    /// The due dates whose runs can still come after an instant: none before the first of them.
    pub fn first_due_on(&self, after: Timestamp, holidays: &Holidays) -> NaiveDate {
        let first = holidays.earliest_moved_to(day_in(after, self.zone.0));
        let last_step = self.steps.iter().map(|step| step.offset_days).max().unwrap_or(0);
        shifted(first, -last_step)
    }

    /// The days on which, before any is moved, a run between two instants may lie.
    fn due_days(&self, after: Timestamp, through: Timestamp, holidays: &Holidays) -> Vec<NaiveDate> {
        let first = day_in(after, self.zone.0);
        let first = if self.working_days_only { holidays.earliest_moved_to(first) } else { first };
        let last = day_in(through, self.zone.0);
        first.iter_days().take_while(|day| *day <= last).collect()
    }
}

fn shifted(day: NaiveDate, days: i32) -> NaiveDate {
    day.checked_add_signed(TimeDelta::days(days.into())).unwrap_or(day)
}
