//! Rules and runs as pages show them.

use super::run_href;
use crate::AppState;
use crate::error::PageResult;
use crate::filters::{counted, grouped, reason_words};
use chrono_tz::Tz;
use dakiya_core::message::{Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::reminder::{Holidays, ReminderChannel, ReminderRule, RunState, SkipReason, when_in_words};
use dakiya_core::time::{Timestamp, day_in, instant_of};
use dakiya_core::window::Window;
use dakiya_scheduler::ComingRun;
use dakiya_store::reminder_rules::{self, StoredRule};
use dakiya_store::reminder_runs::{Run, RunResults};
use dakiya_store::settings;
use rust_decimal::{Decimal, RoundingStrategy};

/// The hours in which reminders go out, by the business's clock, and the days on which nobody works.
pub(crate) struct Hours {
    window: Window,
    zone: Tz,
    holidays: Holidays,
}

impl Hours {
    pub(crate) async fn of(app: &AppState) -> PageResult<Self> {
        let window = settings::get(&app.store).await?.reminder_window;
        let holidays = reminder_rules::holidays(&app.store).await?;
        Ok(Self { window, zone: app.config.timezone, holidays })
    }

    /// When what a rule plans for a time at which it may not send goes out; `None`: at its time.
    pub(crate) fn opens(&self, rule: &ReminderRule, at: Timestamp) -> Option<Timestamp> {
        let opens = rule.hours(&self.window, self.zone, &self.holidays).opening(at);
        Some(opens).filter(|opens| *opens != at)
    }

    /// What somebody who chose a time outside the hours should know; empty when there is nothing.
    pub(super) fn warning(&self, rule: &ReminderRule, now: Timestamp) -> String {
        let at = instant_of(day_in(now, rule.zone.0), rule.at, rule.zone.0);
        let Some(opens) = self.window.closed_until(at, self.zone) else { return String::new() };
        let opens = opens.with_timezone(&self.zone).format("%H:%M");
        let Window { from, until } = self.window;
        format!(
            "{} is outside the sending hours, {from} to {until}: what is planned for then goes out when they begin next, at {opens}.",
            rule.at
        )
    }
}

/// A run that is still to come.
pub(super) struct NextRun {
    pub(super) at: Timestamp,
    /// When it really goes out, if that is later.
    pub(super) goes_at: Option<Timestamp>,
    pub(super) rule: String,
    pub(super) step: String,
    /// Why it is not sent, in words; empty: it is.
    pub(super) skipped: &'static str,
    pub(super) matched: u64,
    pub(super) paid: u64,
    pub(super) opted_out: u64,
    pub(super) bad_number: u64,
    pub(super) had_enough: u64,
    pub(super) other: u64,
    pub(super) will_send: u64,
    pub(super) cost: Money,
    pub(super) sample: String,
    pub(super) href: String,
}

impl NextRun {
    /// A run of a stored rule.
    pub(super) fn of(rule: &StoredRule, coming: ComingRun, hours: &Hours) -> Self {
        let href = run_href(&rule.key, &coming.run);
        Self { href, ..Self::unsaved(&rule.rule, coming, hours) }
    }

    /// A run of a rule that may not be stored yet.
    pub(super) fn unsaved(rule: &ReminderRule, coming: ComingRun, hours: &Hours) -> Self {
        let reckoned = coming.reckoned;
        let left_out = |reasons: &[SuppressedReason]| -> u64 {
            reasons.iter().filter_map(|reason| reckoned.suppressed.get(reason)).sum()
        };
        let paid = left_out(&[SuppressedReason::Paid]);
        let opted_out = left_out(&[SuppressedReason::OptedOut, SuppressedReason::NoConsent]);
        let bad_number = left_out(&[SuppressedReason::Unreachable, SuppressedReason::CountryNotAllowed]);
        let had_enough = left_out(&[SuppressedReason::DailyLimit, SuppressedReason::PaymentLimit]);
        let all: u64 = reckoned.suppressed.values().sum();
        Self {
            at: coming.run.at,
            goes_at: hours.opens(rule, coming.run.at),
            rule: rule.name.clone(),
            step: when_in_words(coming.run.step),
            skipped: match coming.skipped {
                None => "",
                Some(SkipReason::Superseded) => "A later step goes instead",
                Some(_) => "Skipped",
            },
            matched: reckoned.matched(),
            paid,
            opted_out,
            bad_number,
            had_enough,
            other: all - paid - opted_out - bad_number - had_enough,
            will_send: if coming.skipped.is_some() { 0 } else { reckoned.will_send },
            cost: if coming.skipped.is_some() { Money::ZERO } else { reckoned.cost },
            sample: reckoned.samples.into_iter().next().map(|(_, text)| text).unwrap_or_default(),
            href: String::new(),
        }
    }
}

/// Runs added up. One that was skipped reaches nobody and is in no sum.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) matched: u64,
    pub(super) paid: u64,
    pub(super) opted_out: u64,
    pub(super) bad_number: u64,
    pub(super) had_enough: u64,
    pub(super) other: u64,
    pub(super) will_send: u64,
    pub(super) cost: Money,
}

impl Sums {
    pub(super) fn of(runs: &[NextRun]) -> Self {
        let mut sums = Self::default();
        for run in runs.iter().filter(|run| run.skipped.is_empty()) {
            sums.matched += run.matched;
            sums.paid += run.paid;
            sums.opted_out += run.opted_out;
            sums.bad_number += run.bad_number;
            sums.had_enough += run.had_enough;
            sums.other += run.other;
            sums.will_send += run.will_send;
            sums.cost += run.cost;
        }
        sums
    }
}

