//! What Twilio tells us: status callbacks and incoming messages. Believed only when signed for our public URL.

use crate::AppState;
use crate::api::body;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use dakiya_core::ids::MessageId;
use dakiya_core::message::Channel;
use dakiya_core::opt_out::{Keyword, OptOutScope, OptOutSource, keyword};
use dakiya_core::phone::PhoneNumber;
use dakiya_scheduler::{CallbackReport, OptOutRequest};
use dakiya_store::StoreError;
use dakiya_store::audit::Actor;
use dakiya_store::inbound::{self, NewInbound};
use dakiya_store::messages::Applied;
use dakiya_twilio::signature::{SETTINGS_HEADER, SIGNATURE_HEADER, SignedBody, Validator, form_params};
use dakiya_twilio::twiml;
use dakiya_twilio::wire::{InboundMessage, StatusCallback, WebhookError};

/// Twilio's own limit for what it posts.
const BODY_LIMIT: u64 = 64 << 10;

type Params = Vec<(String, String)>;

/// Why a webhook changes nothing. Twilio reads no more than the status.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookRefusal {
    /// Not Twilio's, or not for this address.
    #[error("forbidden")]
    Forged,
    /// Larger than anything Twilio posts.
    #[error("too large")]
    TooLarge,
    /// Signed, but not what such a webhook carries.
    #[error(transparent)]
    Unreadable(#[from] WebhookError),
    /// The database failed; Twilio tries again.
    #[error("not stored")]
    Store(#[from] StoreError),
}

impl IntoResponse for WebhookRefusal {
    fn into_response(self) -> Response {
        let status = match &self {
            WebhookRefusal::Forged => StatusCode::FORBIDDEN,
            WebhookRefusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            WebhookRefusal::Unreadable(_) => StatusCode::BAD_REQUEST,
            WebhookRefusal::Store(error) => {
                tracing::error!(%error, "a webhook was not stored");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        (status, self.to_string()).into_response()
    }
}

/// Reads a form that Twilio signed for this address. The URL is rebuilt from the configured public one: what a
/// client writes into headers proves nothing.
async fn signed_form(app: &AppState, request: Request) -> Result<(Option<String>, Params), WebhookRefusal> {
    let (parts, content) = request.into_parts();
    let content = read(content).await?;
    let params = form_params(&content);
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", app.config.public_url.as_str().trim_end_matches('/'));
    let signature = header(SIGNATURE_HEADER).ok_or(WebhookRefusal::Forged)?;
    Validator::new(app.config.twilio_auth_token.clone(), Vec::new())
        .validate(&url, SignedBody::Form(&params), signature, header(SETTINGS_HEADER))
        .map_err(|error| {
            tracing::warn!(%error, path = parts.uri.path(), "a webhook was not believed");
            WebhookRefusal::Forged
        })?;
    Ok((parts.uri.query().map(str::to_owned), without_nul(params)))
}

async fn read(content: Body) -> Result<bytes::Bytes, WebhookRefusal> {
    body::read(content, BODY_LIMIT).await.map_err(|_| WebhookRefusal::TooLarge)
}

/// PostgreSQL cannot keep the character NUL.
fn without_nul(mut params: Params) -> Params {
    for (_, value) in &mut params {
        value.retain(|c| c != '\0');
    }
    params
}

/// `POST /webhooks/twilio/status?m=<message id>`: answered only once the report is committed.
pub(crate) async fn status(
    State(app): State<AppState>,
    request: Request,
) -> Result<StatusCode, WebhookRefusal> {
    let (query, params) = signed_form(&app, request).await?;
    let callback = StatusCallback::parse(&params)?;
    let Some(status) = callback.our_status() else {
        tracing::warn!(sid = %callback.sid, "a status callback has a status we do not know");
        return Ok(StatusCode::NO_CONTENT);
    };
    let sid = callback.sid.to_string();
    let report = CallbackReport {
        message_id: message_id(query.as_deref()),
        sid: sid.clone(),
        status,
        error_code: callback.error_code,
    };
    let applied = app.commands.report(report).await?;
    metrics::counter!("dakiya_callbacks_total", "did" => did(applied)).increment(1);
    if applied == Applied::NoSuchMessage {
        tracing::warn!(sid, "a status callback is about a message that is not ours");
    }
    Ok(StatusCode::NO_CONTENT)
}

fn message_id(query: Option<&str>) -> Option<MessageId> {
    let mut pairs = form_params(query.unwrap_or_default().as_bytes()).into_iter();
    pairs.find(|(name, _)| name == "m").and_then(|(_, id)| id.parse().ok())
}

fn did(applied: Applied) -> &'static str {
    match applied {
        Applied::Moved => "moved",
        Applied::Unchanged => "nothing",
        Applied::SecondSid => "second_sid",
        Applied::NoSuchMessage => "stranger",
    }
}

/// `POST /webhooks/twilio/inbound`: a reply. Who says STOP is answered only when nothing to them can begin any more.
pub(crate) async fn inbound(
    State(app): State<AppState>,
    request: Request,
) -> Result<Response, WebhookRefusal> {
    let (_, params) = signed_form(&app, request).await?;
    let message = InboundMessage::parse(&params)?;
    let keyword = keyword_of(&message);
    take_in(&app, &message, keyword).await?;
    metrics::counter!("dakiya_inbound_total", "keyword" => keyword.map_or("none", Keyword::as_str))
        .increment(1);
    let answer = match keyword.filter(|_| !twilio_answered(&message)) {
        Some(keyword) => twiml::reply(&reply(&app.config.brand, keyword)),
        None => twiml::EMPTY.to_owned(),
    };
    Ok(([(header::CONTENT_TYPE, twiml::CONTENT_TYPE)], answer).into_response())
}

/// What Twilio's Advanced Opt-Out understood goes before what we read.
fn keyword_of(message: &InboundMessage) -> Option<Keyword> {
    let named =
        message.opt_out_type.as_deref().and_then(|word| Keyword::parse(&word.to_ascii_lowercase()).ok());
    named.or_else(|| keyword(&message.body)).or_else(|| message.button_payload.as_deref().and_then(keyword))
}

/// Does what the message asks for, then keeps it: kept messages were obeyed, so one that Twilio brings again (or
/// that somebody replays) changes nothing, and one that a crash interrupted is obeyed when it comes again.
async fn take_in(
    app: &AppState,
    message: &InboundMessage,
    keyword: Option<Keyword>,
) -> Result<(), StoreError> {
    let sid = message.sid.to_string();
    if inbound::is_known(&app.store, &sid).await? {
        return Ok(());
    }
    if let Some(phone) = message.from.phone() {
        obey(app, message.channel(), phone, keyword, &sid).await?;
    }
    let (day, estimated_cost, estimated_fx) =
        app.commands.inbound_cost(message.channel(), message.segments).await?;
    let new = NewInbound {
        twilio_sid: sid,
        from: message.from.bare().to_owned(),
        recipient: message.to.bare().to_owned(),
        channel: message.channel(),
        body: message.body.clone(),
        keyword,
        segments: message.segments,
        day,
        estimated_cost,
        estimated_fx,
    };
    inbound::record(&app.store, &new, app.clock.now()).await?;
    Ok(())
}

async fn obey(
    app: &AppState,
    channel: Channel,
    phone: PhoneNumber,
    keyword: Option<Keyword>,
    sid: &str,
) -> Result<(), StoreError> {
    let source = match channel {
        Channel::Sms => OptOutSource::Sms,
        Channel::Whatsapp => OptOutSource::Whatsapp,
    };
    let request = OptOutRequest {
        phone,
        scope: OptOutScope::All,
        source,
        evidence: format!("their message {sid}"),
        actor: Actor::System("inbound webhook"),
    };
    match keyword {
        Some(Keyword::Stop) => app.commands.opt_out(request).await,
        Some(Keyword::Start) => app.commands.opt_in(request).await,
        Some(Keyword::Help) | None => Ok(()),
    }
}

/// Twilio answers its own English words itself on SMS, and everything that Advanced Opt-Out understood. HELP is
/// answered by us all the same: Twilio's answer does not say who we are.
fn twilio_answered(message: &InboundMessage) -> bool {
    const STOPS_AND_STARTS: [&str; 11] = [
        "stop",
        "unsubscribe",
        "end",
        "quit",
        "stopall",
        "revoke",
        "optout",
        "cancel",
        "start",
        "yes",
        "unstop",
    ];
    let word = message.body.trim().to_ascii_lowercase();
    message.opt_out_type.is_some()
        || (message.channel() == Channel::Sms && STOPS_AND_STARTS.contains(&word.as_str()))
}

fn reply(brand: &str, keyword: Keyword) -> String {
    match keyword {
        Keyword::Stop => {
            format!("{brand}: you will get no more messages from us. Reply START to get them again.")
        }
        Keyword::Start => format!("{brand}: you will get our messages again. Reply STOP to stop them."),
        Keyword::Help => format!(
            "{brand}: you get messages about your requests and payments with us. Reply STOP to stop them, START to get them again."
        ),
    }
}
