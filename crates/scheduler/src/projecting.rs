//! What this month and the coming ones will cost: reads roll-ups, reservations and reminders, and forecasts the rest.
//!
//! A forecast depends on nothing but whole past days. It is made once for each version of them, away from the threads
//! that serve, and kept in memory: a new day or a changed past makes another.

use crate::commitments::commitments;
use crate::composing::rate_card;
use crate::context::Context;
use chrono::{NaiveDate, TimeDelta};
use dakiya_core::forecast::{Forecast, History, LONGEST_DAYS, TooShort};
use dakiya_core::message::{Channel, Direction};
use dakiya_core::money::Money;
use dakiya_core::projection::{Coming, FORECAST_MONTHS, LineKey, Lines, MonthProjection, Stream, project};
use dakiya_core::rate_card::{NoRate, RateCard, RateItem, Route};
use dakiya_core::sender::SenderKind;
use dakiya_core::time::{Month, Timestamp, day_in};
use dakiya_store::costs::{self, CostLine, DayCost, Rent};
use dakiya_store::{StoreError, budgets, campaigns, fx_rates, senders, settings};
use rust_decimal::prelude::ToPrimitive;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Days that tell how traffic is shared among categories.
const SHARED_LATELY: i64 = 28;

/// Months asked for at once, at most.
pub const MOST_MONTHS: u32 = 24;

/// The last forecast, and turns of those who make figures.
#[derive(Default)]
pub(crate) struct Projections {
    forecast: Mutex<Option<(u64, Known)>>,
    pub(crate) committing: Mutex<()>,
}

type Known = Arc<Result<Forecast, TooShort>>;

/// Months ahead, and how they were reckoned.
#[derive(Clone, Debug)]
pub struct Projection {
    /// In their order.
    pub months: Vec<MonthProjection>,
    /// What this month's spent figures add up: read once, so that whatever is shown beside them agrees.
    pub this_month: Vec<CostLine>,
    /// How the rest of the traffic was forecast, or why it was not.
    pub basis: Basis,
    /// The card that prices what is certain.
    pub rate_card: RateCard,
    /// The business day it is.
    pub today: NaiveDate,
    /// Of when the cost of coming reminders is.
    pub reminders_as_of: Timestamp,
    /// What that card has no price for; it is in none of the figures.
    pub unpriced: Vec<NoRate>,
}

/// How the rest of the traffic was forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Basis {
    /// From enough history.
    Forecast {
        /// How.
        method: dakiya_core::forecast::Method,
        /// Whole days learnt from.
        days: usize,
        /// How far off it was about months held back: 0.08 is 8 %.
        error: f64,
        /// How many of them a range made from the others holds.
        coverage: f64,
        /// On how many months, overlapping, it was checked.
        checks: usize,
    },
    /// There is too little.
    TooShort(TooShort),
}

/// What traffic was like until yesterday, what came of it today, and how it is shared.
struct Traffic {
    streams: Vec<Stream>,
    history: History,
    today: Vec<Money>,
}

/// Puts the months together.
pub(crate) async fn projection(
    context: &Context,
    from: Month,
    months: u32,
) -> Result<Projection, StoreError> {
    let store = &context.store;
    let today = day_in(context.clock.now(), context.config.timezone);
    let (this, last) = (Month::of(today), from.plus(months.clamp(1, MOST_MONTHS) - 1));
    let settings = settings::get(store).await?;
    let gst = settings::gst(store).await?;
    let this_month = costs::month(store, this).await?;
    let actual = actual(context, (from, last), (this, &this_month)).await?;
    let (committed, reminders_as_of) = committed(context, today, from, last).await?;
    let traffic = traffic(context, today).await?;
    let forecast = forecast(context, today, &traffic.history).await?;
    let budgets: BTreeMap<Month, Money> = budgets::list(store, from, last)
        .await?
        .into_iter()
        .map(|stored| (stored.budget.month, stored.budget.amount))
        .collect();
    let none = Lines::new();
    let put_together = |month: Month| {
        let forecast = forecast.as_ref().as_ref().ok();
        let covered = this <= month && month <= this.plus(FORECAST_MONTHS);
        let coming = forecast.filter(|_| covered).map(|forecast| {
            let first = month.first_day().max(today);
            let ahead = |day: NaiveDate| usize::try_from((day - today).num_days()).unwrap_or(0);
            let (from, days) = (ahead(first), ahead(month.last_day()) + 1 - ahead(first));
            Coming::of(forecast, &traffic.streams, from, days, &traffic.today)
        });
        let of = |lines: &BTreeMap<Month, Lines>| lines.get(&month).unwrap_or(&none).clone();
        let budget = budgets.get(&month).copied();
        project(month, &of(&actual), &of(&committed), coming.as_ref(), budget, gst.on(month))
    };
    let months =
        (0..).map(|ahead| from.plus(ahead)).take_while(|month| *month <= last).map(put_together).collect();
    let basis = match forecast.as_ref() {
        Ok(forecast) => Basis::Forecast {
            method: forecast.method,
            days: forecast.days,
            error: forecast.error,
            coverage: forecast.coverage,
            checks: forecast.checks,
        },
        Err(too_short) => Basis::TooShort(*too_short),
    };
    let rate_card = rate_card(store, &settings).await?;
    let unpriced = unpriced(context, &rate_card, today).await?;
    Ok(Projection { months, this_month, basis, rate_card, today, reminders_as_of, unpriced })
}

