//! Campaigns: written down, priced, approved once, watched, paused and canceled at any time.

mod shapes;

use super::auth::{MayRead, MaySend};
use super::estimates::CampaignEstimate;
use super::fields::Fields;
use super::json::{Json, Object, OptionalJson, Path, Query};
use super::pagination::{self, List};
use super::problem::{Code, Document, Problem};
use super::schema;
use super::sending::Nothing;
use crate::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use dakiya_core::campaign::CampaignState;
use dakiya_core::ids::CampaignId;
use dakiya_core::message::{Channel, Status};
use dakiya_core::money::Money;
use dakiya_core::sender::SenderAddress;
use dakiya_scheduler::CommandError;
use dakiya_store::campaigns::{self, Campaign, CampaignDraft, CampaignError, Counts};
use dakiya_store::{senders, templates};
use serde::Deserialize;
use shapes::{Approval, CampaignCost, CampaignDetail, NewCampaign};
use std::collections::BTreeMap;
use utoipa::IntoParams;

const MOST_NAME_CHARACTERS: usize = 200;
const MOST_TAGS: usize = 100;

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CampaignQuery {
    /// Only those in this state.
    #[param(value_type = Option<schema::CampaignState>)]
    state: Option<String>,
    /// Items on a page: 1 to 500.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A campaign as it stands, with its counts.
async fn detail(app: &AppState, campaign: Campaign) -> Result<CampaignDetail, Problem> {
    let draft = &campaign.draft;
    let template = templates::at_version(&app.store, draft.template_id, draft.template_version, None).await?;
    let counts = campaigns::counts(&app.store, &campaign).await?;
    let Campaign { draft, .. } = campaign;
    Ok(CampaignDetail {
        id: campaign.id,
        name: draft.name,
        template: template.map(|template| template.key).unwrap_or_default(),
        audience: draft.audience,
        channel: draft.channel,
        sender: draft.sender.to_string(),
        send_at: draft.send_at,
        segments_per_second: draft.segments_per_second,
        budget: draft.budget,
        state: campaign.state,
        paused_reason: campaign.paused_reason,
        held_by_budget: campaign.budget_hold.map(|hold| hold.to_string()),
        recipients: campaign.recipients,
        counts: by_status(counts, campaign.state),
        cost: CampaignCost {
            estimated: campaign.estimated_cost,
            reserved: campaign.reserved,
            actual: campaign.actual_cost,
        },
        predicted_finish: campaign.predicted_finish.filter(|_| campaign.budget_hold.is_none()),
        created_at: campaign.created_at,
        approved_at: campaign.approved_at,
        started_at: campaign.started_at,
        finished_at: campaign.finished_at,
    })
}

/// Once approved, everybody is counted: whoever has no message yet waits like those who have.
fn by_status(counts: Counts, state: CampaignState) -> BTreeMap<Status, u64> {
    let mut by_status = counts.by_status;
    if state != CampaignState::Draft && counts.pending > 0 {
        *by_status.entry(Status::Queued).or_default() += counts.pending;
    }
    by_status
}

/// The campaign, if there is one.
pub(super) async fn known(app: &AppState, id: CampaignId) -> Result<Campaign, Problem> {
    campaigns::get(&app.store, id).await?.ok_or_else(|| Problem::not_found("campaign"))
}

/// Write a campaign down
#[utoipa::path(
    post, path = "/campaigns", operation_id = "create_campaign", tag = "Campaigns", request_body = NewCampaign,
    security(("api_key" = ["send"])),
    responses((status = 201, description = "The draft; nothing is sent before its quote is approved", body = CampaignDetail)),
)]
pub async fn create(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Json(new): Json<NewCampaign>,
) -> Result<(StatusCode, axum::Json<CampaignDetail>), Problem> {
    let draft = draft_of(&app, new).await?;
    let campaign = campaigns::create(&app.store, &draft, &caller.actor(), app.clock.now()).await?;
    Ok((StatusCode::CREATED, axum::Json(detail(&app, campaign).await?)))
}

