//! Writing back as one of the simulator's people: how a visitor of a demo sends STOP without a phone.

use crate::AppState;
use crate::SimulatedText;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::forms::Submitted;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use dakiya_core::user::Permission;
use dakiya_store::{PhoneKey, messages};

/// Twilio takes no longer text.
const MOST_CHARACTERS: usize = 1_600;

/// Replies to messages that the simulator delivered.
pub(crate) fn routes() -> Router<AppState> {
    Router::new().route("/messages/{id}/reply", post(reply))
}

#[derive(Template)]
#[template(path = "messages/replied.html")]
struct Replied {
    frame: Frame,
    message: String,
    phone: PhoneKey,
    contact: String,
    text: String,
    answers: Vec<String>,
}

async fn reply(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let people = app.config.simulated_people.clone().ok_or(PageError::NotFound("message"))?;
    let id = id.parse().map_err(|_| PageError::NotFound("message"))?;
    let message = messages::get(&app.store, id).await?.ok_or(PageError::NotFound("message"))?;
    let from = message.phone.number().ok_or(PageError::NotFound("message"))?;
    let text: String = fields.text("text").chars().take(MOST_CHARACTERS).collect();
    let written = SimulatedText { from, to: message.sender, channel: message.channel, text: text.clone() };
    let answers = if text.is_empty() { Vec::new() } else { people(written).await };
    let frame = Frame::of(&app, &person, Section::Messages).await?;
    Ok(view::html(&Replied {
        frame,
        message: id.to_string(),
        phone: message.phone,
        contact: from.to_string(),
        text,
        answers,
    }))
}
