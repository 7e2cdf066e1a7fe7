//! How figures, numbers and words look on pages.

use askama::filters::Safe;
use askama::{Result, Values};
use dakiya_core::campaign::CampaignState;
use dakiya_core::message::{Category, Channel, Status, SuppressedReason};
use dakiya_core::money::{Money, group_indian};
use dakiya_core::opt_out::{OptOutScope, OptOutSource};
use dakiya_core::payment::PaymentStatus;
use dakiya_core::phone::PhoneNumber;
use dakiya_store::PhoneKey;
use rust_decimal::{Decimal, RoundingStrategy};

/// An amount, however a template holds it.
pub(crate) trait Amount {
    /// Its value.
    fn amount(&self) -> Money;
}

impl Amount for Money {
    fn amount(&self) -> Money {
        *self
    }
}

impl<T: Amount + ?Sized> Amount for &T {
    fn amount(&self) -> Money {
        (**self).amount()
    }
}

/// `₹12,34,567.50`
#[askama::filter_fn]
pub(crate) fn money(amount: impl Amount, _: &dyn Values) -> Result<String> {
    Ok(amount.amount().with_sign())
}

/// A rate, to the micro-rupee where it says something: `₹0.80`, `₹0.59625`, `₹1,150.00`. Cut shorter, quantity and rate
/// beside an amount would not give that amount.
#[askama::filter_fn]
pub(crate) fn rate(amount: &Money, _: &dyn Values) -> Result<String> {
    Ok(exact_rupees(*amount))
}

/// What `rate` shows, for sentences made in code.
pub(crate) fn exact_rupees(amount: Money) -> String {
    let plain = amount.to_plain();
    let (sign, unsigned) = plain.strip_prefix('-').map_or(("", plain.as_str()), |rest| ("−", rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "00"));
    format!("{sign}₹{}.{fraction}", group_indian(whole))
}

/// A whole number, however a template holds it.
pub(crate) trait Whole {
    /// Its value.
    fn whole(&self) -> i128;
}

impl Whole for u64 {
    fn whole(&self) -> i128 {
        i128::from(*self)
    }
}

impl Whole for i64 {
    fn whole(&self) -> i128 {
        i128::from(*self)
    }
}

impl Whole for u32 {
    fn whole(&self) -> i128 {
        i128::from(*self)
    }
}

impl Whole for usize {
    fn whole(&self) -> i128 {
        *self as i128
    }
}

impl<T: Whole + ?Sized> Whole for &T {
    fn whole(&self) -> i128 {
        (**self).whole()
    }
}

/// `12,34,567`
#[askama::filter_fn]
pub(crate) fn count(number: impl Whole, _: &dyn Values) -> Result<String> {
    Ok(grouped(number.whole()))
}

/// What `count` shows, for sentences made in code.
pub(crate) fn grouped(number: i128) -> String {
    let sign = if number < 0 { "−" } else { "" };
    format!("{sign}{}", group_indian(&number.unsigned_abs().to_string()))
}

/// `1 person`, `2,310 people`: a count with the noun that agrees with it.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number.into()), if number == 1 { one } else { many })
}

/// A share of a whole in per cent with one decimal: `96.4%`; a dash of nothing.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let share = Decimal::from(part) * Decimal::ONE_HUNDRED / Decimal::from(whole);
    format!("{}%", share.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero).normalize())
}

/// `+91 98450 11234`
#[askama::filter_fn]
pub(crate) fn phone(number: &PhoneNumber, _: &dyn Values) -> Result<String> {
    Ok(spaced(*number))
}

/// A number in groups, as people read it.
pub(crate) fn spaced(number: PhoneNumber) -> String {
    let text = number.to_string();
    match text.strip_prefix("+91") {
        Some(rest) if rest.len() == 10 => format!("+91 {} {}", &rest[..5], &rest[5..]),
        _ => text,
    }
}