async fn draft_of(app: &AppState, new: NewCampaign) -> Result<CampaignDraft, Problem> {
    let mut fields = Fields::default();
    let send_at = fields.send_at("send_at", new.send_at.as_deref(), app.clock.now());
    check(&mut fields, &new);
    let template = templates::get(&app.store, &new.template, None).await?;
    if template.is_none() {
        fields.fault(
            "template",
            Code::UnknownTemplate,
            format!("there is no template \"{}\"; GET /templates lists them", new.template),
        );
    }
    let template = fields.finish_with(template)?;
    let channel = new.channel.unwrap_or(template.channel);
    Ok(CampaignDraft {
        name: new.name.trim().to_owned(),
        template_id: template.template_id,
        template_version: template.version,
        channel,
        sender: sender_of(app, channel, new.sender.as_deref()).await?,
        audience: new.audience.map(|Object(audience)| audience).unwrap_or_default(),
        send_at,
        segments_per_second: new.segments_per_second,
        budget: new.budget.map(|Object(budget)| budget),
    })
}

fn check(fields: &mut Fields, new: &NewCampaign) {
    if new.name.trim().is_empty() {
        fields.fault("name", Code::InvalidRequest, "say what people call it");
    }
    fields.at_most("name", &new.name, MOST_NAME_CHARACTERS);
    if new.segments_per_second.is_some_and(|pace| !(1..=1_000).contains(&pace)) {
        fields.fault("segments_per_second", Code::InvalidRequest, "between 1 and 1000");
    }
    if new.budget.as_ref().is_some_and(|Object(budget)| *budget <= Money::ZERO) {
        fields.fault("budget", Code::InvalidRequest, "more than nothing; leave it out for no budget");
    }
    if new.audience.as_ref().is_some_and(|Object(audience)| audience.tags.len() > MOST_TAGS) {
        fields.fault("audience.tags", Code::InvalidRequest, format!("at most {MOST_TAGS} tags"));
    }
}

async fn sender_of(
    app: &AppState,
    channel: Channel,
    address: Option<&str>,
) -> Result<SenderAddress, Problem> {
    let senders = senders::list(&app.store, Some(channel)).await?;
    let found = match address {
        Some(address) => senders
            .into_iter()
            .find(|sender| sender.address.as_str() == address.trim_start_matches("whatsapp:")),
        None => senders.into_iter().next(),
    };
    let absent = || match address {
        Some(address) => format!("there is no {channel} sender \"{address}\"; GET /senders lists them"),
        None => format!("there is no {channel} sender; add one under /senders"),
    };
    found.map(|sender| sender.address).ok_or_else(|| Problem::field("sender", Code::UnknownSender, absent()))
}

/// List campaigns
///
/// Newest first.
#[utoipa::path(
    get, path = "/campaigns", operation_id = "list_campaigns", tag = "Campaigns", params(CampaignQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "A page of campaigns", body = List<CampaignDetail>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<CampaignQuery>,
) -> Result<axum::Json<List<CampaignDetail>>, Problem> {
    let (limit, cursor) = pagination::page(query.limit.as_deref(), query.cursor)?;
    let mut fields = Fields::default();
    let state = fields.word("state", query.state.as_deref());
    fields.finish()?;
    let page = campaigns::list(&app.store, state, cursor.as_ref(), limit).await?;
    let mut items = Vec::with_capacity(page.items.len());
    for campaign in page.items {
        items.push(detail(&app, campaign).await?);
    }
    Ok(axum::Json(List { items, next_cursor: page.next.map(|cursor| cursor.to_string()) }))
}

/// Look a campaign up
#[utoipa::path(
    get, path = "/campaigns/{id}", operation_id = "get_campaign", tag = "Campaigns",
    params(("id" = uuid::Uuid, Path, description = "The campaign's id")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The campaign as it stands", body = CampaignDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(id): Path<CampaignId>,
) -> Result<axum::Json<CampaignDetail>, Problem> {
    let campaign = known(&app, id).await?;
    Ok(axum::Json(detail(&app, campaign).await?))
}

/// Estimate a campaign
///
/// Writes its audience down as it is now, and reckons what it would do and cost.
#[utoipa::path(
    get, path = "/campaigns/{id}/estimate", operation_id = "estimate_campaign", tag = "Campaigns",
    params(("id" = uuid::Uuid, Path, description = "The campaign's id")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The estimate, and the quote to approve", body = CampaignEstimate)),
)]
pub async fn estimate(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(id): Path<CampaignId>,
) -> Result<axum::Json<CampaignEstimate>, Problem> {
    known(&app, id).await?;
    Ok(axum::Json(app.commands.quote_campaign(id).await?.into()))
}

