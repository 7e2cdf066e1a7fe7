//! How core's types lie in columns: one generic wrapper, and one table of what each type becomes.
//!
//! Core's types cannot implement the database library's traits themselves (neither is ours to this crate), so
//! entities hold them as [`Stored`].

use dakiya_core::api_key::{KeyKind, KeyScope};
use dakiya_core::audience::Audience;
use dakiya_core::campaign::CampaignState;
use dakiya_core::encoding::{Encoding, Segments};
use dakiya_core::ids::*;
use dakiya_core::message::{Category, Channel, Direction, EventSource, Status, SuppressedReason};
use dakiya_core::money::{FxRate, Money};
use dakiya_core::opt_out::{Keyword, OptOutAction, OptOutScope, OptOutSource};
use dakiya_core::payment::{PaymentEventKind, PaymentReference, PaymentStatus};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::rate_card::{Charge, Confidence, Proposal, RateItem, RateUnit, Route};
use dakiya_core::reminder::{ReminderRule, RunState};
use dakiya_core::sender::{SenderAddress, SenderKind};
use dakiya_core::settings::Settings;
use dakiya_core::template::{Dlt, Variables};
use dakiya_core::time::Month;
use dakiya_core::user::Role;
use rust_decimal::Decimal;
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, Value, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, DbErr, QueryResult, TryFromU64, TryGetError, TryGetable};
use std::collections::BTreeMap;
use uuid::Uuid;

/// A value of core in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Stored<T>(pub T);

/// What a type of core becomes in a column.
pub(crate) trait Storable: Sized {
    /// The column's own type.
    type Raw: Into<Value> + ValueType + Nullable + TryGetable;
    /// To the column.
    fn to_raw(&self) -> Self::Raw;
    /// From the column; the error says what could not be read.
    fn from_raw(raw: Self::Raw) -> Result<Self, String>;
}

impl<T: Storable> From<Stored<T>> for Value {
    fn from(stored: Stored<T>) -> Value {
        stored.0.to_raw().into()
    }
}

impl<T: Storable> TryGetable for Stored<T> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let raw = T::Raw::try_get_by(row, index)?;
        T::from_raw(raw).map(Stored).map_err(|fault| TryGetError::DbErr(DbErr::Type(fault)))
    }
}

impl<T: Storable> ValueType for Stored<T> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        T::from_raw(<T::Raw as ValueType>::try_from(value)?).map(Stored).map_err(|_| ValueTypeErr)
    }
    fn type_name() -> String {
        T::Raw::type_name()
    }
    fn array_type() -> ArrayType {
        T::Raw::array_type()
    }
    fn column_type() -> ColumnType {
        T::Raw::column_type()
    }
}

impl<T: Storable> Nullable for Stored<T> {
    fn null() -> Value {
        T::Raw::null()
    }
}

impl<T: Storable> TryFromU64 for Stored<T> {
    fn try_from_u64(_: u64) -> Result<Self, DbErr> {
        Err(DbErr::ConvertFromU64("ids are made by Dakiya, not by the database"))
    }
}

macro_rules! ids {
    ($($id:ty),+ $(,)?) => {$(
        impl Storable for $id {
            type Raw = Uuid;
            fn to_raw(&self) -> Uuid { Id::uuid(*self) }
            fn from_raw(raw: Uuid) -> Result<Self, String> { Ok(Id::from_uuid(raw)) }
        }
    )+};
}

ids!(
    MessageId,
    EventId,
    CampaignId,
    ContactId,
    TemplateId,
    TemplateVersionId,
    RateRowId,
    RateProposalId,
    OptOutEntryId,
    UserId,
    ApiKeyId,
    AuditId,
    ImportId,
    FindingId,
    InboundId,
    PaymentId,
    PaymentEventId,
    ReminderRuleId,
    RecurringCampaignId,
    SavingsFixId,
);

macro_rules! words {
    ($($word:ty),+ $(,)?) => {$(
        impl Storable for $word {
            type Raw = String;
            fn to_raw(&self) -> String { self.as_str().to_owned() }
            fn from_raw(raw: String) -> Result<Self, String> { Self::parse(&raw).map_err(|fault| fault.to_string()) }
        }
    )+};
}

