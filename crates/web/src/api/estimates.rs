//! What a send would do and cost, before anybody commits to it.

use super::auth::MaySend;
use super::body;
use super::fields::Fields;
use super::json::{Json, Object};
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use dakiya_core::message::{Category, Channel, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::phone::AllowedCountries;
use dakiya_core::savings::{Saving, SavingKind};
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use dakiya_scheduler::{ListQuote, ListRecipient, QuoteError, Quoted, QuotedText};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A list to reckon: a template or a text, and the recipients with their values.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EstimateRequest {
    /// A template's key; instead of `body`.
    template: Option<String>,
    /// A text; instead of `template`.
    body: Option<String>,
    /// Why the text would be sent; service when absent. A template has its own.
    #[schema(value_type = Option<schema::Category>)]
    category: Option<Category>,
    /// How it travels; SMS when absent.
    #[schema(value_type = Option<schema::Channel>)]
    channel: Option<Channel>,
    /// From whom; the first sender of the channel when absent.
    sender: Option<String>,
    /// When it would start; now when absent.
    #[schema(format = DateTime)]
    send_at: Option<String>,
    /// Who would get it.
    #[schema(value_type = Vec<NewRecipient>)]
    recipients: Vec<Object<NewRecipient>>,
}

/// Somebody a send is meant for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecipient {
    /// The number, in any common Indian spelling or in international form.
    #[schema(example = "98765 43210")]
    pub to: String,
    /// Which language variant; the template's first when absent.
    pub language: Option<String>,
    /// What the placeholders stand for.
    #[serde(default)]
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub variables: Option<Variables>,
}

/// What a send would do and cost. Segments, histogram and cost cover the sendable recipients only.
#[derive(Debug, Serialize, ToSchema)]
pub struct Estimate {
    /// Everyone in the audience.
    recipients: u64,
    /// Those a message would go to.
    sendable: u64,
    /// Those it would not, by reason.
    #[schema(value_type = BTreeMap<String, u64>)]
    suppressed: BTreeMap<SuppressedReason, u64>,
    /// Billed parts in all.
    segments: u64,
    /// How many people get how many segments.
    histogram: BTreeMap<u32, u64>,
    /// Before tax, with GST as a line of its own.
    cost: Cost,
    /// The price of one unit (segment of SMS, message of WhatsApp) it was reckoned with.
    #[schema(value_type = schema::Spread)]
    unit_price: dakiya_core::rate_card::Spread,
    /// The rate card in force.
    rate_card: String,
    /// What wording wastes.
    savings: Vec<SavingOffer>,
}

/// What a send would cost.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cost {
    /// If all goes well.
    #[schema(value_type = schema::Money)]
    low: Money,
    /// What to plan with.
    #[schema(value_type = schema::Money)]
    expected: Money,
    /// If all goes badly.
    #[schema(value_type = schema::Money)]
    high: Money,
    /// On the expected cost.
    #[schema(value_type = schema::Money)]
    gst: Money,
}

/// One way to spend less.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Saving)]
pub struct SavingOffer {
    /// What wastes.
    #[schema(value_type = schema::SavingKind)]
    kind: SavingKind,
    /// What to do, in words.
    advice: String,
    /// The text that would not waste; null where a person must shorten it.
    #[schema(required = true)]
    fixed_body: Option<String>,
    /// Whom it concerns.
    recipients: u64,
    /// Segments saved over the audience.
    segments: u64,
    /// Saved over the audience at the expected price, before tax.
    #[schema(value_type = schema::Money)]
    amount: Money,
}

/// An estimate that a campaign's approval can be bound to.
#[derive(Debug, Serialize, ToSchema)]
pub struct CampaignEstimate {
    /// The estimate.
    #[serde(flatten)]
    estimate: Estimate,
    /// Hash of audience, text and cost; any change gives another.
    quote: String,
    /// When the first message would go out.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    predicted_start: Timestamp,
    /// When the last one would.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    predicted_finish: Timestamp,
}

impl From<Quoted> for Estimate {
    fn from(quoted: Quoted) -> Self {
        let estimate = quoted.estimate;
        Self {
            recipients: estimate.recipients,
            sendable: estimate.sendable,
            suppressed: estimate.suppressed,
            segments: estimate.segments,
            histogram: estimate.histogram,
            cost: Cost {
                low: estimate.cost.low,
                expected: estimate.cost.expected,
                high: estimate.cost.high,
                gst: estimate.gst,
            },
            unit_price: quoted.unit_price,
            rate_card: quoted.rate_card,
            savings: quoted.savings.into_iter().map(SavingOffer::from).collect(),
        }
    }
}

