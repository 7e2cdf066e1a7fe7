//! Stored people: found, added, imported; and everything about one number on one page.

mod consent;
mod import;

use super::messages::Chip;
use super::{explain, imports};
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use dakiya_core::phone::PhoneNumber;
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_store::contacts::{self, Contact, ContactFields, ContactFilter, TagCount};
use dakiya_store::messages::{self, Message};
use dakiya_store::opt_outs::{self, OptOut};
use dakiya_store::{Cursor, settings};
use std::collections::HashMap;

const ROWS: u64 = 50;
const MOST_TAGS: u64 = 200;

/// Everything about contacts.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/contacts", get(list).post(add))
        .route("/contacts/new", get(ask))
        .merge(import::routes())
        .merge(consent::routes())
        .route("/contacts/{phone}", get(show))
        .route("/contacts/{phone}/reachable", post(try_again))
}

struct Row {
    phone: PhoneNumber,
    name: String,
    language: String,
    tags: String,
    created_at: Timestamp,
}

impl From<Contact> for Row {
    fn from(contact: Contact) -> Self {
        Row {
            phone: contact.phone,
            name: contact.name.unwrap_or_default(),
            language: contact.language.unwrap_or_default(),
            tags: contact.tags.join(", "),
            created_at: contact.created_at,
        }
    }
}

#[derive(Template)]
#[template(path = "contacts/list.html")]
struct ContactsPage {
    frame: Frame,
    total: u64,
    query: String,
    tag: String,
    tags: Vec<TagCount>,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    next: Option<String>,
    done: String,
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let text = |name: &str| query.get(name).map_or_else(String::new, |value| value.trim().to_owned());
    let (search, tag) = (text("q"), text("tag"));
    // "Check a number" leads straight to everything about it, whether it is a contact or not.
    if tag.is_empty()
        && let Ok(phone) = PhoneNumber::parse(&search, &settings::get(&app.store).await?.allowed_countries)
    {
        return Ok(Redirect::to(&format!("/contacts/{phone}")).into_response());
    }
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let filter = ContactFilter { search: given(&search), tag: given(&tag) };
    let found = contacts::page(&app.store, &filter, view::cursor(&query).as_ref(), ROWS).await?;
    let next = found
        .next
        .map(|next| view::href("/contacts", &[("q", &search), ("tag", &tag), ("cursor", &next.to_string())]));
    let done = match query.get("done").map(String::as_str) {
        Some("saved") => "Contact saved.".to_owned(),
        Some("imported") => imports::done_words(&query, imports::FIRST_STAYED),
        _ => String::new(),
    };
    let page = ContactsPage {
        frame: Frame::of(&app, &person, Section::Contacts).await?,
        total: everyone(&app).await?,
        chips: chips(&search, &tag),
        query: search,
        tag,
        tags: contacts::tags(&app.store, MOST_TAGS).await?,
        rows: found.items.into_iter().map(Row::from).collect(),
        next,
        done,
    };
    Ok(view::html(&page))
}

/// How many contacts there are.
pub(crate) async fn everyone(app: &AppState) -> PageResult<u64> {
    let all = dakiya_core::audience::Audience { all: true, ..Default::default() };
    Ok(contacts::audience_count(&app.store, &all).await?)
}

fn chips(search: &str, tag: &str) -> Vec<Chip> {
    let mut chips = Vec::new();
    if !search.is_empty() {
        chips.push(Chip { words: format!("“{search}”"), href: view::href("/contacts", &[("tag", tag)]) });
    }
    if !tag.is_empty() {
        chips.push(Chip { words: format!("Tag {tag}"), href: view::href("/contacts", &[("q", search)]) });
    }
    chips
}

#[derive(Template)]
#[template(path = "contacts/edit.html")]
struct EditPage {
    frame: Frame,
    fields: Fields,
    faults: Faults,
}

async fn ask(State(app): State<AppState>, person: Person) -> PageResult {
    person.must(Permission::Send)?;
    edit_page(&app, &person, Fields::default(), Faults::default()).await
}

async fn edit_page(app: &AppState, person: &Person, fields: Fields, faults: Faults) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let frame = Frame::of(app, person, Section::Contacts).await?;
    Ok((status, view::html(&EditPage { frame, fields, faults })).into_response())
}

