//! Writing a campaign: who, what, when; with its cost beside it.

use super::draft::Form;
use super::quote_view::{DraftText, Side, side, side_or_later};
use super::{find_draft, text_of};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::forms::{Faults, Submitted};
use crate::pages::contacts::everyone;
use crate::pages::imports;
use crate::pages::preview::own_placeholders;
use crate::pages::prices::Prices;
use crate::view::{self, Frame, Section, Zone};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use dakiya_core::message::{Category, Channel};
use dakiya_core::savings::SavingKind;
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_store::campaigns::{self, Campaign};
use dakiya_store::contacts::{self, TagCount};
use dakiya_store::senders;
use dakiya_store::templates::{self, TemplateText};
use std::collections::HashMap;

const MOST_TAGS: u64 = 60;
const MOST_TEMPLATES: u64 = 500;

struct SenderChoice {
    address: String,
    words: String,
}

struct TemplateChoice {
    key: String,
    name: String,
}

#[derive(Template)]
#[template(path = "campaigns/composer.html")]
struct ComposerPage {
    frame: Frame,
    form: Form,
    faults: Faults,
    action: String,
    preview_action: Option<String>,
    upload_action: Option<String>,
    discard_href: Option<String>,
    saved_at: Option<Timestamp>,
    category: Option<Category>,
    template_key: Option<String>,
    contacts: u64,
    uploaded: u64,
    /// The placeholders that a list must bring.
    details: String,
    tags: Vec<TagCount>,
    templates: Vec<TemplateChoice>,
    senders: Vec<SenderChoice>,
    sms_price: String,
    whatsapp_price: String,
    side: Side,
    done: String,
}

async fn page(
    app: &AppState,
    person: &Person,
    campaign: Option<(Campaign, DraftText)>,
    form: Form,
    faults: Faults,
    done: &str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let beside = match &campaign {
        Some((campaign, text)) => side_or_later(app, campaign, text).await?,
        None => Side::Nothing("Choose who gets it and save the draft to see the cost.".to_owned()),
    };
    let prices = Prices::now(app).await?;
    let category = campaign.as_ref().map(|(_, text)| text.category);
    let price = |channel| prices.words(channel, category.unwrap_or(Category::Service));
    let base = campaign.as_ref().map(|(campaign, _)| format!("/campaigns/{}", campaign.id));
    let below = |path: &str| base.as_ref().map(|base| format!("{base}{path}"));
    let page = ComposerPage {
        frame: Frame::of(app, person, Section::Campaigns).await?,
        action: base.clone().unwrap_or_else(|| "/campaigns".to_owned()),
        preview_action: below("/preview"),
        upload_action: below("/recipients"),
        discard_href: below("/cancel"),
        saved_at: campaign.as_ref().map(|(campaign, _)| campaign.created_at),
        category,
        template_key: campaign.as_ref().map(|(_, text)| text.key.clone()),
        contacts: everyone(app).await?,
        uploaded: campaign.as_ref().map_or(0, |(campaign, _)| uploaded(campaign)),
        details: campaign.as_ref().map_or_else(String::new, |(_, text)| details(text)),
        tags: contacts::tags(&app.store, MOST_TAGS).await?,
        templates: template_choices(app).await?,
        senders: sender_choices(app).await?,
        sms_price: price(Channel::Sms),
        whatsapp_price: price(Channel::Whatsapp),
        side: beside,
        form,
        faults,
        done: done.to_owned(),
    };
    Ok((status, view::html(&page)).into_response())
}

/// People who are in the audience only because of an uploaded list.
fn uploaded(campaign: &Campaign) -> u64 {
    if campaign.draft.audience.is_empty() { campaign.recipients } else { 0 }
}

fn details(text: &DraftText) -> String {
    dakiya_core::template::Template::parse(&text.body)
        .map_or_else(|_| String::new(), |template| own_placeholders(&template).join(", "))
}

async fn template_choices(app: &AppState) -> PageResult<Vec<TemplateChoice>> {
    let all = templates::list(&app.store, None, MOST_TEMPLATES).await?.items;
    Ok(all
        .into_iter()
        .filter(|version| version.category != Category::Otp)
        .map(|version| TemplateChoice { key: version.key, name: version.name })
        .collect())
}

async fn sender_choices(app: &AppState) -> PageResult<Vec<SenderChoice>> {
    let all = senders::list(&app.store, None).await?;
    let choice = |sender: dakiya_core::sender::Sender| {
        let words = format!(
            "{} ({}, {} a second)",
            sender.address,
            if sender.kind.channel() == Channel::Sms { "SMS" } else { "WhatsApp" },
            sender.segments_per_second
        );
        SenderChoice { address: sender.address.to_string(), words }
    };
    Ok(all.into_iter().map(choice).collect())
}

/// `GET /campaigns/new`
pub(super) async fn ask(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::Send)?;
    let form = Form {
        audience: "tags".to_owned(),
        channel: Channel::Sms.as_str().to_owned(),
        template: query.get("template").cloned().unwrap_or_default(),
        ..Form::default()
    };
    page(&app, &person, None, form, Faults::default(), "").await
}

