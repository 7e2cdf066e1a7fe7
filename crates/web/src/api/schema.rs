//! OpenAPI schemas of core's types, which know nothing of OpenAPI. Only their names and shapes are used.
#![allow(dead_code, reason = "shapes that are described, never filled")]

use std::borrow::Cow;
use utoipa::openapi::schema::{Array, ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($name:ident = $core:path),+ $(,)?) => {$(
        #[doc = concat!("The words of [`", stringify!($core), "`].")]
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words = <$core>::ALL.iter().map(|word| word.as_str());
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )+};
}

words! {
    Code = super::problem::Code,
    CampaignState = dakiya_core::campaign::CampaignState,
    Category = dakiya_core::message::Category,
    Channel = dakiya_core::message::Channel,
    Encoding = dakiya_core::encoding::Encoding,
    EventSource = dakiya_core::message::EventSource,
    GstMode = dakiya_core::tax::GstMode,
    OptOutScope = dakiya_core::opt_out::OptOutScope,
    OptOutSource = dakiya_core::opt_out::OptOutSource,
    PaymentEventKind = dakiya_core::payment::PaymentEventKind,
    PaymentStatus = dakiya_core::payment::PaymentStatus,
    ReminderChannel = dakiya_core::reminder::ReminderChannel,
    SavingKind = dakiya_core::savings::SavingKind,
    SenderKind = dakiya_core::sender::SenderKind,
    Status = dakiya_core::message::Status,
    SuppressedReason = dakiya_core::message::SuppressedReason,
}

/// Shares of a budget.
pub fn warn_at() -> Array {
    let percent = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(dakiya_core::budget::HIGHEST_WARNING));
    ArrayBuilder::new()
        .items(percent)
        .max_items(Some(dakiya_core::budget::MOST_WARNINGS))
        .examples([serde_json::json!([50, 80, 100])])
        .build()
}

/// An amount of Indian rupees.
#[derive(ToSchema)]
pub struct Money {
    /// A plain decimal with two to six decimals.
    #[schema(example = "0.80")]
    pub amount: String,
    /// Always INR.
    #[schema(example = "INR", default = "INR", required = false)]
    pub currency: String,
}

/// What is wrong with one field.
#[derive(ToSchema)]
pub struct FieldError {
    /// Where, as a path: `to`, `variables.amount`, `recipients[3].to`.
    #[schema(example = "to")]
    pub field: String,
    /// A word that programs can rely on; often the document's own `code`.
    #[schema(example = "invalid_phone")]
    pub code: String,
    /// What is wrong and what to do, for people.
    #[schema(example = "too short: 9 digits, needs 10")]
    pub message: String,
}

/// A number in E.164.
pub struct Phone;

impl PartialSchema for Phone {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).examples(["+919876543210"]).into()
    }
}

impl ToSchema for Phone {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Phone")
    }
}

/// A decimal number, written as a string so that no digit is lost.
pub struct Decimal;

impl PartialSchema for Decimal {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).examples(["96.00"]).into()
    }
}

impl ToSchema for Decimal {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Decimal")
    }
}

/// A file of comma-separated values.
pub struct Csv;

impl PartialSchema for Csv {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .into()
    }
}

impl ToSchema for Csv {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Csv")
    }
}

/// Hours of the day.
#[derive(ToSchema)]
pub struct Window {
    /// Opens, `HH:MM`.
    #[schema(example = "10:00")]
    pub from: String,
    /// Closes, `HH:MM`.
    #[schema(example = "21:00")]
    pub until: String,
}

/// Low, expected and high, in rupees.
#[derive(ToSchema)]
pub struct Spread {
    /// If all goes well.
    pub low: Money,
    /// What to plan with.
    pub expected: Money,
    /// If all goes badly.
    pub high: Money,
}

/// Whom a campaign is meant for.
#[derive(ToSchema)]
pub struct Audience {
    /// Contacts that carry one of these tags.
    #[schema(required = false)]
    pub tags: Vec<String>,
    /// Every contact, whatever its tags.
    #[schema(required = false)]
    pub all: bool,
}

/// How GST is reckoned.
#[derive(ToSchema)]
pub struct Gst {
    /// Who accounts for it.
    #[schema(value_type = GstMode)]
    pub mode: (),
    /// Per cent.
    #[schema(value_type = Decimal)]
    pub rate: (),
}

/// Everything the owner may set.
#[derive(ToSchema)]
pub struct Settings {
    /// Promotional messages go out inside it.
    pub promotional_window: Window,
    /// Reminders go out inside it.
    pub reminder_window: Window,
    /// Messages an hour to one number, OTPs aside.
    pub per_number_hourly_limit: u32,
    /// OTPs an hour to one number.
    pub otp_hourly_limit: u32,
    /// Where we send to, as ISO 3166 two-letter codes.
    pub allowed_countries: Vec<String>,
    /// Promotional messages need consent on record.
    pub require_consent: bool,
    /// How GST is reckoned.
    pub gst: Gst,
    /// Rupees for a dollar.
    pub usd_inr: Decimal,
    /// Which rate card estimates use.
    pub rate_card: String,
    /// Retries of a message known not to have been sent.
    pub retries: u32,
    /// Numbers a team key may reach.
    pub team_numbers: Vec<String>,
}

/// Settings to change; what is left out stays.
#[derive(ToSchema)]
pub struct SettingsPatch {
    /// Promotional messages go out inside it.
    pub promotional_window: Option<Window>,
    /// Reminders go out inside it.
    pub reminder_window: Option<Window>,
    /// Messages an hour to one number, OTPs aside.
    pub per_number_hourly_limit: Option<u32>,
    /// OTPs an hour to one number.
    pub otp_hourly_limit: Option<u32>,
    /// Where we send to, as ISO 3166 two-letter codes.
    pub allowed_countries: Option<Vec<String>>,
    /// Promotional messages need consent on record.
    pub require_consent: Option<bool>,
    /// How GST is reckoned; either part may be left out.
    pub gst: Option<Gst>,
    /// Rupees for a dollar.
    pub usd_inr: Option<Decimal>,
    /// Which rate card estimates use.
    pub rate_card: Option<String>,
    /// Retries of a message known not to have been sent.
    pub retries: Option<u32>,
    /// Numbers a team key may reach.
    pub team_numbers: Option<Vec<String>>,
}

/// One line of a priced month.
#[derive(ToSchema)]
pub struct ScenarioLine {
    /// What is paid for.
    pub name: String,
    /// How many of it.
    pub quantity: u64,
    /// Of what: segment, message or month.
    pub unit: String,
    /// Expected price of one.
    pub rate: Money,
    /// Expected price of all, before tax.
    pub amount: Money,
}

/// What a plain month costs.
#[derive(ToSchema)]
pub struct ScenarioCost {
    /// Line by line.
    pub lines: Vec<ScenarioLine>,
    /// The lines' sum, before tax.
    pub total: Money,
    /// On the total.
    pub gst: Money,
    /// The total if all goes well, before tax.
    pub low: Money,
    /// The total if all goes badly, before tax.
    pub high: Money,
    /// Rupees for a dollar that were reckoned with.
    pub usd_inr: Decimal,
    /// Segments of each text message.
    pub segments_per_text: u32,
    /// What was assumed, in sentences.
    pub assumptions: Vec<String>,
}

/// A template's DLT registration.
#[derive(ToSchema)]
pub struct Dlt {
    /// The registered entity.
    pub entity_id: Option<String>,
    /// The registered template.
    pub template_id: Option<String>,
    /// The header it is linked to.
    pub header: Option<String>,
}
