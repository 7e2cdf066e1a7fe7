//! From plans to messages: campaigns whose time has come start, their recipients get their messages, and those of
//! which nothing waits any more end.

use crate::composing::Composer;
use crate::context::Context;
use crate::quoting::{QuoteError, campaign_composer};
use crate::turn::Turn;
use dakiya_core::money::Money;
use dakiya_core::phone::PhoneNumber;
use dakiya_store::audit::Actor;
use dakiya_store::campaigns::{self, Batch, Campaign, CampaignError};
use dakiya_store::messages::{self, NewMessage, People};
use dakiya_store::recipients::{self, Recipient};
use dakiya_store::{StoreError, opt_out_links};
use tokio_util::sync::CancellationToken;

/// Recipients that get their messages in one transaction.
const BATCH: u64 = 1_000;

/// One look at all plans. Harmless to repeat and to interrupt.
pub(crate) async fn tick(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    let now = context.clock.now();
    if campaigns::start_due(&context.store, now).await? > 0 {
        context.nudge();
    }
    expand(context, shutdown).await?;
    for id in campaigns::complete_finished(&context.store, context.clock.now()).await? {
        tracing::info!(campaign = %id, "campaign completed");
    }
    for id in campaigns::to_clear(&context.store).await? {
        while !shutdown.is_cancelled()
            && messages::cancel_queued(&context.store, id, context.clock.now()).await? > 0
        {}
    }
    Ok(())
}

/// Writes messages down for recipients that have none yet: a batch for each campaign, again and again until all have or
/// the turn is over.
async fn expand(context: &Context, shutdown: &CancellationToken) -> Result<(), StoreError> {
    let turn = Turn::begin(context);
    loop {
        let waiting = campaigns::to_expand(&context.store).await?;
        let mut went_on = false;
        for campaign in waiting {
            if shutdown.is_cancelled() {
                return Ok(());
            }
            if expand_batch(context, campaign).await? {
                went_on = true;
                context.nudge();
            }
        }
        if !went_on || turn.is_over() {
            return Ok(());
        }
    }
}

/// One batch; `false` if the campaign cannot go on now.
async fn expand_batch(context: &Context, campaign: Campaign) -> Result<bool, StoreError> {
    let composer = match campaign_composer(context, &campaign).await {
        Ok(composer) => composer,
        Err(QuoteError::Store(error)) => return Err(error),
        Err(error) => return pause(context, &campaign, &error.to_string()).await,
    };
    let page = recipients::page(&context.store, campaign.id, campaign.expanded_through, BATCH).await?;
    let phones: Vec<PhoneNumber> = page.iter().map(|recipient| recipient.phone).collect();
    let people = messages::people(&context.store, &phones).await?;
    if composer.texts.has_opt_out_link() {
        let links: Vec<_> = phones.iter().map(|phone| (composer.links().of(*phone).1, *phone)).collect();
        opt_out_links::upsert(&context.store, &links).await?;
    }
    let batch = Batch {
        after: campaign.expanded_through,
        through: phones.last().copied(),
        last: (page.len() as u64) < BATCH,
        messages: page.iter().map(|recipient| message(&campaign, &composer, &people, recipient)).collect(),
    };
    let cost: Money = batch.messages.iter().map(|message| message.estimated_cost).sum();
    if let Some(budget) = campaign.draft.budget.filter(|budget| campaign.expanded_cost + cost > *budget) {
        let reason = format!("writing out the rest would take it over its budget of {budget}");
        return pause(context, &campaign, &reason).await;
    }
    campaigns::expand(&context.store, campaign.id, &batch, context.clock.now()).await?;
    Ok(true)
}

/// Holds a campaign that cannot be written out; `false`, for it does not go on now.
async fn pause(context: &Context, campaign: &Campaign, reason: &str) -> Result<bool, StoreError> {
    tracing::error!(campaign = %campaign.id, reason, "the campaign cannot be written out; it is paused");
    let actor = Actor::System("planning");
    match campaigns::pause(&context.store, campaign.id, Some(reason), &actor, context.clock.now()).await {
        Err(CampaignError::Store(error)) => Err(error),
        // Somebody paused or canceled it meanwhile.
        Ok(_) | Err(_) => Ok(false),
    }
}

fn message(campaign: &Campaign, composer: &Composer, people: &People, recipient: &Recipient) -> NewMessage {
    let mut body = String::new();
    let link = if composer.texts.has_opt_out_link() {
        composer.links().of(recipient.phone).0
    } else {
        String::new()
    };
    let rendered = match composer.unsendable(recipient.phone, people.get(recipient.phone)) {
        Some(reason) => Err(reason),
        None => composer
            .render(&mut body, recipient.language.as_deref(), &recipient.variables, &link)
            .map_err(dakiya_core::message::SuppressedReason::from),
    };
    if rendered.is_err() {
        body.clear();
    }
    let measure = rendered.unwrap_or_else(|_| dakiya_core::encoding::measure(""));
    let segments = composer.billed(&measure);
    NewMessage {
        dedupe_key: format!("campaign:{}:{}", campaign.id, recipient.phone),
        campaign_id: Some(campaign.id),
        template: Some((campaign.draft.template_id, campaign.draft.template_version)),
        phone: recipient.phone,
        channel: composer.channel,
        category: composer.category,
        sender: composer.sender.address.clone(),
        body,
        encoding: measure.encoding,
        segments,
        estimated_cost: if rendered.is_ok() {
            // As approved: what was written down adds up to what a person agreed to, whatever the rates are by now.
            campaign.unit_price.unwrap_or(composer.unit_price.expected) * u64::from(segments.0)
        } else {
            Money::ZERO
        },
        estimated_fx: composer.fx,
        due_at: campaign.draft.send_at.or(campaign.approved_at).unwrap_or(campaign.created_at),
        expires_at: None,
        api_key_id: None,
        test: false,
        suppressed: rendered.err(),
        reminder: None,
    }
}
