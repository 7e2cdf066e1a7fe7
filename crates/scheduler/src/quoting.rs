//! What a send would do and cost, before anybody commits to it.

use crate::composing::{Composer, PriceError, Send, Texts};
use crate::context::Context;
use crate::enqueueing::find_sender;
use dakiya_core::audience::Audience;
use dakiya_core::dispatch::window_for;
use dakiya_core::estimate::{Estimate, Estimator};
use dakiya_core::ids::CampaignId;
use dakiya_core::message::{Category, Channel, SuppressedReason};
use dakiya_core::pacing::{Pace, forecast};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::rate_card::{NoRate, Spread};
use dakiya_core::savings::{Saving, SavingsFinder};
use dakiya_core::sender::Sender;
use dakiya_core::template::{TemplateError, Variables};
use dakiya_core::time::Timestamp;
use dakiya_store::campaigns::{self, Campaign, CampaignError};
use dakiya_store::messages::people;
use dakiya_store::{StoreError, contacts, recipients, senders, settings, templates};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;
use std::fmt::Write as _;

/// Recipients reckoned at a time.
const PAGE: usize = 2_000;

/// The answer: whom it reaches, what it costs, when it runs, and the hash that approval is bound to.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// Recipients, segments and cost.
    pub estimate: Estimate,
    /// What wording wastes.
    pub savings: Vec<Saving>,
    /// Hash of audience, text and cost; any change gives another.
    pub quote: String,
    /// Price of one unit (segment of SMS, message of WhatsApp) it was reckoned with.
    pub unit_price: Spread,
    /// The rate card it was priced with, as people read it.
    pub rate_card: String,
    /// When the first message would go out.
    pub predicted_start: Timestamp,
    /// When the last one would.
    pub predicted_finish: Timestamp,
}

/// What the estimate of a list is about.
#[derive(Clone, Debug)]
pub struct ListQuote {
    /// The text.
    pub text: QuotedText,
    /// How it travels.
    pub channel: Channel,
    /// From whom; the first sender of the channel if `None`.
    pub sender: Option<String>,
    /// When it would start; now if `None`.
    pub send_at: Option<Timestamp>,
    /// A pace slower than the sender's.
    pub segments_per_second: Option<u32>,
}

/// The text of a list's estimate.
#[derive(Clone, Debug)]
pub enum QuotedText {
    /// A stored template, by key.
    Template(String),
    /// A text of its own.
    Body {
        /// With placeholders.
        text: String,
        /// Why it would be sent.
        category: Category,
    },
}

/// One row of a list.
#[derive(Clone, Debug)]
pub struct ListRecipient {
    /// To whom.
    pub phone: PhoneNumber,
    /// In which language; the template's first if `None`.
    pub language: Option<String>,
    /// Values of placeholders.
    pub variables: Variables,
}

/// Why there is no estimate.
#[derive(Debug, thiserror::Error)]
pub enum QuoteError {
    /// No such campaign.
    #[error("there is no campaign {0}")]
    UnknownCampaign(CampaignId),
    /// No template has this key.
    #[error("there is no template \"{0}\"")]
    UnknownTemplate(String),
    /// The text is not a template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// No such sender, or none for this channel.
    #[error("there is no sender \"{0}\" for this channel")]
    UnknownSender(String),
    /// Nothing prices it.
    #[error(transparent)]
    NoRate(#[from] NoRate),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PriceError> for QuoteError {
    fn from(error: PriceError) -> Self {
        match error {
            PriceError::NoRate(error) => Self::NoRate(error),
            PriceError::Store(error) => Self::Store(error),
        }
    }
}

impl From<CampaignError> for QuoteError {
    fn from(error: CampaignError) -> Self {
        match error {
            CampaignError::NotFound(id) => Self::UnknownCampaign(id),
            CampaignError::Store(error) => Self::Store(error),
            other => Self::Store(StoreError::Conflict(other.to_string())),
        }
    }
}

/// When and how fast a send would go.
struct Plan {
    send_at: Option<Timestamp>,
    segments_per_second: Option<u32>,
}

/// Writes down who a draft's stored contacts are now, and reckons the whole of it.
pub(crate) async fn quote_campaign(
    context: &Context,
    id: CampaignId,
) -> Result<(Quoted, Campaign), QuoteError> {
    campaigns::snapshot_audience(&context.store, id).await?;
    let campaign = campaigns::get(&context.store, id).await?.ok_or(QuoteError::UnknownCampaign(id))?;
    let plan =
        Plan { send_at: campaign.draft.send_at, segments_per_second: campaign.draft.segments_per_second };
    let mut reckoning = Reckoning::new(campaign_composer(context, &campaign).await?);
    let mut after = None;
    loop {
        let page = recipients::page(&context.store, id, after, PAGE as u64).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.phone);
        let rows = page.into_iter().map(|row| ListRecipient {
            phone: row.phone,
            language: row.language,
            variables: row.variables,
        });
        reckoning.add(context, rows.collect()).await?;
    }
    Ok((reckoning.finish(context, &plan), campaign))
}

