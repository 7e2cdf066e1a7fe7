//! Stored people: looked up, put, imported, erased.

use super::auth::{MayRead, MaySend};
use super::fields::{Fields, stored_phone};
use super::imports::{self, Imported};
use super::json::{Json, Path, Query};
use super::pagination::{self, List};
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use crate::imports::Contacts;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use dakiya_core::consent::Consent;
use dakiya_core::phone::PhoneNumber;
use dakiya_core::template::Variables;
use dakiya_core::time::Timestamp;
use dakiya_store::contacts::{self, Contact, ContactFields, ContactFilter};
use dakiya_store::settings;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

const MOST_NAME_CHARACTERS: usize = 200;
const MOST_TAGS: usize = 100;
const MOST_TAG_CHARACTERS: usize = 100;
const MOST_ATTRIBUTES: usize = 200;
const MOST_EVIDENCE_CHARACTERS: usize = 500;

/// What is known of a person; it replaces what was known.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactPut {
    /// What they are called.
    #[schema(example = "Asha Rao")]
    name: Option<String>,
    /// The language they are written to in.
    #[schema(example = "hi")]
    language: Option<String>,
    /// Tags; left as they are when absent.
    tags: Option<Vec<String>>,
    /// What else is known, usable as placeholders.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    attributes: Option<Variables>,
    /// Whether they agreed to promotional messages; left as it is when absent.
    consent_promotional: Option<bool>,
    /// When they agreed. Absent: when they first did, or now.
    #[schema(example = "2026-08-12T10:00:00+05:30", value_type = Option<chrono::DateTime<chrono::Utc>>)]
    consent_promotional_at: Option<String>,
    /// How you know that they agreed; left as it is when absent.
    #[schema(example = "ticked on the booking form")]
    consent_evidence: Option<String>,
}

/// A stored person.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactDetail {
    /// Their number, in E.164.
    #[schema(value_type = schema::Phone)]
    phone: PhoneNumber,
    /// What they are called.
    #[schema(required = true)]
    name: Option<String>,
    /// The language they are written to in.
    #[schema(required = true)]
    language: Option<String>,
    /// In alphabetical order.
    tags: Vec<String>,
    /// What else is known, usable as placeholders.
    #[schema(value_type = BTreeMap<String, String>)]
    attributes: Variables,
    /// When they agreed to promotional messages.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    consent_promotional_at: Option<Timestamp>,
    /// How that is known.
    #[schema(required = true)]
    consent_evidence: Option<String>,
    /// Since when their number is known not to receive messages.
    #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>, required = true)]
    unreachable_since: Option<Timestamp>,
    /// When they were first stored.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    created_at: Timestamp,
    /// When they were last changed.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    updated_at: Timestamp,
}

impl From<Contact> for ContactDetail {
    fn from(contact: Contact) -> Self {
        Self {
            phone: contact.phone,
            name: contact.name,
            language: contact.language,
            tags: contact.tags,
            attributes: contact.attributes,
            consent_promotional_at: contact.consent_promotional_at,
            consent_evidence: contact.consent_evidence,
            unreachable_since: contact.unreachable_since,
            created_at: contact.created_at,
            updated_at: contact.updated_at,
        }
    }
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContactQuery {
    /// The beginning of a number or of a name.
    search: Option<String>,
    /// Only those with this tag.
    tag: Option<String>,
    /// Items on a page: 1 to 500.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 500, default = 50)]
    limit: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List contacts
#[utoipa::path(
    get, path = "/contacts", operation_id = "list_contacts", tag = "Contacts", params(ContactQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "A page of contacts", body = List<ContactDetail>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<ContactQuery>,
) -> Result<axum::Json<List<ContactDetail>>, Problem> {
    let (limit, cursor) = pagination::page(query.limit.as_deref(), query.cursor)?;
    let filter = ContactFilter { search: query.search, tag: query.tag };
    let page = contacts::page(&app.store, &filter, cursor.as_ref(), limit).await?;
    Ok(axum::Json(List::of(page, ContactDetail::from)))
}

/// Look a contact up
#[utoipa::path(
    get, path = "/contacts/{phone}", operation_id = "get_contact", tag = "Contacts",
    params(("phone" = String, Path, description = "The number, in any common Indian spelling")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "What is known of the person", body = ContactDetail)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(phone): Path<String>,
) -> Result<axum::Json<ContactDetail>, Problem> {
    let phone = stored_phone(&app, &phone).await?.ok_or_else(not_found)?;
    let contact = contacts::get(&app.store, phone).await?.ok_or_else(not_found)?;
    Ok(axum::Json(contact.into()))
}

fn not_found() -> Problem {
    Problem::not_found("contact")
}

/// Store a contact
///
/// Opt-outs are not touched: storing a person again lets nobody in again.
#[utoipa::path(
    put, path = "/contacts/{phone}", operation_id = "put_contact", tag = "Contacts", request_body = ContactPut,
    params(("phone" = String, Path, description = "The number, in any common Indian spelling")),
    security(("api_key" = ["send"])),
    responses(
        (status = 200, description = "It was known and is changed", body = ContactDetail),
        (status = 201, description = "It is new", body = ContactDetail),
    ),
)]
pub async fn put(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(phone): Path<String>,
    Json(given): Json<ContactPut>,
) -> Result<(StatusCode, axum::Json<ContactDetail>), Problem> {
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let mut fields = Fields::default();
    let phone = fields.phone("phone", &phone, &allowed);
    check(&mut fields, &given);
    let now = app.clock.now();
    let consent = consent(&mut fields, &given, now);
    let phone = fields.finish_with(phone)?;
    let known = contacts::get(&app.store, phone).await?.is_some();
    let new = ContactFields {
        name: given.name,
        language: given.language,
        attributes: given.attributes.unwrap_or_default(),
        tags: given.tags,
        consent,
    };
    let contact = contacts::put(&app.store, phone, &new, &caller.actor(), now).await?;
    Ok((if known { StatusCode::OK } else { StatusCode::CREATED }, axum::Json(contact.into())))
}

