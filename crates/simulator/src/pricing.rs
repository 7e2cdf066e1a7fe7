//! The Pricing API: what the simulated account pays for SMS by country.

use crate::sim::{Sim, api_error, json};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json as value};
use std::sync::Arc;

const COUNTRIES: [(&str, &str); 2] = [("IN", "India"), ("US", "United States")];

/// `GET /v1/Messaging/Countries`
pub(crate) async fn countries(State(sim): State<Arc<Sim>>) -> Response {
    let listed: Vec<Value> = COUNTRIES
        .iter()
        .map(|(iso, name)| value!({"country": name, "iso_country": iso, "url": url(&sim, iso)}))
        .collect();
    let first = format!("{}/v1/Messaging/Countries?PageSize=50&Page=0", sim.base_url);
    let meta = value!({
        "first_page_url": first, "key": "countries", "next_page_url": null, "page": 0, "page_size": 50,
        "previous_page_url": null, "url": first,
    });
    json(StatusCode::OK, &value!({"countries": listed, "meta": meta}))
}

/// `GET /v1/Messaging/Countries/{iso}`
pub(crate) async fn country(State(sim): State<Arc<Sim>>, Path(iso): Path<String>) -> Response {
    let Some((iso, name)) = COUNTRIES.iter().find(|(known, _)| *known == iso) else {
        return api_error(StatusCode::NOT_FOUND, 20404);
    };
    let price = |price: rust_decimal::Decimal| {
        let price = price.round_dp(8).to_string();
        value!([{"number_type": "local", "base_price": price, "current_price": price},
                {"number_type": "mobile", "base_price": price, "current_price": price}])
    };
    let outbound = price(sim.config.sms_price);
    let carrier = |name: &str, mcc: &str, mnc: &str| value!({"carrier": name, "mcc": mcc, "mnc": mnc, "prices": outbound});
    // Nothing can be received in India.
    let inbound = if *iso == "IN" { value!([]) } else { price(sim.config.inbound_price) };
    json(
        StatusCode::OK,
        &value!({
            "country": name, "iso_country": iso, "price_unit": "USD", "url": url(&sim, iso),
            "outbound_sms_prices": [carrier("Simulated North", "404", "01"), carrier("Simulated South", "405", "02")],
            "inbound_sms_prices": inbound,
        }),
    )
}

fn url(sim: &Sim, iso: &str) -> String {
    format!("{}/v1/Messaging/Countries/{iso}", sim.base_url)
}
