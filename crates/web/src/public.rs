//! The page behind an opt-out link: shows what will happen, and records it only when a person presses the button.
//! Link previews and scanners open links, so opening one changes nothing.

use crate::AppState;
use crate::api::body;
use crate::view;
use askama::Template;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use dakiya_core::opt_out::{OptOutScope, OptOutSource};
use dakiya_core::phone::PhoneNumber;
use dakiya_scheduler::OptOutRequest;
use dakiya_store::audit::Actor;
use dakiya_store::{opt_out_links, opt_outs};
use sha2::{Digest, Sha256};

/// The form has two short fields.
const BODY_LIMIT: u64 = 4 << 10;

#[derive(Template)]
#[template(path = "public/opt_out.html")]
struct OptOutPage {
    asset_version: &'static str,
    brand: String,
    heading: String,
    masked: String,
    action: String,
    token: String,
    stopped_all: bool,
    stopped_promotional: bool,
    done: bool,
}

#[derive(Template)]
#[template(path = "public/unknown_link.html")]
struct UnknownLinkPage {
    asset_version: &'static str,
    brand: String,
}

/// `GET /o?t=<token>`
pub(crate) async fn ask(State(app): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let token = field("t", query.unwrap_or_default().as_bytes()).unwrap_or_default();
    match phone_of(&app, &token).await {
        Ok(Some(phone)) => shown(&app, phone, token, false).await,
        Ok(None) => unknown_link(&app),
        Err(response) => response,
    }
}

/// `POST /o`
pub(crate) async fn record(State(app): State<AppState>, request: Request) -> Response {
    let Ok(form) = body::read(request.into_body(), BODY_LIMIT).await else { return unknown_link(&app) };
    let token = field("t", &form).unwrap_or_default();
    let phone = match phone_of(&app, &token).await {
        Ok(Some(phone)) => phone,
        Ok(None) => return unknown_link(&app),
        Err(response) => return response,
    };
    // Who presses the button wants it to stop: a form we cannot read means everything.
    let scope =
        field("scope", &form).and_then(|word| OptOutScope::parse(&word).ok()).unwrap_or(OptOutScope::All);
    let request = OptOutRequest {
        phone,
        scope,
        source: OptOutSource::Link,
        evidence: "pressed the button on the opt-out page".to_owned(),
        actor: Actor::System("opt-out page"),
    };
    match app.commands.opt_out(request).await {
        Ok(()) => shown(&app, phone, token, true).await,
        Err(error) => failed(&error),
    }
}

async fn phone_of(app: &AppState, token: &str) -> Result<Option<PhoneNumber>, Response> {
    opt_out_links::phone_of(&app.store, Sha256::digest(token.as_bytes()).into())
        .await
        .map_err(|error| failed(&error))
}

async fn shown(app: &AppState, phone: PhoneNumber, token: String, done: bool) -> Response {
    let scopes = match opt_outs::state(&app.store, phone).await {
        Ok(state) => state.into_iter().map(|opt_out| opt_out.scope).collect::<Vec<_>>(),
        Err(error) => return failed(&error),
    };
    let brand = app.config.brand.clone();
    let stopped_all = scopes.contains(&OptOutScope::All);
    let heading = match (stopped_all, done) {
        (true, _) => "You will get no more messages".to_owned(),
        (false, true) => "You will get no more offers".to_owned(),
        (false, false) => format!("Stop messages from {brand}?"),
    };
    let page = OptOutPage {
        asset_version: crate::assets::version(),
        heading,
        masked: phone.masked(),
        action: format!("{}/o", app.config.public_url.path().trim_end_matches('/')),
        token,
        stopped_all,
        stopped_promotional: scopes.contains(&OptOutScope::Promotional),
        done,
        brand,
    };
    private(view::html(&page))
}

fn unknown_link(app: &AppState) -> Response {
    let page = UnknownLinkPage { asset_version: crate::assets::version(), brand: app.config.brand.clone() };
    private((StatusCode::NOT_FOUND, view::html(&page)).into_response())
}

fn failed(error: &dyn std::fmt::Display) -> Response {
    crate::error::PageError::internal(error).into_response()
}

/// Neither search engines nor the next page learn of the link.
fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn field(name: &str, form: &[u8]) -> Option<String> {
    url::form_urlencoded::parse(form).find(|(field, _)| field == name).map(|(_, value)| value.into_owned())
}
