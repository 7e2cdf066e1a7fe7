//! One message: asked for, looked up, listed.

mod shapes;

use super::auth::{MayRead, MaySend};
use super::fields::{Fields, stored_phone};
use super::idempotency::RequestKey;
use super::json::{Json, Path, Query};
use super::pagination::{self, List};
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use dakiya_core::ids::MessageId;
use dakiya_core::message::Category;
use dakiya_core::template::Variables;
use dakiya_scheduler::{Content, EnqueueError, EnqueueRequest};
use dakiya_store::messages::{self, MessageFilter};
use dakiya_store::{budgets, templates};
use serde::Deserialize;
use shapes::{Event, MessageAccepted, MessageDetail, MessageSummary, NewMessage};
use utoipa::IntoParams;

/// Send a message
#[utoipa::path(
    post, path = "/messages", operation_id = "send_message", tag = "Messages", request_body = NewMessage,
    security(("api_key" = ["send"])),
    responses(
        (status = 202, description = "It waits to be sent", body = MessageAccepted),
        (status = 429, description = "The number had its messages for this hour; Retry-After says when to try again",
         body = super::problem::Document, content_type = "application/problem+json"),
    ),
)]
pub async fn send(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    key: RequestKey,
    Json(new): Json<NewMessage>,
) -> Result<(StatusCode, axum::Json<MessageAccepted>), Problem> {
    let mut fields = Fields::default();
    let by_template = new.template.is_some();
    let send_at = fields.send_at("send_at", new.send_at.as_deref(), app.clock.now());
    let content = content_of(&mut fields, new.template, new.variables, new.language, new.body, new.category);
    let request = EnqueueRequest {
        to: new.to,
        content: fields.finish_with(content)?,
        channel: new.channel,
        sender: new.sender,
        send_at,
        expires_at: None,
        dedupe_key: key.dedupe_key(&caller),
        key: Some((caller.key, caller.kind)),
    };
    let message = app.commands.enqueue(request).await.map_err(|error| turned_away(error, by_template))?;
    Ok((StatusCode::ACCEPTED, axum::Json(message.into())))
}

/// Exactly one of template and body, with what belongs to it.
fn content_of(
    fields: &mut Fields,
    template: Option<String>,
    variables: Option<Variables>,
    language: Option<String>,
    body: Option<String>,
    category: Option<Category>,
) -> Option<Content> {
    match (template, body) {
        (Some(key), None) => {
            if category.is_some() {
                fields.fault(
                    "category",
                    Code::InvalidRequest,
                    "a template has a category of its own; leave this out",
                );
            }
            Some(Content::Template { key, variables: variables.unwrap_or_default(), language })
        }
        (None, Some(text)) => {
            if variables.is_some_and(|variables| !variables.is_empty()) {
                fields.fault(
                    "variables",
                    Code::InvalidRequest,
                    "only a template has placeholders to fill; leave this out",
                );
            }
            if category.is_none() {
                fields.fault(
                    "category",
                    Code::InvalidRequest,
                    "say why this text is sent: otp, transactional, service or promotional",
                );
            }
            category.map(|category| Content::Body { text, category })
        }
        (Some(_), Some(_)) => {
            fields.fault("body", Code::InvalidRequest, "give either template or body, not both");
            None
        }
        (None, None) => {
            fields.fault("template", Code::InvalidRequest, "give a template, or a body with its category");
            None
        }
    }
}

