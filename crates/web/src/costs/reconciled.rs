//! A month's UTC days against Twilio's records, as page and API show them: those that were compared, and those of which
//! there are records alone.

use crate::AppState;
use chrono::NaiveDate;
use dakiya_core::money::FxRate;
use dakiya_core::time::Month;
use dakiya_core::usage::lines;
use dakiya_store::reconciliation::{self, ReconciledDay};
use dakiya_store::usage::{self, UsageRecord};
use dakiya_store::{StoreError, fx_rates};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};

/// A day of which something is known.
pub(crate) enum MonthDay {
    /// Our log was compared with the records.
    Compared(ReconciledDay),
    /// There are records, and nothing was compared.
    Read(ReadDay),
}

/// What the records of a day say by themselves.
pub(crate) struct ReadDay {
    pub(crate) day: NaiveDate,
    /// The vendor's currency, and what it is converted with.
    pub(crate) unit: String,
    pub(crate) fx: FxRate,
    pub(crate) charged: Decimal,
    /// Messages; numbers that were charged are none.
    pub(crate) messages: i64,
    /// Before our first message: the records are what we booked. Otherwise it is yet to be compared.
    pub(crate) is_past: bool,
}

/// The days of a month, the first one first.
pub(crate) async fn month_days(app: &AppState, month: Month) -> Result<Vec<MonthDay>, StoreError> {
    let store = &app.store;
    let (first, last) = (month.first_day(), month.last_day());
    let own = usage::first_message_day(store).await?;
    let mut compared: HashMap<NaiveDate, ReconciledDay> =
        reconciliation::days(store, month).await?.into_iter().map(|day| (day.day, day)).collect();
    let mut records: BTreeMap<NaiveDate, Vec<UsageRecord>> = BTreeMap::new();
    for record in usage::records(store, first, last).await? {
        records.entry(record.day).or_default().push(record);
    }
    let rates = fx_rates::history(store).await?;
    let of = |day: NaiveDate| match (compared.remove(&day), records.get(&day)) {
        (Some(compared), _) => Some(MonthDay::Compared(compared)),
        (None, Some(records)) => {
            let is_past = own.is_none_or(|own| day < own);
            Some(MonthDay::Read(ReadDay::of(day, records, rates.on(day), is_past)))
        }
        (None, None) => None,
    };
    Ok(first.iter_days().take_while(|day| *day <= last).filter_map(of).collect())
}

impl ReadDay {
    fn of(day: NaiveDate, records: &[UsageRecord], fx: FxRate, is_past: bool) -> Self {
        let figures: Vec<_> = records.iter().filter_map(UsageRecord::figure).collect();
        let lines = lines(&figures);
        let priced = records.iter().find(|record| !record.price.is_zero());
        Self {
            day,
            unit: priced.map_or_else(|| "USD".to_owned(), |record| record.price_unit.clone()),
            fx,
            charged: lines.iter().map(|line| line.price).sum(),
            messages: lines.iter().filter(|line| line.is_of_messages()).map(|line| line.messages).sum(),
            is_past,
        }
    }
}