async fn add(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::Send)?;
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let mut faults = Faults::default();
    let phone = faults.take("phone", PhoneNumber::parse(fields.text("phone"), &allowed));
    if fields.text("name").chars().count() > 200 {
        faults.add("name", "At most 200 characters");
    }
    let language = fields.text("language").to_lowercase();
    if !language.is_empty() && !is_language(&language) {
        faults.add("language", "Write a language code, for example en or hi");
    }
    let now = app.clock.now();
    // Whoever keeps no consent has no such fields.
    let consent = match person.role.may(Permission::ManageOptOuts) {
        true => consent::read(&fields, &mut faults, view::Zone(app.config.timezone), now),
        false => None,
    };
    let (Some(phone), true) = (phone, faults.is_empty()) else {
        return edit_page(&app, &person, fields, faults).await;
    };
    let known = contacts::get(&app.store, phone).await?;
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let contact = ContactFields {
        name: given(fields.text("name")),
        language: given(&language),
        attributes: known.map(|known| known.attributes).unwrap_or_default(),
        tags: given(fields.text("tags")).map(|tags| tags.split(';').map(str::to_owned).collect()),
        consent,
    };
    contacts::put(&app.store, phone, &contact, &person.actor(), now).await?;
    Ok(Redirect::to(&format!("/contacts/{phone}?done=saved")).into_response())
}

/// `en`, `hi`, `en-IN`.
pub(crate) fn is_language(text: &str) -> bool {
    (2..=8).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Whoever may stop writing to a number may let it be tried again.
async fn try_again(
    State(app): State<AppState>,
    Path(phone): Path<String>,
    Submitted { person, .. }: Submitted,
) -> PageResult {
    if !person.role.may(Permission::Send) {
        person.must(Permission::ManageOptOuts)?;
    }
    let phone = number_in_address(&app, &phone).await?;
    contacts::try_again(&app.store, phone, &person.actor(), app.clock.now()).await?;
    Ok(Redirect::to(&format!("/contacts/{phone}?done=reachable")).into_response())
}

struct MessageRow {
    message: Message,
    why: String,
}

#[derive(Template)]
#[template(path = "contacts/show.html")]
struct ContactPage {
    frame: Frame,
    phone: PhoneNumber,
    contact: Option<Contact>,
    unreachable: bool,
    tags: String,
    stops: Vec<OptOut>,
    /// Since when they agree to promotional messages, and how we know.
    consent: Option<(Timestamp, String)>,
    consent_required: bool,
    messages: Vec<MessageRow>,
    next: Option<String>,
    fields: Fields,
    faults: Faults,
    done: &'static str,
}

/// The number in an address; whatever people or links write there.
pub(crate) async fn number_in_address(app: &AppState, text: &str) -> PageResult<PhoneNumber> {
    match PhoneNumber::from_e164(text) {
        Some(phone) => Ok(phone),
        None => PhoneNumber::parse(text, &settings::get(&app.store).await?.allowed_countries)
            .map_err(|_| PageError::NotFound("number")),
    }
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Path(phone): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let phone = number_in_address(&app, &phone).await?;
    let done = match query.get("done").map(String::as_str) {
        Some("consent") => "Consent recorded.",
        Some("reachable") => "This number is written to again.",
        Some(_) => "Contact saved.",
        None => "",
    };
    let cursor = view::cursor(&query);
    show_with(&app, &person, phone, cursor.as_ref(), Fields::default(), Faults::default(), done).await
}

async fn show_with(
    app: &AppState,
    person: &Person,
    phone: PhoneNumber,
    cursor: Option<&Cursor>,
    fields: Fields,
    faults: Faults,
    done: &'static str,
) -> PageResult {
    let page = messages::by_phone(&app.store, phone, cursor, ROWS).await?;
    let next =
        page.next.map(|next| view::href(&format!("/contacts/{phone}"), &[("cursor", &next.to_string())]));
    let contact = contacts::get(&app.store, phone).await?;
    let consented = |contact: &Contact| {
        Some((contact.consent_promotional_at?, contact.consent_evidence.clone().unwrap_or_default()))
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = ContactPage {
        frame: Frame::of(app, person, Section::Contacts).await?,
        phone,
        tags: contact.as_ref().map_or_else(String::new, |contact| contact.tags.join(", ")),
        consent: contact.as_ref().and_then(consented),
        consent_required: settings::get(&app.store).await?.require_consent,
        unreachable: contact.as_ref().is_some_and(|contact| contact.unreachable_since.is_some()),
        contact,
        stops: opt_outs::state(&app.store, phone).await?,
        messages: page
            .items
            .into_iter()
            .map(|message| MessageRow { why: explain::why(&message), message })
            .collect(),
        next,
        fields,
        faults,
        done,
    };
    Ok((status, view::html(&page)).into_response())
}
