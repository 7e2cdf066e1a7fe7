//! A campaign that was approved: how far it is, what went wrong, what it costs.

use super::progress::Progress;
use super::{find, text_of};
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters::{self, category_words};
use crate::pages::explain;
use crate::pages::preview::Preview;
use crate::view::{self, Frame, Section, Zone};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect};
use dakiya_core::campaign::CampaignState;
use dakiya_core::message::Status;
use dakiya_core::time::Timestamp;
use dakiya_store::campaigns::{self, Campaign};
use dakiya_store::messages::{self, Message};
use std::collections::HashMap;

const PEOPLE: u64 = 10;

/// htmx stops asking when it is answered with this status.
const STOP_POLLING: u16 = 286;

/// Failures of one kind, with what to do about them.
struct Failure {
    title: String,
    code_words: String,
    people: u64,
    charged: &'static str,
    remedy: String,
}

struct HistoryEntry {
    words: String,
    at: Timestamp,
    who: String,
}

/// Which budget keeps a campaign waiting, and what lets it go on.
fn budget_hold(campaign: &Campaign) -> Option<String> {
    campaign.budget_hold.map(|hold| {
        let (meaning, remedy) = explain::held(hold);
        format!("{meaning} {remedy}")
    })
}

#[derive(Template)]
#[template(path = "campaigns/show.html")]
struct CampaignPage {
    frame: Frame,
    campaign: Campaign,
    progress: Progress,
    zone: Zone,
    now: Timestamp,
    category_words: String,
    approved_by: String,
    may_pause: bool,
    may_resume: bool,
    may_cancel: bool,
    failed: u64,
    failures: Vec<Failure>,
    people: Vec<Message>,
    template_key: String,
    preview: Option<Preview>,
    history: Vec<HistoryEntry>,
    done: &'static str,
}

#[derive(Template)]
#[template(path = "campaigns/_progress.html")]
struct ProgressPart {
    campaign: Campaign,
    progress: Progress,
    zone: Zone,
    now: Timestamp,
}

#[derive(Template)]
#[template(path = "campaigns/_people.html")]
struct PeoplePart {
    campaign: Campaign,
    progress: Progress,
    zone: Zone,
    failed: u64,
    failures: Vec<Failure>,
    people: Vec<Message>,
}

/// How far a campaign is.
pub(crate) async fn progress_of(app: &AppState, campaign: &Campaign) -> PageResult<Progress> {
    let counts = campaigns::counts(&app.store, campaign).await?;
    let zone = Zone(app.config.timezone);
    Ok(Progress::of(campaign.id, &counts.by_status, counts.pending).ending(
        campaign.state,
        campaign.predicted_finish,
        campaign.finished_at,
        campaign.budget_hold.is_some(),
        zone,
    ))
}

/// The page of an approved campaign.
pub(super) async fn show(
    app: &AppState,
    person: &Person,
    campaign: Campaign,
    query: &HashMap<String, String>,
) -> PageResult {
    let text = text_of(app, &campaign).await?;
    let progress = progress_of(app, &campaign).await?;
    let failures = failures(app, &campaign).await?;
    let people = people(app, &campaign).await?;
    let done = match query.get("done").map(String::as_str) {
        Some("approved") => "Approved. It starts by itself.",
        Some("paused") => "Paused. None of its messages begins any more until somebody resumes it.",
        Some("resumed") => "Going on at the first person without a message.",
        Some("canceled") => "Canceled. None of its messages begins any more.",
        _ => "",
    };
    let page = CampaignPage {
        frame: Frame::of(app, person, Section::Campaigns).await?,
        zone: Zone(app.config.timezone),
        now: app.clock.now(),
        category_words: category_words(text.category).to_lowercase(),
        approved_by: campaign.approved_by.clone().unwrap_or_default(),
        may_pause: matches!(campaign.state, CampaignState::Scheduled | CampaignState::Sending),
        may_resume: campaign.state == CampaignState::Paused,
        may_cancel: !campaign.state.is_final(),
        failed: failures.iter().map(|failure| failure.people).sum(),
        failures,
        preview: example(&people),
        people,
        template_key: text.key,
        history: history(&campaign),
        progress,
        campaign,
        done,
    };
    Ok(view::html(&page))
}