/// `+91 ••••• •1234`
#[askama::filter_fn]
pub(crate) fn masked(key: &PhoneKey, _: &dyn Values) -> Result<String> {
    Ok(key.number().map_or_else(|| "Erased on request".to_owned(), hidden))
}

/// What `masked` shows of a number, for sentences made in code.
pub(crate) fn hidden(number: PhoneNumber) -> String {
    let text = number.to_string();
    let tail = &text[text.len() - 4..];
    if text.starts_with("+91") {
        format!("+91 ••••• •{tail}")
    } else {
        format!("{} ••••• •{tail}", &text[..3])
    }
}

/// The mark and name of a channel.
#[askama::filter_fn]
pub(crate) fn channel(channel: &Channel, _: &dyn Values) -> Result<Safe<&'static str>> {
    Ok(Safe(match channel {
        Channel::Sms => r#"<span class="ch">SMS</span>"#,
        Channel::Whatsapp => r#"<span class="ch wa">WhatsApp</span>"#,
    }))
}

/// A message's status as a tag.
#[askama::filter_fn]
pub(crate) fn status(status: &Status, _: &dyn Values) -> Result<Safe<String>> {
    Ok(tag(status_class(*status), status_words(*status)))
}

/// A status in words that say where the message is.
pub(crate) fn status_words(status: Status) -> &'static str {
    match status {
        Status::Queued => "Waiting",
        Status::Posting => "Going out",
        Status::Unknown => "Checking with Twilio",
        Status::Accepted => "With Twilio",
        Status::Sent => "Sent, no receipt yet",
        Status::Delivered => "Delivered",
        Status::Read => "Read",
        Status::Undelivered => "Not delivered",
        Status::Failed => "Failed",
        Status::Rejected => "Refused by Twilio",
        Status::Suppressed => "Not sent, on purpose",
        Status::Expired => "Too late",
        Status::Canceled => "Canceled",
    }
}

/// The tag class of a status.
fn status_class(status: Status) -> &'static str {
    match status {
        Status::Delivered | Status::Read => "ok",
        Status::Queued | Status::Posting | Status::Accepted | Status::Sent => "info",
        Status::Unknown => "warn",
        Status::Undelivered | Status::Failed | Status::Rejected => "bad",
        Status::Suppressed | Status::Expired | Status::Canceled => "",
    }
}

/// A campaign's state as a tag.
#[askama::filter_fn]
pub(crate) fn state(state: &CampaignState, _: &dyn Values) -> Result<Safe<String>> {
    let (class, words) = match state {
        CampaignState::Draft => ("info", "Draft"),
        CampaignState::Scheduled => ("info", "Scheduled"),
        CampaignState::Sending => ("info", "Sending"),
        CampaignState::Paused => ("warn", "Paused"),
        CampaignState::Completed => ("ok", "Completed"),
        CampaignState::Canceled => ("", "Canceled"),
    };
    Ok(tag(class, words))
}

/// Where a payment stands, as a tag.
#[askama::filter_fn]
pub(crate) fn payment_status(status: &PaymentStatus, _: &dyn Values) -> Result<Safe<String>> {
    let (class, words) = match status {
        PaymentStatus::Open => ("info", "To be paid"),
        PaymentStatus::PartlyPaid => ("warn", "Partly paid"),
        PaymentStatus::Paid => ("ok", "Paid"),
        PaymentStatus::Canceled => ("", "Canceled"),
    };
    Ok(tag(class, words))
}

fn tag(class: &str, words: &str) -> Safe<String> {
    Safe(format!(r#"<span class="tag {class}">{words}</span>"#))
}

/// A category as people say it.
#[askama::filter_fn]
pub(crate) fn category(category: &Category, _: &dyn Values) -> Result<&'static str> {
    Ok(category_words(*category))
}

/// What `category` shows, for sentences made in code.
pub(crate) fn category_words(category: Category) -> &'static str {
    match category {
        Category::Otp => "One-time password",
        Category::Transactional => "Transactional",
        Category::Service => "Service",
        Category::Promotional => "Promotional",
    }
}

