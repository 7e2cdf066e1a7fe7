//! The JSON shapes of reminder rules and their runs.

use super::fields::Fields;
use super::json::Object;
use super::problem::Code;
use super::schema;
use chrono::NaiveDate;
use chrono_tz::Tz;
use dakiya_core::money::Money;
use dakiya_core::reminder::{
    PaymentFilter, ReminderChannel, ReminderLimits, ReminderRule, ReminderStep, RunState, ZoneName,
};
use dakiya_core::time::{TimeOfDay, Timestamp};
use dakiya_scheduler::ComingRun;
use dakiya_store::reminder_rules::StoredRule;
use dakiya_store::reminder_runs::{Run, RunResults};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Hours after which a text message follows, how late a run may be: when nothing else is said.
const FALLBACK_AFTER_HOURS: u32 = 4;
const MAXIMUM_LATENESS_HOURS: u32 = 24;

/// A rule as it is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReminderRulePut {
    /// What people call it.
    #[schema(example = "Fees")]
    name: String,
    /// The template of every step that has none of its own, by key.
    #[schema(example = "payment_reminder")]
    template: String,
    /// Days on which it reminds: negative ones before the due date, 0 on it.
    #[schema(example = json!([-3, 0, 3, 7]))]
    offsets_days: Vec<i32>,
    /// Templates of single steps, by their days: `{"7": "last_reminder"}`.
    #[serde(default)]
    templates: BTreeMap<String, String>,
    /// The time of day.
    #[schema(example = "10:00")]
    at: String,
    /// By whose clock; the business's own when absent.
    #[schema(example = "Asia/Kolkata")]
    zone: Option<String>,
    /// How; `sms` when absent.
    #[schema(value_type = Option<schema::ReminderChannel>)]
    channel: Option<String>,
    /// With `whatsapp_then_sms`: hours after which a text message follows what was not delivered; 4 when absent.
    #[schema(minimum = 1, maximum = 72)]
    fallback_after_hours: Option<u32>,
    /// Which payments; all when absent.
    #[schema(value_type = Option<PaymentFilterShape>)]
    payments: Option<Object<PaymentFilter>>,
    /// What it never exceeds; no limit when absent.
    #[schema(value_type = Option<ReminderLimitsShape>)]
    limits: Option<Object<ReminderLimits>>,
    /// What would fall on a Sunday or a listed holiday comes on the next working day; false when absent.
    #[serde(default)]
    working_days_only: bool,
    /// A run that was missed is made up for once; otherwise it is skipped. True when absent.
    catch_up: Option<bool>,
    /// How late a run may be; 24 when absent.
    #[schema(minimum = 1, maximum = 168)]
    maximum_lateness_hours: Option<u32>,
    /// Whether it runs.
    enabled: bool,
}

/// Which payments a rule covers.
#[derive(ToSchema)]
#[schema(as = PaymentFilter)]
#[allow(dead_code, reason = "described, never filled")]
pub struct PaymentFilterShape {
    /// Those that carry one of these tags.
    tags: Option<Vec<String>>,
    /// Those of which this much is left or more.
    #[schema(value_type = Option<schema::Money>)]
    least: Option<Money>,
    /// Those of which this much is left or less.
    #[schema(value_type = Option<schema::Money>)]
    most: Option<Money>,
}

/// What a rule never exceeds.
#[derive(ToSchema)]
#[schema(as = ReminderLimits)]
#[allow(dead_code, reason = "described, never filled")]
pub struct ReminderLimitsShape {
    /// Reminders to one person in one day, of all rules together.
    per_person_a_day: Option<u32>,
    /// Reminders of one payment in all, of all rules together.
    per_payment: Option<u32>,
    /// Expected cost of one run before tax; one that would cost more waits for a person.
    #[schema(value_type = Option<schema::Money>)]
    cost_per_run: Option<Money>,
}

impl ReminderRulePut {
    /// Reads it; every fault is noted.
    pub fn read(self, zone: Tz, fields: &mut Fields) -> Option<ReminderRule> {
        let before = fields.count();
        let at = fields.keep("at", Code::InvalidRequest, TimeOfDay::parse(&self.at));
        let zone = match self.zone {
            Some(named) => fields.keep("zone", Code::InvalidRequest, ZoneName::try_from(named)),
            None => Some(ZoneName(zone)),
        };
        let channel = fields.word("channel", self.channel.as_deref()).unwrap_or(ReminderChannel::Sms);
        let steps = steps(self.offsets_days, self.templates, fields);
        let rule = ReminderRule {
            name: self.name.trim().to_owned(),
            template: self.template,
            steps,
            at: at?,
            zone: zone?,
            channel,
            fallback_after_hours: self.fallback_after_hours.unwrap_or(FALLBACK_AFTER_HOURS),
            payments: self.payments.map(|Object(filter)| filter).unwrap_or_default(),
            limits: self.limits.map(|Object(limits)| limits).unwrap_or_default(),
            working_days_only: self.working_days_only,
            catch_up: self.catch_up.unwrap_or(true),
            maximum_lateness_hours: self.maximum_lateness_hours.unwrap_or(MAXIMUM_LATENESS_HOURS),
            enabled: self.enabled,
        };
        for error in rule.validate().err().unwrap_or_default() {
            fields.fault(&error.field, Code::InvalidRequest, error.message);
        }
        (fields.count() == before).then_some(rule)
    }
}