/// A run that was.
pub(super) struct PastRun {
    pub(super) at: Timestamp,
    pub(super) rule: String,
    pub(super) step: String,
    pub(super) result: &'static str,
    pub(super) class: &'static str,
    pub(super) reason: String,
    pub(super) matched: u64,
    pub(super) sent: u64,
    pub(super) delivered: u64,
    pub(super) cost: Money,
    pub(super) href: String,
}

impl PastRun {
    pub(super) fn of(rule: &StoredRule, run: Run, results: &RunResults) -> Self {
        let (result, class) = result_of(&run, results);
        Self {
            at: run.run.at,
            rule: rule.rule.name.clone(),
            step: when_in_words(run.run.step),
            result,
            class,
            reason: if run.reason.is_some() { reason_of(&run) } else { left_out_words(&run, results) },
            matched: run.matched,
            sent: results.sent(),
            delivered: results.of(Status::Delivered) + results.of(Status::Read),
            cost: if run.state == RunState::Held { run.cost } else { results.cost },
            href: run_href(&rule.key, &run.run),
        }
    }
}

/// Where a run is, in a word, with the class of its tag.
pub(super) fn result_of(run: &Run, results: &RunResults) -> (&'static str, &'static str) {
    let under_way = results.of(Status::Queued) + results.of(Status::Posting) > 0;
    match run.state {
        RunState::Planning => ("Being written down", "info"),
        RunState::Planned if under_way => ("Going out", "info"),
        RunState::Planned => ("Done", "ok"),
        RunState::Held => ("Held", "warn"),
        RunState::Skipped => ("Skipped", "warn"),
    }
}

/// Why a run was skipped or is held, as a sentence.
pub(crate) fn reason_of(run: &Run) -> String {
    let Some(reason) = run.reason.as_deref() else { return String::new() };
    match SkipReason::parse(reason) {
        Ok(SkipReason::Missed) => "Missed while the server was down; the rule does not send late".to_owned(),
        Ok(SkipReason::TooLate) => "Missed by more than the rule allows".to_owned(),
        Ok(SkipReason::Superseded) => "A later step of the same payments went instead".to_owned(),
        Ok(SkipReason::Moved) => {
            "Its time was moved to one that had passed; the rule does not send so late".to_owned()
        }
        Ok(SkipReason::ByPerson) => "Skipped by a person".to_owned(),
        Err(_) if reason == "over_cost" => {
            format!("It would cost {}, more than the rule allows; send or skip it", run.cost.with_sign())
        }
        Err(_) => reason.to_owned(),
    }
}

/// `3 left out: 2 already paid, 1 asked for no messages`; empty when everybody was reached.
fn left_out_words(run: &Run, results: &RunResults) -> String {
    let suppressed = run.suppressed_with(results);
    let all: u64 = suppressed.values().sum();
    let reasons: Vec<String> = left_out(&suppressed)
        .iter()
        .map(|(reason, count)| format!("{} {}", grouped((*count).into()), reason.to_lowercase()))
        .collect();
    if all == 0 { String::new() } else { format!("{} left out: {}", grouped(all.into()), reasons.join(", ")) }
}

/// People left out, by reason in words.
pub(super) fn left_out(suppressed: &dakiya_store::reminder_runs::Suppressed) -> Vec<(&'static str, u64)> {
    suppressed.iter().map(|(reason, count)| (reason_words(*reason), *count)).collect()
}

/// `₹0.80`: what one message of a run costs on average, to four decimals like every rate.
pub(super) fn price_of_one(run: Option<&ComingRun>) -> String {
    let one = run.filter(|run| run.reckoned.will_send > 0).map(|run| {
        let one = run.reckoned.cost.rupees() / Decimal::from(run.reckoned.will_send);
        Money::new(one.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero))
    });
    one.map_or_else(|| "–".to_owned(), |one| format!("₹{}", one.to_plain()))
}

pub(super) fn channel_words(channel: ReminderChannel) -> &'static str {
    match channel {
        ReminderChannel::Sms => "SMS",
        ReminderChannel::Whatsapp => "WhatsApp",
        ReminderChannel::WhatsappThenSms => "WhatsApp, then SMS",
    }
}

/// What a rule never exceeds, and what it does about days and downtime.
pub(super) fn limits(rule: &ReminderRule) -> Vec<(&'static str, String)> {
    let most = |count: Option<u32>| count.map_or_else(|| "no limit".to_owned(), |count| count.to_string());
    let missed = if rule.catch_up {
        let hours = counted(rule.maximum_lateness_hours.into(), "hour", "hours");
        format!("sent late, at most {hours}")
    } else {
        "skipped".to_owned()
    };
    vec![
        ("Most reminders to one person a day", most(rule.limits.per_person_a_day)),
        ("Most reminders of one payment", most(rule.limits.per_payment)),
        (
            "A run waits for a person if it would cost more than",
            rule.limits.cost_per_run.map_or_else(|| "no limit".to_owned(), Money::with_sign),
        ),
        (
            "Sundays and holidays",
            if rule.working_days_only { "next working day" } else { "left alone" }.to_owned(),
        ),
        ("A missed run is", missed),
    ]
}
