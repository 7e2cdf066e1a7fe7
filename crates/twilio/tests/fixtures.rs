//! Answers and webhooks as Twilio writes them are read without loss.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use dakiya_core::encoding::Segments;
use dakiya_core::message::{Channel, Status};
use dakiya_core::money::Currency;
use dakiya_twilio::account::Balance;
use dakiya_twilio::error::ApiError;
use dakiya_twilio::pricing::CountryPrices;
use dakiya_twilio::signature::form_params;
use dakiya_twilio::usage::UsageRecord;
use dakiya_twilio::wire::{InboundMessage, Message, MessagePage, StatusCallback};
use std::fs;
use std::path::PathBuf;

fn fixtures(prefix: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/fixtures");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let named = files.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path));
    let found: Vec<_> = named.filter(|(name, _)| name.starts_with(prefix)).collect();
    assert!(!found.is_empty(), "no fixture begins with {prefix}");
    found.into_iter().map(|(name, path)| (name, fs::read_to_string(path).unwrap())).collect()
}

fn fixture(name: &str) -> String {
    let mut found = fixtures(name);
    assert_eq!(found.len(), 1, "{name}");
    found.remove(0).1
}

fn webhook(json: &str) -> Vec<(String, String)> {
    let wrapped: serde_json::Value = serde_json::from_str(json).unwrap();
    let params = form_params(wrapped["raw_body"].as_str().unwrap().as_bytes());
    let listed: Vec<(String, String)> = serde_json::from_value(wrapped["params"].clone()).unwrap();
    assert_eq!(params, listed);
    params
}

fn message(name: &str) -> Message {
    serde_json::from_str(&fixture(name)).unwrap()
}

#[test]
fn every_message_is_read() {
    for prefix in ["message_create", "message_fetch", "message_update"] {
        for (name, json) in fixtures(prefix) {
            let message: Message =
                serde_json::from_str(&json).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(message.created_at.is_some() && message.status.is_some(), "{name}");
        }
    }
}

#[test]
fn a_price_is_positive_and_exact_and_absent_until_rated() {
    let priced = message("message_fetch_delivered_priced");
    let charge = priced.charge().unwrap();
    assert_eq!((charge.amount.to_string().as_str(), charge.currency), ("0.01110", Currency::Usd));
    assert_eq!(priced.our_status(), Some(Status::Delivered));
    assert_eq!(message("message_fetch_sent_unpriced").charge(), None);
}

#[test]
fn a_service_has_neither_sender_nor_segments_at_first() {
    let accepted = message("message_create_accepted_service");
    assert_eq!((accepted.from, accepted.segments), (None, None));
    assert_eq!(message("message_create_queued").segments, Some(Segments(1)));
}

#[test]
fn the_whatsapp_prefix_stays_at_the_door() {
    let read = message("message_fetch_whatsapp_read");
    let (from, to) = (read.from.unwrap(), read.to.unwrap());
    assert_eq!((from.channel, from.bare()), (Channel::Whatsapp, "+14155238886"));
    assert_eq!(
        (to.phone().unwrap().to_string().as_str(), read.status.unwrap().as_str()),
        ("+919876543210", "read")
    );
}

#[test]
fn numbers_may_be_strings_or_numbers_and_unknown_fields_are_ignored() {
    let json = r#"{"sid":"SM00000000000000000000000000000001","num_segments":2,"price":-0.0075,"price_unit":"usd",
        "error_code":"30005","status":"teleported","something":{"new":[1]},"body":null,"subresource_uris":null}"#;
    let message: Message = serde_json::from_str(json).unwrap();
    assert_eq!(
        (message.segments, message.error_code, message.status),
        (Some(Segments(2)), Some(30005), None)
    );
    assert_eq!(message.charge().unwrap().amount.to_string(), "0.0075");
}

#[test]
fn pages_say_where_the_next_one_is() {
    let first: MessagePage = serde_json::from_str(&fixture("message_list_page0")).unwrap();
    assert_eq!(first.messages.len(), 2);
    assert!(first.next_page_uri.unwrap().contains("PageToken=PASM"));
    for last in ["message_list_page1_last", "message_list_empty"] {
        let page: MessagePage = serde_json::from_str(&fixture(last)).unwrap();
        assert_eq!(page.next_page_uri, None);
    }
}

#[test]
fn every_error_carries_its_code() {
    for (name, json) in fixtures("error_") {
        let parts: Vec<&str> = name.split('_').collect();
        let error = ApiError::parse(parts[1].parse().unwrap(), json.as_bytes()).unwrap();
        assert_eq!(error.code, parts[2].parse::<u32>().unwrap(), "{name}");
        assert!(error.explanation().is_some(), "{name}");
    }
}

#[test]
fn every_status_callback_is_read() {
    for (name, json) in fixtures("callback_") {
        let callback = StatusCallback::parse(&webhook(&json)).unwrap();
        assert!(name.contains(callback.status.unwrap().as_str()), "{name}");
        assert_eq!(
            callback.error_code.is_some(),
            name.contains("failed") || name.contains("undelivered"),
            "{name}"
        );
    }
}

#[test]
fn every_inbound_message_is_read() {
    for (name, json) in fixtures("inbound_") {
        let inbound = InboundMessage::parse(&webhook(&json)).unwrap();
        assert!(inbound.from.phone().is_some(), "{name}");
        assert_eq!(inbound.channel() == Channel::Whatsapp, name.contains("whatsapp"), "{name}");
    }
    let stop = InboundMessage::parse(&webhook(&fixture("inbound_sms_stop_advanced"))).unwrap();
    assert_eq!(stop.opt_out_type.as_deref(), Some("STOP"));
    let place = InboundMessage::parse(&webhook(&fixture("inbound_whatsapp_location"))).unwrap();
    assert_eq!(place.location, Some(("12.9716".to_owned(), "77.5946".to_owned())));
    assert!(InboundMessage::parse(&[]).is_err());
}

#[test]
fn a_sender_without_a_number_is_no_error() {
    let mut params = webhook(&fixture("inbound_whatsapp_text"));
    params
        .iter_mut()
        .filter(|(name, _)| name == "From")
        .for_each(|(_, from)| *from = "whatsapp:ID.abc".to_owned());
    let inbound = InboundMessage::parse(&params).unwrap();
    assert_eq!((inbound.from.phone(), inbound.from.bare()), (None, "ID.abc"));
}

#[test]
fn balance_prices_and_usage_are_exact_decimals() {
    let balance: Balance = serde_json::from_str(&fixture("balance")).unwrap();
    assert_eq!(balance.balance.unwrap().to_string(), "41.20");
    let india: CountryPrices = serde_json::from_str(&fixture("pricing_messaging_country_IN")).unwrap();
    let (low, high) = india.outbound_range("local").unwrap();
    assert_eq!((low.to_string().as_str(), high.to_string().as_str()), ("0.1111", "0.1333"));
    assert!(india.inbound_sms_prices.is_empty());
    for (name, json) in fixtures("usage_record") {
        let page: serde_json::Value = serde_json::from_str(&json).unwrap();
        let records: Vec<UsageRecord> = serde_json::from_value(page["usage_records"].clone()).unwrap();
        assert!(records.iter().all(|record| record.price.is_some()), "{name}");
    }
}