impl From<Quoted> for CampaignEstimate {
    fn from(quoted: Quoted) -> Self {
        Self {
            quote: quoted.quote.clone(),
            predicted_start: quoted.predicted_start,
            predicted_finish: quoted.predicted_finish,
            estimate: quoted.into(),
        }
    }
}

impl From<Saving> for SavingOffer {
    fn from(saving: Saving) -> Self {
        Self {
            kind: saving.kind,
            advice: saving.advice,
            fixed_body: saving.fixed_body,
            recipients: saving.recipients,
            segments: saving.segments,
            amount: saving.amount,
        }
    }
}

/// Estimate a send
#[utoipa::path(
    post, path = "/estimates", operation_id = "estimate", tag = "Estimates", request_body = EstimateRequest,
    security(("api_key" = ["send"])),
    responses((status = 200, description = "What it would do and cost; nothing is written down", body = Estimate)),
)]
pub async fn estimate(
    MaySend(_): MaySend,
    State(app): State<AppState>,
    Json(asked): Json<EstimateRequest, { body::LIST_LIMIT }>,
) -> Result<axum::Json<Estimate>, Problem> {
    let allowed = dakiya_store::settings::get(&app.store).await?.allowed_countries;
    let mut fields = Fields::default();
    let send_at = fields.send_at("send_at", asked.send_at.as_deref(), app.clock.now());
    let text = quoted_text(&mut fields, asked.template, asked.body, asked.category);
    let recipients = recipients(&mut fields, asked.recipients, &allowed);
    let request = ListQuote {
        text: fields.finish_with(text)?,
        channel: asked.channel.unwrap_or(Channel::Sms),
        sender: asked.sender,
        send_at,
        segments_per_second: None,
    };
    let quoted = app.commands.quote_list(request, recipients).await?;
    Ok(axum::Json(quoted.into()))
}

fn quoted_text(
    fields: &mut Fields,
    template: Option<String>,
    body: Option<String>,
    category: Option<Category>,
) -> Option<QuotedText> {
    match (template, body) {
        (Some(key), None) => {
            if category.is_some() {
                fields.fault(
                    "category",
                    Code::InvalidRequest,
                    "a template has a category of its own; leave this out",
                );
            }
            Some(QuotedText::Template(key))
        }
        (None, Some(text)) => {
            Some(QuotedText::Body { text, category: category.unwrap_or(Category::Service) })
        }
        (Some(_), Some(_)) => {
            fields.fault("body", Code::InvalidRequest, "give either template or body, not both");
            None
        }
        (None, None) => {
            fields.fault("template", Code::InvalidRequest, "give a template or a body");
            None
        }
    }
}

/// Reads the recipients; of very many bad numbers the first hundred are told.
fn recipients(
    fields: &mut Fields,
    given: Vec<Object<NewRecipient>>,
    allowed: &AllowedCountries,
) -> Vec<ListRecipient> {
    const MOST_FAULTS: usize = 100;
    let mut recipients = Vec::with_capacity(given.len());
    for (at, Object(recipient)) in given.into_iter().enumerate() {
        let phone = fields.phone(&format!("recipients[{at}].to"), &recipient.to, allowed);
        recipients.extend(phone.map(|phone| ListRecipient {
            phone,
            language: recipient.language,
            variables: recipient.variables.unwrap_or_default(),
        }));
        if fields.count() >= MOST_FAULTS {
            break;
        }
    }
    recipients
}

impl From<QuoteError> for Problem {
    fn from(error: QuoteError) -> Self {
        match &error {
            QuoteError::UnknownCampaign(_) => Problem::not_found("campaign"),
            QuoteError::UnknownTemplate(_) => Problem::field("template", Code::UnknownTemplate, error),
            QuoteError::Template(_) => Problem::field("body", Code::InvalidTemplate, error),
            QuoteError::UnknownSender(_) => Problem::field("sender", Code::UnknownSender, error),
            QuoteError::NoRate(_) => Problem::new(Code::NoRate, error),
            QuoteError::Store(_) => Problem::internal(&error),
        }
    }
}
