//! Balance and usage records, added up from what the account was charged.

use crate::config::SimulatorConfig;
use crate::sim::{Sim, api_error, json};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{Datelike, Days, Months, NaiveDate};
use dakiya_core::message::Channel;
use dakiya_core::time::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one category used on one day (UTC).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UsageDay {
    /// The day.
    pub day: NaiveDate,
    /// `sms`, `sms-outbound`, `totalprice` …
    pub category: String,
    /// Messages.
    pub count: u64,
    /// Segments, or messages on WhatsApp.
    pub usage: u64,
    /// USD.
    pub price: Decimal,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    count: u64,
    usage: u64,
    price: Decimal,
}

impl Sum {
    fn add(&mut self, other: Sum) {
        self.count += other.count;
        self.usage += other.usage;
        self.price += other.price;
    }
}

/// Use by category and day.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    days: BTreeMap<(String, NaiveDate), Sum>,
    spent: Decimal,
    later: Vec<(Timestamp, NaiveDate, Channel, Decimal)>,
}

/// Where a message is counted, apart from the total.
fn categories(channel: Channel, inbound: bool) -> &'static [&'static str] {
    match (channel, inbound) {
        (Channel::Sms, false) => &["sms", "sms-outbound", "sms-outbound-longcode"],
        (Channel::Sms, true) => &["sms", "sms-inbound", "sms-inbound-longcode"],
        (Channel::Whatsapp, false) => &["channels-whatsapp", "channels-whatsapp-outbound"],
        (Channel::Whatsapp, true) => &["channels-whatsapp", "channels-whatsapp-inbound"],
    }
}

impl Usage {
    /// Counts one rated message.
    pub(crate) fn charge(
        &mut self,
        at: Timestamp,
        channel: Channel,
        inbound: bool,
        units: u32,
        price: Decimal,
    ) {
        let categories = categories(channel, inbound);
        let sum = Sum { count: 1, usage: u64::from(units), price };
        for category in categories.iter().chain(&["totalprice"]) {
            self.add(category, at.date_naive(), sum);
        }
        self.spent += price;
    }

    /// Changes what an outbound message of a day costs, from an instant on.
    pub(crate) fn charge_later(
        &mut self,
        at: Timestamp,
        created: Timestamp,
        channel: Channel,
        more: Decimal,
    ) {
        self.later.push((at, created.date_naive(), channel, more));
    }

    /// Lets changes take effect whose time has come.
    fn ripen(&mut self, now: Timestamp) {
        for (at, day, channel, more) in std::mem::take(&mut self.later) {
            if at > now {
                self.later.push((at, day, channel, more));
                continue;
            }
            let sum = Sum { price: more, ..Sum::default() };
            for category in categories(channel, false).iter().chain(&["totalprice"]) {
                self.add(category, day, sum);
            }
            self.spent += more;
        }
    }

    /// Adds a day from before the simulator started. It does not lower the balance.
    pub(crate) fn add_day(&mut self, day: &UsageDay) {
        self.add(&day.category, day.day, Sum { count: day.count, usage: day.usage, price: day.price });
    }

    fn add(&mut self, category: &str, day: NaiveDate, sum: Sum) {
        self.days.entry((category.to_owned(), day)).or_default().add(sum);
    }
}

