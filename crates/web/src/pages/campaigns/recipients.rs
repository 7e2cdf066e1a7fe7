//! A list uploaded for one campaign.

use super::find_draft;
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::forms::Submitted;
use crate::imports::{Recipients, good_rows};
use crate::pages::imports::done_href;
use crate::pages::upload_page::{self, Import};
use crate::uploads::{self, Uploads};
use crate::view::{Frame, Section};
use axum::Extension;
use axum::extract::{Multipart, Path, State};
use axum::response::{IntoResponse, Redirect};
use dakiya_core::user::Permission;
use dakiya_store::campaigns::{self, Campaign};
use dakiya_store::settings;

fn import(campaign: &Campaign) -> Import {
    Import {
        title: "Upload a list",
        form_href: format!("/campaigns/{}/recipients", campaign.id),
        back: format!("/campaigns/{}", campaign.id),
        back_words: campaign.draft.name.clone(),
        columns: vec![
            ("phone", "Must be there (or “to”)"),
            ("language", "en, hi …: which language of the template they get"),
            ("anything else", "Fills the placeholder of that name in the text"),
        ],
        consequence: "They are added to this campaign alone, not to your contacts.",
        repeats: upload_page::FIRST_COUNTS,
        sample: "",
    }
}

fn purpose(campaign: &Campaign) -> String {
    format!("recipients:{}", campaign.id)
}

/// The page to upload on.
pub(super) async fn ask(State(app): State<AppState>, person: Person, Path(id): Path<String>) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find_draft(&app, &id).await?;
    form(&app, &person, &campaign, "").await
}

async fn form(app: &AppState, person: &Person, campaign: &Campaign, fault: &str) -> PageResult {
    Ok(upload_page::form(Frame::of(app, person, Section::Campaigns).await?, import(campaign), fault))
}

async fn gone(app: &AppState, person: &Person, campaign: &Campaign) -> PageResult {
    Ok(upload_page::gone(Frame::of(app, person, Section::Campaigns).await?, import(campaign)))
}

/// Takes a file and checks it.
pub(super) async fn upload(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    Path(id): Path<String>,
    file: Multipart,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find_draft(&app, &id).await?;
    let Some(received) = uploads::receive(&person, file).await? else {
        return form(&app, &person, &campaign, "Choose a file first").await;
    };
    let allowed = settings::get(&app.store).await?.allowed_countries;
    match uploads::check::<Recipients>(&person, purpose(&campaign), received, allowed).await? {
        Ok(upload) => {
            Ok(Redirect::to(&format!("/campaigns/{}/recipients/{}", campaign.id, waiting.keep(upload).id))
                .into_response())
        }
        Err(fault) => form(&app, &person, &campaign, &fault.to_string()).await,
    }
}

/// What checking it found.
pub(super) async fn checked(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    Path((id, upload)): Path<(String, String)>,
) -> PageResult {
    let campaign = find_draft(&app, &id).await?;
    let Some(upload) = waiting.find(&person, &purpose(&campaign), &upload) else {
        return gone(&app, &person, &campaign).await;
    };
    Ok(upload_page::checked(Frame::of(&app, &person, Section::Campaigns).await?, import(&campaign), &upload))
}

/// The bad rows with their reasons.
pub(super) async fn bad_rows(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    person: Person,
    Path((id, upload)): Path<(String, String)>,
) -> PageResult {
    let campaign = find_draft(&app, &id).await?;
    match waiting.find(&person, &purpose(&campaign), &upload) {
        Some(upload) => upload_page::bad_rows(&upload),
        None => gone(&app, &person, &campaign).await,
    }
}

/// Adds the good rows to the campaign.
pub(super) async fn commit(
    State(app): State<AppState>,
    Extension(waiting): Extension<Uploads>,
    Path((id, upload)): Path<(String, String)>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find_draft(&app, &id).await?;
    let Some(upload) = waiting.find(&person, &purpose(&campaign), &upload) else {
        return gone(&app, &person, &campaign).await;
    };
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let rows = good_rows::<Recipients>(upload.file(), &allowed)?;
    let now = app.clock.now();
    let added = campaigns::add_recipients(&app.store, campaign.id, rows, &person.actor(), now).await?;
    waiting.forget(&upload.id);
    Ok(Redirect::to(&done_href(&format!("/campaigns/{}", campaign.id), added, &upload)).into_response())
}
