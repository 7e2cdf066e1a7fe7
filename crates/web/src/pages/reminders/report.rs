//! What reminders bring: how many pay within some days of which step, what that costs, and how old the rest is.

use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters::{self, percent};
use crate::forms::Faults;
use crate::view::{self, Frame, Section, Zone};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::money::Money;
use dakiya_core::payment::AgeBucket;
use dakiya_core::reminder::when_in_words;
use dakiya_core::time::parse_day;
use dakiya_core::user::Permission;
use dakiya_store::payments;
use dakiya_store::reminder_rules;
use dakiya_store::reminder_runs::{self, StepResult};
use std::collections::HashMap;

struct StepRow {
    rule: String,
    step: String,
    sent: u64,
    paid: u64,
    share: String,
    collected: Money,
    cost: Money,
    each: String,
}

struct AgeRow {
    words: &'static str,
    payments: u64,
    left: Money,
    share: String,
}

/// Every reminder of the period is read.
const LONGEST: TimeDelta = TimeDelta::days(730);

/// The period as it was typed.
struct PeriodFields {
    from: String,
    until: String,
    within: String,
}

#[derive(Template)]
#[template(path = "reminders/report.html")]
struct ReportPage {
    frame: Frame,
    faults: Faults,
    fields: PeriodFields,
    from: NaiveDate,
    until: NaiveDate,
    within: u32,
    steps: Vec<StepRow>,
    sent: u64,
    paid: u64,
    collected: Money,
    cost: Money,
    each: String,
    ages: Vec<AgeRow>,
    owed: u64,
    left: Money,
}

/// `GET /reminders/report`
pub(super) async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::View)?;
    let zone = Zone(app.config.timezone);
    let today = zone.date(&app.clock.now());
    let mut faults = Faults::default();
    let asked = |name: &str| query.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
    let mut day = |name: &str, otherwise: NaiveDate| match asked(name) {
        Some(text) => faults.take(name, parse_day(text)).unwrap_or(otherwise),
        None => otherwise,
    };
    let from = day("from", today - TimeDelta::days(29));
    let until = day("until", today);
    if until < from {
        faults.add("until", "The period ends before it begins; choose a later day");
    }
    if until - from > LONGEST {
        faults.add(
            "until",
            format!("A report covers two years at most, and this is {} days; choose days that are nearer together", (until - from).num_days() + 1),
        );
    }
    let within = match asked("within") {
        None => Some(7),
        Some(text) => text.parse().ok().filter(|days| (1..=90).contains(days)),
    };
    let within = within.unwrap_or_else(|| {
        faults.add("within", "Write a number of days from 1 to 90");
        7
    });
    let shown = |name: &str, read: String| asked(name).map_or(read, str::to_owned);
    let fields = PeriodFields {
        from: shown("from", from.to_string()),
        until: shown("until", until.to_string()),
        within: shown("within", within.to_string()),
    };
    let until = until.clamp(from, from + LONGEST);
    let end = zone.day_start(until + TimeDelta::days(1));
    let results = reminder_runs::step_results(&app.store, zone.day_start(from), end, within).await?;
    let rules = reminder_rules::list(&app.store, None, 500).await?.items;
    let name =
        |id| rules.iter().find(|rule| rule.id == id).map_or("–", |rule| rule.rule.name.as_str()).to_owned();
    let row = |result: &StepResult| StepRow {
        rule: name(result.rule),
        step: when_in_words(result.step),
        sent: result.sent,
        paid: result.paid,
        share: percent(result.paid, result.sent),
        collected: result.collected,
        cost: result.cost,
        each: each(result.cost, result.paid),
    };
    let totals = payments::totals(&app.store, today).await?;
    let owed = totals.owed();
    let age = |bucket: &AgeBucket| {
        let sum = totals.aged(*bucket);
        AgeRow {
            words: age_words(*bucket),
            payments: sum.payments,
            left: sum.left(),
            share: percent(sum.payments, owed.payments),
        }
    };
    let (paid, cost) = (results.iter().map(|it| it.paid).sum(), results.iter().map(|it| it.cost).sum());
    let page = ReportPage {
        frame: Frame::of(&app, &person, Section::Reminders).await?,
        faults,
        fields,
        from,
        until,
        within,
        steps: results.iter().map(row).collect(),
        sent: results.iter().map(|it| it.sent).sum(),
        paid,
        collected: results.iter().map(|it| it.collected).sum(),
        cost,
        each: each(cost, paid),
        ages: AgeBucket::ALL.iter().map(age).collect(),
        owed: owed.payments,
        left: owed.left(),
    };
    let status = if page.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, view::html(&page)).into_response())
}

fn age_words(bucket: AgeBucket) -> &'static str {
    match bucket {
        AgeBucket::NotDue => "Not due yet",
        AgeBucket::UpTo7 => "1 to 7 days late",
        AgeBucket::UpTo30 => "8 to 30 days late",
        AgeBucket::UpTo60 => "31 to 60 days late",
        AgeBucket::Over60 => "More than 60 days late",
    }
}

/// What one payment collected cost in reminders.
pub(super) fn cost_per_payment(results: &[StepResult]) -> String {
    each(results.iter().map(|it| it.cost).sum(), results.iter().map(|it| it.paid).sum())
}

fn each(cost: Money, paid: u64) -> String {
    let one = cost.to_micros().zip(i64::try_from(paid).ok().filter(|paid| *paid > 0));
    one.map_or_else(|| "–".to_owned(), |(micros, paid)| Money::from_micros(micros / paid).with_sign())
}