/// Approve a campaign
///
/// Agrees to audience, text and cost as quoted. It starts by itself when its time has come.
#[utoipa::path(
    post, path = "/campaigns/{id}/approve", operation_id = "approve_campaign", tag = "Campaigns", request_body = Approval,
    params(("id" = uuid::Uuid, Path, description = "The campaign's id")),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "It is scheduled", body = CampaignDetail),
        (status = 409, description = "The quote no longer holds, or it is no draft", body = Document, content_type = "application/problem+json"),
    ),
)]
pub async fn approve(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(id): Path<CampaignId>,
    Json(approval): Json<Approval>,
) -> Result<axum::Json<CampaignDetail>, Problem> {
    caller.must_be_live()?;
    let campaign = app.commands.approve_campaign(id, &approval.quote, &caller.actor()).await?;
    Ok(axum::Json(detail(&app, campaign).await?))
}

/// Pause a campaign
///
/// When this answers, none of its messages can begin any more.
#[utoipa::path(
    post, path = "/campaigns/{id}/pause", operation_id = "pause_campaign", tag = "Campaigns",
    params(("id" = uuid::Uuid, Path, description = "The campaign's id")),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "It is paused", body = CampaignDetail),
        (status = 409, description = "It is not under way", body = Document, content_type = "application/problem+json"),
    ),
)]
pub async fn pause(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(id): Path<CampaignId>,
    _: OptionalJson<Nothing>,
) -> Result<axum::Json<CampaignDetail>, Problem> {
    let campaign = app.commands.pause_campaign(id, &caller.actor()).await?;
    Ok(axum::Json(detail(&app, campaign).await?))
}

/// Let a campaign go on
///
/// At the first recipient who has no message yet.
#[utoipa::path(
    post, path = "/campaigns/{id}/resume", operation_id = "resume_campaign", tag = "Campaigns",
    params(("id" = uuid::Uuid, Path, description = "The campaign's id")),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "It goes on", body = CampaignDetail),
        (status = 409, description = "It is not paused", body = Document, content_type = "application/problem+json"),
    ),
)]
pub async fn resume(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(id): Path<CampaignId>,
    _: OptionalJson<Nothing>,
) -> Result<axum::Json<CampaignDetail>, Problem> {
    caller.must_be_live()?;
    let campaign = app.commands.resume_campaign(id, &caller.actor()).await?;
    Ok(axum::Json(detail(&app, campaign).await?))
}

/// Cancel a campaign
///
/// For good. When this answers, none of its messages can begin any more.
#[utoipa::path(
    post, path = "/campaigns/{id}/cancel", operation_id = "cancel_campaign", tag = "Campaigns",
    params(("id" = uuid::Uuid, Path, description = "The campaign's id")),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "What was not sent never will be", body = CampaignDetail),
        (status = 409, description = "It is over", body = Document, content_type = "application/problem+json"),
    ),
)]
pub async fn cancel(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(id): Path<CampaignId>,
    _: OptionalJson<Nothing>,
) -> Result<axum::Json<CampaignDetail>, Problem> {
    let campaign = app.commands.cancel_campaign(id, &caller.actor()).await?;
    Ok(axum::Json(detail(&app, campaign).await?))
}

impl From<CampaignError> for Problem {
    fn from(error: CampaignError) -> Self {
        match &error {
            CampaignError::NotFound(_) => Problem::not_found("campaign"),
            CampaignError::InvalidState(_) | CampaignError::NotADraft(_) => {
                Problem::new(Code::InvalidState, error)
            }
            CampaignError::QuoteChanged => Problem::new(Code::QuoteChanged, error),
            CampaignError::OverBudget { .. } => Problem::new(Code::OverBudget, error),
            CampaignError::Store(_) => Problem::internal(&error),
        }
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Campaign(error) => error.into(),
            CommandError::Quote(error) => error.into(),
            CommandError::OverBudget { .. } => Problem::new(Code::OverBudget, error),
            CommandError::NobodyToSendTo => Problem::new(Code::NobodyToSendTo, error),
        }
    }
}
