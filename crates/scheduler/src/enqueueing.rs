//! One message asked for by a program or a person: checked at the door, then written down.

use crate::composing::{Composer, NoText, PriceError, Send, Texts};
use crate::context::Context;
use chrono::TimeDelta;
use dakiya_core::api_key::KeyKind;
use dakiya_core::dispatch::hourly_limit;
use dakiya_core::ids::{ApiKeyId, MessageId};
use dakiya_core::message::{Category, Channel, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::phone::{PhoneError, PhoneNumber};
use dakiya_core::rate_card::NoRate;
use dakiya_core::sender::Sender;
use dakiya_core::settings::Settings;
use dakiya_core::template::{MissingVariable, TemplateError, Variables};
use dakiya_core::time::Timestamp;
use dakiya_store::messages::{self, Enqueued, Message, NewMessage};
use dakiya_store::templates::TemplateVersion;
use dakiya_store::{Store, StoreError, opt_out_links, senders, settings, templates};
use std::time::Duration;

/// A one-time password that comes later than this is of no use.
const OTP_LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// What a message says.
#[derive(Clone, Debug)]
pub enum Content {
    /// A stored template with this recipient's values.
    Template {
        /// The template's key.
        key: String,
        /// Values of its placeholders.
        variables: Variables,
        /// Which language variant; the template's first if `None` or unknown.
        language: Option<String>,
    },
    /// A text of its own.
    Body {
        /// The text; it may use the built-in placeholders.
        text: String,
        /// Why it is sent.
        category: Category,
    },
}

/// A message asked for.
#[derive(Clone, Debug)]
pub struct EnqueueRequest {
    /// The number, as people write it.
    pub to: String,
    /// What it says.
    pub content: Content,
    /// How it travels; SMS if `None`, or what the sender speaks.
    pub channel: Option<Channel>,
    /// From whom; the first sender of the channel if `None`.
    pub sender: Option<String>,
    /// Not before; at once if `None`.
    pub send_at: Option<Timestamp>,
    /// Not after; an OTP lives ten minutes if `None`, others as long as it takes.
    pub expires_at: Option<Timestamp>,
    /// Asked for twice with one key, it is one message. A fresh key if `None`.
    pub dedupe_key: Option<String>,
    /// The API key that asks, and whom it may reach.
    pub key: Option<(ApiKeyId, KeyKind)>,
}

/// Why a message was turned away at the door. Nothing was written down.
#[derive(Debug, thiserror::Error)]
pub enum EnqueueError {
    /// The number cannot be messaged.
    #[error(transparent)]
    Phone(#[from] PhoneError),
    /// No template has this key.
    #[error("there is no template \"{0}\"; GET /templates lists them")]
    UnknownTemplate(String),
    /// The text is not a template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A placeholder has no value.
    #[error(transparent)]
    MissingVariable(#[from] MissingVariable),
    /// The person asked for no such messages.
    #[error("this person has opted out of {0} messages")]
    OptedOut(Category),
    /// Consent is required and not on record.
    #[error("no consent for promotional messages is on record for this person")]
    NoConsent,
    /// Longer than Twilio takes.
    #[error("the message has {characters} characters; Twilio takes at most 1,600")]
    BodyTooLong {
        /// Its length.
        characters: usize,
    },
    /// The number had its messages for this hour.
    #[error("this number had its {limit} messages for this hour; try again in {} s", retry_after.as_secs())]
    RateLimited {
        /// The limit.
        limit: u32,
        /// When one more will be let through.
        retry_after: Duration,
    },
    /// The number is known not to receive messages.
    #[error("this number is known not to receive messages")]
    Unreachable,
    /// The owner does not send to this country.
    #[error("messages to {0} are not allowed; the owner can allow the country under settings")]
    CountryNotAllowed(String),
    /// No such sender, or none at all for this channel.
    #[error("there is no sender \"{0}\" for this channel; GET /senders lists them")]
    UnknownSender(String),
    /// Promotional, and the sender is not declared fit for promotion.
    #[error("the sender {0} is not declared fit for promotional messages")]
    SenderNotPromotional(String),
    /// A team key may reach only the team's numbers.
    #[error("a team key reaches only the numbers listed under settings, and this is none of them")]
    NotInTeam,
    /// Nothing prices it.
    #[error(transparent)]
    NoRate(#[from] NoRate),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EnqueueError {
    /// The API's code for it; `None` for a fault of ours.
    pub fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Phone(error) => error.code(),
            Self::UnknownTemplate(_) => "unknown_template",
            Self::Template(_) => "invalid_template",
            Self::MissingVariable(_) => "missing_variable",
            Self::OptedOut(_) => "recipient_opted_out",
            Self::NoConsent => "no_consent",
            Self::BodyTooLong { .. } => "body_too_long",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unreachable => "unreachable",
            Self::CountryNotAllowed(_) => "country_not_allowed",
            Self::UnknownSender(_) => "unknown_sender",
            Self::SenderNotPromotional(_) => "sender_not_promotional",
            Self::NotInTeam => "recipient_not_in_team",
            Self::NoRate(_) => "no_rate",
            Self::Store(_) => return None,
        })
    }
}

impl From<PriceError> for EnqueueError {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::NoRate(error) => Self::NoRate(error),
            PriceError::Store(error) => Self::Store(error),
        }
    }
}

