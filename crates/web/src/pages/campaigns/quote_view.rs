//! What a campaign would do and cost, as the composer and the approval page show it.

use super::timeline::Timeline;
use crate::AppState;
use crate::error::{PageError, PageResult};
use crate::filters::{counted, grouped, reason_words};
use crate::pages::gates::{self, Gate};
use crate::pages::preview::{Preview, sample_opt_out_url};
use crate::view::Zone;
use dakiya_core::campaign::CampaignState;
use dakiya_core::estimate::Estimate;
use dakiya_core::message::{Category, Channel, SuppressedReason};
use dakiya_core::money::Money;
use dakiya_core::pacing::{Pace, forecast};
use dakiya_core::savings::SavingKind;
use dakiya_core::settings::Settings;
use dakiya_core::tax::GstMode;
use dakiya_core::template::{Template, Variables};
use dakiya_core::time::Timestamp;
use dakiya_scheduler::{QuoteError, Quoted};
use dakiya_store::campaigns::Campaign;
use dakiya_store::{contacts, recipients, senders, settings};

/// One way to spend less, with a button where Dakiya can do it.
pub(crate) struct SavingView {
    pub(crate) title: &'static str,
    pub(crate) advice: String,
    pub(crate) amount: Money,
    pub(crate) recipients: u64,
    pub(crate) button: Option<&'static str>,
    pub(crate) word: &'static str,
}

/// A quote, ready to be shown.
pub(crate) struct QuoteView {
    pub(crate) estimate: Estimate,
    pub(crate) quote: String,
    pub(crate) suppressed: Vec<(SuppressedReason, u64)>,
    pub(crate) histogram: Vec<(u32, u64)>,
    pub(crate) savings: Vec<SavingView>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) preview: Option<Preview>,
    pub(crate) sender_words: String,
    pub(crate) is_sms: bool,
    pub(crate) unit_price: Money,
    pub(crate) rate_card: String,
    pub(crate) gst_words: String,
    pub(crate) predicted_start: Timestamp,
    pub(crate) predicted_finish: Timestamp,
    pub(crate) waits_for_window: bool,
    pub(crate) timeline: Option<Timeline>,
}

impl QuoteView {
    /// `18,420 people, 55,260 segments × ₹0.80. Exact for this list.`
    pub(crate) fn equation(&self) -> String {
        let people = counted(self.estimate.sendable, "person", "people");
        let price = self.unit_price.to_plain();
        if self.is_sms {
            format!(
                "{people}, {} × ₹{price}. Segments are exact for this list; the price is the expected one.",
                counted(self.estimate.segments, "segment", "segments")
            )
        } else {
            format!("{people} × ₹{price}. The price is the expected one.")
        }
    }

    /// The expected cost and its tax as they are shown, so that what is read adds up.
    pub(crate) fn with_gst(&self) -> Money {
        self.estimate.cost.expected.rounded_to_paise() + self.estimate.gst.rounded_to_paise()
    }

    /// Nothing blocks it.
    pub(crate) fn can_go(&self) -> bool {
        self.gates.iter().all(|gate| gate.level != "bad")
    }
}

/// What stands beside the composer.
pub(crate) enum Side {
    /// No cost yet, and why.
    Nothing(String),
    /// So many people that the page comes first and the cost after it, from this address.
    Later(String, u64),
    /// The cost.
    Quote(Box<QuoteView>),
}

/// More people than this are counted after the page is there.
const COUNTED_AT_ONCE: u64 = 20_000;

/// How many people a draft goes to, if they are so many that a page cannot wait for their cost.
pub(crate) async fn takes_a_while(app: &AppState, campaign: &Campaign) -> PageResult<Option<u64>> {
    let stored = contacts::audience_count(&app.store, &campaign.draft.audience).await?;
    Ok(Some(stored.max(campaign.recipients)).filter(|people| *people > COUNTED_AT_ONCE))
}

/// The cost of a draft if its audience is small, else a promise of it.
pub(crate) async fn side_or_later(app: &AppState, campaign: &Campaign, text: &DraftText) -> PageResult<Side> {
    match takes_a_while(app, campaign).await? {
        Some(people) => Ok(Side::Later(format!("/campaigns/{}/side", campaign.id), people)),
        None => side(app, campaign, text).await,
    }
}

/// Reckons a draft anew.
pub(crate) async fn side(app: &AppState, campaign: &Campaign, text: &DraftText) -> PageResult<Side> {
    match app.commands.quote_campaign(campaign.id).await {
        Ok(quoted) if quoted.estimate.recipients == 0 => {
            Ok(Side::Nothing("Choose who gets it to see the cost.".to_owned()))
        }
        Ok(quoted) => Ok(Side::Quote(Box::new(view(app, campaign, text, quoted).await?))),
        Err(QuoteError::Store(error)) => Err(error.into()),
        Err(error) => Ok(Side::Nothing(sentence(&error))),
    }
}

/// A fault of a quote as a sentence on a page.
pub(crate) fn sentence(error: &QuoteError) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}

/// The text a draft stands for.
pub(crate) struct DraftText {
    pub(crate) key: String,
    pub(crate) category: Category,
    pub(crate) body: String,
}

