//! The two cards that ship. Each figure says where it was read and how far to trust it.

use super::{Charge, Confidence, RateCard, RateItem, RateRow, RateUnit, Route};
use crate::message::{Category, Direction};
use crate::money::Currency;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// The setup guide names no day, so its figures are taken to hold from the start of the year it was read in.
const GUIDE: (i32, u32, u32) = (2026, 1, 1);

/// Twilio publishes no start either; this is the day its India price list was first read.
const TWILIO_LIST_READ: (i32, u32, u32) = (2026, 7, 1);

/// The day from which Meta prices by the message, not by the conversation.
const META_PER_MESSAGE: (i32, u32, u32) = (2025, 7, 1);

/// The day from which Meta charges for answers inside the 24-hour window.
const META_ANSWERS_CHARGED: (i32, u32, u32) = (2026, 10, 1);

/// Answers inside the window that Meta leaves free, per number and month.
const META_FREE_ANSWERS: u64 = 1_000;

impl RateCard {
    /// Every card that ships.
    pub fn presets() -> [RateCard; 2] {
        [RateCard::setup_guide(), RateCard::twilio_list()]
    }

    /// The default preset: the setup guide's figures. They are plain, in rupees, and contradicted by what Twilio
    /// publishes; hence their low confidence.
    pub fn setup_guide() -> RateCard {
        let source = "Setup guide; it gives no date, 1 January 2026 is assumed";
        // Prices in paise.
        let row = |item, direction, route, unit, low, expected, high| RateRow {
            item,
            direction,
            category: None,
            route,
            unit,
            charges: vec![Charge {
                name: "Setup guide".to_owned(),
                currency: Currency::Inr,
                low: paise(low),
                expected: paise(expected),
                high: paise(high),
                free_per_month: 0,
            }],
            valid_from: day(GUIDE),
            source: source.to_owned(),
            confidence: Confidence::Low,
        };
        let (sms, whatsapp, number) = (RateItem::Sms, RateItem::Whatsapp, RateItem::Number);
        let (out, inbound) = (Direction::Outbound, Direction::Inbound);
        RateCard {
            key: "setup-guide".to_owned(),
            name: "Setup guide".to_owned(),
            rows: vec![
                row(sms, out, Route::Any, RateUnit::Segment, 60, 80, 120),
                row(sms, inbound, Route::Any, RateUnit::Segment, 60, 60, 60),
                row(whatsapp, out, Route::BusinessInitiated, RateUnit::Message, 40, 60, 80),
                row(whatsapp, out, Route::InWindow, RateUnit::Message, 0, 0, 0),
                row(number, out, Route::Any, RateUnit::Month, 10_000, 15_000, 20_000),
            ],
        }
    }

    /// What Twilio and Meta publish for India.
    pub fn twilio_list() -> RateCard {
        let mut rows = vec![
            RateRow {
                item: RateItem::Sms,
                direction: Direction::Outbound,
                category: None,
                route: Route::Any,
                unit: RateUnit::Segment,
                charges: vec![twilio(Decimal::new(832, 4))],
                valid_from: day(TWILIO_LIST_READ),
                source: "twilio.com/en-us/sms/pricing/in, international route; in force at the latest from July 2026".to_owned(),
                confidence: Confidence::High,
            },
            RateRow {
                item: RateItem::Number,
                direction: Direction::Outbound,
                category: None,
                route: Route::Any,
                unit: RateUnit::Month,
                charges: vec![twilio(Decimal::new(115, 2))],
                valid_from: day(TWILIO_LIST_READ),
                source: "twilio.com/en-us/sms/pricing/in, the cheapest number; in force at the latest from July 2026".to_owned(),
                confidence: Confidence::Medium,
            },
            RateRow {
                item: RateItem::Whatsapp,
                direction: Direction::Inbound,
                category: None,
                route: Route::Any,
                unit: RateUnit::Message,
                charges: vec![twilio(whatsapp_fee())],
                valid_from: day(META_PER_MESSAGE),
                source: format!("{TWILIO_FEE_SOURCE}; Meta charges nothing"),
                confidence: Confidence::High,
            },
        ];
        rows.extend(whatsapp_rows());
        RateCard { key: "twilio-list".to_owned(), name: "Twilio list, India".to_owned(), rows }
    }
}

const TWILIO_FEE_SOURCE: &str =
    "twilio.com/en-us/whatsapp/pricing, fee per message as read in September 2026";

/// Meta's fee in rupees and Twilio's in dollars, by what the message is for.
fn whatsapp_rows() -> Vec<RateRow> {
    let utility = Decimal::new(115, 3);
    let row = |category, route, valid_from, meta: Charge, source: &str, confidence| RateRow {
        item: RateItem::Whatsapp,
        direction: Direction::Outbound,
        category: Some(category),
        route,
        unit: RateUnit::Message,
        charges: vec![meta, twilio(whatsapp_fee())],
        valid_from: day(valid_from),
        source: format!("{source}; {TWILIO_FEE_SOURCE}"),
        confidence,
    };
    let marketing = |amount, valid_from| {
        let source = "Meta's INR rate card for India, marketing";
        row(Category::Promotional, Route::Any, valid_from, meta(amount, 0), source, Confidence::High)
    };
    let mut rows = vec![
        marketing(Decimal::new(7846, 4), META_PER_MESSAGE),
        marketing(Decimal::new(8631, 4), (2026, 1, 1)),
        row(
            Category::Otp,
            Route::Any,
            META_PER_MESSAGE,
            meta(utility, 0),
            "Meta's INR rate card for India, authentication",
            Confidence::High,
        ),
    ];
    for category in [Category::Transactional, Category::Service] {
        rows.push(row(
            category,
            Route::BusinessInitiated,
            META_PER_MESSAGE,
            meta(utility, 0),
            "Meta's INR rate card for India, utility",
            Confidence::High,
        ));
        rows.push(row(
            category,
            Route::InWindow,
            META_PER_MESSAGE,
            meta(Decimal::ZERO, 0),
            "Meta's changelog: answers inside the 24-hour window are free until 30 September 2026",
            Confidence::High,
        ));
        rows.push(row(
            category,
            Route::InWindow,
            META_ANSWERS_CHARGED,
            meta(utility, META_FREE_ANSWERS),
            "Meta's changelog: answers inside the 24-hour window, the first 1,000 a month of each number free",
            Confidence::Medium,
        ));
    }
    rows
}

fn meta(amount: Decimal, free_per_month: u64) -> Charge {
    Charge {
        name: "Meta".to_owned(),
        currency: Currency::Inr,
        low: amount,
        expected: amount,
        high: amount,
        free_per_month,
    }
}

fn twilio(amount: Decimal) -> Charge {
    Charge {
        name: "Twilio".to_owned(),
        currency: Currency::Usd,
        low: amount,
        expected: amount,
        high: amount,
        free_per_month: 0,
    }
}

fn whatsapp_fee() -> Decimal {
    Decimal::new(5, 3)
}

fn paise(amount: i64) -> Decimal {
    Decimal::new(amount, 2)
}

fn day((year, month, day): (i32, u32, u32)) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_else(|| unreachable!("a day of the calendar"))
}