/// What goes out or is rented and has no price.
async fn unpriced(context: &Context, card: &RateCard, today: NaiveDate) -> Result<Vec<NoRate>, StoreError> {
    let senders = senders::list(&context.store, None).await?;
    let mut channels: Vec<Channel> = senders.iter().map(|sender| sender.kind.channel()).collect();
    channels.sort_unstable_by_key(|channel| channel.as_str());
    channels.dedup();
    let mut unpriced = card.missing(today, &channels);
    if senders.iter().any(|sender| sender.kind == SenderKind::Number && sender.monthly_rent.is_none()) {
        unpriced.extend(card.row(RateItem::Number, Direction::Outbound, None, Route::Any, today).err());
    }
    Ok(unpriced)
}

/// What each of these months is expected to cost as a whole: the forecast, or what is spent and certain while there is none.
pub(crate) async fn expected(
    context: &Context,
    months: &[Month],
) -> Result<BTreeMap<Month, Money>, StoreError> {
    let asked: BTreeSet<Month> = months.iter().copied().collect();
    let mut expected = BTreeMap::new();
    for month in &asked {
        if expected.contains_key(month) {
            continue;
        }
        // Up to the last that fits a projection with this one.
        let reach =
            (1..=MOST_MONTHS).filter(|months| asked.contains(&month.plus(months - 1))).max().unwrap_or(1);
        for projected in projection(context, *month, reach).await?.months {
            expected.insert(projected.month, projected.total.whole());
        }
    }
    expected.retain(|month, _| asked.contains(month));
    Ok(expected)
}

async fn actual(
    context: &Context,
    (from, last): (Month, Month),
    (this, this_month): (Month, &[CostLine]),
) -> Result<BTreeMap<Month, Lines>, StoreError> {
    let mut actual: BTreeMap<Month, Lines> = BTreeMap::new();
    let mut add = |month: Month, line: &CostLine| {
        let key = LineKey { item: line.item, direction: line.direction, category: line.category };
        *actual.entry(month).or_default().entry(key).or_default() += line.costs.spent();
    };
    for (day, line) in costs::by_day(&context.store, from.first_day(), last.last_day()).await? {
        if Month::of(day) != this {
            add(Month::of(day), &line);
        }
    }
    this_month.iter().for_each(|line| add(this, line));
    Ok(actual)
}

/// Campaigns by their reservations, reminders by their quotes, rents by their months.
async fn committed(
    context: &Context,
    today: NaiveDate,
    from: Month,
    last: Month,
) -> Result<(BTreeMap<Month, Lines>, Timestamp), StoreError> {
    let this = Month::of(today);
    let mut committed: BTreeMap<Month, Lines> = BTreeMap::new();
    let mut add = |month: Month, key: LineKey, cost: Money| {
        *committed.entry(month).or_default().entry(key).or_default() += cost;
    };
    let outbound = |channel: Channel, category| LineKey {
        item: channel.into(),
        direction: Direction::Outbound,
        category: Some(category),
    };
    for waiting in campaigns::committed(&context.store).await? {
        // What began last month and still waits is spent in this one.
        add(waiting.month.max(this), outbound(waiting.channel, waiting.category), waiting.cost);
    }
    let reminders = commitments(context).await?;
    for ((month, channel, category), cost) in &reminders.costs {
        add((*month).max(this), outbound(*channel, *category), *cost);
    }
    let booked = costs::booked(&context.store, this).await?;
    for month in (0..).map(|ahead| from.max(this).plus(ahead)).take_while(|month| *month <= last) {
        let day = month.first_day().max(today);
        for rent in rents_on(context, day).await? {
            let is_booked = month == this && booked.contains(&(rent.channel, rent.sender.clone()));
            if !is_booked {
                add(month, LineKey::RENT, rent.cost);
            }
        }
    }
    Ok((committed, reminders.at))
}

