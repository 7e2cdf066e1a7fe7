//! What reminders bring: how many pay within some days of which step, what that costs, and how old the rest is.

use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters::{self, percent};
use crate::view::{self, Frame, Section, Zone};
use askama::Template;
use axum::extract::{Query, State};
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::money::Money;
use dakiya_core::payment::AgeBucket;
use dakiya_core::reminder::when_in_words;
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

#[derive(Template)]
#[template(path = "reminders/report.html")]
struct ReportPage {
    frame: Frame,
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
    let day = |name: &str, otherwise: NaiveDate| {
        query.get(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let from: NaiveDate = day("from", today - TimeDelta::days(29));
    let until: NaiveDate = day("until", today).max(from);
    let within = query.get("within").and_then(|text| text.parse().ok()).unwrap_or(7u32).clamp(1, 90);
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
    Ok(view::html(&page))
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