words!(
    Role,
    KeyScope,
    KeyKind,
    CampaignState,
    EventSource,
    SuppressedReason,
    Direction,
    OptOutScope,
    OptOutSource,
    OptOutAction,
    Keyword,
    Confidence,
    RateItem,
    RateUnit,
    Route,
    SenderKind,
    RunState,
    crate::recurring_campaigns::RecurringRunState,
    PaymentEventKind,
    dakiya_core::budget::WarningBasis,
    dakiya_core::savings::Waste,
    dakiya_core::tax::GstMode,
    dakiya_core::reconciliation::FindingKind,
    dakiya_core::reconciliation::FindingState,
    dakiya_core::usage::UsageKind,
    crate::audit::ActorKind,
    crate::imports::ImportKind,
);

/// Enums of hot, indexed columns are small numbers. A number once given is never changed or given again.
macro_rules! numbers {
    ($($name:ty { $($variant:ident = $number:literal),+ $(,)? })+) => {$(
        impl Storable for $name {
            type Raw = i16;
            fn to_raw(&self) -> i16 {
                match self { $(<$name>::$variant => $number),+ }
            }
            fn from_raw(raw: i16) -> Result<Self, String> {
                match raw {
                    $($number => Ok(<$name>::$variant),)+
                    other => Err(format!("{other} is no {}", stringify!($name))),
                }
            }
        }
    )+};
}

numbers! {
    Status {
        Queued = 0, Posting = 1, Unknown = 2, Accepted = 3, Sent = 4, Delivered = 5, Read = 6, Undelivered = 7,
        Failed = 8, Rejected = 9, Suppressed = 10, Expired = 11, Canceled = 12,
    }
    Category { Otp = 0, Transactional = 1, Service = 2, Promotional = 3 }
    Channel { Sms = 0, Whatsapp = 1 }
    Encoding { Gsm7 = 0, Ucs2 = 1 }
    PaymentStatus { Open = 0, PartlyPaid = 1, Paid = 2, Canceled = 3 }
}

/// JSON in a text column, alike on both databases.
macro_rules! json {
    ($($name:ty),+ $(,)?) => {$(
        impl Storable for $name {
            type Raw = String;
            fn to_raw(&self) -> String { serde_json::to_string(self).unwrap_or_default() }
            fn from_raw(raw: String) -> Result<Self, String> {
                serde_json::from_str(&raw).map_err(|fault| format!("{}: {fault}", stringify!($name)))
            }
        }
    )+};
}

json!(
    Settings,
    Audience,
    Dlt,
    Variables,
    Proposal,
    Vec<Charge>,
    Vec<String>,
    Vec<u32>,
    ReminderRule,
    dakiya_core::scenario::Scenario,
    BTreeMap<SuppressedReason, u64>
);

/// Integer micro-rupees: exact and summable on both databases, where decimals are floats on one.
impl Storable for Money {
    type Raw = i64;
    fn to_raw(&self) -> i64 {
        // Beyond nine trillion rupees; `Money::parse` lets no such amount in.
        self.to_micros().unwrap_or(if *self < Money::ZERO { i64::MIN } else { i64::MAX })
    }
    fn from_raw(raw: i64) -> Result<Self, String> {
        Ok(Money::from_micros(raw))
    }
}

/// A decimal text: exact, and never summed.
impl Storable for FxRate {
    type Raw = String;
    fn to_raw(&self) -> String {
        self.inr_per_usd.to_string()
    }
    fn from_raw(raw: String) -> Result<Self, String> {
        let inr_per_usd =
            Decimal::from_str_exact(&raw).map_err(|_| format!("{raw} where a rate was expected"))?;
        Ok(FxRate { inr_per_usd })
    }
}

impl Storable for Month {
    type Raw = String;
    fn to_raw(&self) -> String {
        self.to_string()
    }
    fn from_raw(raw: String) -> Result<Self, String> {
        Month::parse(&raw).map_err(|fault| fault.to_string())
    }
}

impl Storable for PhoneNumber {
    type Raw = String;
    fn to_raw(&self) -> String {
        self.to_string()
    }
    fn from_raw(raw: String) -> Result<Self, String> {
        PhoneNumber::from_e164(&raw).ok_or_else(|| "a phone number that is not E.164".to_owned())
    }
}

