//! What makes no sense in a rule, all of it at once.

use super::{ReminderChannel, ReminderRule};
use crate::field_error::FieldError;
use crate::money::Money;

/// Steps of one rule.
const MOST_STEPS: usize = 20;

/// Days a step may lie from the due date.
const MOST_DAYS: u32 = 365;

/// Hours: a week for what was missed, three days for what WhatsApp did not deliver.
const MOST_LATENESS: u32 = 168;
const MOST_FALLBACK: u32 = 72;

impl ReminderRule {
    /// Every value that makes no sense, not just the first. Whether its templates exist is for `store` to say.
    pub fn validate(&self) -> Result<(), Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut check = |fits: bool, field: &str, code, message: &str| {
            if !fits {
                errors.push(FieldError::new(field, code, message));
            }
        };
        check(!self.name.trim().is_empty(), "name", "required", "say what people call it");
        check(self.name.chars().count() <= 200, "name", "out_of_range", "at most 200 characters");
        check(!self.template.trim().is_empty(), "template", "required", "name a template");
        let offsets: Vec<i32> = self.steps.iter().map(|step| step.offset_days).collect();
        let named = "name days, for example -3, 0, 3, 7; negative ones are before the due date";
        check(!offsets.is_empty(), "offsets_days", "required", named);
        check(offsets.len() <= MOST_STEPS, "offsets_days", "out_of_range", "at most 20 days");
        let near = offsets.iter().all(|days| days.unsigned_abs() <= MOST_DAYS);
        check(near, "offsets_days", "out_of_range", "at most 365 days before or after the due date");
        let ordered = offsets.windows(2).all(|pair| matches!(pair, [first, second] if first < second));
        check(ordered, "offsets_days", "duplicate", "each day once");
        let fallback = self.channel != ReminderChannel::WhatsappThenSms
            || (1..=MOST_FALLBACK).contains(&self.fallback_after_hours);
        check(fallback, "fallback_after_hours", "out_of_range", "between 1 and 72 hours");
        let lateness = (1..=MOST_LATENESS).contains(&self.maximum_lateness_hours);
        check(lateness, "maximum_lateness_hours", "out_of_range", "between 1 and 168 hours");
        let filter = &self.payments;
        let range = !matches!((filter.least, filter.most), (Some(least), Some(most)) if least > most);
        check(range, "payments", "out_of_range", "the least amount is more than the most");
        let negative = |amount: Option<Money>| amount.is_some_and(|amount| amount < Money::ZERO);
        check(
            !negative(filter.least) && !negative(filter.most),
            "payments",
            "out_of_range",
            "amounts are not negative",
        );
        let limits = &self.limits;
        let counts = [limits.per_person_a_day, limits.per_payment].into_iter().flatten();
        check(
            counts.into_iter().all(|count| (1..=1_000).contains(&count)),
            "limits",
            "out_of_range",
            "between 1 and 1000 messages",
        );
        check(!negative(limits.cost_per_run), "limits.cost_per_run", "out_of_range", "cannot be negative");
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }
}
