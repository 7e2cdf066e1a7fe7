//! Campaigns: written, priced, approved, watched, steered.

mod composer;
mod draft;
pub(crate) mod progress;
mod quote_view;
mod recipients;
mod results;
mod steering;
mod test_message;
mod timeline;
mod watching;

use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::routing::{get, post};
use dakiya_core::campaign::CampaignState;
use dakiya_store::campaigns::{self, Campaign};
use dakiya_store::templates;
use quote_view::DraftText;

pub(crate) use quote_view::gst_words;
use std::collections::HashMap;
pub(crate) use watching::progress_of;

const ROWS: u64 = 50;

/// Everything about campaigns.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/campaigns", get(list).post(composer::create))
        .route("/campaigns/new", get(composer::ask))
        .route("/campaigns/{id}", get(show).post(composer::save))
        .route("/campaigns/{id}/side", get(composer::counted))
        .route("/campaigns/{id}/preview", post(composer::preview))
        .route(
            "/campaigns/{id}/recipients",
            get(recipients::ask).post(recipients::upload).layer(DefaultBodyLimit::disable()),
        )
        .route("/campaigns/{id}/recipients/{upload}", get(recipients::checked).post(recipients::commit))
        .route("/campaigns/{id}/recipients/{upload}/bad-rows.csv", get(recipients::bad_rows))
        .route("/campaigns/{id}/test", get(test_message::ask).post(test_message::send))
        .route("/campaigns/{id}/check", get(steering::check))
        .route("/campaigns/{id}/approve", post(steering::approve))
        .route("/campaigns/{id}/pause", post(steering::pause))
        .route("/campaigns/{id}/resume", post(steering::resume))
        .route("/campaigns/{id}/cancel", get(steering::ask_cancel).post(steering::cancel))
        .route("/campaigns/{id}/progress", get(watching::progress_part))
        .route("/campaigns/{id}/people", get(watching::people_part))
        .route("/campaigns/{id}/results.csv", get(results::download))
}

#[derive(Template)]
#[template(path = "campaigns/list.html")]
struct CampaignsPage {
    frame: Frame,
    rows: Vec<Campaign>,
    first_page: bool,
    next: Option<String>,
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let cursor = view::cursor(&query);
    let found = campaigns::list(&app.store, None, cursor.as_ref(), ROWS).await?;
    let next = found.next.map(|next| view::href("/campaigns", &[("cursor", &next.to_string())]));
    let frame = Frame::of(&app, &person, Section::Campaigns).await?;
    Ok(view::html(&CampaignsPage { frame, rows: found.items, first_page: cursor.is_none(), next }))
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let campaign = find(&app, &id).await?;
    match campaign.state {
        CampaignState::Draft => composer::show(&app, &person, campaign, &query).await,
        _ => watching::show(&app, &person, campaign, &query).await,
    }
}

/// The campaign of an address.
async fn find(app: &AppState, id: &str) -> PageResult<Campaign> {
    let id = id.parse().map_err(|_| PageError::NotFound("campaign"))?;
    campaigns::get(&app.store, id).await?.ok_or(PageError::NotFound("campaign"))
}

/// A campaign that may still be changed.
async fn find_draft(app: &AppState, id: &str) -> PageResult<Campaign> {
    let campaign = find(app, id).await?;
    match campaign.state {
        CampaignState::Draft => Ok(campaign),
        _ => Err(PageError::Conflict("This campaign was approved meanwhile and can no longer be changed. Open it to pause or cancel it.".to_owned())),
    }
}

/// The text a campaign was written with.
async fn text_of(app: &AppState, campaign: &Campaign) -> PageResult<DraftText> {
    let version =
        templates::at_version(&app.store, campaign.draft.template_id, campaign.draft.template_version, None)
            .await?;
    let version = version.ok_or(PageError::NotFound("template"))?;
    Ok(DraftText { key: version.key, category: version.category, body: version.body })
}
