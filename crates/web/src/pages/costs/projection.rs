//! This month and the next twelve: spent, certain, projected, against the budget; with how it was reckoned.

use super::chart::{Chart, HEIGHT};
use super::differing::{self, Step};
use super::spenders::{self, Spenders};
use crate::auth::Person;
use crate::costs::months_ahead;
use crate::error::PageResult;
use crate::filters;
use crate::view::{self, Frame, Section};
use crate::{AppState, method};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect};
use axum::routing::get;
use chrono::NaiveDate;
use dakiya_core::message::{Category, Direction};
use dakiya_core::money::Money;
use dakiya_core::projection::{
    LineKey, MonthProjection, ShownFigures, ShownMonth, ShownYear, financial_year, financial_year_words,
    shown_years,
};
use dakiya_core::rate_card::{RateItem, Spread};
use dakiya_core::tax::GstMode;
use dakiya_core::time::{Month, Timestamp};
use dakiya_scheduler::{Basis, Projection};
use dakiya_store::{fx_rates, settings};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};
use std::collections::HashMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/costs", get(show))
}

/// One line of this month.
struct LineRow {
    words: &'static str,
    class: &'static str,
    kind: &'static str,
    figures: ShownFigures,
}

/// How the price of what is certain came about, and how old it is.
struct Rates {
    card: String,
    card_key: String,
    dated: Option<NaiveDate>,
    stale_for: Option<i64>,
    fx: Decimal,
    fx_since: Option<NaiveDate>,
    fx_stale_for: Option<i64>,
}

#[derive(Template)]
#[template(path = "costs/costs.html")]
struct CostsPage {
    frame: Frame,
    tab: &'static str,
    month: ShownMonth,
    year: String,
    lines: Vec<LineRow>,
    years: Vec<ShownYear>,
    chart: Chart,
    chart_height: u32,
    spenders: [Spenders; 2],
    steps: Vec<Step>,
    gst_words: String,
    sentence: String,
    checked: Option<String>,
    assumptions: Vec<String>,
    unpriced: Option<String>,
    rates: Rates,
    as_of: Timestamp,
    forecast: bool,
}

impl CostsPage {
    /// What is left of the budget, in per cent of it.
    fn left_percent(&self) -> Option<String> {
        let share = (self.month.left?.rupees().abs() * Decimal::ONE_HUNDRED)
            .checked_div(self.month.budget?.rupees())?;
        Some(format!("{}% of budget", share.round_dp(1).normalize()))
    }

    fn is_over(&self) -> bool {
        self.month.left.is_some_and(|left| left < Money::ZERO)
    }

    fn is_now(&self, month: &ShownMonth) -> bool {
        month.month == self.month.month
    }
}

/// `?month=2026-11` leads to that month's page.
async fn show(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    if let Some(text) = query.get("month") {
        let month = super::month_of(text.trim())?;
        return Ok(Redirect::to(&format!("/costs/{month}")).into_response());
    }
    let this = Month::of(app.today());
    let projection = months_ahead(&app).await?;
    let gst = settings::get(&app.store).await?.gst;
    let gst_words = match gst.mode {
        GstMode::VendorCharged => format!("GST at {}%, added by the vendor", gst.rate.normalize()),
        GstMode::ReverseCharge => format!("GST at {}%, reverse charge", gst.rate.normalize()),
        GstMode::None => "GST does not apply".to_owned(),
    };
    let from_here: Vec<MonthProjection> =
        projection.months.iter().filter(|month| month.month.plus(3) >= this).cloned().collect();
    let present = projection.months.iter().find(|month| month.month == this);
    let Some(present) = present.map(MonthProjection::shown) else {
        return Err(crate::error::PageError::NotFound("month"));
    };
    let page = CostsPage {
        frame: Frame::of(&app, &person, Section::Costs).await?,
        tab: "projection",
        year: financial_year_words(financial_year(this)),
        lines: present.lines.iter().map(|(key, figures)| LineRow::of(*key, *figures)).collect(),
        years: shown_years(&projection.months),
        chart: Chart::of(&from_here, this),
        chart_height: HEIGHT,
        spenders: [
            spenders::by_template(&app, &projection.this_month).await?,
            spenders::by_plan(&app, &projection.this_month).await?,
        ],
        steps: differing::steps(&projection.this_month, &present),
        gst_words,
        sentence: method::sentence(&projection.basis),
        checked: checked(&projection.basis),
        assumptions: method::assumptions(&projection),
        unpriced: method::unpriced(&projection),
        rates: rates(&app, &projection).await?,
        as_of: projection.reminders_as_of,
        forecast: matches!(projection.basis, Basis::Forecast { .. }),
        month: present,
    };
    Ok(view::html(&page).into_response())
}

