//! When reminders may go out: inside the sending hours, and on working days alone if their rule asks for that.

use super::{Holidays, ReminderRule};
use crate::time::{TimeOfDay, Timestamp, day_in, instant_of};
use crate::window::Window;
use chrono::TimeDelta;
use chrono_tz::Tz;

/// The days on which a rule sends: working days, by the calendar of its zone.
#[derive(Clone, Copy, Debug)]
pub struct WorkingDays<'a> {
    /// Days on which nobody works, besides Sundays.
    pub holidays: &'a Holidays,
    /// The rule's zone.
    pub zone: Tz,
}

/// When the reminders of a rule may go out.
#[derive(Clone, Copy, Debug)]
pub struct ReminderHours<'a> {
    /// The sending hours.
    pub window: &'a Window,
    /// By whose clock: the business's.
    pub zone: Tz,
    /// On which days; `None`: on all.
    pub days: Option<WorkingDays<'a>>,
}

impl ReminderRule {
    /// When its reminders may go out.
    pub fn hours<'a>(&self, window: &'a Window, zone: Tz, holidays: &'a Holidays) -> ReminderHours<'a> {
        let days = self.working_days_only.then_some(WorkingDays { holidays, zone: self.zone.0 });
        ReminderHours { window, zone, days }
    }
}

impl WorkingDays<'_> {
    /// The instant itself on a working day, otherwise the beginning of the next one.
    fn first(&self, at: Timestamp) -> Timestamp {
        let day = day_in(at, self.zone);
        match self.holidays.working_day(day) {
            open if open == day => at,
            open => instant_of(open, TimeOfDay::MIDNIGHT, self.zone),
        }
    }
}

impl ReminderHours<'_> {
    /// The first instant from this one on at which a reminder may go out.
    pub fn opening(&self, at: Timestamp) -> Timestamp {
        let mut open = at;
        loop {
            let on_day = self.days.map_or(open, |days| days.first(open));
            match self.window.closed_until(on_day, self.zone) {
                // The window may open on a day that is closed.
                Some(opens) => open = opens,
                None => return on_day,
            }
        }
    }

    /// Until when something may still go out that should have gone at an instant and may be so late. A day on which the
    /// rule sends nothing makes nothing late.
    pub fn latest(&self, at: Timestamp, lateness: TimeDelta) -> Timestamp {
        let mut latest = at + lateness;
        let Some(WorkingDays { holidays, zone }) = self.days else { return latest };
        for day in day_in(at, zone).iter_days().skip(1) {
            if day > day_in(latest, zone) {
                break;
            }
            if holidays.is_closed(day) {
                latest += TimeDelta::days(1);
            }
        }
        latest
    }
}
