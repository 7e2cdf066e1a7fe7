//! Keys with which other programs call the API: made, shown once, revoked.

use super::confirm::Confirm;
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use dakiya_core::api_key::{KeyKind, KeyScope};
use dakiya_core::ids::ApiKeyId;
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_store::api_keys::{self, ApiKey};
use std::collections::HashMap;

/// Everything about API keys.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api-keys", get(list).post(create))
        .route("/api-keys/{id}/revoke", get(ask_revoke).post(revoke))
}

/// Word, label, meaning.
type Choice = (&'static str, &'static str, &'static str);

const KINDS: [Choice; 3] = [
    (KeyKind::Live.as_str(), "Live", "Reaches anybody and costs money"),
    (KeyKind::Team.as_str(), "Team only", "Reaches the numbers of the team alone"),
    (KeyKind::Test.as_str(), "Test", "Checked and priced, never sent"),
];

const SCOPES: [Choice; 3] = [
    (KeyScope::Read.as_str(), "Read", "Messages, campaigns, figures"),
    (KeyScope::Send.as_str(), "Read and send", "Also messages, campaigns, contacts"),
    (KeyScope::Admin.as_str(), "Everything", "Also settings and stop-all"),
];

struct KeyRow {
    id: ApiKeyId,
    name: String,
    kind: &'static str,
    scope: &'static str,
    revoked: bool,
    last_used_at: Option<Timestamp>,
}

impl From<ApiKey> for KeyRow {
    fn from(key: ApiKey) -> Self {
        let label = |choices: &[Choice; 3], word: &str| {
            choices.iter().find(|choice| choice.0 == word).map_or("", |choice| choice.1)
        };
        KeyRow {
            id: key.id,
            name: format!("{} ({}…)", key.name, key.prefix),
            kind: label(&KINDS, key.kind.as_str()),
            scope: label(&SCOPES, key.scope.as_str()),
            revoked: key.revoked_at.is_some(),
            last_used_at: key.last_used_at,
        }
    }
}

#[derive(Template)]
#[template(path = "api_keys/list.html")]
struct KeysPage {
    frame: Frame,
    keys: Vec<KeyRow>,
    kinds: [Choice; 3],
    scopes: [Choice; 3],
    fields: Fields,
    faults: Faults,
    /// The new key itself: shown on this answer and never again.
    secret: Option<String>,
    done: &'static str,
}

async fn page(
    app: &AppState,
    person: &Person,
    fields: Fields,
    faults: Faults,
    secret: Option<String>,
    done: &'static str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let keys = api_keys::list(&app.store).await?.into_iter().map(KeyRow::from).collect();
    let frame = Frame::of(app, person, Section::ApiKeys).await?;
    Ok((
        status,
        view::html(&KeysPage { frame, keys, kinds: KINDS, scopes: SCOPES, fields, faults, secret, done }),
    )
        .into_response())
}

/// The choice that does least, should somebody forget to choose.
fn blank() -> Fields {
    Fields::from_pairs(vec![
        ("kind".to_owned(), KeyKind::Test.as_str().to_owned()),
        ("scope".to_owned(), KeyScope::Send.as_str().to_owned()),
    ])
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::ManageSettings)?;
    let done = if query.contains_key("done") {
        "Key revoked. Programs that use it are refused from now on."
    } else {
        ""
    };
    page(&app, &person, blank(), Faults::default(), None, done).await
}

async fn create(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageSettings)?;
    let mut faults = Faults::default();
    let name = fields.text("name");
    if name.is_empty() || name.chars().count() > 60 {
        faults.add("name", "Give the key a name of at most 60 characters");
    }
    let kind = faults.take("kind", KeyKind::parse(fields.text("kind")));
    let scope = faults.take("scope", KeyScope::parse(fields.text("scope")));
    let (Some(kind), Some(scope), true) = (kind, scope, faults.is_empty()) else {
        return page(&app, &person, fields, faults, None, "").await;
    };
    let (_, secret) =
        api_keys::create(&app.store, name, scope, kind, &person.actor(), app.clock.now()).await?;
    page(&app, &person, blank(), Faults::default(), Some(secret), "").await
}

async fn find(app: &AppState, id: &str) -> PageResult<ApiKey> {
    let id = id.parse().map_err(|_| PageError::NotFound("API key"))?;
    api_keys::get(&app.store, id).await?.ok_or(PageError::NotFound("API key"))
}

async fn ask_revoke(State(app): State<AppState>, person: Person, Path(id): Path<String>) -> PageResult {
    person.must(Permission::ManageSettings)?;
    let key = find(&app, &id).await?;
    let used = match key.last_used_at {
        Some(at) => format!("It was last used on {}.", view::Zone(app.config.timezone).when(&at)),
        None => "It was never used.".to_owned(),
    };
    let page = Confirm {
        frame: Frame::of(&app, &person, Section::ApiKeys).await?,
        title: format!("Revoke the key “{}”?", key.name),
        consequences: vec![
            used,
            "Programs that use it are refused at once. It cannot be brought back; a new key can be made."
                .to_owned(),
        ],
        action: format!("/api-keys/{}/revoke", key.id),
        button: "Revoke key".to_owned(),
        button_class: "danger",
        back: "/api-keys".to_owned(),
        back_words: "API keys",
        reason_label: "",
        fault: "",
        hidden: Vec::new(),
    };
    Ok(page.into_page())
}

async fn revoke(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    person.must(Permission::ManageSettings)?;
    let key = find(&app, &id).await?;
    api_keys::revoke(&app.store, key.id, &person.actor(), app.clock.now()).await?;
    Ok(Redirect::to("/api-keys?done=1").into_response())
}
