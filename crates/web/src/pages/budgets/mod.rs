//! Budgets of the year, what they hold back, and how GST is reckoned; beside them rate cards and exchange rates.

mod fx;
mod months;
mod rate_card_making;
mod rate_cards;
mod rate_rows;
mod reconciliation;

use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use dakiya_core::budget::{Budget, WARN_AT};
use dakiya_core::decimal;
use dakiya_core::money::Money;
use dakiya_core::tax::{Gst, GstMode};
use dakiya_core::time::Month;
use dakiya_core::user::Permission;
use dakiya_store::{budgets, settings};
use months::{MonthRow, month_words};
use rust_decimal::Decimal;
use std::collections::{BTreeSet, HashMap};

/// Everything about budgets and rates.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/budgets", get(show).post(save))
        .route("/budgets/gst", post(save_gst))
        .merge(rate_cards::routes())
        .merge(fx::routes())
        .merge(reconciliation::routes())
}

/// Months shown, whether they have a budget or not: this one and the next eleven.
const MONTHS: u32 = 12;

/// Budgets shown: as many as there are months from 2000 to 2199.
const MOST_BUDGETS: u64 = 2_400;

/// Word, label.
const GST_MODES: [(&str, &str); 3] = [
    (GstMode::VendorCharged.as_str(), "The vendor adds it to its invoice"),
    (GstMode::ReverseCharge.as_str(), "Reverse charge: we assess it ourselves"),
    (GstMode::None.as_str(), "None applies"),
];

/// The page's parts.
pub(super) struct Tab {
    pub(super) href: &'static str,
    pub(super) label: &'static str,
    pub(super) current: bool,
}

pub(super) fn tabs(current: &str) -> Vec<Tab> {
    let tab = |href: &'static str, label| Tab { href, label, current: href == current };
    vec![
        tab("/budgets", "Budgets"),
        tab("/budgets/rate-cards", "Rate cards"),
        tab("/budgets/fx", "Dollar rate"),
        tab("/budgets/reconciliation", "Reconciliation"),
    ]
}

#[derive(Template)]
#[template(path = "budgets/list.html")]
struct BudgetsPage {
    frame: Frame,
    tabs: Vec<Tab>,
    months: Vec<MonthRow>,
    /// The month in the form, as people say it; empty when a new one is to be chosen.
    editing: String,
    gst_modes: [(&'static str, &'static str); 3],
    gst_mode: String,
    gst_rate: String,
    fields: Fields,
    faults: Faults,
    done: &'static str,
}

async fn page(
    app: &AppState,
    person: &Person,
    fields: Fields,
    faults: Faults,
    done: &'static str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let frame = Frame::of(app, person, Section::Budgets).await?;
    let gst = settings::get(&app.store).await?.gst;
    let this = Month::of(app.today());
    let shown = months_shown(app, this).await?;
    let expected = app.commands.expected(&shown).await?;
    let mut months = Vec::new();
    for month in shown {
        let expected = expected.get(&month).copied().unwrap_or_default();
        months.push(MonthRow::of(app, month, gst, expected).await?);
    }
    let editing = Month::parse(fields.text("month")).map(month_words).unwrap_or_default();
    let page = BudgetsPage {
        frame,
        tabs: tabs("/budgets"),
        months,
        editing,
        gst_modes: GST_MODES,
        gst_mode: typed(&fields, "gst_mode", gst.mode),
        gst_rate: typed(&fields, "gst_rate", gst.rate.normalize()),
        fields,
        faults,
        done,
    };
    Ok((status, view::html(&page)).into_response())
}

/// This one and the coming ones, and every other that has a budget: one that was mistyped can be found and taken away.
async fn months_shown(app: &AppState, this: Month) -> PageResult<Vec<Month>> {
    let mut shown: BTreeSet<Month> = (0..MONTHS).map(|ahead| this.plus(ahead)).collect();
    shown.extend(
        budgets::page(&app.store, None, MOST_BUDGETS).await?.items.iter().map(|stored| stored.budget.month),
    );
    Ok(shown.into_iter().collect())
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = match query.get("done").map(String::as_str) {
        Some("gst") => "GST is reckoned so from this month on. Earlier months keep what held in them.",
        Some("removed") => "Budget taken away. Nothing of that month is stopped by it any more.",
        Some("none") => "That month had no budget; nothing has changed.",
        Some(_) => {
            "Budget saved. It holds from the next message on; what it kept waiting goes on as far as there is room."
        }
        None => "",
    };
    let month = query.get("month").and_then(|text| Month::parse(text).ok());
    let month = month.unwrap_or_else(|| Month::of(app.today()));
    page(&app, &person, fields_of(&app, month).await?, Faults::default(), done).await
}

