//! Approving, pausing, going on, canceling.

use super::quote_view::{self, QuoteView};
use super::{find, find_draft, text_of};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters::{self, counted};
use crate::forms::Submitted;
use crate::pages::confirm::Confirm;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use dakiya_core::campaign::CampaignState;
use dakiya_core::message::Category;
use dakiya_core::user::Permission;
use dakiya_scheduler::CommandError;
use dakiya_store::campaigns::{self, Campaign, CampaignError};
use std::collections::HashMap;

#[derive(Template)]
#[template(path = "campaigns/check.html")]
struct CheckPage {
    frame: Frame,
    campaign: Campaign,
    category: Category,
    quote: Box<QuoteView>,
    problem: String,
}

/// What stands there while the figures of many people are reckoned.
#[derive(Template)]
#[template(path = "campaigns/check_later.html")]
struct CheckLater {
    frame: Frame,
    campaign: Campaign,
    people: u64,
    /// Where the figures are.
    counted: String,
}

/// `GET /campaigns/{id}/check`: everything on one page, before anybody commits. The figures of many people come after
/// the page.
pub(super) async fn check(
    State(app): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find_draft(&app, &id).await?;
    if !query.contains_key("counted")
        && let Some(people) = quote_view::takes_a_while(&app, &campaign).await?
    {
        let frame = Frame::of(&app, &person, Section::Campaigns).await?;
        let counted = format!("/campaigns/{}/check?counted=yes", campaign.id);
        return Ok(view::html(&CheckLater { frame, campaign, people, counted }));
    }
    check_page(&app, &person, campaign, "").await
}

async fn check_page(app: &AppState, person: &Person, campaign: Campaign, problem: &str) -> PageResult {
    let text = text_of(app, &campaign).await?;
    let quoted = app.commands.quote_campaign(campaign.id).await?;
    let quote = Box::new(quote_view::view(app, &campaign, &text, quoted).await?);
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let frame = Frame::of(app, person, Section::Campaigns).await?;
    let page = CheckPage { frame, campaign, category: text.category, quote, problem: problem.to_owned() };
    Ok((status, view::html(&page)).into_response())
}

/// `POST /campaigns/{id}/approve`
pub(super) async fn approve(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find(&app, &id).await?;
    match app.commands.approve_campaign(campaign.id, fields.text("quote"), &person.actor()).await {
        Ok(campaign) => {
            Ok(Redirect::to(&format!("/campaigns/{}?done=approved", campaign.id)).into_response())
        }
        // A second click of the same person: it is approved, and nothing more happens.
        Err(CommandError::Campaign(CampaignError::InvalidState(_) | CampaignError::NotADraft(_)))
            if campaign.state != CampaignState::Draft =>
        {
            Ok(Redirect::to(&format!("/campaigns/{}", campaign.id)).into_response())
        }
        Err(
            error @ (CommandError::Campaign(CampaignError::QuoteChanged | CampaignError::OverBudget { .. })
            | CommandError::OverBudget { .. }
            | CommandError::NobodyToSendTo),
        ) => {
            let problem = match error {
                CommandError::Campaign(CampaignError::QuoteChanged) => "The list, the text or the cost changed since you looked. The figures below are new; check them and approve again.".to_owned(),
                other => format!("Not approved: {other}."),
            };
            check_page(&app, &person, campaign, &problem).await
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /campaigns/{id}/pause`
pub(super) async fn pause(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find(&app, &id).await?;
    app.commands.pause_campaign(campaign.id, &person.actor()).await?;
    Ok(Redirect::to(&format!("/campaigns/{}?done=paused", campaign.id)).into_response())
}

/// `POST /campaigns/{id}/resume`
pub(super) async fn resume(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find(&app, &id).await?;
    app.commands.resume_campaign(campaign.id, &person.actor()).await?;
    Ok(Redirect::to(&format!("/campaigns/{}?done=resumed", campaign.id)).into_response())
}

/// `GET /campaigns/{id}/cancel`: what canceling means, in numbers.
pub(super) async fn ask_cancel(
    State(app): State<AppState>,
    person: Person,
    Path(id): Path<String>,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find(&app, &id).await?;
    if campaign.state.is_final() {
        return Err(PageError::Conflict(
            "This campaign has ended already; there is nothing left to cancel.".to_owned(),
        ));
    }
    let counts = campaigns::counts(&app.store, &campaign).await?;
    let progress = super::progress::Progress::of(campaign.id, &counts.by_status, counts.pending);
    let left = progress.total() - progress.done();
    let draft = campaign.state == CampaignState::Draft;
    let consequences = if draft {
        vec![
            "Nothing of it was sent. The draft stays in the list as canceled and cannot be used any more."
                .to_owned(),
        ]
    } else {
        vec![
            format!("{} will not get it.", counted(left, "person", "people")),
            format!(
                "{} done already; that cannot be called back.",
                counted(progress.done(), "message is", "messages are")
            ),
            "A canceled campaign cannot be resumed. Pause it instead if you are not sure.".to_owned(),
        ]
    };
    let page = Confirm {
        frame: Frame::of(&app, &person, Section::Campaigns).await?,
        title: if draft {
            format!("Discard “{}”?", campaign.draft.name)
        } else {
            format!("Cancel the rest of “{}”?", campaign.draft.name)
        },
        consequences,
        action: format!("/campaigns/{}/cancel", campaign.id),
        button: if draft {
            "Discard the draft".to_owned()
        } else {
            format!("Cancel {}", counted(left, "message", "messages"))
        },
        button_class: "danger",
        back: format!("/campaigns/{}", campaign.id),
        back_words: "Back to the campaign",
        reason_label: "",
        fault: "",
        hidden: Vec::new(),
    };
    Ok(page.into_page())
}

/// `POST /campaigns/{id}/cancel`
pub(super) async fn cancel(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find(&app, &id).await?;
    app.commands.cancel_campaign(campaign.id, &person.actor()).await?;
    Ok(Redirect::to(&format!("/campaigns/{}?done=canceled", campaign.id)).into_response())
}
