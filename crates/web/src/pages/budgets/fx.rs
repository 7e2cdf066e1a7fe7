//! What a dollar costs: dated rates, by hand or from a file.

use super::{Tab, tabs};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::counted;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use chrono::NaiveDate;
use dakiya_core::fx_rate::{self, DatedFx, STALE_AFTER_DAYS};
use dakiya_core::table::RowError;
use dakiya_core::user::Permission;
use dakiya_store::fx_rates;
use rust_decimal::Decimal;
use std::collections::HashMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/budgets/fx", get(show).post(save)).route("/budgets/fx/file", post(read_file))
}

/// Rates shown; the older ones stay in force for their days.
const SHOWN: usize = 120;

#[derive(Template)]
#[template(path = "budgets/fx.html")]
struct FxPage {
    frame: Frame,
    tabs: Vec<Tab>,
    in_force: Decimal,
    since: Option<NaiveDate>,
    stale_for: Option<i64>,
    stale_after: i64,
    rates: Vec<DatedFx>,
    more: usize,
    today: NaiveDate,
    rejected: Vec<RowError>,
    fields: Fields,
    faults: Faults,
    done: String,
}

impl FxPage {
    /// Whether it is the rate in force.
    fn holds(&self, dated: &DatedFx) -> bool {
        self.since == Some(dated.valid_from)
    }
}

async fn page(
    app: &AppState,
    person: &Person,
    fields: Fields,
    faults: Faults,
    rejected: Vec<RowError>,
    done: String,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let (history, today) = (fx_rates::history(&app.store).await?, app.today());
    let page = FxPage {
        frame: Frame::of(app, person, Section::Budgets).await?,
        tabs: tabs("/budgets/fx"),
        in_force: history.on(today).inr_per_usd,
        since: history.dated_on(today).map(|dated| dated.valid_from),
        stale_for: history.stale_for(today),
        stale_after: STALE_AFTER_DAYS,
        rates: history.rates().iter().rev().take(SHOWN).cloned().collect(),
        more: history.rates().len().saturating_sub(SHOWN),
        today,
        rejected,
        fields,
        faults,
        done,
    };
    Ok((status, view::html(&page)).into_response())
}

fn blank(app: &AppState) -> Fields {
    Fields::from_pairs(vec![("valid_from".to_owned(), app.today().to_string())])
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = match query.get("done").map(String::as_str) {
        Some("removed") => "Rate taken away. The one before it holds for its days.",
        Some(_) => "Rate saved. Messages sent from its first day on are reckoned with it.",
        None => "",
    };
    page(&app, &person, blank(&app), Faults::default(), Vec::new(), done.to_owned()).await
}

async fn save(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let mut faults = Faults::default();
    if fields.has("remove") {
        // Any day, also one that would not be taken today.
        let day = NaiveDate::parse_from_str(fields.text("valid_from"), "%Y-%m-%d");
        let day = day.map_err(|_| PageError::NotFound("dollar rate"))?;
        fx_rates::remove(&app.store, day, &person.actor(), app.clock.now()).await?;
        return Ok(Redirect::to("/budgets/fx?done=removed").into_response());
    }
    let valid_from = faults.take("valid_from", fx_rate::first_day(fields.text("valid_from"), app.today()));
    let rate = faults.take("usd_inr", fx_rate::parse(fields.text("usd_inr")));
    let source = fields.text("source");
    if source.chars().count() > 200 {
        faults.add("source", "At most 200 characters");
    }
    let (Some(valid_from), Some(rate), true) = (valid_from, rate, faults.is_empty()) else {
        return page(&app, &person, fields, faults, Vec::new(), String::new()).await;
    };
    let source = if source.is_empty() { "Set by hand" } else { source }.to_owned();
    let dated = DatedFx { valid_from, rate, source };
    fx_rates::put(&app.store, &[dated], &person.actor(), app.clock.now()).await?;
    Ok(Redirect::to("/budgets/fx?done=saved").into_response())
}

/// The good rows are kept, the others are listed with what is wrong.
async fn read_file(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageMoney)?;
    let mut faults = Faults::default();
    let Some((good, bad)) = faults.take("csv", fx_rate::read_csv(fields.raw("csv").as_bytes(), app.today()))
    else {
        return page(&app, &person, fields, faults, Vec::new(), String::new()).await;
    };
    if good.is_empty() {
        faults.add("csv", "No row holds a rate; the columns are date and usd_inr");
        return page(&app, &person, fields, faults, bad, String::new()).await;
    }
    fx_rates::put(&app.store, &good, &person.actor(), app.clock.now()).await?;
    let saved = format!("{} saved", counted(good.len() as u64, "rate", "rates"));
    let done = match counted(bad.len() as u64, "row was", "rows were") {
        _ if bad.is_empty() => format!("{saved}."),
        refused => format!("{saved}; {refused} not, see below."),
    };
    page(&app, &person, blank(&app), Faults::default(), bad, done).await
}
