//! The stop-all switch.

use super::confirm::Confirm;
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::filters::counted;
use crate::forms::Submitted;
use crate::view::{self, Frame, Section};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use dakiya_core::user::Permission;

/// Stopping everything, and letting it go on.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/sending/stop", get(ask_stop).post(stop))
        .route("/sending/resume", get(ask_resume).post(resume))
}

async fn ask_stop(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::StopSending)?;
    stop_page(&app, &person, "").await
}

async fn stop_page(app: &AppState, person: &Person, fault: &'static str) -> PageResult {
    let live = view::sending_campaigns(app).await?;
    let campaigns = match live {
        0 => "No campaign is going out at the moment.".to_owned(),
        _ => format!("{} going out will wait where they are.", counted(live, "campaign", "campaigns")),
    };
    let page = Confirm {
        frame: Frame::of(app, person, Section::Settings).await?,
        title: "Stop all sending?".to_owned(),
        consequences: vec![
            "From the moment you press the button, no message begins: no campaign, no API call, no one-time password.".to_owned(),
            campaigns,
            "What Twilio already has cannot be called back. Nothing is lost: whatever waits goes on when somebody lets sending go on.".to_owned(),
        ],
        action: "/sending/stop".to_owned(),
        button: "Stop all sending".to_owned(),
        button_class: "danger",
        back: "/".to_owned(),
        back_words: "Dashboard",
        reason_label: "Why?",
        fault,
        hidden: Vec::new(),
    };
    Ok(page.into_page())
}

async fn stop(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::StopSending)?;
    if fields.text("reason").is_empty() {
        return stop_page(&app, &person, "Say why, so that whoever lets sending go on knows what to check")
            .await;
    }
    app.commands.stop_sending(fields.text("reason"), &person.actor()).await?;
    Ok(Redirect::to("/?done=stopped").into_response())
}

async fn ask_resume(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::StopSending)?;
    let state = dakiya_store::sending::state(&app.store).await?;
    let frame = Frame::of(&app, &person, Section::Settings).await?;
    let Some(halt) = state.halted() else { return Ok(Redirect::to("/").into_response()) };
    let page = Confirm {
        title: "Let sending go on?".to_owned(),
        consequences: vec![
            format!("Stopped since {}: {}", frame.zone.when(&halt.since), halt.reason),
            "Everything that waited and is still due goes out at once, at the senders’ pace and inside sending hours. Messages whose time has passed for good stay unsent.".to_owned(),
        ],
        frame,
        action: "/sending/resume".to_owned(),
        button: "Let sending go on".to_owned(),
        button_class: "primary",
        back: "/".to_owned(),
        back_words: "Dashboard",
        reason_label: "",
        fault: "",
        hidden: Vec::new(),
    };
    Ok(page.into_page())
}

async fn resume(State(app): State<AppState>, Submitted { person, .. }: Submitted) -> PageResult<Response> {
    person.must(Permission::StopSending)?;
    app.commands.resume_sending(&person.actor()).await?;
    Ok(Redirect::to("/?done=resumed").into_response())
}