/// Everything around a quote that pages show.
pub(crate) async fn view(
    app: &AppState,
    campaign: &Campaign,
    text: &DraftText,
    quoted: Quoted,
) -> PageResult<QuoteView> {
    let (settings, zone) = (settings::get(&app.store).await?, Zone(app.config.timezone));
    let template = Template::parse(&text.body).map_err(|error| PageError::internal(&error))?;
    let preview = first_message(app, campaign, &template).await?;
    let window = (text.category == Category::Promotional).then_some(settings.promotional_window);
    let pace = pace(app, campaign).await?;
    let days = forecast(quoted.predicted_start, quoted.estimate.segments, pace, window.as_ref(), zone.0).days;
    let per_day: Vec<u64> = days.iter().map(|(_, segments)| *segments).collect();
    let timeline =
        Timeline::draw(quoted.predicted_start, quoted.predicted_finish, &per_day, window.as_ref(), zone);
    let waits_for_window = window.is_some_and(|window| {
        window
            .open_until(quoted.predicted_start, zone.0)
            .is_some_and(|closes| closes < quoted.predicted_finish)
    });
    let gates = gates_of(app, campaign, text, &template, &quoted, waits_for_window);
    Ok(QuoteView {
        suppressed: quoted.estimate.suppressed.iter().map(|(reason, people)| (*reason, *people)).collect(),
        histogram: quoted.estimate.histogram.iter().map(|(segments, people)| (*segments, *people)).collect(),
        savings: quoted.savings.iter().map(saving_view).collect(),
        gates,
        preview,
        sender_words: format!("{} · {}", campaign.draft.sender, channel_words(campaign.draft.channel)),
        is_sms: campaign.draft.channel == Channel::Sms,
        unit_price: quoted.unit_price.expected,
        rate_card: quoted.rate_card,
        gst_words: gst_words(&settings),
        predicted_start: quoted.predicted_start,
        predicted_finish: quoted.predicted_finish,
        waits_for_window,
        timeline,
        quote: quoted.quote,
        estimate: quoted.estimate,
    })
}

fn saving_view(saving: &dakiya_core::savings::Saving) -> SavingView {
    let (title, button) = match saving.kind {
        SavingKind::RupeeSign => ("More segments because of one character", "Write Rs. instead of ₹"),
        SavingKind::Typography => ("More segments because of curly signs", "Use plain signs"),
        SavingKind::JustOver => ("A few characters over a segment", ""),
    };
    SavingView {
        title,
        advice: format!("{}.", saving.advice.trim_end_matches('.')),
        amount: saving.amount,
        recipients: saving.recipients,
        button: saving.fixed_body.as_ref().map(|_| button),
        word: saving.kind.as_str(),
    }
}

/// `SMS` or `WhatsApp`, under the picture of a phone.
pub(crate) fn channel_words(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "text message",
        Channel::Whatsapp => "WhatsApp",
    }
}

/// GST as a line of a sum.
pub(crate) fn gst_words(settings: &Settings) -> String {
    let rate = settings.gst.rate.normalize();
    match settings.gst.mode {
        GstMode::VendorCharged => format!("GST at {rate}%"),
        GstMode::ReverseCharge => format!("GST at {rate}%, reverse charge"),
        GstMode::None => "GST does not apply".to_owned(),
    }
}

/// The first recipient's own message; `None` when there is none, or a detail is missing.
async fn first_message(
    app: &AppState,
    campaign: &Campaign,
    template: &Template,
) -> PageResult<Option<Preview>> {
    let Some(first) = recipients::page(&app.store, campaign.id, None, 1).await?.into_iter().next() else {
        return Ok(None);
    };
    let mut variables: Variables = first.variables;
    variables.insert("brand".to_owned(), app.config.brand.clone());
    variables.insert("opt_out_url".to_owned(), sample_opt_out_url(&app.config.public_url));
    Ok(Preview::of(template, &variables).ok())
}

async fn pace(app: &AppState, campaign: &Campaign) -> PageResult<Pace> {
    let sender = senders::get(&app.store, campaign.draft.channel, &campaign.draft.sender)
        .await?
        .map_or(1, |sender| sender.segments_per_second);
    Ok(Pace { segments_per_second: campaign.draft.segments_per_second.map_or(sender, |own| own.min(sender)) })
}

fn gates_of(
    app: &AppState,
    campaign: &Campaign,
    text: &DraftText,
    template: &Template,
    quoted: &Quoted,
    waits_for_window: bool,
) -> Vec<Gate> {
    let estimate = &quoted.estimate;
    let mut gates = Vec::new();
    gates.push(match estimate.sendable {
        0 => Gate::bad("Nobody in the audience can be sent to"),
        people => Gate::ok(format!("{} can be sent to", counted(people, "person", "people"))),
    });
    for (reason, people) in &estimate.suppressed {
        if matches!(
            reason,
            SuppressedReason::MissingVariable
                | SuppressedReason::BodyTooLong
                | SuppressedReason::SenderNotPromotional
        ) {
            gates.push(Gate::warn(format!(
                "{} left out: {}",
                grouped((*people).into()),
                reason_words(*reason).to_lowercase()
            )));
        }
    }
    gates.extend(gates::of_text(template, &text.body, text.category, &app.config.brand).into_iter().skip(1));
    gates.push(if waits_for_window {
        Gate::warn("Crosses closed hours, so it finishes another day")
    } else {
        Gate::ok("Goes out in one stretch")
    });
    match campaign.draft.budget {
        Some(budget) if budget < estimate.cost.expected => gates.push(Gate::bad(format!(
            "{} over its budget of {}",
            (estimate.cost.expected - budget).with_sign(),
            budget.with_sign()
        ))),
        Some(budget) => gates.push(Gate::ok(format!("Inside its budget of {}", budget.with_sign()))),
        None => {}
    }
    if campaign.state != CampaignState::Draft {
        gates.push(Gate::bad("It was approved already"));
    }
    gates
}