/// What every number of ours costs in the month that a day lies in: the rent that was set for it, or the rate card's. A
/// number that has neither is left out; [`Projection::unpriced`] names it.
pub(crate) async fn rents_on(context: &Context, day: NaiveDate) -> Result<Vec<Rent>, StoreError> {
    let settings = settings::get(&context.store).await?;
    let fx = fx_rates::on(&context.store, day).await?;
    let usual = rate_card(&context.store, &settings).await?.number_rent(day, fx).map(|rent| rent.expected);
    let mut due: Vec<Rent> = Vec::new();
    for sender in senders::list(&context.store, None).await? {
        // A header, a messaging service and a WhatsApp sender are not rented unless somebody says what for.
        let usual = usual.as_ref().ok().filter(|_| sender.kind == SenderKind::Number).copied();
        if let Some(cost) = sender.monthly_rent.or(usual).filter(|cost| !cost.is_zero()) {
            due.push(Rent { channel: sender.kind.channel(), sender: sender.address, cost });
        }
    }
    Ok(due)
}

async fn traffic(context: &Context, today: NaiveDate) -> Result<Traffic, StoreError> {
    let days = i64::try_from(LONGEST_DAYS).unwrap_or(i64::MAX);
    let first = today - TimeDelta::days(days);
    let costs = costs::run_rate(&context.store, first, today).await?;
    Ok(Traffic::of(&costs, first, today))
}

impl Traffic {
    fn of(costs: &[DayCost], first: NaiveDate, today: NaiveDate) -> Self {
        let mut by_stream: BTreeMap<(RateItem, Direction), Vec<&DayCost>> = BTreeMap::new();
        for cost in costs {
            by_stream.entry((cost.item, cost.direction)).or_default().push(cost);
        }
        let days = usize::try_from((today - first).num_days()).unwrap_or(0);
        let mut traffic = Self { streams: Vec::new(), history: History::default(), today: Vec::new() };
        for ((item, direction), costs) in by_stream {
            let mut series = vec![0.0; days];
            let (mut of_today, mut shares) = (Money::ZERO, BTreeMap::new());
            for cost in costs {
                if cost.day == today {
                    of_today += cost.spent;
                } else if let Some(day) =
                    usize::try_from((cost.day - first).num_days()).ok().and_then(|at| series.get_mut(at))
                {
                    *day += cost.spent.rupees().to_f64().unwrap_or(0.0).max(0.0);
                }
                if (today - cost.day).num_days() <= SHARED_LATELY {
                    *shares.entry(cost.category).or_insert(0) += cost.spent.to_micros().unwrap_or(0).max(0);
                }
            }
            // Totals from before messages were ours have no category; those since then say how it is.
            if shares.keys().any(Option::is_some) {
                shares.remove(&None);
            }
            traffic.streams.push(Stream { item, direction, shares });
            traffic.history.series.push(series);
            traffic.today.push(of_today);
        }
        traffic
    }
}

async fn forecast(context: &Context, today: NaiveDate, history: &History) -> Result<Known, StoreError> {
    let version = version(today, history);
    // Held while one is made: whoever comes meanwhile waits for it rather than making it too.
    let mut known = context.projections.forecast.lock().await;
    if let Some((_, forecast)) = known.as_ref().filter(|(of, _)| *of == version) {
        return Ok(forecast.clone());
    }
    let history = history.clone();
    let last = Month::of(today).plus(FORECAST_MONTHS).last_day();
    let horizon = usize::try_from((last - today).num_days() + 1).unwrap_or(0);
    let made = tokio::task::spawn_blocking(move || Forecast::learn(history, horizon)).await;
    let made = Arc::new(made.map_err(|error| StoreError::Inconsistent(format!("no forecast: {error}")))?);
    *known = Some((version, made.clone()));
    Ok(made)
}

fn version(today: NaiveDate, history: &History) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    today.hash(&mut hasher);
    for series in &history.series {
        series.len().hash(&mut hasher);
        series.iter().for_each(|day| day.to_bits().hash(&mut hasher));
    }
    hasher.finish()
}
