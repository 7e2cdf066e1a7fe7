//! Recurring campaigns: a form for people who know cron, with the next ten times, people and cost before it is saved.

use super::figures::left_out;
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use dakiya_core::audience::Audience;
use dakiya_core::message::{Category, Channel};
use dakiya_core::money::Money;
use dakiya_core::recurrence::Recurrence;
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_scheduler::{ListQuote, QuoteError, QuotedText};
use dakiya_store::recurring_campaigns::{
    self as recurring, RecurringCampaign, RecurringRunState, StoredRecurring,
};
use dakiya_store::{senders, templates};
use std::collections::HashMap;

/// Times shown before it is saved, and last ones beside it.
const NEXT_TIMES: usize = 10;
const LAST_TIMES: u64 = 10;

const MOST_TEMPLATES: u64 = 500;

struct Row {
    key: String,
    name: String,
    when: String,
    next_at: Option<Timestamp>,
    cap: Money,
    approved_by: String,
}

impl From<StoredRecurring> for Row {
    fn from(stored: StoredRecurring) -> Self {
        Row {
            key: stored.key,
            when: format!("{} {}", stored.campaign.cron, stored.campaign.zone),
            name: stored.campaign.name,
            next_at: stored.next_at,
            cap: stored.campaign.cost_cap,
            approved_by: stored.approved_by,
        }
    }
}

struct PastRow {
    at: Timestamp,
    result: &'static str,
    class: &'static str,
    reason: String,
    href: String,
}

#[derive(Template)]
#[template(path = "reminders/recurring.html")]
struct RecurringPage {
    frame: Frame,
    done: &'static str,
    title: String,
    action: String,
    rows: Vec<Row>,
    fields: Fields,
    faults: Faults,
    templates: Vec<(String, String)>,
    look: Look,
    past: Vec<PastRow>,
}

/// What the form would do: its next times, and whom the first of them reaches as things stand.
#[derive(Default)]
struct Look {
    next: Vec<Timestamp>,
    reach: Option<Reach>,
    trouble: String,
}

struct Reach {
    matched: u64,
    left_out: Vec<(&'static str, u64)>,
    will_send: u64,
    cost: Money,
    /// It would cost more than what is approved: it would wait for a person.
    would_wait: bool,
}

/// `GET /reminders/recurring`
pub(super) async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = if query.contains_key("done") { "Saved. It comes by itself from now on." } else { "" };
    let mut fields = Fields::from_pairs(Vec::new());
    for (name, value) in [
        ("cron", "0 10 1 * *"),
        ("zone", app.config.timezone.name()),
        ("channel", "sms"),
        ("catch_up", "yes"),
        ("enabled", "yes"),
    ] {
        fields.set(name, value);
    }
    page(&app, &person, None, fields, Faults::default(), Look::default(), done).await
}

/// `GET /reminders/recurring/{key}`
pub(super) async fn show(State(app): State<AppState>, person: Person, Path(key): Path<String>) -> PageResult {
    person.must(Permission::Send)?;
    let stored = find(&app, &key).await?;
    let fields = fields_of(&app, &stored.campaign).await?;
    let recurrence = Recurrence::parse(&stored.campaign.cron, &stored.campaign.zone, app.clock.now()).ok();
    let look = look(&app, recurrence.as_ref(), Some(&stored.campaign), &fields).await?;
    page(&app, &person, Some(stored), fields, Faults::default(), look, "").await
}

/// `POST /reminders/recurring`
pub(super) async fn create(State(app): State<AppState>, submitted: Submitted) -> PageResult {
    submit(&app, submitted, None).await
}

/// `POST /reminders/recurring/{key}`
pub(super) async fn save(
    State(app): State<AppState>,
    Path(key): Path<String>,
    submitted: Submitted,
) -> PageResult {
    let stored = find(&app, &key).await?;
    submit(&app, submitted, Some(stored)).await
}