/// Checks a message at the door and writes it down.
pub(crate) async fn enqueue(context: &Context, request: EnqueueRequest) -> Result<Message, EnqueueError> {
    let now = context.clock.now();
    let settings = settings::get(&context.store).await?;
    let phone = PhoneNumber::parse(&request.to, &settings.allowed_countries)?;
    let kind = request.key.map(|(_, kind)| kind);
    if kind == Some(KeyKind::Team) && !in_team(&settings, phone) {
        return Err(EnqueueError::NotInTeam);
    }
    let (texts, category, template, variables, language) = text(&context.store, &request.content).await?;
    let sender =
        sender(&context.store, request.channel, request.sender.as_deref(), template.as_ref()).await?;
    let due_at = request.send_at.unwrap_or(now).max(now);
    let send = Send { texts, channel: sender.kind.channel(), category, sender, on: due_at };
    let composer = Composer::new(context, settings, send).await?;
    let people = messages::people(&context.store, &[phone]).await?;
    if let Some(reason) = composer.unsendable(phone, people.get(phone)) {
        return Err(turned_away(reason, &composer, phone));
    }
    let (link, hash) = composer.links().of(phone);
    let mut body = String::new();
    let measure =
        composer.render(&mut body, language.as_deref(), &variables, &link).map_err(|fault| match fault {
            NoText::Missing(missing) => EnqueueError::MissingVariable(missing),
            NoText::TooLong(characters) => EnqueueError::BodyTooLong { characters },
        })?;
    if composer.texts.has_opt_out_link() {
        opt_out_links::upsert(&context.store, &[(hash, phone)]).await?;
    }
    let hourly_limit = hourly_limit(category, &composer.settings);
    let segments = composer.billed(&measure);
    let new = NewMessage {
        dedupe_key: request
            .dedupe_key
            .unwrap_or_else(|| format!("once:{}", context.store.new_id::<MessageId>(now))),
        campaign_id: None,
        template: template.map(|version| (version.template_id, version.version)),
        phone,
        channel: composer.channel,
        category,
        sender: composer.sender.address.clone(),
        body,
        encoding: measure.encoding,
        segments,
        estimated_cost: if kind == Some(KeyKind::Test) {
            Money::ZERO
        } else {
            composer.unit_price.expected * u64::from(segments.0)
        },
        estimated_fx: composer.fx,
        due_at,
        expires_at: request.expires_at.or_else(|| (category == Category::Otp).then(|| due_at + OTP_LIFETIME)),
        api_key_id: request.key.map(|(id, _)| id),
        test: kind == Some(KeyKind::Test),
        suppressed: None,
        reminder: None,
    };
    match messages::enqueue(&context.store, new, Some(hourly_limit), now).await? {
        Enqueued::Created(message) => {
            context.nudge();
            Ok(message)
        }
        Enqueued::Existing(message) => Ok(message),
        Enqueued::RateLimited { free_at } => Err(EnqueueError::RateLimited {
            limit: hourly_limit,
            retry_after: (free_at - now).to_std().unwrap_or_default().max(Duration::from_secs(1)),
        }),
    }
}

type Text = (Texts, Category, Option<TemplateVersion>, Variables, Option<String>);

async fn text(store: &Store, content: &Content) -> Result<Text, EnqueueError> {
    match content {
        Content::Template { key, variables, language } => {
            let version = templates::get(store, key, language.as_deref()).await?;
            let version = version.ok_or_else(|| EnqueueError::UnknownTemplate(key.clone()))?;
            let texts = Texts::of_template(std::slice::from_ref(&version))?;
            Ok((texts, version.category, Some(version), variables.clone(), language.clone()))
        }
        Content::Body { text, category } => {
            Ok((Texts::of_body(text)?, *category, None, Variables::new(), None))
        }
    }
}

/// The sender that is named, or the first of the channel that is named, or of the template's.
async fn sender(
    store: &Store,
    channel: Option<Channel>,
    named: Option<&str>,
    template: Option<&TemplateVersion>,
) -> Result<Sender, EnqueueError> {
    let Some(named) = named else {
        let channel = channel.or(template.map(|version| version.channel)).unwrap_or(Channel::Sms);
        return senders::first(store, channel)
            .await?
            .ok_or_else(|| EnqueueError::UnknownSender(String::new()));
    };
    find_sender(store, channel, named).await?.ok_or_else(|| EnqueueError::UnknownSender(named.to_owned()))
}

/// A sender by its address, with or without `whatsapp:`.
pub(crate) async fn find_sender(
    store: &Store,
    channel: Option<Channel>,
    named: &str,
) -> Result<Option<Sender>, StoreError> {
    let (bare, channel) = match named.trim().strip_prefix("whatsapp:") {
        Some(bare) => (bare, Some(Channel::Whatsapp)),
        None => (named.trim(), channel),
    };
    let all = senders::list(store, channel).await?;
    Ok(all.into_iter().find(|sender| sender.address.as_str() == bare))
}

fn in_team(settings: &Settings, phone: PhoneNumber) -> bool {
    let parse = |text: &String| PhoneNumber::parse(text, &settings.allowed_countries).ok();
    settings.team_numbers.iter().filter_map(parse).any(|number| number == phone)
}

fn turned_away(reason: SuppressedReason, composer: &Composer, phone: PhoneNumber) -> EnqueueError {
    match reason {
        SuppressedReason::NoConsent => EnqueueError::NoConsent,
        SuppressedReason::SenderNotPromotional => {
            EnqueueError::SenderNotPromotional(composer.sender.address.to_string())
        }
        SuppressedReason::Unreachable => EnqueueError::Unreachable,
        SuppressedReason::CountryNotAllowed => {
            EnqueueError::CountryNotAllowed(phone.country().unwrap_or_default())
        }
        _ => EnqueueError::OptedOut(composer.category),
    }
}
