//! A rule as a form writes it.

use crate::forms::{Faults, Fields};
use dakiya_core::money::Money;
use dakiya_core::reminder::{
    PaymentFilter, ReminderChannel, ReminderLimits, ReminderRule, ReminderStep, ZoneName,
};
use dakiya_core::time::TimeOfDay;
use std::collections::BTreeMap;

/// What a new rule starts with: the usual days, and limits that keep people from being pestered.
pub(super) fn suggested(zone: &str, first_template: &str) -> Fields {
    let pairs = [
        ("name", "Payment reminders"),
        ("offsets_days", "-3, 0, 3, 7"),
        ("at", "11:00"),
        ("zone", zone),
        ("template", first_template),
        ("channel", "sms"),
        ("catch_up", "yes"),
        ("maximum_lateness_hours", "24"),
        ("fallback_after_hours", "4"),
        ("per_person_a_day", "1"),
        ("per_payment", "4"),
        ("enabled", "yes"),
    ];
    Fields::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// A stored rule's form.
pub(super) fn of(rule: &ReminderRule) -> Fields {
    let offsets: Vec<String> = rule.steps.iter().map(|step| step.offset_days.to_string()).collect();
    let own = |step: &ReminderStep| Some(format!("{}={}", step.offset_days, step.template.as_deref()?));
    let own: Vec<String> = rule.steps.iter().filter_map(own).collect();
    let amount = |money: Option<Money>| money.map(Money::to_plain).unwrap_or_default();
    let number = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
    let mut fields = Fields::from_pairs(Vec::new());
    for (name, value) in [
        ("name", rule.name.clone()),
        ("offsets_days", offsets.join(", ")),
        ("at", rule.at.to_string()),
        ("zone", rule.zone.into()),
        ("template", rule.template.clone()),
        ("templates", own.join(", ")),
        ("channel", rule.channel.to_string()),
        ("fallback_after_hours", rule.fallback_after_hours.to_string()),
        ("catch_up", if rule.catch_up { "yes" } else { "no" }.to_owned()),
        ("maximum_lateness_hours", rule.maximum_lateness_hours.to_string()),
        ("tags", rule.payments.tags.join(", ")),
        ("least", amount(rule.payments.least)),
        ("most", amount(rule.payments.most)),
        ("per_person_a_day", number(rule.limits.per_person_a_day)),
        ("per_payment", number(rule.limits.per_payment)),
        ("cost_per_run", amount(rule.limits.cost_per_run)),
    ] {
        fields.set(name, &value);
    }
    if rule.working_days_only {
        fields.set("working_days_only", "yes");
    }
    if rule.enabled {
        fields.set("enabled", "yes");
    }
    fields
}

/// Reads a rule; every fault is noted beside its field.
pub(super) fn read(fields: &Fields, faults: &mut Faults) -> Option<ReminderRule> {
    let steps = steps(fields, faults);
    let at = faults.take("at", TimeOfDay::parse(fields.text("at")));
    let zone = faults.take("zone", ZoneName::try_from(fields.text("zone").to_owned()));
    let channel = faults.take("channel", ReminderChannel::parse(fields.text("channel")));
    let payments = PaymentFilter {
        tags: words(fields.text("tags")),
        least: amount(fields, "least", faults),
        most: amount(fields, "most", faults),
    };
    let limits = ReminderLimits {
        per_person_a_day: number(fields, "per_person_a_day", faults),
        per_payment: number(fields, "per_payment", faults),
        cost_per_run: amount(fields, "cost_per_run", faults),
    };
    let lateness = number(fields, "maximum_lateness_hours", faults);
    let fallback = number(fields, "fallback_after_hours", faults);
    let rule = ReminderRule {
        name: fields.text("name").to_owned(),
        template: fields.text("template").to_owned(),
        steps,
        at: at?,
        zone: zone?,
        channel: channel?,
        fallback_after_hours: fallback.unwrap_or(4),
        payments,
        limits,
        working_days_only: fields.has("working_days_only"),
        catch_up: fields.text("catch_up") != "no",
        maximum_lateness_hours: lateness.unwrap_or(24),
        enabled: fields.has("enabled"),
    };
    if !faults.is_empty() {
        return None;
    }
    for error in rule.validate().err().unwrap_or_default() {
        let field = match error.field.as_str() {
            "payments" => "least",
            "limits" => "per_person_a_day",
            "limits.cost_per_run" => "cost_per_run",
            other => other,
        };
        faults.add(field, error.message);
    }
    faults.is_empty().then_some(rule)
}

fn steps(fields: &Fields, faults: &mut Faults) -> Vec<ReminderStep> {
    let mut own: BTreeMap<i32, String> = BTreeMap::new();
    for pair in words(fields.text("templates")) {
        let split = pair.split_once('=').and_then(|(days, key)| Some((whole(days)?, key.trim().to_owned())));
        match split {
            Some((days, key)) => drop(own.insert(days, key)),
            None => faults
                .add("templates", format!("\"{pair}\" is not a day and a template, such as 7=last_reminder")),
        }
    }
    let mut steps = Vec::new();
    for word in fields.text("offsets_days").split([',', ' ', ';']).filter(|word| !word.is_empty()) {
        match whole(word) {
            Some(offset_days) => {
                steps.push(ReminderStep { offset_days, template: own.remove(&offset_days) });
            }
            None => {
                faults.add("offsets_days", format!("\"{word}\" is not a number of days, such as -3, 0 or 7"))
            }
        }
    }
    if let Some(days) = own.keys().next() {
        faults.add("templates", format!("{days} is none of the days above"));
    }
    steps.sort_by_key(|step| step.offset_days);
    steps
}

/// A whole number of days; people type a minus sign in several ways.
fn whole(text: &str) -> Option<i32> {
    text.trim().replace(['−', '–'], "-").trim_start_matches('+').parse().ok()
}

fn words(text: &str) -> Vec<String> {
    text.split([',', ';']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn amount(fields: &Fields, name: &str, faults: &mut Faults) -> Option<Money> {
    let text = Some(fields.text(name)).filter(|text| !text.is_empty())?;
    faults.take(name, Money::parse(&text.replace([',', '₹'], "")))
}

fn number(fields: &Fields, name: &str, faults: &mut Faults) -> Option<u32> {
    let text = Some(fields.text(name)).filter(|text| !text.is_empty())?;
    faults.take(name, text.parse().map_err(|_| format!("\"{text}\" is not a whole number")))
}