/// What composes a campaign's messages.
pub(crate) async fn campaign_composer(
    context: &Context,
    campaign: &Campaign,
) -> Result<Composer, QuoteError> {
    let draft = &campaign.draft;
    let variants = templates::variants(&context.store, draft.template_id, draft.template_version).await?;
    let first = variants.first().ok_or_else(|| QuoteError::UnknownTemplate(draft.template_id.to_string()))?;
    let sender = senders::get(&context.store, draft.channel, &draft.sender).await?;
    let send = Send {
        category: first.category,
        texts: Texts::of_template(&variants)?,
        channel: draft.channel,
        sender: sender.ok_or_else(|| QuoteError::UnknownSender(draft.sender.to_string()))?,
        on: draft.send_at.unwrap_or_else(|| context.clock.now()),
    };
    Ok(Composer::new(context, settings::get(&context.store).await?, send).await?)
}

/// Reckons a list; each number counts once.
pub(crate) async fn quote_list<R>(
    context: &Context,
    request: ListQuote,
    rows: R,
) -> Result<Quoted, QuoteError>
where
    R: IntoIterator<Item = ListRecipient> + std::marker::Send,
    R::IntoIter: std::marker::Send,
{
    let (composer, plan) = list_composer(context, &request).await?;
    let mut reckoning = Reckoning::new(composer);
    let mut seen: HashSet<PhoneNumber> = HashSet::new();
    let mut page = Vec::with_capacity(PAGE);
    for row in rows {
        if !seen.insert(row.phone) {
            reckoning.estimator.suppress(SuppressedReason::Duplicate);
            continue;
        }
        page.push(row);
        if page.len() == PAGE {
            reckoning.add(context, std::mem::replace(&mut page, Vec::with_capacity(PAGE))).await?;
        }
    }
    reckoning.add(context, page).await?;
    Ok(reckoning.finish(context, &plan))
}

/// Reckons whom an audience of stored contacts holds now; nothing is written down.
pub(crate) async fn quote_audience(
    context: &Context,
    request: ListQuote,
    audience: &Audience,
) -> Result<Quoted, QuoteError> {
    let (composer, plan) = list_composer(context, &request).await?;
    let mut reckoning = Reckoning::new(composer);
    let mut after = None;
    loop {
        let page = contacts::page_audience(&context.store, audience, after, PAGE as u64).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.phone);
        let rows = page.into_iter().map(campaigns::from_contact).map(|row| ListRecipient {
            phone: row.phone,
            language: row.language,
            variables: row.variables,
        });
        reckoning.add(context, rows.collect()).await?;
    }
    Ok(reckoning.finish(context, &plan))
}

async fn list_composer(context: &Context, request: &ListQuote) -> Result<(Composer, Plan), QuoteError> {
    let (texts, category) = list_text(context, &request.text).await?;
    let send = Send {
        texts,
        category,
        channel: request.channel,
        sender: list_sender(context, request).await?,
        on: request.send_at.unwrap_or_else(|| context.clock.now()),
    };
    let plan = Plan { send_at: request.send_at, segments_per_second: request.segments_per_second };
    Ok((Composer::new(context, settings::get(&context.store).await?, send).await?, plan))
}