/// `Off by 6% on average, 83% within the range: tried on 22 months of the past.`
fn checked(basis: &Basis) -> Option<String> {
    let Basis::Forecast { error, coverage, checks, .. } = basis else { return None };
    let percent = |share: f64| format!("{:.0}%", share * 100.0);
    Some(format!(
        "Tried on {checks} months of the past, which overlap: off by {} on average, and {} of them lay within a range made from the \
         others.",
        percent(*error),
        percent(*coverage)
    ))
}

async fn rates(app: &AppState, projection: &Projection) -> PageResult<Rates> {
    let (history, today) = (fx_rates::history(&app.store).await?, projection.today);
    Ok(Rates {
        card: projection.rate_card.name.clone(),
        card_key: projection.rate_card.key.clone(),
        dated: projection.rate_card.dated(today),
        stale_for: projection.rate_card.stale_for(today),
        fx: history.on(today).inr_per_usd.normalize(),
        fx_since: history.dated_on(today).map(|dated| dated.valid_from),
        fx_stale_for: history.stale_for(today),
    })
}

/// Both ends of a range as exactly as a range deserves: to three digits, outwards. `₹5,65,000 to ₹5,90,000`
fn about(range: &Spread) -> String {
    let short = |end: Money, strategy| {
        let rounded = end.rupees().round_sf_with_strategy(3, strategy).unwrap_or(end.rupees()).normalize();
        match rounded.to_i128().filter(|_| rounded.scale() == 0) {
            Some(whole) => format!("₹{}", filters::grouped(whole)),
            None => Money::new(rounded).with_sign(),
        }
    };
    let (low, high) =
        (short(range.low, RoundingStrategy::ToZero), short(range.high, RoundingStrategy::AwayFromZero));
    format!("{low} to {high}")
}

impl LineRow {
    fn of(key: LineKey, figures: ShownFigures) -> Self {
        let (words, class) = match key.item {
            RateItem::Sms => ("SMS", ""),
            RateItem::Whatsapp => ("WhatsApp", "wa"),
            RateItem::Number => ("Numbers", "fee"),
            RateItem::Other => ("Other charges", "fee"),
        };
        let kind = match (key.item, key.direction, key.category) {
            (RateItem::Number, ..) => "rent",
            (_, Direction::Inbound, _) => "from people",
            (_, _, Some(Category::Otp)) => "OTPs",
            (_, _, Some(Category::Transactional)) => "transactional",
            (_, _, Some(Category::Service)) => "service, reminders among them",
            (_, _, Some(Category::Promotional)) => "promotional",
            (_, _, None) => "Twilio’s totals",
        };
        Self { words, class, kind, figures }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_shown_as_exactly_as_it_deserves_and_never_narrower() {
        let about = |low, high| {
            let money = |text| Money::parse(text).unwrap();
            super::about(&Spread { low: money(low), expected: money(low), high: money(high) })
        };
        assert_eq!(about("565390.84", "589155.79"), "₹5,65,000 to ₹5,90,000");
        assert_eq!(about("0", "12.341"), "₹0 to ₹12.40");
        assert_eq!(about("999.99", "10000000"), "₹999 to ₹1,00,00,000");
    }
}