async fn submit(app: &AppState, submitted: Submitted, stored: Option<StoredRecurring>) -> PageResult {
    let Submitted { person, fields } = submitted;
    person.must(Permission::Send)?;
    let (now, mut faults) = (app.clock.now(), Faults::default());
    let recurrence = faults.take("cron", Recurrence::parse(fields.text("cron"), fields.text("zone"), now));
    let saves = fields.text("do") == "save";
    let campaign = read(app, &fields, saves, &mut faults).await?;
    let (Some(recurrence), Some(campaign), true) = (&recurrence, &campaign, saves) else {
        let look = look(app, recurrence.as_ref(), campaign.as_ref(), &fields).await?;
        return page(app, &person, stored, fields, faults, look, "").await;
    };
    let key = match stored {
        Some(stored) => stored.key,
        None => free_key(app, &campaign.name).await?,
    };
    let campaign = RecurringCampaign { cron: recurrence.text().to_owned(), ..campaign.clone() };
    recurring::put(&app.store, &key, &campaign, recurrence.next(now), &person.actor(), now).await?;
    Ok(Redirect::to("/reminders/recurring?done=saved").into_response())
}

/// What the next times are, and whom the first would reach if it came as things stand.
async fn look(
    app: &AppState,
    recurrence: Option<&Recurrence>,
    campaign: Option<&RecurringCampaign>,
    fields: &Fields,
) -> PageResult<Look> {
    let Some(recurrence) = recurrence else { return Ok(Look::default()) };
    let next = recurrence.upcoming(app.clock.now(), NEXT_TIMES);
    let Some(campaign) = campaign else { return Ok(Look { next, ..Look::default() }) };
    let request = ListQuote {
        text: QuotedText::Template(fields.text("template").to_owned()),
        channel: campaign.channel,
        sender: Some(campaign.sender.to_string()),
        send_at: next.first().copied(),
        segments_per_second: campaign.segments_per_second,
    };
    match app.commands.quote_audience(request, &campaign.audience).await {
        Ok(quoted) => {
            let estimate = quoted.estimate;
            let capped = campaign.cost_cap > Money::ZERO;
            let reach = Reach {
                matched: estimate.recipients,
                left_out: left_out(&estimate.suppressed),
                will_send: estimate.sendable,
                cost: estimate.cost.expected,
                would_wait: capped && estimate.cost.expected > campaign.cost_cap,
            };
            Ok(Look { next, reach: Some(reach), trouble: String::new() })
        }
        Err(QuoteError::Store(error)) => Err(error.into()),
        Err(error) => {
            let trouble = format!("Whom it reaches cannot be reckoned: {error}.");
            Ok(Look { next, reach: None, trouble })
        }
    }
}

/// Reads the form; every fault is noted. What is approved must be said only to save it.
async fn read(
    app: &AppState,
    fields: &Fields,
    saves: bool,
    faults: &mut Faults,
) -> PageResult<Option<RecurringCampaign>> {
    let name = fields.text("name");
    if (saves && name.is_empty()) || name.chars().count() > 100 {
        faults.add("name", "say what people call it, in at most 100 characters");
    }
    let channel = faults.take("channel", Channel::parse(fields.text("channel")));
    let cap = match fields.text("cost_cap") {
        "" if saves => {
            faults.add("cost_cap", "say how much one time may cost at most, for example 500");
            None
        }
        "" => Some(Money::ZERO),
        text => {
            let cap = faults.take("cost_cap", Money::parse(text));
            if cap.is_some_and(|cap| cap <= Money::ZERO) {
                faults.add("cost_cap", "write more than nothing");
            }
            cap
        }
    };
    let tags: Vec<String> = fields
        .text("tags")
        .split([',', ';'])
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect();
    let audience = Audience { all: fields.has("all"), tags };
    if audience.is_empty() {
        faults.add("tags", "name a tag, or choose every contact");
    }
    let template = templates::get(&app.store, fields.text("template"), None).await?;
    if template.is_none() {
        faults.add("template", "choose a template");
    }
    let sender = match channel {
        Some(channel) => senders::first(&app.store, channel).await?,
        None => None,
    };
    if channel.is_some() && sender.is_none() {
        faults.add("channel", "there is no sender for this channel; add one under settings");
    }
    let pace = Some(fields.text("segments_per_second")).filter(|text| !text.is_empty());
    let pace = match pace.map(str::parse::<u32>) {
        None => None,
        Some(Ok(pace)) if (1..=1_000).contains(&pace) => Some(pace),
        Some(_) => {
            faults.add("segments_per_second", "between 1 and 1000, or empty");
            None
        }
    };
    let (Some(channel), Some(cost_cap), Some(template), Some(sender), true) =
        (channel, cap, template, sender, faults.is_empty())
    else {
        return Ok(None);
    };
    // The newest text of every language: what goes out is what was there when it was approved.
    let variants = templates::variants(&app.store, template.template_id, i32::MAX).await?;
    let version = variants.iter().map(|variant| variant.version).max().unwrap_or(template.version);
    Ok(Some(RecurringCampaign {
        name: name.to_owned(),
        cron: fields.text("cron").to_owned(),
        zone: fields.text("zone").to_owned(),
        template: (template.template_id, version),
        channel,
        sender: sender.address,
        audience,
        segments_per_second: pace,
        cost_cap,
        catch_up: fields.text("catch_up") != "no",
        enabled: fields.has("enabled"),
    }))
}