/// The steps in their order, each with its own template if it has one.
fn steps(
    offsets: Vec<i32>,
    mut templates: BTreeMap<String, String>,
    fields: &mut Fields,
) -> Vec<ReminderStep> {
    let mut steps: Vec<ReminderStep> = offsets
        .into_iter()
        .map(|offset_days| ReminderStep { offset_days, template: templates.remove(&offset_days.to_string()) })
        .collect();
    steps.sort_by_key(|step| step.offset_days);
    for days in templates.keys() {
        fields.fault("templates", Code::InvalidRequest, format!("\"{days}\" is none of offsets_days"));
    }
    steps
}

/// A reminder rule.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReminderRule)]
pub struct ReminderRuleDetail {
    /// Its key.
    key: String,
    /// What people call it.
    name: String,
    /// The template of every step that has none of its own.
    template: String,
    /// Days on which it reminds.
    offsets_days: Vec<i32>,
    /// Templates of single steps, by their days.
    templates: BTreeMap<String, String>,
    /// The time of day.
    at: String,
    /// By whose clock.
    zone: String,
    /// How.
    #[schema(value_type = schema::ReminderChannel)]
    channel: ReminderChannel,
    /// Hours after which a text message follows what WhatsApp did not deliver.
    fallback_after_hours: u32,
    /// Which payments.
    #[schema(value_type = PaymentFilterShape)]
    payments: PaymentFilter,
    /// What it never exceeds.
    #[schema(value_type = ReminderLimitsShape)]
    limits: ReminderLimits,
    /// What would fall on a Sunday or a listed holiday comes on the next working day.
    working_days_only: bool,
    /// A run that was missed is made up for once.
    catch_up: bool,
    /// How late a run may be.
    maximum_lateness_hours: u32,
    /// Whether it runs.
    enabled: bool,
    /// When it last changed.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    updated_at: Timestamp,
}

impl From<StoredRule> for ReminderRuleDetail {
    fn from(stored: StoredRule) -> Self {
        let rule = stored.rule;
        let own = |step: &ReminderStep| Some((step.offset_days.to_string(), step.template.clone()?));
        Self {
            key: stored.key,
            offsets_days: rule.steps.iter().map(|step| step.offset_days).collect(),
            templates: rule.steps.iter().filter_map(own).collect(),
            name: rule.name,
            template: rule.template,
            at: rule.at.to_string(),
            zone: rule.zone.into(),
            channel: rule.channel,
            fallback_after_hours: rule.fallback_after_hours,
            payments: rule.payments,
            limits: rule.limits,
            working_days_only: rule.working_days_only,
            catch_up: rule.catch_up,
            maximum_lateness_hours: rule.maximum_lateness_hours,
            enabled: rule.enabled,
            updated_at: stored.updated_at,
        }
    }
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// Those that were, instead of those to come.
    #[param(value_type = Option<bool>)]
    pub(super) past: Option<String>,
    /// At most so many: 1 to 500.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50)]
    pub(super) limit: Option<String>,
    /// `next_cursor` of the page before; of past runs alone.
    pub(super) cursor: Option<String>,
}

/// A time at which one step reaches the payments of one due date.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ReminderRun)]
pub struct RunItem {
    /// When.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    at: Timestamp,
    /// Days after the due date.
    step: i32,
    /// Payments that are due on this day.
    due_on: NaiveDate,
    /// `coming`, `planning`, `planned`, `held` or `skipped`.
    state: String,
    /// Why it was skipped or is held: `missed`, `too_late`, `superseded`, `moved`, `by_person`, `over_cost`, or a sentence.
    #[schema(required = true)]
    reason: Option<String>,
    /// Payments it comes upon.
    matched: u64,
    /// Of those, people not written to, by reason.
    suppressed: BTreeMap<String, u64>,
    /// Messages that go out.
    will_send: u64,
    /// Of those, how many left, a WhatsApp message and the text message that followed it counted once; null while it is to
    /// come.
    #[schema(required = true)]
    sent: Option<u64>,
    /// What it costs before tax: expected while it is to come or held; then what was charged, and what is expected for the
    /// rest.
    #[schema(value_type = schema::Money)]
    cost: Money,
}

impl RunItem {
    /// A run that is still to come.
    pub fn coming(coming: ComingRun) -> Self {
        let reckoned = coming.reckoned;
        Self {
            at: coming.run.at,
            step: coming.run.step,
            due_on: coming.run.due_on,
            state: if coming.skipped.is_some() { RunState::Skipped.as_str() } else { "coming" }.to_owned(),
            reason: coming.skipped.map(|reason| reason.to_string()),
            matched: reckoned.matched(),
            will_send: if coming.skipped.is_some() { 0 } else { reckoned.will_send },
            cost: if coming.skipped.is_some() { Money::ZERO } else { reckoned.cost },
            suppressed: words(reckoned.suppressed),
            sent: None,
        }
    }

    /// A run that was. What is written down counts by what became of it, also of what was suppressed only when it was to
    /// be sent.
    pub fn past(run: Run, results: &RunResults) -> Self {
        let done = run.state == RunState::Planned;
        let (suppressed, will_send, cost) = if done {
            (run.suppressed_with(results), results.to_send(), results.cost)
        } else {
            (run.suppressed, run.will_send, run.cost)
        };
        Self {
            at: run.run.at,
            step: run.run.step,
            due_on: run.run.due_on,
            state: run.state.to_string(),
            reason: run.reason,
            matched: run.matched,
            suppressed: words(suppressed),
            will_send,
            sent: Some(results.sent()),
            cost,
        }
    }
}

fn words(suppressed: dakiya_store::reminder_runs::Suppressed) -> BTreeMap<String, u64> {
    suppressed.into_iter().map(|(reason, count)| (reason.to_string(), count)).collect()
}
