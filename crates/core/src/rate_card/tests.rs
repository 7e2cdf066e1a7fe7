//! Rows in force, and what the cards that ship ask.

use super::*;

const FX: FxRate = FxRate { inr_per_usd: Decimal::from_parts(96, 0, 0, false, 0) };

fn rupees(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn the_setup_guide_says_what_the_guide_says() {
    let (card, on) = (RateCard::setup_guide(), day("2026-11-22"));
    let spread =
        |low, expected, high| Ok(Spread { low: rupees(low), expected: rupees(expected), high: rupees(high) });
    for category in Category::ALL {
        assert_eq!(card.outbound(Channel::Sms, *category, on, FX), spread("0.60", "0.80", "1.20"));
        assert_eq!(card.outbound(Channel::Whatsapp, *category, on, FX), spread("0.40", "0.60", "0.80"));
        let row =
            card.row(RateItem::Whatsapp, Direction::Outbound, Some(*category), Route::InWindow, on).unwrap();
        assert_eq!(row.unit_price(FX), Spread::ZERO);
    }
    assert_eq!(card.inbound(Channel::Sms, on, FX), spread("0.60", "0.60", "0.60"));
    assert_eq!(card.number_rent(on, FX), spread("100", "150", "200"));
    assert!(card.rows.iter().all(|row| row.confidence == Confidence::Low));
}

#[test]
fn twilios_list_adds_metas_rupees_to_twilios_dollars() {
    let card = RateCard::twilio_list();
    let outbound = |channel, category, on| {
        card.outbound(channel, category, day(on), FX).map(|spread| spread.expected.to_plain()).ok()
    };
    for (channel, category, on, expected) in [
        (Channel::Sms, Category::Service, "2026-11-22", Some("7.9872")),
        (Channel::Sms, Category::Otp, "2026-06-30", None),
        (Channel::Whatsapp, Category::Promotional, "2026-11-22", Some("1.3431")),
        (Channel::Whatsapp, Category::Promotional, "2026-01-01", Some("1.3431")),
        (Channel::Whatsapp, Category::Promotional, "2025-12-31", Some("1.2646")),
        (Channel::Whatsapp, Category::Promotional, "2025-06-30", None),
        (Channel::Whatsapp, Category::Service, "2026-11-22", Some("0.595")),
        (Channel::Whatsapp, Category::Transactional, "2026-11-22", Some("0.595")),
        (Channel::Whatsapp, Category::Otp, "2026-11-22", Some("0.595")),
    ] {
        assert_eq!(outbound(channel, category, on).as_deref(), expected, "{category} by {channel} on {on}");
    }
    let on = day("2026-11-22");
    assert_eq!(card.number_rent(on, FX), Ok(Spread::exact(rupees("110.40"))));
    assert_eq!(card.inbound(Channel::Whatsapp, on, FX), Ok(Spread::exact(rupees("0.48"))));
}

#[test]
fn answers_inside_the_window_have_a_free_allowance() {
    let card = RateCard::twilio_list();
    let row = |on| {
        card.row(RateItem::Whatsapp, Direction::Outbound, Some(Category::Service), Route::InWindow, day(on))
    };
    let month = |on, units| row(on).unwrap().month_price(units, FX).expected;
    assert_eq!(month("2026-10-01", 1_000), rupees("480"));
    assert_eq!(month("2026-10-01", 1_001), rupees("480.595"));
    assert_eq!(month("2026-09-30", 1_001), rupees("480.48"));
    let promotional = card.row(
        RateItem::Whatsapp,
        Direction::Outbound,
        Some(Category::Promotional),
        Route::InWindow,
        day("2026-10-01"),
    );
    assert_eq!(promotional.unwrap().unit_price(FX).expected, rupees("1.3431"));
}

#[test]
fn a_row_for_the_category_goes_before_one_for_any_and_the_latest_goes_before_older_ones() {
    let base = RateCard::setup_guide().rows.remove(0);
    let row = |category, valid_from, expected: i64| RateRow {
        category,
        valid_from: day(valid_from),
        charges: vec![Charge { expected: Decimal::from(expected), ..base.charges[0].clone() }],
        ..base.clone()
    };
    let rows = vec![
        row(None, "2026-05-01", 3),
        row(None, "2026-01-01", 1),
        row(Some(Category::Otp), "2026-02-01", 2),
        row(None, "2026-06-01", 4),
    ];
    let card = RateCard { key: "ours".to_owned(), name: "Ours".to_owned(), rows };
    let price = |category, on| {
        card.outbound(Channel::Sms, category, day(on), FX).map(|spread| spread.expected.rupees())
    };
    for (category, on, expected) in [
        (Category::Service, "2026-01-01", 1),
        (Category::Service, "2026-04-30", 1),
        (Category::Service, "2026-05-01", 3),
        (Category::Service, "2026-06-01", 4),
        (Category::Otp, "2026-01-31", 1),
        (Category::Otp, "2026-12-31", 2),
    ] {
        assert_eq!(price(category, on), Ok(Decimal::from(expected)), "{category} on {on}");
    }
}

#[test]
fn what_has_no_price_is_refused_with_a_next_step() {
    let refusal =
        RateCard::setup_guide().outbound(Channel::Sms, Category::Otp, day("2025-12-31"), FX).unwrap_err();
    let words = "rate card \"setup-guide\" has no outbound sms price for otp messages on 2025-12-31; add a row before sending";
    assert_eq!(refusal.to_string(), words);
}

#[test]
fn presets_are_found_by_their_keys_and_survive_json() {
    for card in RateCard::presets() {
        assert_eq!(RateCard::preset(&card.key).as_ref(), Some(&card));
        let json = serde_json::to_string(&card).unwrap();
        assert_eq!(serde_json::from_str::<RateCard>(&json).unwrap(), card);
        assert!(card.rows.iter().all(|row| !row.source.is_empty() && !row.charges.is_empty()));
    }
    assert_eq!(RateCard::preset("nothing"), None);
}