fn check(fields: &mut Fields, given: &ContactPut) {
    fields.at_most("name", given.name.as_deref().unwrap_or_default(), MOST_NAME_CHARACTERS);
    if given.language.as_deref().is_some_and(|language| !is_language(language)) {
        fields.fault("language", Code::InvalidRequest, "write a language code, for example en or hi");
    }
    let tags = given.tags.as_deref().unwrap_or_default();
    if tags.len() > MOST_TAGS {
        fields.fault("tags", Code::InvalidRequest, format!("at most {MOST_TAGS} tags"));
    }
    for (at, tag) in tags.iter().enumerate().take(MOST_TAGS) {
        if tag.trim().is_empty() {
            fields.fault(&format!("tags[{at}]"), Code::InvalidRequest, "a tag has at least one character");
        }
        fields.at_most(&format!("tags[{at}]"), tag, MOST_TAG_CHARACTERS);
    }
    if given.attributes.as_ref().is_some_and(|attributes| attributes.len() > MOST_ATTRIBUTES) {
        fields.fault("attributes", Code::InvalidRequest, format!("at most {MOST_ATTRIBUTES} attributes"));
    }
}

/// What is said about promotional messages: time and evidence say that they agreed.
fn consent(fields: &mut Fields, given: &ContactPut, now: Timestamp) -> Option<Consent> {
    let at = fields.instant("consent_promotional_at", given.consent_promotional_at.as_deref());
    if at.is_some_and(|at| at > now) {
        fields.fault("consent_promotional_at", Code::InvalidRequest, "a consent lies in the past");
    }
    let evidence = given.consent_evidence.clone().filter(|evidence| !evidence.trim().is_empty());
    fields.at_most("consent_evidence", evidence.as_deref().unwrap_or_default(), MOST_EVIDENCE_CHARACTERS);
    let detailed = given.consent_promotional_at.is_some() || evidence.is_some();
    match given.consent_promotional {
        Some(false) if detailed => {
            let told = "time and evidence belong to a consent; leave them out when there is none";
            fields.fault("consent_promotional", Code::InvalidRequest, told);
            None
        }
        Some(false) => Some(Consent::Withdrawn),
        None if !detailed => None,
        Some(true) | None => Some(Consent::Given { at, evidence }),
    }
}

/// A language code such as `hi` or `en-IN`.
pub(crate) fn is_language(text: &str) -> bool {
    (2..=12).contains(&text.len())
        && text
            .split('-')
            .all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Erase a contact
///
/// Removes what is known of the person; opt-outs stay in force under a keyed hash, and messages stay counted.
#[utoipa::path(
    delete, path = "/contacts/{phone}", operation_id = "erase_contact", tag = "Contacts",
    params(("phone" = String, Path, description = "The number, in any common Indian spelling")),
    security(("api_key" = ["send"])),
    responses(
        (status = 204, description = "Nothing is known of the person any more"),
        (status = 409, description = "A message to them is going out this moment", body = super::problem::Document, content_type = "application/problem+json"),
    ),
)]
pub async fn delete(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    Path(phone): Path<String>,
) -> Result<StatusCode, Problem> {
    let phone = stored_phone(&app, &phone).await?.ok_or_else(not_found)?;
    let erased = contacts::erase(&app.store, phone, &caller.actor(), app.clock.now()).await?;
    if erased { Ok(StatusCode::NO_CONTENT) } else { Err(not_found()) }
}

/// Import contacts
///
/// Good rows are stored, or update those stored; every other one is explained. A file that cannot be read to its
/// end leaves nothing behind. Opt-outs are not touched.
#[utoipa::path(
    post, path = "/contacts/import", operation_id = "import_contacts", tag = "Contacts",
    request_body(content = schema::Csv, content_type = "text/csv",
        description = "Column `phone`, and if there are such `name`, `language`, `tags` (split by `;`), `consent` (yes, no, or the day of the consent) and `consent_evidence`; every other column is an attribute"),
    security(("api_key" = ["send"])),
    responses((status = 200, description = "What became of the rows", body = Imported)),
)]
pub async fn import(
    MaySend(caller): MaySend,
    State(app): State<AppState>,
    request: Request,
) -> Result<axum::Json<Imported>, Problem> {
    let allowed = settings::get(&app.store).await?.allowed_countries;
    let (file, checked) = imports::checked_csv::<Contacts>(request, allowed.clone()).await?;
    let rows = crate::imports::good_rows::<Contacts>(&file, &allowed)?;
    let stored = contacts::import(&app.store, rows, &caller.actor(), app.clock.now()).await?;
    Ok(axum::Json(Imported::of(stored, checked)))
}
