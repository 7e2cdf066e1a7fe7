//! Scenarios: the plain month of the guide, and everything that may be changed about it.

use super::*;
use crate::apportion;
use crate::message::{Category, Channel};
use crate::money::{FxRate, Money};
use crate::rate_card::{NoRate, RateCard};
use crate::tax::{Gst, GstMode};
use chrono::NaiveDate;
use proptest::prelude::*;

const PLAIN: Scenario = Scenario {
    requests_per_month: 1_000,
    sms_per_request: 3,
    phone_numbers: 1,
    whatsapp_percent: 0,
    in_window_percent: 0,
    rupee_sign: false,
    inbound_sms: 0,
    inbound_whatsapp: 0,
    usd_inr: None,
};

const GST: fn() -> Gst = || Gst { mode: GstMode::VendorCharged, rate: Decimal::from(18) };

fn priced(scenario: Scenario, card: &RateCard) -> Result<ScenarioCost, NoRate> {
    let fx = FxRate { inr_per_usd: Decimal::from(96) };
    scenario.evaluate(card, NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(), fx, GST())
}

fn on_list(scenario: Scenario) -> ScenarioCost {
    priced(scenario, &RateCard::twilio_list()).unwrap()
}

fn on_guide(scenario: Scenario) -> ScenarioCost {
    priced(scenario, &RateCard::setup_guide()).unwrap()
}

/// Name, quantity and amount of each line.
fn lines(cost: &ScenarioCost) -> Vec<(&str, u64, String)> {
    cost.lines.iter().map(|line| (line.name.as_str(), line.quantity, line.amount.to_plain())).collect()
}

fn totals(cost: &ScenarioCost) -> [String; 3] {
    [cost.total, cost.gst, cost.total + cost.gst].map(Money::to_plain)
}

#[test]
fn the_plain_month_costs_2550_by_the_setup_guide() {
    let cost = on_guide(PLAIN);
    assert_eq!(
        lines(&cost),
        [("Outbound SMS", 3_000, "2400.00".to_owned()), ("Phone numbers", 1, "150.00".to_owned())]
    );
    assert_eq!(totals(&cost), ["2550.00", "459.00", "3009.00"]);
    assert_eq!((cost.low.to_plain(), cost.high.to_plain()), ("1900.00".to_owned(), "3800.00".to_owned()));
}

#[test]
fn the_plain_month_costs_24072_by_twilios_list() {
    assert_eq!(totals(&on_list(PLAIN)), ["24072.00", "4332.96", "28404.96"]);
}

#[test]
fn the_dollar_moves_what_is_quoted_in_dollars_and_nothing_else() {
    let dear = Scenario { usd_inr: Some(Decimal::from(98)), ..PLAIN };
    assert_eq!(totals(&on_list(dear)), ["24573.50", "4423.23", "28996.73"]);
    assert_eq!(totals(&on_guide(dear)), totals(&on_guide(PLAIN)));
    // Meta's ₹0.115 stays, Twilio's US$0.005 is ₹0.49 instead of ₹0.48.
    let whatsapp = Scenario { whatsapp_percent: 100, phone_numbers: 0, ..dear };
    assert_eq!(on_list(whatsapp).lines[0].rate.to_plain(), "0.605");
}

#[test]
fn the_worked_examples_of_the_finance_guide() {
    let dear = Scenario { usd_inr: Some(Decimal::from(98)), ..PLAIN };
    let sign = Scenario { rupee_sign: true, ..PLAIN };
    let half = Scenario { whatsapp_percent: 50, ..PLAIN };
    for (scenario, guide, list) in
        [(PLAIN, "2550.00", "24072.00"), (dear, "2550.00", "24573.50"), (half, "2250.00", "12983.70")]
    {
        let totals = [on_guide(scenario).total, on_list(scenario).total].map(Money::to_plain);
        assert_eq!(totals, [guide, list], "{scenario:?}");
    }
    let texts = [on_guide(sign), on_list(sign)].map(|cost| cost.lines[0].amount.to_plain());
    assert_eq!(texts, ["4800.00", "47923.20"]);
    let with_gst = [on_guide(PLAIN), on_list(PLAIN), on_list(dear)].map(|cost| totals(&cost)[2].clone());
    assert_eq!(with_gst, ["3009.00", "28404.96", "28996.73"]);
}