async fn fields_of(app: &AppState, month: Month) -> PageResult<Fields> {
    let stored = budgets::get(&app.store, month).await?.map(|stored| stored.budget);
    let warn_at = stored.as_ref().map_or(WARN_AT.to_vec(), |budget| budget.warn_at.clone());
    let warn_at: Vec<String> = warn_at.iter().map(u32::to_string).collect();
    let mut pairs = vec![
        ("month".to_owned(), month.to_string()),
        ("amount".to_owned(), stored.as_ref().map_or_else(String::new, |budget| budget.amount.to_plain())),
        ("warn_at".to_owned(), warn_at.join(", ")),
    ];
    if stored.is_some_and(|budget| budget.stop) {
        pairs.push(("stop".to_owned(), "yes".to_owned()));
    }
    Ok(Fields::from_pairs(pairs))
}

async fn save(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let mut faults = Faults::default();
    let month = faults.take("month", Month::parse(fields.text("month")));
    if let (Some(month), true) = (month, fields.has("remove")) {
        let removed = budgets::remove(&app.store, month, &person.actor(), app.clock.now()).await?;
        app.commands.nudge();
        let done = if removed { "/budgets?done=removed" } else { "/budgets?done=none" };
        return Ok(Redirect::to(done).into_response());
    }
    let amount = match fields.text("amount") {
        "" => Err("write an amount, for example 10,00,000; 0 lets nothing but OTPs out".to_owned()),
        text => Money::parse(text).map_err(|error| error.to_string()),
    };
    let amount = faults.take("amount", amount);
    let warn_at = faults.take("warn_at", percents(fields.text("warn_at")));
    let (Some(month), Some(amount), Some(warn_at)) = (month, amount, warn_at) else {
        return page(&app, &person, fields, faults, "").await;
    };
    let budget = match (Budget { month, amount, stop: fields.has("stop"), warn_at }).checked() {
        Ok(budget) => budget,
        Err(errors) => {
            errors.into_iter().for_each(|error| faults.add(error.field, error.message));
            return page(&app, &person, fields, faults, "").await;
        }
    };
    budgets::put(&app.store, &budget, &person.actor(), app.clock.now()).await?;
    app.commands.nudge();
    Ok(Redirect::to("/budgets?done=saved").into_response())
}

/// `50, 80, 100`, with or without per cent signs.
fn percents(text: &str) -> Result<Vec<u32>, String> {
    let parts = text.split([',', ' ', ';']).map(|part| part.trim().trim_end_matches('%'));
    let parse =
        |part: &str| part.parse().map_err(|_| format!("\"{part}\" is not a whole number of per cent"));
    parts.filter(|part| !part.is_empty()).map(parse).collect()
}

async fn save_gst(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let mut faults = Faults::default();
    let mode = faults.take("gst_mode", GstMode::parse(fields.text("gst_mode")));
    let rate = faults.take("gst_rate", decimal::typed(fields.text("gst_rate"), decimal::PER_CENT));
    if rate.is_some_and(|rate| rate < Decimal::ZERO || rate > Decimal::ONE_HUNDRED) {
        faults.add("gst_rate", "Between 0 and 100 per cent");
    }
    let (Some(mode), Some(rate), true) = (mode, rate, faults.is_empty()) else {
        let mut shown = fields_of(&app, Month::of(app.today())).await?;
        for name in ["gst_mode", "gst_rate"] {
            shown.set(name, fields.text(name));
        }
        return page(&app, &person, shown, faults, "").await;
    };
    let mut changed = settings::on(&app.store, app.today()).await?;
    changed.gst = Gst { mode, rate };
    settings::update(&app.store, &changed, &person.actor(), app.clock.now(), app.today()).await?;
    Ok(Redirect::to("/budgets?done=gst").into_response())
}

/// What a form shows: what was just typed, or what holds.
fn typed(fields: &Fields, name: &str, holds: impl ToString) -> String {
    match fields.text(name) {
        "" => holds.to_string(),
        typed => typed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_as_people_write_them() {
        assert_eq!(percents("50, 80 ,100%"), Ok(vec![50, 80, 100]));
        assert_eq!(percents(""), Ok(Vec::new()));
        assert!(percents("half").is_err());
        assert!(percents("-5").is_err());
    }
}
