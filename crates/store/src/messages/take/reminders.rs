//! What has become of the payments that due reminders ask for: read when they are sent, not when they were planned.

use super::TakeRequest;
use super::candidates::{Candidate, Round};
use crate::StoreError;
use crate::column::{PhoneKey, Stored};
use crate::messages::follows_another;
use crate::reminder_limits::{of_payments_in, to_people_in};
use crate::sql::{Row, Sql};
use chrono::NaiveDate;
use dakiya_core::encoding::{Encoding, Segments, measure};
use dakiya_core::ids::{MessageId, PaymentId, ReminderRuleId};
use dakiya_core::message::{Channel, Status, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::payment::PaymentStatus;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::reminder::{Holidays, ReminderLimits, ReminderRule, WorkingDays};
use dakiya_core::template::{Template, check_length};
use dakiya_core::time::{TimeOfDay, day_in, instant_of};
use sea_orm::{ConnectionTrait, QueryResult};
use std::collections::HashMap;

/// What makes a candidate a reminder, as it was planned.
pub(super) struct Reminder {
    payment: PaymentId,
    pub(super) rule: ReminderRuleId,
    due_on: NaiveDate,
    revision: i64,
    text: String,
    /// It says once more what was said on WhatsApp, and counts as the same reminder.
    follows: bool,
}

/// A text that was filled in anew.
pub(super) struct Rewritten {
    pub(super) id: MessageId,
    pub(super) body: String,
    pub(super) encoding: Encoding,
    pub(super) segments: Segments,
    pub(super) estimated_cost: Money,
    pub(super) revision: i64,
}

/// What is known now.
#[derive(Default)]
pub(super) struct Reminders {
    payments: HashMap<PaymentId, crate::reminder_payments::ReminderPayment>,
    tags: HashMap<PaymentId, Vec<String>>,
    rules: HashMap<ReminderRuleId, ReminderRule>,
    holidays: Holidays,
    of_person_today: HashMap<PhoneNumber, u32>,
    of_payment: HashMap<PaymentId, u32>,
}

impl Reminder {
    pub(super) fn read(row: &QueryResult) -> Result<Option<Self>, StoreError> {
        let (Some(payment), Some(rule)) = (row.maybe("payment_id")?, row.maybe("reminder_rule_id")?) else {
            return Ok(None);
        };
        Ok(Some(Self {
            payment,
            rule,
            due_on: row.try_get("", "payment_due_on")?,
            revision: row.try_get("", "payment_revision")?,
            text: row.try_get::<Option<String>>("", "payment_text")?.unwrap_or_default(),
            follows: follows_another(&row.try_get::<String>("", "dedupe_key")?),
        }))
    }
}

/// Reads what the round's reminders are about, if there are any.
pub(super) async fn load<C: ConnectionTrait>(
    tx: &C,
    round: &Round,
    request: &TakeRequest,
) -> Result<Reminders, StoreError> {
    let (phones, about): (Vec<PhoneNumber>, Vec<&Reminder>) = round.reminders().unzip();
    if about.is_empty() {
        return Ok(Reminders::default());
    }
    let ids: Vec<PaymentId> = about.iter().map(|reminder| reminder.payment).collect();
    let mut reminders = Reminders::default();
    for payment in crate::reminder_payments::by_ids(tx, &ids).await? {
        reminders.payments.insert(payment.id, payment);
    }
    let rules = Sql::new("SELECT id, rule FROM reminder_rules WHERE enabled AND id IN ")
        .list(about.iter().map(|reminder| Stored(reminder.rule)))
        .all(tx)
        .await?;
    for row in rules {
        reminders.rules.insert(row.read("id")?, row.read("rule")?);
    }
    if reminders.rules.values().any(|rule| !rule.payments.tags.is_empty()) {
        reminders.tags = crate::reminder_payments::tags_of(tx, &ids).await?;
    }
    if reminders.rules.values().any(|rule| rule.working_days_only) {
        reminders.holidays = crate::reminder_rules::holidays_in(tx).await?;
    }
    let limits = |of: fn(&ReminderLimits) -> Option<u32>| {
        reminders.rules.values().any(|rule| of(&rule.limits).is_some())
    };
    if limits(|limits| limits.per_person_a_day) {
        let today = day_in(request.now, request.zone);
        let midnight = |day: NaiveDate| instant_of(day, TimeOfDay::MIDNIGHT, request.zone);
        let day = midnight(today)..midnight(today.succ_opt().unwrap_or(today));
        reminders.of_person_today = to_people_in(tx, &phones, day, Status::Posting).await?;
    }
    if limits(|limits| limits.per_payment) {
        reminders.of_payment = of_payments_in(tx, &ids, Status::Posting).await?;
    }
    Ok(reminders)
}

impl Reminders {
    /// Why a candidate has become void, and which limit of its rule it would exceed.
    pub(super) fn gates(
        &self,
        candidate: &Candidate,
    ) -> (Option<SuppressedReason>, Option<SuppressedReason>) {
        let Some(reminder) = &candidate.reminder else { return (None, None) };
        let void = match self.payments.get(&reminder.payment) {
            Some(payment) if payment.status == PaymentStatus::Paid => Some(SuppressedReason::Paid),
            Some(payment)
                if payment.status.is_owed()
                    && payment.phone == PhoneKey::Number(candidate.phone)
                    && payment.due_on == reminder.due_on =>
            {
                None
            }
            _ => Some(SuppressedReason::PaymentChanged),
        };
        let Some(rule) = self.rules.get(&reminder.rule) else {
            return (void.or(Some(SuppressedReason::RuleOff)), None);
        };
        let void =
            void.or_else(|| (!self.covers(rule, reminder)).then_some(SuppressedReason::PaymentChanged));
        if reminder.follows {
            return (void, None);
        }
        let today = self.of_person_today.get(&candidate.phone).copied().unwrap_or(0);
        let in_all = self.of_payment.get(&reminder.payment).copied().unwrap_or(0);
        (void, rule.limits.exceeded(today, in_all))
    }

    /// Whether the rule still chooses the payment: it may have other tags by now, or less may be left of it.
    fn covers(&self, rule: &ReminderRule, reminder: &Reminder) -> bool {
        let tags = self.tags.get(&reminder.payment).map_or(&[][..], Vec::as_slice);
        self.payments.get(&reminder.payment).is_some_and(|payment| rule.payments.covers(tags, payment.left))
    }

    /// The days to which a candidate's rule keeps.
    pub(super) fn days(&self, candidate: &Candidate) -> Option<WorkingDays<'_>> {
        let rule = self.rules.get(&candidate.reminder.as_ref()?.rule)?;
        rule.working_days_only.then_some(WorkingDays { holidays: &self.holidays, zone: rule.zone.0 })
    }

    /// Fills the candidate's text in anew if its payment changed since: the amount is what is left now.
    pub(super) fn rewrite(
        &self,
        candidate: &mut Candidate,
        channel: Channel,
    ) -> Result<Option<Rewritten>, SuppressedReason> {
        let Some(reminder) = &candidate.reminder else { return Ok(None) };
        let Some(payment) = self.payments.get(&reminder.payment) else { return Ok(None) };
        if payment.revision == reminder.revision {
            return Ok(None);
        }
        let template = Template::parse(&reminder.text).map_err(|_| SuppressedReason::MissingVariable)?;
        let body = template.render(&payment.placeholders()).map_err(|_| SuppressedReason::MissingVariable)?;
        check_length(&body).map_err(|_| SuppressedReason::BodyTooLong)?;
        let measure = measure(&body);
        let segments = if channel == Channel::Sms { measure.segments } else { Segments(1) };
        candidate.estimated_cost = repriced(candidate, segments);
        candidate.body = body.clone();
        candidate.segments = segments;
        Ok(Some(Rewritten {
            id: candidate.id,
            body,
            encoding: measure.encoding,
            segments,
            estimated_cost: candidate.estimated_cost,
            revision: payment.revision,
        }))
    }

    /// One more was sent.
    pub(super) fn add(&mut self, candidate: &Candidate) {
        if let Some(reminder) = candidate.reminder.as_ref().filter(|reminder| !reminder.follows) {
            *self.of_person_today.entry(candidate.phone).or_default() += 1;
            *self.of_payment.entry(reminder.payment).or_default() += 1;
        }
    }
}

/// The cost of more or fewer segments at the price of one.
fn repriced(candidate: &Candidate, segments: Segments) -> Money {
    let micros = candidate.estimated_cost.to_micros().unwrap_or(0);
    let one = micros / i64::from(candidate.segments.0.max(1));
    Money::from_micros(one * i64::from(segments.0))
}
