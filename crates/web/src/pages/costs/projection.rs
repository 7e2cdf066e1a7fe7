//! This month and the next twelve: spent, certain, projected, against the budget; with how it was reckoned.

use super::chart::{Chart, HEIGHT};
use super::spenders::{self, Spenders};
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters;
use crate::view::{self, Frame, Section};
use crate::{AppState, method};
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse as _;
use axum::routing::get;
use chrono::NaiveDate;
use dakiya_core::message::{Category, Direction};
use dakiya_core::money::Money;
use dakiya_core::projection::{
    FORECAST_MONTHS, Figures, LineKey, MonthProjection, financial_year, financial_year_words,
};
use dakiya_core::rate_card::{RateItem, Spread};
use dakiya_core::tax::GstMode;
use dakiya_core::time::{Month, Timestamp};
use dakiya_scheduler::{Basis, Projection};
use dakiya_store::{costs, fx_rates, settings};
use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/costs", get(show))
}

/// A month as the table shows it.
struct MonthRow {
    key: String,
    name: String,
    now: bool,
    figures: Figures,
    budget: Option<Money>,
    /// Budget less the whole month.
    left: Option<Money>,
    gst: Money,
}

/// The months of a financial year and their sums.
struct YearRows {
    name: String,
    /// Whether all twelve months are here.
    whole: bool,
    rows: Vec<MonthRow>,
    actual: Money,
    committed: Money,
    /// What the months are expected to cost: the forecast, or what was spent and is certain.
    expected: Money,
    gst: Money,
}

/// One line of this month.
struct LineRow {
    words: &'static str,
    class: &'static str,
    kind: &'static str,
    figures: Figures,
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
    month: MonthRow,
    year: String,
    lines: Vec<LineRow>,
    years: Vec<YearRows>,
    chart: Chart,
    chart_height: u32,
    spenders: [Spenders; 2],
    gst_words: String,
    sentence: String,
    checked: Option<String>,
    assumptions: Vec<String>,
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

    fn with_gst(&self) -> Money {
        self.month.figures.whole() + self.month.gst
    }
}

async fn show(State(app): State<AppState>, person: Person) -> PageResult {
    let this = Month::of(app.today());
    let since = first_of_year(this);
    let months = months_between(since, this.plus(FORECAST_MONTHS));
    let projection = app.commands.projection(since, months).await?;
    let spent = costs::month(&app.store, this).await?;
    let gst = settings::get(&app.store).await?.gst;
    let gst_words = match gst.mode {
        GstMode::VendorCharged => format!("GST at {}%, added by the vendor", gst.rate.normalize()),
        GstMode::ReverseCharge => format!("GST at {}%, reverse charge", gst.rate.normalize()),
        GstMode::None => "GST does not apply".to_owned(),
    };
    let from_here: Vec<MonthProjection> =
        projection.months.iter().filter(|month| month.month.plus(3) >= this).cloned().collect();
    let present = projection.months.iter().find(|month| month.month == this);
    let Some(present) = present else { return Err(crate::error::PageError::NotFound("month")) };
    let page = CostsPage {
        frame: Frame::of(&app, &person, Section::Costs).await?,
        tab: "projection",
        year: financial_year_words(financial_year(this)),
        lines: present.lines.iter().map(|line| LineRow::of(line.key, line.figures)).collect(),
        years: years(&projection.months, this),
        chart: Chart::of(&from_here, this),
        chart_height: HEIGHT,
        spenders: [spenders::by_template(&app, &spent).await?, spenders::by_plan(&app, &spent).await?],
        gst_words,
        sentence: method::sentence(&projection.basis),
        checked: checked(&projection.basis),
        assumptions: method::assumptions(&projection),
        rates: rates(&app, &projection).await?,
        as_of: projection.reminders_as_of,
        forecast: matches!(projection.basis, Basis::Forecast { .. }),
        month: MonthRow::of(present, this),
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

/// April of the financial year that a month lies in.
fn first_of_year(month: Month) -> Month {
    NaiveDate::from_ymd_opt(financial_year(month), 4, 1).map_or(month, Month::of)
}

/// How many months there are from one to another, both counted.
fn months_between(first: Month, last: Month) -> u32 {
    let months = (0..).take_while(|ahead| first.plus(*ahead) <= last).count();
    u32::try_from(months).unwrap_or(1)
}

fn years(months: &[MonthProjection], this: Month) -> Vec<YearRows> {
    let mut years: Vec<YearRows> = Vec::new();
    for month in months {
        let name = financial_year_words(financial_year(month.month));
        if years.last().is_none_or(|year| year.name != name) {
            let nothing = Money::ZERO;
            years.push(YearRows {
                name,
                whole: false,
                rows: Vec::new(),
                actual: nothing,
                committed: nothing,
                expected: nothing,
                gst: nothing,
            });
        }
        if let Some(year) = years.last_mut() {
            year.actual += month.total.actual;
            year.committed += month.total.committed;
            year.expected += month.total.whole();
            year.gst += month.gst;
            year.rows.push(MonthRow::of(month, this));
            year.whole = year.rows.len() == 12;
        }
    }
    years
}

impl MonthRow {
    fn of(month: &MonthProjection, this: Month) -> Self {
        Self {
            key: month.month.to_string(),
            name: month.month.first_day().format("%B %Y").to_string(),
            now: month.month == this,
            figures: month.total,
            budget: month.budget,
            left: month.budget.map(|budget| budget - month.total.whole()),
            gst: month.gst,
        }
    }
}

impl LineRow {
    fn of(key: LineKey, figures: Figures) -> Self {
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
