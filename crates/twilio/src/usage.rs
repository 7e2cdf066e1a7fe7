//! What Twilio says was used and charged, by day. Twilio's days are UTC.

use crate::client::Client;
use crate::error::TwilioError;
use crate::wire;
use chrono::NaiveDate;
use dakiya_core::usage::UsageKind;
use rust_decimal::Decimal;
use serde::Deserialize;
use url::form_urlencoded;

/// One category on one day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct UsageRecord {
    /// `sms`, `sms-outbound`, `channels-whatsapp`, `totalprice` … An open list whose entries overlap: never add them up.
    pub category: String,
    /// The day (UTC), when the record covers one.
    pub start_date: NaiveDate,
    /// The last day it covers.
    pub end_date: NaiveDate,
    /// How many messages.
    #[serde(default, deserialize_with = "wire::decimal")]
    pub count: Option<Decimal>,
    /// How many billed units.
    #[serde(default, deserialize_with = "wire::decimal")]
    pub usage: Option<Decimal>,
    /// What was charged; below zero is a credit. Unlike a message's price, a charge has no sign here.
    #[serde(default, deserialize_with = "wire::decimal")]
    pub price: Option<Decimal>,
    /// Its currency; Twilio writes it in lower case here.
    #[serde(default)]
    pub price_unit: String,
    /// Until when the record counts, as Twilio writes it.
    #[serde(default)]
    pub as_of: Option<String>,
}

/// More pages than a year of every category has: a list that does not end is none.
const MOST_PAGES: usize = 1_000;

impl UsageRecord {
    /// What it is about, if it is a category that is told apart. The others overlap with those.
    pub fn kind(&self) -> Option<UsageKind> {
        Some(match self.category.as_str() {
            "totalprice" => UsageKind::Total,
            "sms-outbound" => UsageKind::SmsOutbound,
            "sms-inbound" => UsageKind::SmsInbound,
            "channels-whatsapp" => UsageKind::Whatsapp,
            "channels-whatsapp-outbound" => UsageKind::WhatsappOutbound,
            "channels-whatsapp-inbound" => UsageKind::WhatsappInbound,
            "phonenumbers" => UsageKind::Number,
            _ => return None,
        })
    }
}

#[derive(Deserialize)]
struct UsagePage {
    usage_records: Vec<UsageRecord>,
    #[serde(default)]
    next_page_uri: Option<String>,
}

impl Client {
    /// Daily records of one category, or of all, both days included.
    pub async fn daily_usage(
        &self,
        category: Option<&str>,
        first: NaiveDate,
        last: NaiveDate,
    ) -> Result<Vec<UsageRecord>, TwilioError> {
        let query = daily_query(category, first, last);
        let mut records = Vec::new();
        let mut page: UsagePage =
            self.get(format!("{}?{query}", self.account_url("Usage/Records/Daily.json"))).await?;
        for _ in 0..MOST_PAGES {
            records.append(&mut page.usage_records);
            match self.follow(page.next_page_uri.as_deref()).await? {
                Some(next) => page = next,
                None => return Ok(records),
            }
        }
        Err(TwilioError::Malformed("the list of usage records does not end"))
    }
}

fn daily_query(category: Option<&str>, first: NaiveDate, last: NaiveDate) -> String {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    if let Some(category) = category {
        pairs.append_pair("Category", category);
    }
    pairs.append_pair("StartDate", &first.to_string());
    pairs.append_pair("EndDate", &last.to_string());
    pairs.append_pair("PageSize", "1000");
    pairs.finish()
}