/// Why a message was turned away, as the field at fault.
pub(crate) fn turned_away(error: EnqueueError, by_template: bool) -> Problem {
    let Some(code) = error.code().and_then(|code| Code::parse(code).ok()) else {
        return Problem::internal(&error);
    };
    let field = match &error {
        EnqueueError::RateLimited { retry_after, .. } => {
            return Problem::new(code, &error).retry_after(retry_after.as_secs().max(1));
        }
        EnqueueError::NoRate(_) | EnqueueError::Store(_) => return Problem::new(code, &error),
        EnqueueError::Phone(_)
        | EnqueueError::CountryNotAllowed(_)
        | EnqueueError::OptedOut(_)
        | EnqueueError::NoConsent
        | EnqueueError::Unreachable
        | EnqueueError::NotInTeam => "to".to_owned(),
        EnqueueError::UnknownTemplate(_) => "template".to_owned(),
        EnqueueError::MissingVariable(missing) => format!("variables.{}", missing.name),
        EnqueueError::Template(_) | EnqueueError::BodyTooLong { .. } => {
            if by_template { "template" } else { "body" }.to_owned()
        }
        EnqueueError::UnknownSender(_) | EnqueueError::SenderNotPromotional(_) => "sender".to_owned(),
    };
    Problem::field(&field, code, error)
}

/// Look a message up
#[utoipa::path(
    get, path = "/messages/{id}", operation_id = "get_message", tag = "Messages",
    params(("id" = uuid::Uuid, Path, description = "The message's id")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "The message and all that happened to it", body = MessageDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(id): Path<MessageId>,
) -> Result<axum::Json<MessageDetail>, Problem> {
    let message = messages::get(&app.store, id).await?.ok_or_else(|| Problem::not_found("message"))?;
    let events = messages::events(&app.store, &message).await?;
    Ok(axum::Json(MessageDetail {
        message: MessageSummary::of(message, &budgets::holds(&app.store).await?),
        events: events.into_iter().map(Event::from).collect(),
    }))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    /// Asked for at or after this instant, or from the start of this day.
    #[param(example = "2026-11-01T00:00:00+05:30")]
    from: Option<String>,
    /// Asked for before this instant, or until the end of this day.
    until: Option<String>,
    /// Only those in this status.
    #[param(value_type = Option<schema::Status>)]
    status: Option<String>,
    /// Only those to this number.
    phone: Option<String>,
    /// Only those of this campaign.
    #[param(value_type = Option<uuid::Uuid>)]
    campaign: Option<String>,
    /// Only those from this template, by key.
    template: Option<String>,
    /// Items on a page: 1 to 500.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List messages
///
/// Newest first.
#[utoipa::path(
    get, path = "/messages", operation_id = "list_messages", tag = "Messages", params(MessageQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "A page of messages", body = List<MessageSummary>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<MessageQuery>,
) -> Result<axum::Json<List<MessageSummary>>, Problem> {
    let (limit, cursor) = pagination::page(query.limit.as_deref(), query.cursor.clone())?;
    let Some(filter) = filter_of(&app, &query).await? else { return Ok(axum::Json(List::whole(Vec::new()))) };
    let page = messages::page(&app.store, &filter, cursor.as_ref(), limit).await?;
    let holds = budgets::holds(&app.store).await?;
    Ok(axum::Json(List::of(page, |message| MessageSummary::of(message, &holds))))
}

/// Reads the filters. `None`: no message can match.
async fn filter_of(app: &AppState, query: &MessageQuery) -> Result<Option<MessageFilter>, Problem> {
    let mut fields = Fields::default();
    let zone = app.config.timezone;
    let phone = match &query.phone {
        Some(text) => {
            let phone = stored_phone(app, text).await?;
            if phone.is_none() {
                fields.fault("phone", Code::InvalidPhone, "not a phone number");
            }
            phone
        }
        None => None,
    };
    let filter = MessageFilter {
        from: fields.range_start("from", query.from.as_deref(), zone),
        until: fields.range_end("until", query.until.as_deref(), zone),
        status: fields.word("status", query.status.as_deref()),
        phone,
        campaign: fields.id("campaign", query.campaign.as_deref()),
        ..MessageFilter::default()
    };
    fields.finish()?;
    let Some(key) = &query.template else { return Ok(Some(filter)) };
    let template = templates::get(&app.store, key, None).await?;
    Ok(template.map(|template| MessageFilter { template: Some(template.template_id), ..filter }))
}
