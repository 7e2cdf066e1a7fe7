//! One row of a rate card: in words, and in the form that adds one.

use crate::forms::{Faults, Fields};
use crate::view::Zone;
use chrono::NaiveDate;
use dakiya_core::decimal;
use dakiya_core::message::{Category, Direction};
use dakiya_core::money::Currency;
use dakiya_core::rate_card::{Charge, Comparison, Confidence, RateCard, RateItem, RateRow, RateUnit, Route};
use dakiya_store::rate_cards::KeptRow;
use rust_decimal::Decimal;

/// What the form offers: word, label.
pub(super) const ITEMS: [(&str, &str); 3] = [
    ("sms", "SMS, by the segment"),
    ("whatsapp", "WhatsApp, by the message"),
    ("number", "Number, by the month"),
];
pub(super) const DIRECTIONS: [(&str, &str); 2] = [("outbound", "Out"), ("inbound", "In")];
pub(super) const CATEGORIES: [(&str, &str); 4] = [
    ("otp", "OTP"),
    ("transactional", "Transactional"),
    ("service", "Service"),
    ("promotional", "Promotional"),
];
pub(super) const ROUTES: [(&str, &str); 3] =
    [("any", "Any"), ("business_initiated", "We write first"), ("in_window", "Inside 24 hours")];
pub(super) const CURRENCIES: [(&str, &str); 2] = [("INR", "₹ INR"), ("USD", "US$ USD")];
pub(super) const CONFIDENCES: [(&str, &str); 3] = [
    ("high", "High: several readings agree"),
    ("medium", "Medium: one reading"),
    ("low", "Low: contradicted or undated"),
];

/// The fields of one charge.
pub(super) struct ChargeFields {
    pub(super) name: &'static str,
    pub(super) currency: &'static str,
    pub(super) low: &'static str,
    pub(super) expected: &'static str,
    pub(super) high: &'static str,
    pub(super) free: &'static str,
    /// The row has none of it when nothing is filled in.
    optional: bool,
}

/// Charges that the form has room for.
pub(super) const CHARGE_FIELDS: [ChargeFields; 2] = [
    ChargeFields {
        name: "name_1",
        currency: "currency_1",
        low: "low_1",
        expected: "expected_1",
        high: "high_1",
        free: "free_1",
        optional: false,
    },
    ChargeFields {
        name: "name_2",
        currency: "currency_2",
        low: "low_2",
        expected: "expected_2",
        high: "high_2",
        free: "free_2",
        optional: true,
    },
];

/// A row as the table shows it.
pub(super) struct RowView {
    pub(super) mark: String,
    pub(super) what: String,
    /// Each charge: `Twilio US$0.0832`.
    pub(super) charges: Vec<String>,
    pub(super) valid_from: NaiveDate,
    /// `in force`, `to come`, or nothing for what was replaced or is never asked for.
    pub(super) state: &'static str,
    /// How many days old it is, when it is in force and that is too long.
    pub(super) stale_for: Option<i64>,
    pub(super) source: String,
    pub(super) confidence: &'static str,
    /// When it was written down and by whom.
    pub(super) created: String,
    /// When it was taken out and by whom.
    pub(super) retired: Option<String>,
}

/// What a form names a row by: everything that makes it this row among its card's.
pub(super) fn mark(row: &RateRow) -> String {
    let category = row.category.map_or("", Category::as_str);
    format!("{}/{}/{category}/{}/{}", row.item, row.direction, row.route, row.valid_from)
}

/// Rows with their history, newest first.
pub(super) fn views(card: &RateCard, kept: Vec<KeptRow>, today: NaiveDate, zone: Zone) -> Vec<RowView> {
    let mut kept = kept;
    kept.sort_by_key(|kept| (kept.row.item, kept.row.direction, std::cmp::Reverse(kept.row.valid_from)));
    let in_force = card.in_force(today);
    let by = |(at, who): (dakiya_core::time::Timestamp, String)| format!("{} by {who}", zone.when(&at));
    kept.into_iter()
        .map(|kept| {
            let row = &kept.row;
            let holds = in_force.contains(&row);
            RowView {
                mark: mark(row),
                what: row_words(row),
                charges: row.charges.iter().map(charge_words).collect(),
                valid_from: row.valid_from,
                state: match () {
                    () if row.valid_from > today => "to come",
                    () if holds => "in force",
                    () => "",
                },
                stale_for: row.stale_for(today).filter(|_| holds),
                source: row.source.clone(),
                confidence: row.confidence.as_str(),
                created: kept.created.map(by).unwrap_or_default(),
                retired: kept.retired.map(by),
            }
        })
        .collect()
}

/// `SMS out, every category, a segment`: a row of a card, so that no two read alike that price different things.
pub(super) fn row_words(row: &RateRow) -> String {
    format!("{}, {}", row_subject(row), unit_words(row.unit))
}

