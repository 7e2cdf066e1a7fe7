//! Who changed what.

use super::{Tab, tabs};
use crate::AppState;
use crate::auth::Person;
use crate::error::PageResult;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_store::audit::{self, ActorKind, AuditEntry};
use std::collections::HashMap;

const ROWS: u64 = 50;

pub(super) fn routes() -> Router<AppState> {
    Router::new().route("/settings/audit", get(list))
}

struct Row {
    at: Timestamp,
    who: String,
    what: String,
    details: String,
}

#[derive(Template)]
#[template(path = "settings/audit.html")]
struct AuditPage {
    frame: Frame,
    tabs: Vec<Tab>,
    rows: Vec<Row>,
    next: Option<String>,
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::ManageSettings)?;
    let page = audit::page(&app.store, view::cursor(&query).as_ref(), ROWS).await?;
    let next = page.next.map(|next| view::href("/settings/audit", &[("cursor", &next.to_string())]));
    let rows = page.items.into_iter().map(row).collect();
    let frame = Frame::of(&app, &person, Section::Settings).await?;
    Ok(view::html(&AuditPage { frame, tabs: tabs("/settings/audit", true), rows, next }))
}

fn row(entry: AuditEntry) -> Row {
    let who = match entry.actor_kind {
        ActorKind::User => entry.actor,
        ActorKind::ApiKey => format!("API key “{}”", entry.actor),
        ActorKind::System => format!("{}, by itself", entry.actor),
    };
    // `campaign.approved` reads "Campaign approved".
    let words = entry.action.replace(['.', '_'], " ");
    let mut letters = words.chars();
    let action: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    Row {
        at: entry.at,
        who,
        what: if entry.subject.is_empty() { action } else { format!("{action}: {}", entry.subject) },
        details: entry.detail,
    }
}
