//! What Twilio charges for SMS by country. WhatsApp is not in this API.

use crate::client::Client;
use crate::error::TwilioError;
use crate::wire;
use rust_decimal::Decimal;
use serde::Deserialize;

/// One country's prices for SMS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CountryPrices {
    /// As people read it.
    pub country: String,
    /// ISO 3166, two letters.
    pub iso_country: String,
    /// The currency, upper case.
    pub price_unit: String,
    /// By carrier.
    #[serde(default)]
    pub outbound_sms_prices: Vec<CarrierPrices>,
    /// By kind of number; empty where nothing can be received, as in India.
    #[serde(default)]
    pub inbound_sms_prices: Vec<NumberPrice>,
}

/// What it costs to reach one carrier.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct CarrierPrices {
    /// The carrier.
    #[serde(default)]
    pub carrier: String,
    /// By kind of sender.
    #[serde(default)]
    pub prices: Vec<NumberPrice>,
}

/// The price of one segment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NumberPrice {
    /// `local`, `mobile`, `shortcode`, `toll free` …
    #[serde(default)]
    pub number_type: String,
    /// The list price.
    #[serde(default, deserialize_with = "wire::decimal")]
    pub base_price: Option<Decimal>,
    /// What this account pays, discounts included. This is what is billed.
    #[serde(default, deserialize_with = "wire::decimal")]
    pub current_price: Option<Decimal>,
}

impl CountryPrices {
    /// The lowest and the highest price of one outbound segment over all carriers, for one kind of sender.
    pub fn outbound_range(&self, number_type: &str) -> Option<(Decimal, Decimal)> {
        let prices = || {
            let all = self.outbound_sms_prices.iter().flat_map(|carrier| &carrier.prices);
            all.filter(|price| price.number_type == number_type).filter_map(|price| price.current_price)
        };
        Some((prices().min()?, prices().max()?))
    }
}

impl Client {
    /// SMS prices of a country (ISO 3166, two letters).
    pub async fn messaging_prices(&self, iso_country: &str) -> Result<CountryPrices, TwilioError> {
        let iso: String = iso_country.chars().filter(char::is_ascii_alphabetic).collect();
        self.get(self.pricing_url(&format!("Messaging/Countries/{}", iso.to_ascii_uppercase()))).await
    }
}