#[test]
fn gst_is_reckoned_by_its_mode_on_the_exact_sum() {
    let fx = FxRate { inr_per_usd: Decimal::from(96) };
    let day = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
    for (mode, rate, tax) in [
        (GstMode::VendorCharged, "18", "4332.96"),
        (GstMode::ReverseCharge, "18", "4332.96"),
        (GstMode::None, "18", "0.00"),
        (GstMode::VendorCharged, "12.5", "3009.00"),
    ] {
        let gst = Gst { mode, rate: rate.parse().unwrap() };
        let cost = PLAIN.evaluate(&RateCard::twilio_list(), day, fx, gst).unwrap();
        assert_eq!((cost.total.to_plain(), cost.gst.to_plain()), ("24072.00".to_owned(), tax.to_owned()));
    }
}

#[test]
fn the_rupee_sign_doubles_the_segments_and_the_page_says_why() {
    assert_eq!((segments_per_text(false), segments_per_text(true)), (1, 2));
    let cost = on_guide(Scenario { rupee_sign: true, ..PLAIN });
    assert_eq!(lines(&cost)[0], ("Outbound SMS", 6_000, "4800.00".to_owned()));
    assert!(
        cost.assumptions[0].ends_with("₹, which is not in GSM-7: 2 segments each."),
        "{:?}",
        cost.assumptions
    );
    assert!(on_guide(PLAIN).assumptions[0].ends_with("Rs.: 1 segment each."));
}

#[test]
fn a_share_goes_by_whatsapp_and_every_message_goes_somewhere() {
    let cost = on_list(Scenario { whatsapp_percent: 50, ..PLAIN });
    assert_eq!(
        lines(&cost),
        [
            ("Outbound SMS", 1_500, "11980.80".to_owned()),
            ("WhatsApp messages", 1_500, "892.50".to_owned()),
            ("Phone numbers", 1, "110.40".to_owned()),
        ]
    );
    for percent in 0..=100 {
        let scenario = Scenario { requests_per_month: 33, whatsapp_percent: percent, ..PLAIN };
        let (texts, whatsapp) = scenario.messages();
        assert_eq!(texts + whatsapp, 99, "{percent} %");
    }
}

#[test]
fn answers_within_24_hours_are_free_of_metas_charge_up_to_the_allowance() {
    let answers = Scenario { whatsapp_percent: 100, in_window_percent: 50, phone_numbers: 0, ..PLAIN };
    let cost = on_list(answers);
    // 1,500 at ₹0.115 + US$0.005; of the first 1,000 Meta charges nothing, Twilio its fee all the same.
    assert_eq!(
        lines(&cost),
        [
            ("WhatsApp messages", 1_500, "892.50".to_owned()),
            ("WhatsApp answers within 24 hours", 1_500, "892.50".to_owned()),
            ("WhatsApp answers within 24 hours: free of Meta’s charge", 1_000, "-115.00".to_owned()),
            ("Phone numbers", 0, "0.00".to_owned()),
        ]
    );
    assert_eq!(cost.total.to_plain(), "1670.00");
    assert!(
        cost.assumptions.iter().any(|said| said.contains("first 1,000 a month")),
        "{:?}",
        cost.assumptions
    );
    // By the guide they cost nothing at all, so that nothing is free of anything.
    let guide = on_guide(answers);
    assert_eq!(lines(&guide)[1], ("WhatsApp answers within 24 hours", 1_500, "0.00".to_owned()));
    assert_eq!(guide.lines.len(), 3);
    let few = on_list(Scenario { requests_per_month: 100, ..answers });
    assert_eq!((few.lines[2].quantity, few.total.to_plain()), (150, "161.25".to_owned()));
}

#[test]
fn what_a_card_has_no_price_for_is_said_and_what_is_not_asked_for_needs_none() {
    let texts_back = Scenario { inbound_sms: 10, ..PLAIN };
    assert_eq!(lines(&on_guide(texts_back))[1], ("Inbound SMS", 10, "6.00".to_owned()));
    let refused = priced(texts_back, &RateCard::twilio_list()).unwrap_err().to_string();
    assert!(refused.contains("no inbound sms price"), "{refused}");
    let written_back = Scenario { inbound_whatsapp: 10, ..PLAIN };
    assert_eq!(lines(&on_list(written_back))[1], ("Inbound WhatsApp", 10, "4.80".to_owned()));
    assert!(priced(written_back, &RateCard::setup_guide()).is_err());
}