/// One message as it went out.
fn example(people: &[Message]) -> Option<Preview> {
    people
        .iter()
        .find(|message| message.status != Status::Suppressed && !message.body.is_empty())
        .map(|message| Preview::of_body(&message.body))
}

fn failure(group: messages::FailureGroup) -> Failure {
    Failure {
        title: group.error_code.map_or_else(|| "No reason given".to_owned(), explain::title_of),
        code_words: group.error_code.map_or_else(String::new, |code| format!("Twilio {code}")),
        people: group.count,
        charged: group.error_code.map_or("If it reached the network", explain::charged_words),
        remedy: group.error_code.map_or_else(|| "Try once more later.".to_owned(), explain::remedy_of),
    }
}

fn history(campaign: &Campaign) -> Vec<HistoryEntry> {
    let entry = |words: &str, at: Option<Timestamp>, who: &str| {
        at.map(|at| HistoryEntry { words: words.to_owned(), at, who: who.to_owned() })
    };
    let ended = if campaign.state == CampaignState::Canceled { "Canceled" } else { "Nothing waits any more" };
    let approved = format!("Approved {}", campaign.estimated_cost.with_sign());
    let entries = [
        entry(ended, campaign.finished_at, "automatic"),
        entry("Sending started", campaign.started_at, "automatic"),
        entry(&approved, campaign.approved_at, campaign.approved_by.as_deref().unwrap_or("somebody")),
        entry("Draft written", Some(campaign.created_at), &campaign.created_by),
    ];
    entries.into_iter().flatten().collect()
}

/// `GET /campaigns/{id}/progress`: the figures alone.
pub(super) async fn progress_part(
    State(app): State<AppState>,
    _: Person,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> PageResult {
    let campaign = find(&app, &id).await?;
    if !headers.contains_key("hx-request") {
        return Ok(Redirect::to(&format!("/campaigns/{}", campaign.id)).into_response());
    }
    let progress = progress_of(&app, &campaign).await?;
    let status = polled(&progress);
    let part = ProgressPart { campaign, progress, zone: Zone(app.config.timezone), now: app.clock.now() };
    Ok((status, view::html(&part)).into_response())
}

/// `GET /campaigns/{id}/people`: failures and people alone.
pub(super) async fn people_part(
    State(app): State<AppState>,
    _: Person,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> PageResult {
    let campaign = find(&app, &id).await?;
    if !headers.contains_key("hx-request") {
        return Ok(Redirect::to(&format!("/campaigns/{}", campaign.id)).into_response());
    }
    let progress = progress_of(&app, &campaign).await?;
    let status = polled(&progress);
    let failures = failures(&app, &campaign).await?;
    let failed = failures.iter().map(|failure| failure.people).sum();
    let people = people(&app, &campaign).await?;
    let part = PeoplePart { campaign, progress, zone: Zone(app.config.timezone), failed, failures, people };
    Ok((status, view::html(&part)).into_response())
}

/// The last answer tells the page to stop asking.
fn polled(progress: &Progress) -> StatusCode {
    match progress.finished {
        true => StatusCode::from_u16(STOP_POLLING).unwrap_or(StatusCode::OK),
        false => StatusCode::OK,
    }
}

async fn failures(app: &AppState, campaign: &Campaign) -> PageResult<Vec<Failure>> {
    Ok(messages::failure_groups(&app.store, campaign.id).await?.into_iter().map(failure).collect())
}

/// Those whose message went out first.
async fn people(app: &AppState, campaign: &Campaign) -> PageResult<Vec<Message>> {
    Ok(campaigns::results(&app.store, campaign.id, None, PEOPLE).await?.items)
}