/// Why a message was not sent, as people say it.
#[askama::filter_fn]
pub(crate) fn reason(reason: &SuppressedReason, _: &dyn Values) -> Result<&'static str> {
    Ok(reason_words(*reason))
}

/// What `reason` shows, for sentences made in code.
pub(crate) fn reason_words(reason: SuppressedReason) -> &'static str {
    match reason {
        SuppressedReason::OptedOut => "Asked for no messages",
        SuppressedReason::NoConsent => "No consent on record",
        SuppressedReason::RateLimited => "Had enough messages this hour",
        SuppressedReason::OverBudget => "Budget used up",
        SuppressedReason::Paid => "Already paid",
        SuppressedReason::CountryNotAllowed => "Country not allowed",
        SuppressedReason::Duplicate => "Same number twice",
        SuppressedReason::Unreachable => "Number cannot get messages",
        SuppressedReason::MissingVariable => "A detail for the text is missing",
        SuppressedReason::BodyTooLong => "Text too long",
        SuppressedReason::SenderNotPromotional => "Sender not declared for promotion",
        SuppressedReason::RuleOff => "Reminder rule switched off",
        SuppressedReason::PaymentChanged => "Payment called off or changed",
        SuppressedReason::DailyLimit => "Had their reminders for the day",
        SuppressedReason::PaymentLimit => "Reminded of this payment often enough",
        SuppressedReason::NotComposed => "No template or sender to say it again",
    }
}

/// What an opt-out stops, as people say it.
#[askama::filter_fn]
pub(crate) fn scope(scope: &OptOutScope, _: &dyn Values) -> Result<&'static str> {
    Ok(scope_words(*scope))
}

/// What `scope` shows, for lists of choices.
pub(crate) fn scope_words(scope: OptOutScope) -> &'static str {
    match scope {
        OptOutScope::All => "Everything",
        OptOutScope::Promotional => "Promotional only",
    }
}

/// Where an opt-out came from, as people say it.
#[askama::filter_fn]
pub(crate) fn source(source: &OptOutSource, _: &dyn Values) -> Result<&'static str> {
    Ok(source_words(*source))
}

/// What `source` shows, for lists of choices.
pub(crate) fn source_words(source: OptOutSource) -> &'static str {
    match source {
        OptOutSource::Link => "Link in a message",
        OptOutSource::Sms => "Replied by SMS",
        OptOutSource::Whatsapp => "Replied on WhatsApp",
        OptOutSource::TwilioError => "Twilio told us",
        OptOutSource::Person => "Entered by a person",
        OptOutSource::Csv => "Imported",
        OptOutSource::Api => "API",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_in_lakhs() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(100_000), "1,00,000");
        assert_eq!(grouped(-41), "−41");
    }

    #[test]
    fn rates_are_grouped_and_exact_to_the_micro_rupee() {
        for (plain, shown) in [
            ("0.8", "₹0.80"),
            ("0.59625", "₹0.59625"),
            ("7.9872", "₹7.9872"),
            ("1150", "₹1,150.00"),
            ("123456.5", "₹1,23,456.50"),
            ("-0.115", "−₹0.115"),
            ("0", "₹0.00"),
        ] {
            assert_eq!(exact_rupees(Money::parse(plain).unwrap()), shown);
        }
    }

    #[test]
    fn shares_have_one_decimal_and_a_dash_of_nothing() {
        assert_eq!(percent(964, 1_000), "96.4%");
        assert_eq!(percent(1, 1), "100%");
        assert_eq!(percent(0, 0), "–");
    }

    #[test]
    fn indian_numbers_are_shown_in_two_groups_of_five() {
        let number = PhoneNumber::from_e164("+919845011234").unwrap();
        assert_eq!(spaced(number), "+91 98450 11234");
    }
}