/// `GET …/Balance.json`
pub(crate) async fn balance(State(sim): State<Arc<Sim>>) -> Response {
    let left = sim.config.balance - sim.book().usage.spent;
    json(
        StatusCode::OK,
        &value!({"account_sid": sim.config.account_sid, "balance": left.normalize().to_string(), "currency": "USD"}),
    )
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UsageQuery {
    category: Option<String>,
    start_date: Option<NaiveDate>,
    end_date: Option<NaiveDate>,
    page_size: Option<usize>,
    #[serde(default)]
    page: usize,
}

/// `GET …/Usage/Records.json`
pub(crate) async fn all_time(sim: State<Arc<Sim>>, query: Query<UsageQuery>) -> Response {
    records(sim, Path((String::new(), "AllTime.json".to_owned())), query).await
}

/// `GET …/Usage/Records/{Daily, Today, ThisMonth …}.json`
pub(crate) async fn records(
    State(sim): State<Arc<Sim>>,
    Path((_, file)): Path<(String, String)>,
    Query(query): Query<UsageQuery>,
) -> Response {
    let name = file.strip_suffix(".json").unwrap_or(&file);
    let today = (sim.config.now)().date_naive();
    let Some((period, first, last)) = period(name, today) else {
        return api_error(StatusCode::NOT_FOUND, 20404);
    };
    let first = query.start_date.unwrap_or(first);
    let last = query.end_date.unwrap_or(last);
    sim.book().usage.ripen(sim.now());
    let rows = rows(&sim.book().usage, period, query.category.as_deref(), first, last);
    let size = query.page_size.unwrap_or(50).clamp(1, 1_000);
    let path = format!("/2010-04-01/Accounts/{}/Usage/Records/{name}.json", sim.config.account_sid);
    let category =
        query.category.as_ref().map(|category| format!("Category={category}&")).unwrap_or_default();
    let page_uri = |page: usize| {
        format!("{path}?{category}StartDate={first}&EndDate={last}&PageSize={size}&Page={page}")
    };
    let shown: Vec<Value> =
        rows.iter().skip(query.page * size).take(size).map(|row| record(&sim.config, &path, row)).collect();
    let more = rows.len() > (query.page + 1) * size;
    let start = query.page * size;
    json(
        StatusCode::OK,
        &value!({
            "first_page_uri": page_uri(0),
            "next_page_uri": more.then(|| page_uri(query.page + 1)),
            "previous_page_uri": (query.page > 0).then(|| page_uri(query.page - 1)),
            "uri": page_uri(query.page),
            "page": query.page,
            "page_size": size,
            "start": start,
            "end": (start + shown.len()).saturating_sub(1).max(start),
            "usage_records": shown,
        }),
    )
}

#[derive(Clone, Copy)]
enum Period {
    Whole,
    Day,
    Month,
    Year,
}

struct Row {
    category: String,
    first: NaiveDate,
    last: NaiveDate,
    sum: Sum,
}

fn period(name: &str, today: NaiveDate) -> Option<(Period, NaiveDate, NaiveDate)> {
    let first_of_month = today.with_day(1)?;
    let last_month = first_of_month.checked_sub_months(Months::new(1))?;
    let beginning = today.checked_sub_months(Months::new(24))?;
    Some(match name {
        "AllTime" => (Period::Whole, NaiveDate::MIN.max(beginning), today),
        "Daily" => (Period::Day, today.checked_sub_days(Days::new(100))?, today),
        "Today" => (Period::Whole, today, today),
        "Yesterday" => (Period::Whole, today.pred_opt()?, today.pred_opt()?),
        "ThisMonth" => (Period::Whole, first_of_month, today),
        "LastMonth" => (Period::Whole, last_month, first_of_month.pred_opt()?),
        "Monthly" => (Period::Month, beginning, today),
        "Yearly" => (Period::Year, beginning, today),
        _ => return None,
    })
}

/// Newest first, and within a day by category, as Twilio lists them.
fn rows(
    usage: &Usage,
    period: Period,
    category: Option<&str>,
    first: NaiveDate,
    last: NaiveDate,
) -> Vec<Row> {
    let mut sums: BTreeMap<(std::cmp::Reverse<NaiveDate>, String), Sum> = BTreeMap::new();
    for ((name, day), sum) in &usage.days {
        if category.is_some_and(|category| category != name) || *day < first || *day > last {
            continue;
        }
        let start = match period {
            Period::Whole => first,
            Period::Day => *day,
            Period::Month => day.with_day(1).unwrap_or(*day),
            Period::Year => day.with_ordinal(1).unwrap_or(*day),
        };
        sums.entry((std::cmp::Reverse(start), name.clone())).or_default().add(*sum);
    }
    let end = |start: NaiveDate| match period {
        Period::Whole => last,
        Period::Day => start,
        Period::Month => last_day_before(start.checked_add_months(Months::new(1)), last),
        Period::Year => last_day_before(start.checked_add_months(Months::new(12)), last),
    };
    sums.into_iter()
        .map(|((start, category), sum)| Row { category, first: start.0, last: end(start.0), sum })
        .collect()
}

fn last_day_before(next: Option<NaiveDate>, limit: NaiveDate) -> NaiveDate {
    next.and_then(|next| next.pred_opt()).map_or(limit, |day| day.min(limit))
}

fn record(config: &SimulatorConfig, path: &str, row: &Row) -> Value {
    let Row { category, first, last, sum } = row;
    let total = category == "totalprice";
    value!({
        "account_sid": config.account_sid,
        "api_version": "2010-04-01",
        "as_of": (config.now)().format("%Y-%m-%dT%H:%M:%S+00:00").to_string(),
        "category": category,
        "count": (!total).then(|| sum.count.to_string()),
        "count_unit": if total { "" } else { "messages" },
        "description": category,
        "end_date": last,
        "price": sum.price.normalize().to_string(),
        "price_unit": "usd",
        "start_date": first,
        "subresource_uris": {},
        "uri": format!("{path}?Category={category}&StartDate={first}&EndDate={last}"),
        "usage": if total { sum.price.normalize().to_string() } else { sum.usage.to_string() },
        "usage_unit": if total { "" } else { "segments" },
    })
}