#[test]
fn a_scenario_prices_as_an_estimate_does() {
    let card = RateCard::twilio_list();
    let (day, fx) =
        (NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(), FxRate { inr_per_usd: Decimal::from(96) });
    let unit = card.outbound(Channel::Sms, Category::Service, day, fx).unwrap().expected;
    assert_eq!(on_list(PLAIN).lines[0].rate, unit);
}

#[test]
fn a_month_no_business_has_is_refused_and_the_largest_one_is_priced() {
    let largest = Scenario {
        requests_per_month: 1_000_000_000,
        sms_per_request: 1_000,
        phone_numbers: 1_000_000,
        inbound_whatsapp: 1_000_000_000,
        whatsapp_percent: 50,
        rupee_sign: true,
        usd_inr: Some(Decimal::from(1_000)),
        ..PLAIN
    };
    assert_eq!(largest.validate(), Ok(()));
    assert!(on_list(largest).total > Money::ZERO);
    let beyond = Scenario {
        requests_per_month: u64::MAX,
        sms_per_request: 1_001,
        phone_numbers: 1_000_001,
        whatsapp_percent: 101,
        in_window_percent: 101,
        inbound_sms: 1_000_000_001,
        inbound_whatsapp: u64::MAX,
        usd_inr: Some(Decimal::ZERO),
        rupee_sign: true,
    };
    let fields: Vec<String> = beyond.validate().unwrap_err().into_iter().map(|error| error.field).collect();
    let all = [
        "requests_per_month",
        "sms_per_request",
        "phone_numbers",
        "whatsapp_percent",
        "in_window_percent",
        "inbound_sms",
        "inbound_whatsapp",
        "usd_inr",
    ];
    assert_eq!(fields, all);
}

#[test]
fn a_stored_scenario_says_only_what_has_to_be_said() {
    let short = r#"{"requests_per_month":1000,"sms_per_request":3,"phone_numbers":1}"#;
    assert_eq!(serde_json::from_str::<Scenario>(short).unwrap(), PLAIN);
    let dear = Scenario { usd_inr: Some("98.25".parse().unwrap()), whatsapp_percent: 40, ..PLAIN };
    assert_eq!(serde_json::from_str::<Scenario>(&serde_json::to_string(&dear).unwrap()).unwrap(), dear);
}

#[test]
fn keys_are_made_of_names_and_stand_in_addresses() {
    for (name, key) in [
        ("Diwali 2026", "diwali-2026"),
        ("  ₹ → Rs. everywhere! ", "rs-everywhere"),
        ("दिवाली", "scenario"),
        ("New", "scenario"),
    ] {
        assert_eq!(key_of_name(name), key);
        assert!(checked_key(key).is_ok());
    }
    for key in ["", "new", "Diwali", "a b", "../x", &"a".repeat(65)] {
        assert!(checked_key(key).is_err(), "{key}");
    }
    assert_eq!(checked_name(" Plan B "), Ok("Plan B".to_owned()));
    assert!(checked_name(" ").is_err() && checked_name(&"x".repeat(101)).is_err());
}

proptest! {
    #[test]
    fn the_lines_add_up_exactly_and_also_as_they_are_shown(
        requests in 0u64..100_000, each in 0u64..12, numbers in 0u64..40, whatsapp in 0u32..=100, answers in 0u32..=100,
        rate in 80_0000i64..120_0000, rupee_sign: bool,
    ) {
        let scenario = Scenario {
            requests_per_month: requests, sms_per_request: each, phone_numbers: numbers, whatsapp_percent: whatsapp,
            in_window_percent: answers, usd_inr: Some(Decimal::new(rate, 4)), rupee_sign, ..PLAIN
        };
        let cost = on_list(scenario);
        let amounts: Vec<Money> = cost.lines.iter().map(|line| line.amount).collect();
        prop_assert_eq!(amounts.iter().copied().sum::<Money>(), cost.total);
        for line in &cost.lines {
            prop_assert_eq!(line.rate * line.quantity, line.amount);
        }
        prop_assert!(cost.low <= cost.total && cost.total <= cost.high);
        let shown: Money = apportion::to_paise(&amounts).into_iter().sum();
        prop_assert_eq!(shown, cost.total.rounded_to_paise());
    }
}

#[test]
fn what_is_too_much_is_written_as_people_write_it() {
    let month = Scenario { requests_per_month: 9_999_999_999, ..Scenario::default() };
    let said: Vec<String> = month.validate().unwrap_err().into_iter().map(|error| error.message).collect();
    assert_eq!(said, ["9,99,99,99,999 is too much; it may be at most 1,00,00,00,000"]);
}