/// The same without the unit.
pub(super) fn row_subject(row: &RateRow) -> String {
    let is_message_out = row.direction == Direction::Outbound && row.item != RateItem::Number;
    let category = match row.category {
        Some(category) => category_words(category),
        None if is_message_out => "every category",
        None => "",
    };
    let route = match row.route {
        Route::Any if is_message_out && row.item == RateItem::Whatsapp => "any conversation",
        Route::Any => "",
        other => route_words(other),
    };
    joined(&[item_words(row.item, row.direction), category, route])
}

/// `SMS out, other categories, a segment`: a line that compares cards.
pub(super) fn line_words(line: &Comparison) -> String {
    let priced = &line.priced;
    let category = match priced.category {
        Some(category) => category_words(category),
        None if line.others => "other categories",
        None => "",
    };
    let route = route_words(priced.route);
    joined(&[item_words(priced.item, priced.direction), category, route, unit_words(priced.unit)])
}

fn joined(parts: &[&str]) -> String {
    parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(", ")
}

fn item_words(item: RateItem, direction: Direction) -> &'static str {
    match (item, direction) {
        (RateItem::Sms, Direction::Outbound) => "SMS out",
        (RateItem::Sms, Direction::Inbound) => "SMS in",
        (RateItem::Whatsapp, Direction::Outbound) => "WhatsApp out",
        (RateItem::Whatsapp, Direction::Inbound) => "WhatsApp in",
        (RateItem::Number, _) => "Number",
        (RateItem::Other, _) => "Other",
    }
}

fn category_words(category: Category) -> &'static str {
    match category {
        Category::Otp => "OTP",
        Category::Transactional => "transactional",
        Category::Service => "service",
        Category::Promotional => "promotional",
    }
}

fn route_words(route: Route) -> &'static str {
    match route {
        Route::Any => "",
        Route::BusinessInitiated => "we write first",
        Route::InWindow => "inside 24 hours",
    }
}

fn unit_words(unit: RateUnit) -> &'static str {
    match unit {
        RateUnit::Segment => "a segment",
        RateUnit::Message => "a message",
        RateUnit::Month => "a month",
    }
}

fn charge_words(charge: &Charge) -> String {
    let sign = match charge.currency {
        Currency::Inr => "₹",
        Currency::Usd => "US$",
    };
    let range = if charge.low == charge.high {
        format!("{sign}{}", charge.expected)
    } else {
        format!("{sign}{} / {} / {}", charge.low, charge.expected, charge.high)
    };
    match charge.free_per_month {
        0 => format!("{} {range}", charge.name),
        free => format!("{} {range}, {free} a month free", charge.name),
    }
}

/// The form as it begins.
pub(super) fn blank(today: NaiveDate) -> Fields {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Fields::from_pairs(vec![
        pair("item", "sms"),
        pair("direction", "outbound"),
        pair("route", "any"),
        pair("currency_1", "INR"),
        pair("currency_2", "USD"),
        pair("confidence", "high"),
        pair("valid_from", &today.to_string()),
    ])
}

/// The row that a form describes, or what is wrong with it.
pub(super) fn parse(fields: &Fields, faults: &mut Faults) -> Option<RateRow> {
    let item = faults.take("item", RateItem::parse(fields.text("item")));
    let direction = faults.take("direction", Direction::parse(fields.text("direction")));
    let category = match fields.text("category") {
        "" => None,
        word => faults.take("category", Category::parse(word)),
    };
    let route = faults.take("route", Route::parse(fields.text("route")));
    let confidence = faults.take("confidence", Confidence::parse(fields.text("confidence")));
    let day = NaiveDate::parse_from_str(fields.text("valid_from"), "%Y-%m-%d");
    let valid_from =
        faults.take("valid_from", day.map_err(|_| "Choose the first day it holds, as 2026-11-22"));
    let charges = CHARGE_FIELDS.iter().filter_map(|of| charge(fields, faults, of)).collect();
    if !faults.is_empty() {
        return None;
    }
    let item = item?;
    Some(RateRow {
        item,
        direction: direction?,
        category,
        route: route?,
        unit: match item {
            RateItem::Sms => RateUnit::Segment,
            RateItem::Whatsapp => RateUnit::Message,
            RateItem::Number | RateItem::Other => RateUnit::Month,
        },
        charges,
        valid_from: valid_from?,
        source: fields.text("source").to_owned(),
        confidence: confidence?,
    })
}

