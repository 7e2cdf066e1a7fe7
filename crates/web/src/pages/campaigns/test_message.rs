//! One message of a draft to oneself.

use super::{find_draft, text_of};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::forms::{Faults, Submitted};
use crate::pages::preview::{own_placeholders, sample_variables};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use dakiya_core::template;
use dakiya_core::user::Permission;
use dakiya_scheduler::SendNowError;
use dakiya_scheduler::{Content, EnqueueError, EnqueueRequest};
use dakiya_store::campaigns::Campaign;
use dakiya_store::recipients;
use std::collections::{BTreeMap, HashMap};

#[derive(Template)]
#[template(path = "campaigns/test.html")]
struct TestPage {
    frame: Frame,
    campaign: Campaign,
    phone: String,
    details: Vec<(String, String)>,
    faults: Faults,
    done: &'static str,
}

async fn page(
    app: &AppState,
    person: &Person,
    campaign: Campaign,
    phone: String,
    details: Vec<(String, String)>,
    faults: Faults,
    done: &'static str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let frame = Frame::of(app, person, Section::Campaigns).await?;
    Ok((status, view::html(&TestPage { frame, campaign, phone, details, faults, done })).into_response())
}

/// The details of the first person in the list, or samples while there is none.
async fn suggested(app: &AppState, campaign: &Campaign) -> PageResult<Vec<(String, String)>> {
    let text = text_of(app, campaign).await?;
    let template = template::Template::parse(&text.body).map_err(|error| PageError::internal(&error))?;
    let mut values = sample_variables(&template, &app.config.brand, "");
    if let Some(first) = recipients::page(&app.store, campaign.id, None, 1).await?.into_iter().next() {
        values.extend(first.variables);
    }
    Ok(own_placeholders(&template)
        .into_iter()
        .map(|name| (name.clone(), values.remove(&name).unwrap_or_default()))
        .collect())
}

/// `GET /campaigns/{id}/test`
pub(super) async fn ask(
    State(app): State<AppState>,
    person: Person,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find_draft(&app, &id).await?;
    let details = suggested(&app, &campaign).await?;
    let done = if query.contains_key("done") {
        "Twilio took the test message. It should arrive within a minute."
    } else {
        ""
    };
    page(&app, &person, campaign, String::new(), details, Faults::default(), done).await
}

/// `POST /campaigns/{id}/test`
pub(super) async fn send(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find_draft(&app, &id).await?;
    let text = text_of(&app, &campaign).await?;
    let details: Vec<(String, String)> = suggested(&app, &campaign)
        .await?
        .into_iter()
        .map(|(name, _)| (name.clone(), fields.raw(&format!("var.{name}")).to_owned()))
        .collect();
    let request = EnqueueRequest {
        to: fields.text("phone").to_owned(),
        content: Content::Template {
            key: text.key,
            variables: details.iter().cloned().collect::<BTreeMap<_, _>>(),
            language: None,
        },
        channel: Some(campaign.draft.channel),
        sender: Some(campaign.draft.sender.to_string()),
        send_at: None,
        expires_at: None,
        dedupe_key: None,
        key: None,
    };
    match app.commands.send_now(request).await {
        Ok(_) => Ok(Redirect::to(&format!("/campaigns/{}/test?done=1", campaign.id)).into_response()),
        Err(SendNowError::Store(error) | SendNowError::Door(EnqueueError::Store(error))) => Err(error.into()),
        Err(refused) => {
            let mut faults = Faults::default();
            faults.add("phone", refused);
            page(&app, &person, campaign, fields.text("phone").to_owned(), details, faults, "").await
        }
    }
}
