//! Payments and rules for tests that live through days.

use super::{TESTER, World, phone};
use chrono::{NaiveDate, TimeDelta};
use chrono_tz::Asia::Kolkata;
use dakiya_core::money::Money;
use dakiya_core::payment::{PaymentEvent, PaymentReference};
use dakiya_core::reminder::{
    PaymentFilter, ReminderChannel, ReminderLimits, ReminderRule, ReminderStep, ZoneName,
};
use dakiya_core::time::{TimeOfDay, Timestamp};
use dakiya_scheduler::clock::{Clock, ManualClock};
use dakiya_store::messages::Message;
use dakiya_store::payments::{self, PaymentFields, PaymentReport, PaymentRow, Reported, Reporter};
use dakiya_store::reminder_rules::StoredRule;
use dakiya_store::reminder_runs::{self, Run};

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn rule(offsets: &[i32], when: &str) -> ReminderRule {
    ReminderRule {
        name: "Fees".to_owned(),
        template: "payment_reminder".to_owned(),
        steps: offsets.iter().map(|days| ReminderStep { offset_days: *days, template: None }).collect(),
        at: TimeOfDay::parse(when).unwrap(),
        zone: ZoneName(Kolkata),
        channel: ReminderChannel::Sms,
        fallback_after_hours: 4,
        payments: PaymentFilter::default(),
        limits: ReminderLimits::default(),
        working_days_only: false,
        catch_up: true,
        maximum_lateness_hours: 24,
        enabled: true,
    }
}

pub fn row(n: u64, amount: &str, due_on: NaiveDate) -> PaymentRow {
    let fields = PaymentFields {
        phone: phone(n),
        amount: Money::parse(amount).unwrap(),
        due_on,
        pay_url: Some(Some(format!("https://pay.example.in/{n}"))),
        name: Some(Some(format!("Person {n}"))),
        language: None,
        tags: None,
        variables: None,
    };
    PaymentRow { reference: reference(n), fields }
}

pub fn reference(n: u64) -> PaymentReference {
    PaymentReference::parse(&format!("INV-{n:05}")).unwrap()
}

pub async fn owe(world: &World, people: impl IntoIterator<Item = u64>, due_on: &str) {
    let rows: Vec<PaymentRow> = people.into_iter().map(|n| row(n, "1250", day(due_on))).collect();
    payments::import(&world.store, rows, &TESTER, world.clock.now()).await.unwrap();
}

pub async fn put(world: &World, rule: &ReminderRule) -> StoredRule {
    world.commands.put_reminder_rule("fees", rule, &TESTER).await.unwrap()
}

pub async fn pay(world: &World, n: u64, amount: Option<&str>) {
    let report = PaymentReport {
        reference: reference(n),
        what: Reported::Event(PaymentEvent::Received(amount.map(|amount| Money::parse(amount).unwrap()))),
        by: Reporter::Ours("api"),
        external_id: None,
        pay_url: None,
    };
    world.commands.record_payment(&report, &TESTER).await.unwrap();
}

/// Looks every half hour until an instant.
pub async fn live_until(world: &World, clock: &ManualClock, until: &str) {
    while clock.now() < at(until) {
        clock.advance_to((clock.now() + TimeDelta::minutes(30)).min(at(until)));
        world.run().await;
    }
}

pub async fn reminders(world: &World) -> Vec<Message> {
    let mut found: Vec<Message> =
        world.log().await.into_iter().filter(|message| message.reminder.is_some()).collect();
    found.sort_by_key(|message| message.id);
    found
}

pub async fn past(world: &World) -> Vec<Run> {
    reminder_runs::past(&world.store, None, world.clock.now(), None, 500).await.unwrap().items
}