async fn list_text(context: &Context, text: &QuotedText) -> Result<(Texts, Category), QuoteError> {
    match text {
        QuotedText::Body { text, category } => Ok((Texts::of_body(text)?, *category)),
        QuotedText::Template(key) => {
            let unknown = || QuoteError::UnknownTemplate(key.clone());
            let latest = templates::get(&context.store, key, None).await?.ok_or_else(unknown)?;
            let variants = templates::variants(&context.store, latest.template_id, i32::MAX).await?;
            Ok((Texts::of_template(&variants)?, latest.category))
        }
    }
}

async fn list_sender(context: &Context, request: &ListQuote) -> Result<Sender, QuoteError> {
    let found = match &request.sender {
        Some(named) => find_sender(&context.store, Some(request.channel), named).await?,
        None => senders::first(&context.store, request.channel).await?,
    };
    found.ok_or_else(|| QuoteError::UnknownSender(request.sender.clone().unwrap_or_default()))
}

/// A quote being reckoned. Memory does not grow with the audience.
struct Reckoning {
    composer: Composer,
    estimator: Estimator,
    savings: Option<SavingsFinder>,
    hash: Sha256,
    link: String,
    body: String,
}

impl Reckoning {
    fn new(composer: Composer) -> Self {
        let mut hash = Sha256::new();
        let price = composer.unit_price;
        hash.update(format!("{} {} {} ", composer.channel, composer.sender.address, composer.category));
        hash.update(format!(
            "{} {} {}\n",
            price.low.to_plain(),
            price.expected.to_plain(),
            price.high.to_plain()
        ));
        Self {
            estimator: Estimator::new(price, composer.settings.gst)
                .with_allowances(composer.allowances.clone()),
            savings: composer
                .texts
                .default_variant()
                .filter(|_| composer.channel == Channel::Sms)
                .map(SavingsFinder::new),
            hash,
            link: composer.links().placeholder(),
            body: String::new(),
            composer,
        }
    }

    async fn add(&mut self, context: &Context, rows: Vec<ListRecipient>) -> Result<(), QuoteError> {
        let phones: Vec<PhoneNumber> = rows.iter().map(|row| row.phone).collect();
        let people = people(&context.store, &phones).await?;
        for row in &rows {
            let suppressed = self.composer.unsendable(row.phone, people.get(row.phone));
            let Err(reason) = suppressed.map_or_else(|| self.send(row), Err) else { continue };
            self.estimator.suppress(reason);
            self.hash.update(format!("{} !{reason}\n", row.phone));
        }
        Ok(())
    }

    fn send(&mut self, row: &ListRecipient) -> Result<(), SuppressedReason> {
        let measure =
            self.composer.render(&mut self.body, row.language.as_deref(), &row.variables, &self.link)?;
        self.estimator.send(self.composer.billed(&measure));
        if let Some(savings) = &mut self.savings {
            savings.add(&self.body, measure, |name| self.composer.value(&row.variables, &self.link, name));
        }
        self.hash.update(row.phone.to_string());
        self.hash.update([b' ']);
        self.hash.update(&self.body);
        self.hash.update([b'\n']);
        Ok(())
    }

    fn finish(self, context: &Context, plan: &Plan) -> Quoted {
        let estimate = self.estimator.finish();
        let composer = self.composer;
        let start = plan.send_at.unwrap_or_else(|| context.clock.now()).max(context.clock.now());
        let own = plan.segments_per_second.unwrap_or(u32::MAX);
        let pace = Pace { segments_per_second: composer.sender.segments_per_second.min(own) };
        let window = window_for(composer.category, false, &composer.settings);
        let forecast = forecast(start, estimate.segments, pace, window, context.config.timezone);
        Quoted {
            savings: self
                .savings
                .map(|savings| savings.finish(composer.unit_price.expected))
                .unwrap_or_default(),
            quote: hex(&self.hash.finalize()),
            unit_price: composer.unit_price,
            rate_card: composer.rate_card,
            predicted_start: forecast.start,
            predicted_finish: forecast.finish,
            estimate,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