/// `POST /campaigns`
pub(super) async fn create(
    State(app): State<AppState>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let (form, mut faults) = (Form::read(&fields), Faults::default());
    let Some(draft) = form.parse(&app, &mut faults).await? else {
        return page(&app, &person, None, form, faults, "").await;
    };
    let campaign = campaigns::create(&app.store, &draft, &person.actor(), app.clock.now()).await?;
    Ok(Redirect::to(&format!("/campaigns/{}?done=created", campaign.id)).into_response())
}

/// A draft's page.
pub(super) async fn show(
    app: &AppState,
    person: &Person,
    campaign: Campaign,
    query: &HashMap<String, String>,
) -> PageResult {
    let text = text_of(app, &campaign).await?;
    let form = Form::of(&campaign, &text.key, Zone(app.config.timezone));
    let done = match query.get("done").map(String::as_str) {
        Some("created") => {
            "Draft saved. The cost is beside it; upload a list or check and schedule.".to_owned()
        }
        Some("saved") => "Draft saved.".to_owned(),
        Some("fixed") => {
            "The template has a new version with plain characters, and this draft uses it.".to_owned()
        }
        Some("imported") => imports::done_words(query, imports::FIRST_STAYED),
        _ => String::new(),
    };
    page(app, person, Some((campaign, text)), form, Faults::default(), &done).await
}

/// `POST /campaigns/{id}`: saves, then goes where the pressed button leads.
pub(super) async fn save(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find_draft(&app, &id).await?;
    let (form, mut faults) = (Form::read(&fields), Faults::default());
    let Some(draft) = form.parse(&app, &mut faults).await? else {
        let text = text_of(&app, &campaign).await?;
        return page(&app, &person, Some((campaign, text)), form, faults, "").await;
    };
    let campaign =
        campaigns::update(&app.store, campaign.id, &draft, &person.actor(), app.clock.now()).await?;
    let onward = match fields.text("do") {
        "check" => "/check",
        "test" => "/test",
        other => match other.strip_prefix("fix:") {
            Some(kind) => fix(&app, &person, &campaign, kind).await?,
            None => "?done=saved",
        },
    };
    Ok(Redirect::to(&format!("/campaigns/{}{onward}", campaign.id)).into_response())
}

/// Takes a saving: the template gets a new version with the cheaper text, and the draft uses it.
async fn fix(app: &AppState, person: &Person, campaign: &Campaign, kind: &str) -> PageResult<&'static str> {
    let kind = SavingKind::parse(kind).map_err(|_| PageError::NotFound("saving"))?;
    let quoted = app.commands.quote_campaign(campaign.id).await?;
    let fixed =
        quoted.savings.into_iter().find(|saving| saving.kind == kind).and_then(|saving| saving.fixed_body);
    let Some(body) = fixed else { return Ok("?done=saved") };
    let draft = &campaign.draft;
    let version = templates::at_version(&app.store, draft.template_id, draft.template_version, None)
        .await?
        .ok_or(PageError::NotFound("template"))?;
    let text = TemplateText {
        name: version.name,
        category: version.category,
        channel: version.channel,
        language: Some(version.language),
        body,
        dlt: version.dlt,
        content_sid: version.content_sid,
    };
    let (actor, now) = (person.actor(), app.clock.now());
    let saved = templates::put(&app.store, &version.key, &text, &actor, now).await?;
    let draft = campaigns::CampaignDraft { template_version: saved.version, ..draft.clone() };
    campaigns::update(&app.store, campaign.id, &draft, &actor, now).await?;
    Ok("?done=fixed")
}

#[derive(Template)]
#[template(path = "campaigns/_side.html")]
struct SidePart {
    side: Side,
}

/// `GET /campaigns/{id}/side`: the cost alone, for an audience that takes a while.
pub(super) async fn counted(
    State(app): State<AppState>,
    person: Person,
    Path(id): Path<String>,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find_draft(&app, &id).await?;
    let text = text_of(&app, &campaign).await?;
    Ok(view::html(&SidePart { side: side(&app, &campaign, &text).await? }))
}

/// `POST /campaigns/{id}/preview`: saves what can be saved and answers with the cost alone.
pub(super) async fn preview(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let campaign = find_draft(&app, &id).await?;
    let (form, mut faults) = (Form::read(&fields), Faults::default());
    let side = match form.parse(&app, &mut faults).await? {
        Some(draft) => {
            let campaign =
                campaigns::update(&app.store, campaign.id, &draft, &person.actor(), app.clock.now()).await?;
            let text = text_of(&app, &campaign).await?;
            side(&app, &campaign, &text).await?
        }
        None => Side::Nothing(
            faults.iter().map(|(_, message)| format!("{message}.")).collect::<Vec<_>>().join(" "),
        ),
    };
    Ok(view::html(&SidePart { side }))
}