impl Storable for PaymentReference {
    type Raw = String;
    fn to_raw(&self) -> String {
        self.as_str().to_owned()
    }
    fn from_raw(raw: String) -> Result<Self, String> {
        PaymentReference::parse(&raw).map_err(|fault| fault.to_string())
    }
}

impl Storable for SenderAddress {
    type Raw = String;
    fn to_raw(&self) -> String {
        self.as_str().to_owned()
    }
    fn from_raw(raw: String) -> Result<Self, String> {
        Ok(SenderAddress::stored(raw))
    }
}

impl Storable for u32 {
    type Raw = i32;
    fn to_raw(&self) -> i32 {
        (*self).try_into().unwrap_or(i32::MAX)
    }
    fn from_raw(raw: i32) -> Result<Self, String> {
        raw.try_into().map_err(|_| format!("{raw} where a count was expected"))
    }
}

impl Storable for Segments {
    type Raw = i32;
    fn to_raw(&self) -> i32 {
        self.0.to_raw()
    }
    fn from_raw(raw: i32) -> Result<Self, String> {
        u32::from_raw(raw).map(Segments)
    }
}

impl Storable for PhoneKey {
    type Raw = String;
    fn to_raw(&self) -> String {
        self.stored()
    }
    fn from_raw(raw: String) -> Result<Self, String> {
        if let Some(hash) = raw.strip_prefix(ERASED) {
            return Ok(PhoneKey::Erased(hash.to_owned()));
        }
        match raw.strip_prefix(NO_NUMBER) {
            Some(address) => Ok(PhoneKey::NoNumber(address.to_owned())),
            None => PhoneNumber::from_raw(raw).map(PhoneKey::Number),
        }
    }
}

const ERASED: &str = "h:";
const NO_NUMBER: &str = "a:";

/// Whose row it is: a number or, after the person asked to be erased, a keyed hash of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhoneKey {
    /// The number.
    Number(PhoneNumber),
    /// Hexadecimal HMAC-SHA256 of the number under the installation's key.
    Erased(String),
    /// What a channel shows instead of a number, such as WhatsApp's ids of people who hide theirs.
    NoNumber(String),
}

impl PhoneKey {
    /// The number, unless it was erased.
    pub fn number(&self) -> Option<PhoneNumber> {
        match self {
            PhoneKey::Number(number) => Some(*number),
            PhoneKey::Erased(_) | PhoneKey::NoNumber(_) => None,
        }
    }

    /// An address as a channel shows it. What is no number is kept as it is: digits in it mean nothing.
    pub fn of_address(address: &str) -> Self {
        PhoneNumber::from_e164(address).map_or_else(|| Self::NoNumber(address.to_owned()), Self::Number)
    }

    /// As the column holds it.
    pub(crate) fn stored(&self) -> String {
        match self {
            PhoneKey::Number(number) => number.to_string(),
            PhoneKey::Erased(hash) => format!("{ERASED}{hash}"),
            PhoneKey::NoNumber(address) => format!("{NO_NUMBER}{address}"),
        }
    }
}

/// Masked, like the numbers themselves.
impl std::fmt::Debug for PhoneKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PhoneKey::Number(number) => write!(f, "{number:?}"),
            PhoneKey::Erased(_) => f.write_str("erased"),
            PhoneKey::NoNumber(_) => f.write_str("no number"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_and_number_comes_back_as_itself() {
        fn round_trips<T: Storable + PartialEq + std::fmt::Debug + Copy>(all: &[T]) {
            for value in all {
                assert_eq!(T::from_raw(value.to_raw()).as_ref(), Ok(value));
            }
        }
        round_trips(Status::ALL);
        round_trips(Category::ALL);
        round_trips(Channel::ALL);
        round_trips(Encoding::ALL);
        round_trips(SuppressedReason::ALL);
        round_trips(CampaignState::ALL);
        round_trips(PaymentStatus::ALL);
    }

    #[test]
    fn who_is_erased_or_hides_their_number_is_told_from_a_number() {
        let number = PhoneNumber::from_e164("+919876543210").unwrap();
        let hidden = PhoneKey::NoNumber("IN.9876543210".to_owned());
        for key in [PhoneKey::Number(number), PhoneKey::Erased("ab12".to_owned()), hidden] {
            assert_eq!(PhoneKey::from_raw(key.to_raw()), Ok(key));
        }
    }
}