/// One charge; an optional one is left out when nothing is said of it.
fn charge(fields: &Fields, faults: &mut Faults, of: &ChargeFields) -> Option<Charge> {
    let said =
        [of.name, of.low, of.expected, of.high, of.free].iter().any(|field| !fields.text(field).is_empty());
    if of.optional && !said {
        return None;
    }
    let currency = faults.take(of.currency, Currency::parse(fields.text(of.currency)))?;
    let signs = match currency {
        Currency::Inr => decimal::RUPEES,
        Currency::Usd => decimal::DOLLARS,
    };
    let mut amount =
        |field: &str, otherwise: Result<Option<Decimal>, &str>| match (fields.text(field), otherwise) {
            ("", Ok(otherwise)) => otherwise,
            ("", Err(missing)) => {
                faults.add(field, missing);
                None
            }
            (text, _) => faults.take(field, decimal::typed(text, signs)),
        };
    let expected = amount(of.expected, Err("Say what one unit is expected to cost, for example 0.80"));
    // Left empty they are the expected price, also when that one is still to be mended.
    let (low, high) = (amount(of.low, Ok(expected)), amount(of.high, Ok(expected)));
    let free = match fields.text(of.free) {
        "" => Some(0),
        text => faults.take(of.free, text.parse().map_err(|_| "A whole number of units a month")),
    };
    Some(Charge {
        name: fields.text(of.name).to_owned(),
        currency,
        low: low?,
        expected: expected?,
        high: high?,
        free_per_month: free?,
    })
}

/// The form's field for a fault of the card: `rows[7].charges[1]` is about the second charge.
pub(super) fn field_of(fault: &str) -> String {
    let last = fault.rsplit('.').next().unwrap_or_default();
    match last {
        "charges[1]" => "expected_2".to_owned(),
        "unit" => "item".to_owned(),
        "direction" | "category" | "route" | "valid_from" | "source" => last.to_owned(),
        _ => "expected_1".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = blank(NaiveDate::from_ymd_opt(2026, 11, 22).unwrap());
        pairs.iter().for_each(|(name, value)| fields.set(name, value));
        fields
    }

    #[test]
    fn a_price_of_two_charges_is_read_and_said() {
        let mut faults = Faults::default();
        let fields = with(&[
            ("item", "whatsapp"),
            ("category", "promotional"),
            ("name_1", "Meta"),
            ("expected_1", "₹0.8631"),
            ("name_2", "Twilio"),
            ("expected_2", "US$0.005"),
            ("free_2", "1000"),
            ("source", "Contract"),
        ]);
        let row = parse(&fields, &mut faults).unwrap();
        assert!(faults.is_empty());
        assert_eq!(row_words(&row), "WhatsApp out, promotional, any conversation, a message");
        let said: Vec<String> = row.charges.iter().map(charge_words).collect();
        assert_eq!(said, ["Meta ₹0.8631", "Twilio US$0.005, 1000 a month free"]);
        assert_eq!(row.charges[0].low, row.charges[0].high);
    }

    #[test]
    fn rows_that_price_different_things_read_differently() {
        let words = |pairs: &[(&str, &str)]| {
            let mut fields = with(&[("expected_1", "1"), ("name_1", "Twilio"), ("source", "Contract")]);
            pairs.iter().for_each(|(name, value)| fields.set(name, value));
            row_words(&parse(&fields, &mut Faults::default()).unwrap())
        };
        for (pairs, expected) in [
            (&[][..], "SMS out, every category, a segment"),
            (&[("category", "service")], "SMS out, service, a segment"),
            (&[("direction", "inbound")], "SMS in, a segment"),
            (&[("item", "whatsapp")], "WhatsApp out, every category, any conversation, a message"),
            (
                &[("item", "whatsapp"), ("route", "business_initiated")],
                "WhatsApp out, every category, we write first, a message",
            ),
            (&[("item", "number")], "Number, a month"),
        ] {
            assert_eq!(words(pairs), expected);
        }
    }

    #[test]
    fn a_second_charge_without_its_price_is_asked_for_and_one_mistake_is_one_fault() {
        let faults_of = |pairs: &[(&str, &str)]| {
            let (mut faults, fields) = (Faults::default(), with(pairs));
            assert_eq!(parse(&fields, &mut faults), None);
            faults.iter().map(|(field, _)| field.clone()).collect::<Vec<_>>()
        };
        let half = [("expected_1", "0.80"), ("name_2", "Meta"), ("low_2", "0.11")];
        assert_eq!(faults_of(&half), ["expected_2"]);
        assert_eq!(faults_of(&[("expected_1", "0,8")]), ["expected_1"]);
        assert_eq!(faults_of(&[("expected_1", "$0.08")]), ["expected_1"], "dollars in a field for rupees");
    }

    #[test]
    fn what_is_no_price_is_named() {
        let mut faults = Faults::default();
        assert_eq!(parse(&with(&[("expected_1", "cheap"), ("valid_from", "soon")]), &mut faults), None);
        let named: Vec<&str> = faults.iter().map(|(field, _)| field.as_str()).collect();
        assert!(named.contains(&"expected_1") && named.contains(&"valid_from"), "{named:?}");
    }
}