async fn fields_of(app: &AppState, campaign: &RecurringCampaign) -> PageResult<Fields> {
    let variants = templates::variants(&app.store, campaign.template.0, campaign.template.1).await?;
    let mut fields = Fields::from_pairs(Vec::new());
    for (name, value) in [
        ("name", campaign.name.clone()),
        ("cron", campaign.cron.clone()),
        ("zone", campaign.zone.clone()),
        ("template", variants.first().map(|version| version.key.clone()).unwrap_or_default()),
        ("channel", campaign.channel.to_string()),
        ("tags", campaign.audience.tags.join(", ")),
        ("cost_cap", campaign.cost_cap.to_plain()),
        (
            "segments_per_second",
            campaign.segments_per_second.map(|pace| pace.to_string()).unwrap_or_default(),
        ),
        ("catch_up", if campaign.catch_up { "yes" } else { "no" }.to_owned()),
    ] {
        fields.set(name, &value);
    }
    for (name, ticked) in [("all", campaign.audience.all), ("enabled", campaign.enabled)] {
        if ticked {
            fields.set(name, "yes");
        }
    }
    Ok(fields)
}

async fn page(
    app: &AppState,
    person: &Person,
    stored: Option<StoredRecurring>,
    fields: Fields,
    faults: Faults,
    look: Look,
    done: &'static str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let all = templates::list(&app.store, None, MOST_TEMPLATES).await?.items;
    let fit = all.into_iter().filter(|version| version.category != Category::Otp);
    let past = match &stored {
        Some(stored) => recurring::runs(&app.store, stored.id, LAST_TIMES).await?,
        None => Vec::new(),
    };
    let past_row = |run: recurring::RecurringRun| {
        let (result, class) = match run.state {
            RecurringRunState::Begun => ("Being made", "info"),
            RecurringRunState::Sent => ("Sent", "ok"),
            RecurringRunState::Held => ("Waits for a person", "warn"),
        };
        let href = run.campaign_id.map_or_else(String::new, |id| format!("/campaigns/{id}"));
        PastRow { at: run.at, result, class, reason: run.reason.unwrap_or_default(), href }
    };
    let page = RecurringPage {
        frame: Frame::of(app, person, Section::Reminders).await?,
        done,
        title: stored
            .as_ref()
            .map_or_else(|| "Add a recurring campaign".to_owned(), |it| it.campaign.name.clone()),
        action: stored.as_ref().map_or_else(
            || "/reminders/recurring".to_owned(),
            |it| format!("/reminders/recurring/{}", it.key),
        ),
        rows: recurring::list(&app.store).await?.into_iter().map(Row::from).collect(),
        fields,
        faults,
        templates: fit.map(|version| (version.key, version.name)).collect(),
        look,
        past: past.into_iter().map(past_row).collect(),
    };
    Ok((status, view::html(&page)).into_response())
}

async fn find(app: &AppState, key: &str) -> PageResult<StoredRecurring> {
    recurring::get(&app.store, key).await?.ok_or(PageError::NotFound("recurring campaign"))
}

async fn free_key(app: &AppState, name: &str) -> PageResult<String> {
    let base = super::key_of(name);
    let mut key = base.clone();
    let mut number = 2;
    while recurring::get(&app.store, &key).await?.is_some() {
        key = format!("{base}-{number}");
        number += 1;
    }
    Ok(key)
}
