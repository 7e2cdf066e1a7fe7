//! Texts with placeholders, in versions that never change.

use super::auth::{MayAdmin, MayRead};
use super::contacts::is_language;
use super::fields::Fields;
use super::json::{Json, Object, Path, Query};
use super::pagination::{List, PageQuery};
use super::problem::{Code, Problem};
use super::schema;
use crate::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use dakiya_core::message::{Category, Channel};
use dakiya_core::template::{Dlt, MAX_BODY_CHARACTERS, Template};
use dakiya_core::time::Timestamp;
use dakiya_store::templates::{self, TemplateText, TemplateVersion};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const MOST_NAME_CHARACTERS: usize = 200;

/// A template's new version.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplatePut {
    /// What people call it.
    #[schema(example = "Payment reminder")]
    name: String,
    /// Why it is sent.
    #[schema(value_type = schema::Category)]
    category: Category,
    /// How it travels.
    #[schema(value_type = schema::Channel)]
    channel: Channel,
    /// The text, with `{{placeholders}}`.
    #[schema(example = "{{brand}}: Rs. {{amount}} is due for {{request_id}}. Pay: {{pay_url}}")]
    body: String,
    /// The language of this text; the template's first when absent.
    #[schema(example = "en")]
    language: Option<String>,
    /// Its DLT registration.
    #[schema(value_type = Option<schema::Dlt>)]
    dlt: Option<Object<Dlt>>,
    /// Twilio's id of the approved WhatsApp content.
    content_sid: Option<String>,
}

/// One version of a template, in one language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Template)]
pub struct TemplateDetail {
    /// The template's key.
    key: String,
    /// What people call it.
    name: String,
    /// Why it is sent.
    #[schema(value_type = schema::Category)]
    category: Category,
    /// How it travels.
    #[schema(value_type = schema::Channel)]
    channel: Channel,
    /// The language of this text.
    language: String,
    /// Counts over all languages, from 1.
    version: i32,
    /// The text, with `{{placeholders}}`.
    body: String,
    /// The placeholders of the text, in the order they appear.
    placeholders: Vec<String>,
    /// Its DLT registration.
    #[schema(value_type = Option<schema::Dlt>, required = true)]
    dlt: Option<Dlt>,
    /// Twilio's id of the approved WhatsApp content.
    #[schema(required = true)]
    content_sid: Option<String>,
    /// When this version was written.
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    created_at: Timestamp,
}

/// A template with all its languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct TemplateVariants {
    /// The text in its first language.
    #[serde(flatten)]
    template: TemplateDetail,
    /// The text in every language, the first one first.
    variants: Vec<TemplateDetail>,
}

impl From<TemplateVersion> for TemplateDetail {
    fn from(version: TemplateVersion) -> Self {
        let parsed = Template::parse(&version.body).ok();
        let placeholders = parsed.iter().flat_map(Template::placeholders).map(str::to_owned).collect();
        Self {
            key: version.key,
            name: version.name,
            category: version.category,
            channel: version.channel,
            language: version.language,
            version: version.version,
            body: version.body,
            placeholders,
            dlt: version.dlt,
            content_sid: version.content_sid,
            created_at: version.created_at,
        }
    }
}

/// List templates
///
/// Each as its latest version in its first language.
#[utoipa::path(
    get, path = "/templates", operation_id = "list_templates", tag = "Templates", params(PageQuery),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "A page of templates", body = List<TemplateDetail>)),
)]
pub async fn list(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Query(query): Query<PageQuery>,
) -> Result<axum::Json<List<TemplateDetail>>, Problem> {
    let (limit, cursor) = query.page()?;
    let page = templates::list(&app.store, cursor.as_ref(), limit).await?;
    Ok(axum::Json(List::of(page, TemplateDetail::from)))
}

/// Look a template up
#[utoipa::path(
    get, path = "/templates/{key}", operation_id = "get_template", tag = "Templates",
    params(("key" = String, Path, description = "The template's key")),
    security(("api_key" = ["read"])),
    responses((status = 200, description = "Its latest text in every language", body = TemplateVariants)),
)]
pub async fn get(
    MayRead(_): MayRead,
    State(app): State<AppState>,
    Path(key): Path<String>,
) -> Result<axum::Json<TemplateVariants>, Problem> {
    let first =
        templates::get(&app.store, &key, None).await?.ok_or_else(|| Problem::not_found("template"))?;
    let variants = templates::variants(&app.store, first.template_id, i32::MAX).await?;
    let variants = variants.into_iter().map(TemplateDetail::from).collect();
    Ok(axum::Json(TemplateVariants { template: first.into(), variants }))
}

/// Write a new version
///
/// The same text again makes no new version. Messages and campaigns keep the version they were made with.
#[utoipa::path(
    put, path = "/templates/{key}", operation_id = "put_template", tag = "Templates", request_body = TemplatePut,
    params(("key" = String, Path, description = "Letters, digits, `_` and `-`; at most 64")),
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "The template's new version", body = TemplateDetail),
        (status = 201, description = "The new template", body = TemplateDetail),
    ),
)]
pub async fn put(
    MayAdmin(caller): MayAdmin,
    State(app): State<AppState>,
    Path(key): Path<String>,
    Json(given): Json<TemplatePut>,
) -> Result<(StatusCode, axum::Json<TemplateDetail>), Problem> {
    check(&key, &given)?;
    let known = templates::get(&app.store, &key, None).await?.is_some();
    let text = TemplateText {
        name: given.name.trim().to_owned(),
        category: given.category,
        channel: given.channel,
        language: given.language,
        body: given.body,
        dlt: given.dlt.map(|Object(dlt)| dlt),
        content_sid: given.content_sid,
    };
    let version = templates::put(&app.store, &key, &text, &caller.actor(), app.clock.now()).await?;
    Ok((if known { StatusCode::OK } else { StatusCode::CREATED }, axum::Json(version.into())))
}

fn check(key: &str, given: &TemplatePut) -> Result<(), Problem> {
    let mut fields = Fields::default();
    if !is_key(key) {
        fields.fault("key", Code::InvalidRequest, "1 to 64 letters, digits, _ or -");
    }
    if given.name.trim().is_empty() {
        fields.fault("name", Code::InvalidRequest, "say what people call it");
    }
    fields.at_most("name", &given.name, MOST_NAME_CHARACTERS);
    if given.language.as_deref().is_some_and(|language| !is_language(language)) {
        fields.fault("language", Code::InvalidRequest, "write a language code, for example en or hi");
    }
    if given.content_sid.as_deref().is_some_and(|sid| !is_content_sid(sid)) {
        fields.fault("content_sid", Code::InvalidRequest, "HX and 32 hexadecimal digits");
    }
    let characters = given.body.chars().count();
    if characters > MAX_BODY_CHARACTERS {
        fields.fault(
            "body",
            Code::BodyTooLong,
            format!("{characters} characters; Twilio takes at most {MAX_BODY_CHARACTERS}"),
        );
    }
    fields.keep("body", Code::InvalidTemplate, Template::parse(&given.body));
    fields.finish()
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn is_content_sid(text: &str) -> bool {
    text.len() == 34 && text.starts_with("HX") && text.bytes().skip(2).all(|b| b.is_ascii_hexdigit())
}
