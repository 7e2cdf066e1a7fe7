//! From a template and a recipient to the text that goes out: for estimates and for sending, the same code.

use crate::context::Context;
use crate::opt_out_link;
use dakiya_core::dispatch::unsendable;
use dakiya_core::encoding::{Measure, measure};
use dakiya_core::message::{Category, Channel, Direction, SuppressedReason};
use dakiya_core::money::{FxRate, Money};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::rate_card::{NoRate, RateCard, Route, Spread};
use dakiya_core::sender::Sender;
use dakiya_core::settings::Settings;
use dakiya_core::template::{MissingVariable, Template, TemplateError, Variables, check_length, value_of};
use dakiya_core::time::{Timestamp, day_in};
use dakiya_store::messages::Person;
use dakiya_store::templates::TemplateVersion;
use dakiya_store::{Store, StoreError, fx_rates, installation, rate_cards};

/// A text in its languages, the default one first.
pub(crate) struct Texts {
    variants: Vec<(String, Template)>,
}

impl Texts {
    /// A stored template's variants.
    pub(crate) fn of_template(variants: &[TemplateVersion]) -> Result<Self, TemplateError> {
        let parse =
            |version: &TemplateVersion| Ok((version.language.clone(), Template::parse(&version.body)?));
        Ok(Self { variants: variants.iter().map(parse).collect::<Result<_, TemplateError>>()? })
    }

    /// A text of its own.
    pub(crate) fn of_body(text: &str) -> Result<Self, TemplateError> {
        Ok(Self { variants: vec![(String::new(), Template::parse(text)?)] })
    }

    /// The variant of a language, or the default one.
    pub(crate) fn get(&self, language: Option<&str>) -> Option<&Template> {
        let wanted = self.variants.iter().find(|(name, _)| Some(name.as_str()) == language);
        wanted.or(self.variants.first()).map(|(_, template)| template)
    }

    /// The default variant.
    pub(crate) fn default_variant(&self) -> Option<&Template> {
        self.get(None)
    }

    /// Whether any variant has the opt-out link.
    pub(crate) fn has_opt_out_link(&self) -> bool {
        self.variants.iter().any(|(_, template)| template.placeholders().contains(&opt_out_link::PLACEHOLDER))
    }
}

/// Everything that is the same for all recipients of one send.
pub(crate) struct Composer {
    pub(crate) channel: Channel,
    pub(crate) category: Category,
    pub(crate) sender: Sender,
    pub(crate) settings: Settings,
    /// Of one segment of SMS, or one WhatsApp message.
    pub(crate) unit_price: Spread,
    /// What of it may be free, and how often a month.
    pub(crate) allowances: Vec<(Money, u64)>,
    /// The dollar's price in it; `None` when no dollars are in it.
    pub(crate) fx: Option<FxRate>,
    pub(crate) rate_card: String,
    pub(crate) texts: Texts,
    links: opt_out_link::Links,
    brand: String,
}

/// What is to be sent.
pub(crate) struct Send {
    pub(crate) texts: Texts,
    pub(crate) channel: Channel,
    pub(crate) category: Category,
    pub(crate) sender: Sender,
    pub(crate) on: Timestamp,
}

/// Why a send cannot be priced.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PriceError {
    #[error(transparent)]
    NoRate(#[from] NoRate),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why one recipient gets no text.
#[derive(Debug)]
pub(crate) enum NoText {
    Missing(MissingVariable),
    TooLong(usize),
}

impl From<NoText> for SuppressedReason {
    fn from(fault: NoText) -> Self {
        match fault {
            NoText::Missing(_) => SuppressedReason::MissingVariable,
            NoText::TooLong(_) => SuppressedReason::BodyTooLong,
        }
    }
}

impl Composer {
    pub(crate) async fn new(context: &Context, settings: Settings, send: Send) -> Result<Self, PriceError> {
        let card = rate_card(&context.store, &settings).await?;
        let day = day_in(send.on, context.config.timezone);
        let fx = fx_rates::on(&context.store, day).await?;
        let item = send.channel.into();
        let row = card.row(item, Direction::Outbound, Some(send.category), Route::BusinessInitiated, day)?;
        let unit_price = row.unit_price(fx);
        let allowances = row.allowances(fx);
        let fx = row.in_dollars().then_some(fx);
        let key = installation::key(&context.store).await?;
        Ok(Self {
            channel: send.channel,
            category: send.category,
            sender: send.sender,
            unit_price,
            allowances,
            fx,
            rate_card: card.name,
            texts: send.texts,
            links: opt_out_link::Links::new(key, &context.config),
            brand: context.config.brand.clone(),
            settings,
        })
    }

    /// Why this person gets nothing, whatever the text.
    pub(crate) fn unsendable(&self, phone: PhoneNumber, person: &Person) -> Option<SuppressedReason> {
        let facts = person.facts();
        unsendable(phone, self.channel, self.category, &facts, self.sender.promotional, &self.settings)
    }

    /// Writes one recipient's text into `body`. `link` is what stands for the opt-out link.
    pub(crate) fn render(
        &self,
        body: &mut String,
        language: Option<&str>,
        variables: &Variables,
        link: &str,
    ) -> Result<Measure, NoText> {
        let template = self.texts.get(language);
        let Some(template) = template else { return Err(NoText::TooLong(0)) };
        template.render_into(body, |name| self.value(variables, link, name)).map_err(NoText::Missing)?;
        check_length(body).map_err(|_| NoText::TooLong(body.chars().count()))?;
        Ok(measure(body))
    }

    /// The text of a language with the built-in placeholders filled and the recipient's own open.
    pub(crate) fn open_text(&self, language: Option<&str>, link: &str) -> String {
        let built_in = |name: &str| match name {
            "brand" => Some(self.brand.as_str()),
            opt_out_link::PLACEHOLDER => Some(link),
            _ => None,
        };
        self.texts.get(language).map(|template| template.fill_some(built_in)).unwrap_or_default()
    }

    /// What a placeholder stands for: the built-in ones go before a recipient's own.
    pub(crate) fn value<'v>(
        &'v self,
        variables: &'v Variables,
        link: &'v str,
        name: &str,
    ) -> Option<&'v str> {
        match name {
            "brand" => Some(self.brand.as_str()),
            opt_out_link::PLACEHOLDER => Some(link),
            name => value_of(variables, name),
        }
    }

    /// Billed units of a text that was measured.
    pub(crate) fn billed(&self, measure: &Measure) -> dakiya_core::encoding::Segments {
        match self.channel {
            Channel::Sms => measure.segments,
            Channel::Whatsapp => dakiya_core::encoding::Segments(1),
        }
    }

    /// The opt-out links of this installation.
    pub(crate) fn links(&self) -> &opt_out_link::Links {
        &self.links
    }
}

/// The rate card that settings name, or the preset they fall back to.
pub(crate) async fn rate_card(store: &Store, settings: &Settings) -> Result<RateCard, StoreError> {
    let stored = rate_cards::get(store, &settings.rate_card).await?;
    Ok(stored.or_else(|| RateCard::preset(&settings.rate_card)).unwrap_or_else(RateCard::setup_guide))
}
