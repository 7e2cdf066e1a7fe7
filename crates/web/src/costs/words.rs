//! What people call the parts of a month's costs.

use crate::filters::category_words;
use dakiya_core::ledger::Cause;
use dakiya_core::message::{Category, Direction};
use dakiya_core::rate_card::RateItem;
use dakiya_core::tax::{Gst, GstMode};

/// Why it cost something else than expected.
pub(crate) fn cause_words(cause: &Option<Cause>) -> &'static str {
    match cause {
        Some(Cause::Volume) => "Not sent after all",
        Some(Cause::Segments) => "More or fewer segments",
        Some(Cause::Rate) => "Another price",
        Some(Cause::Fx) => "Another dollar rate",
        Some(Cause::Failure) => "Did not arrive, charged differently",
        None => "Charged without an estimate of ours",
    }
}

/// A channel, or rents beside them.
pub(super) fn item_words(item: RateItem) -> &'static str {
    match item {
        RateItem::Sms => "SMS",
        RateItem::Whatsapp => "WhatsApp",
        RateItem::Number => "Number rents",
        RateItem::Other => "Other charges",
    }
}

/// What was paid for.
pub(super) fn what_words(item: RateItem, direction: Direction) -> &'static str {
    match (item, direction) {
        (RateItem::Sms, Direction::Outbound) => "SMS sent",
        (RateItem::Sms, Direction::Inbound) => "SMS received",
        (RateItem::Whatsapp, Direction::Outbound) => "WhatsApp sent",
        (RateItem::Whatsapp, Direction::Inbound) => "WhatsApp received",
        (RateItem::Number, _) => "Number rents",
        (RateItem::Other, _) => "Other charges",
    }
}

pub(super) fn direction_words(item: RateItem, direction: Direction) -> &'static str {
    match (item, direction) {
        (RateItem::Number, _) => "Number rents",
        (RateItem::Other, _) => "Other charges",
        (_, Direction::Outbound) => "Sent",
        (_, Direction::Inbound) => "Received",
    }
}

pub(super) fn category_or_none(category: Option<Category>) -> &'static str {
    category.map_or("No category", category_words)
}

/// `GST at 18%, added by the vendor`
pub(crate) fn gst_words(gst: &Gst) -> String {
    let rate = gst.rate.normalize();
    match gst.mode {
        GstMode::VendorCharged => format!("GST at {rate}%, added by the vendor"),
        GstMode::ReverseCharge => format!("GST at {rate}%, reverse charge: we assess it ourselves"),
        GstMode::None => "No GST applies".to_owned(),
    }
}
