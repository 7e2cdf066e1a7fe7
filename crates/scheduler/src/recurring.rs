//! Recurring campaigns: each time becomes one campaign, sent by itself as far as the cap goes that a person approved.
//!
//! The time is written down first, then the campaign, then that the one is the other; only that campaign is approved.
//! A crash anywhere leaves at worst a draft that nobody sends.

use crate::commands::{CommandError, Commands};
use crate::context::Context;
use chrono::TimeDelta;
use dakiya_core::campaign::CampaignState;
use dakiya_core::ids::CampaignId;
use dakiya_core::recurrence::Recurrence;
use dakiya_store::StoreError;
use dakiya_store::audit::Actor;
use dakiya_store::campaigns::{self, CampaignDraft, CampaignError};
use dakiya_store::recurring_campaigns::{self as recurring, RecurringRun, StoredRecurring};

const ACTOR: Actor = Actor::System("recurring campaigns");

/// Writes down the times that have come. Making the campaigns takes longer, and no time is missed because of that.
pub(crate) async fn begin_due(context: &Context) -> Result<(), StoreError> {
    for due in recurring::due(&context.store, context.clock.now()).await? {
        begin(context, &due).await?;
        context.nudge();
    }
    Ok(())
}

/// Makes the campaigns of times that have come. Harmless to repeat and to interrupt.
pub(crate) async fn tick(context: &Context) -> Result<(), StoreError> {
    for run in recurring::begun(&context.store).await? {
        make(context, run).await?;
    }
    Ok(())
}

async fn begin(context: &Context, due: &StoredRecurring) -> Result<(), StoreError> {
    let now = context.clock.now();
    let Some(first) = due.next_at else { return Ok(()) };
    let (at, next_at) = match Recurrence::parse(&due.campaign.cron, &due.campaign.zone, now) {
        Ok(recurrence) => (recurrence.latest(first, now), recurrence.next(now)),
        // It was read when it was saved; what never comes again has come for the last time.
        Err(_) => (first, None),
    };
    let on_time = now - at <= context.on_time_within();
    // While one time waits for a person, the next ones add nothing but drafts of the same.
    let waits = recurring::waits(&context.store, due.id).await?;
    let at = Some(at).filter(|_| !waits && (on_time || due.campaign.catch_up));
    recurring::begin(&context.store, due, at, next_at, now).await?;
    Ok(())
}

async fn make(context: &Context, run: RecurringRun) -> Result<(), StoreError> {
    let Some(owner) = recurring::by_id(&context.store, run.recurring_id).await? else { return Ok(()) };
    let id = match run.campaign_id {
        Some(id) => id,
        None => match draft(context, &owner, &run).await? {
            Some(id) => id,
            // Somebody else made it, and goes on with it.
            None => return Ok(()),
        },
    };
    match send(context, &owner, id).await {
        Ok(()) => recurring::finish(&context.store, &run, None).await,
        Err(Held::Because(reason)) => {
            tracing::warn!(campaign = %id, reason, "a recurring campaign waits for a person");
            recurring::finish(&context.store, &run, Some(&reason)).await
        }
        Err(Held::Store(error)) => Err(error),
    }
}

async fn draft(
    context: &Context,
    owner: &StoredRecurring,
    run: &RecurringRun,
) -> Result<Option<CampaignId>, StoreError> {
    let what = &owner.campaign;
    // What comes several times a day is told apart by its time.
    let next = Recurrence::parse(&what.cron, &what.zone, run.at).ok().and_then(|it| it.next(run.at));
    let often = next.is_some_and(|next| next - run.at < TimeDelta::days(1));
    let format = if often { "%-d %b %Y, %H:%M" } else { "%-d %b %Y" };
    let when = run.at.with_timezone(&context.config.timezone).format(format);
    let draft = CampaignDraft {
        name: format!("{}, {when}", what.name),
        template_id: what.template.0,
        template_version: what.template.1,
        channel: what.channel,
        sender: what.sender.clone(),
        audience: what.audience.clone(),
        send_at: None,
        segments_per_second: what.segments_per_second,
        budget: Some(what.cost_cap),
    };
    let now = context.clock.now();
    let campaign = campaigns::create(&context.store, &draft, &ACTOR, now).await?;
    if recurring::became(&context.store, run, campaign.id).await? {
        return Ok(Some(campaign.id));
    }
    campaigns::cancel(&context.store, campaign.id, &ACTOR, now).await.map_err(only_store)?;
    Ok(None)
}

/// Why it was not sent by itself.
enum Held {
    Because(String),
    Store(StoreError),
}

/// Approves the campaign, unless somebody did. Its budget is the cap, so a dearer one is refused.
async fn send(context: &Context, owner: &StoredRecurring, id: CampaignId) -> Result<(), Held> {
    let campaign = campaigns::get(&context.store, id).await.map_err(Held::Store)?;
    if campaign.is_none_or(|campaign| campaign.state != CampaignState::Draft) {
        return Ok(());
    }
    if !owner.campaign.enabled {
        return Err(Held::Because("it was switched off".to_owned()));
    }
    let commands = Commands::new(context.clone());
    let quoted = commands.quote_campaign(id).await.map_err(|error| Held::of(error.into()))?;
    match commands.approve_campaign(id, &quoted.quote, &ACTOR).await {
        Ok(_) => Ok(()),
        Err(CommandError::Campaign(CampaignError::InvalidState(_))) => Ok(()),
        Err(error) => Err(Held::of(error)),
    }
}

impl Held {
    fn of(error: CommandError) -> Self {
        match error {
            CommandError::Campaign(CampaignError::Store(error)) => Held::Store(error),
            CommandError::Quote(crate::QuoteError::Store(error)) => Held::Store(error),
            other => Held::Because(other.to_string()),
        }
    }
}

fn only_store(error: CampaignError) -> StoreError {
    match error {
        CampaignError::Store(error) => error,
        other => StoreError::Conflict(other.to_string()),
    }
}
