//! Texts with placeholders: listed, written, checked while they are typed.

mod meter;

use super::prices::Prices;
use crate::AppState;
use crate::auth::Person;
use crate::error::{PageError, PageResult};
use crate::filters;
use crate::forms::{Faults, Fields, Submitted};
use crate::pages::contacts::is_language;
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use dakiya_core::ids::TemplateId;
use dakiya_core::message::{Category, Channel};
use dakiya_core::template::{self, Dlt};
use dakiya_core::time::Timestamp;
use dakiya_core::user::Permission;
use dakiya_store::templates::{self, TemplateText, TemplateVersion};
use meter::Meter;
use std::collections::HashMap;

const MOST_ROWS: u64 = 500;
const MOST_VERSIONS: u64 = 20;

/// Everything about templates.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/templates", get(list).post(create))
        .route("/templates/new", get(ask))
        .route("/templates/meter", post(meter::show))
        .route("/templates/{key}", get(show).post(save))
}

struct Row {
    key: String,
    name: String,
    category: Category,
    channel: Channel,
    languages: String,
    segments: String,
    price: String,
}

#[derive(Template)]
#[template(path = "templates/list.html")]
struct TemplatesPage {
    frame: Frame,
    rows: Vec<Row>,
    done: &'static str,
}

async fn list(State(app): State<AppState>, person: Person) -> PageResult {
    let prices = Prices::now(&app).await?;
    let mut rows = Vec::new();
    for version in templates::list(&app.store, None, MOST_ROWS).await?.items {
        let variants = templates::variants(&app.store, version.template_id, i32::MAX).await?;
        let languages =
            variants.iter().map(|variant| language_words(&variant.language)).collect::<Vec<_>>().join(", ");
        let (segments, price) =
            meter::summary(&version.body, version.channel, version.category, &prices, &app);
        rows.push(Row {
            key: version.key,
            name: version.name,
            category: version.category,
            channel: version.channel,
            languages,
            segments,
            price,
        });
    }
    let frame = Frame::of(&app, &person, Section::Templates).await?;
    Ok(view::html(&TemplatesPage { frame, rows, done: "" }))
}

/// A language as its speakers write it.
fn language_words(code: &str) -> String {
    let known = match code {
        "en" => "English",
        "hi" => "हिन्दी",
        "mr" => "मराठी",
        "bn" => "বাংলা",
        "ta" => "தமிழ்",
        "te" => "తెలుగు",
        "kn" => "ಕನ್ನಡ",
        "ml" => "മലയാളം",
        "gu" => "ગુજરાતી",
        "pa" => "ਪੰਜਾਬੀ",
        _ => return code.to_owned(),
    };
    known.to_owned()
}

struct Tab {
    href: String,
    code: String,
    words: String,
    current: bool,
}

struct Version {
    number: i32,
    language: String,
    body: String,
    at: Timestamp,
}

impl From<TemplateVersion> for Version {
    fn from(version: TemplateVersion) -> Self {
        Version {
            number: version.version,
            language: version.language,
            body: version.body,
            at: version.created_at,
        }
    }
}

#[derive(Template)]
#[template(path = "templates/edit.html")]
struct EditPage {
    frame: Frame,
    title: String,
    action: String,
    is_new: bool,
    adding_language: bool,
    has_registration: bool,
    categories: &'static [Category],
    languages: Vec<Tab>,
    version: Option<Version>,
    versions: Vec<Version>,
    meter: Meter,
    fields: Fields,
    faults: Faults,
    done: &'static str,
}

/// A template that is there already, in the language being edited.
struct Known {
    key: String,
    id: TemplateId,
    current: Option<TemplateVersion>,
}

async fn edit_page(
    app: &AppState,
    person: &Person,
    known: Option<Known>,
    fields: Fields,
    faults: Faults,
    done: &'static str,
) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let variants = match &known {
        Some(known) => templates::variants(&app.store, known.id, i32::MAX).await?,
        None => Vec::new(),
    };
    let versions = match &known {
        Some(known) => templates::history(&app.store, &known.key, None, MOST_VERSIONS).await?.items,
        None => Vec::new(),
    };
    let language = fields.text("language").to_owned();
    let adding_language = known.as_ref().is_some_and(|known| known.current.is_none());
    let page = EditPage {
        frame: Frame::of(app, person, Section::Templates).await?,
        title: known.as_ref().map_or_else(|| "New template".to_owned(), |_| fields.text("name").to_owned()),
        action: known
            .as_ref()
            .map_or_else(|| "/templates".to_owned(), |known| format!("/templates/{}", known.key)),
        is_new: known.is_none(),
        adding_language,
        has_registration: ["dlt_entity_id", "dlt_template_id", "dlt_header", "content_sid"]
            .iter()
            .any(|name| !fields.text(name).is_empty()),
        categories: Category::ALL,
        languages: known
            .as_ref()
            .map_or_else(Vec::new, |known| tabs(known, &variants, &language, adding_language)),
        version: known.and_then(|known| known.current).map(Version::from),
        versions: versions.into_iter().map(Version::from).collect(),
        meter: meter::of_fields(app, &fields).await?,
        fields,
        faults,
        done,
    };
    Ok((status, view::html(&page)).into_response())
}

fn tabs(known: &Known, variants: &[TemplateVersion], language: &str, adding: bool) -> Vec<Tab> {
    let address = |code: &str| view::href(&format!("/templates/{}", known.key), &[("language", code)]);
    let mut tabs: Vec<Tab> = variants
        .iter()
        .map(|variant| Tab {
            href: address(&variant.language),
            words: language_words(&variant.language),
            current: !adding && variant.language == language,
            code: variant.language.clone(),
        })
        .collect();
    tabs.push(Tab {
        href: address("new"),
        words: "Add a language".to_owned(),
        current: adding,
        code: "en".to_owned(),
    });
    tabs
}

/// A new template: empty, or one that says the same as another on another channel.
async fn ask(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    person.must(Permission::Send)?;
    if let Some(from) = query.get("from") {
        let (_, version) = find(&app, from, None).await?;
        let mut fields = fields_of(&version);
        let channel = query.get("channel").map_or(version.channel.as_str(), String::as_str);
        fields.set("channel", channel);
        fields.set("key", &format!("{from}_{channel}"));
        fields.set("name", &format!("{} ({channel})", version.name));
        for registered in ["dlt_entity_id", "dlt_template_id", "dlt_header", "content_sid"] {
            fields.set(registered, "");
        }
        return edit_page(&app, &person, None, fields, Faults::default(), "").await;
    }
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let fields = Fields::from_pairs(vec![
        field("category", Category::Service.as_str()),
        field("channel", Channel::Sms.as_str()),
        field("language", "en"),
        field("body", "{{brand}}: "),
    ]);
    edit_page(&app, &person, None, fields, Faults::default(), "").await
}

async fn find(app: &AppState, key: &str, language: Option<&str>) -> PageResult<(Known, TemplateVersion)> {
    let best = templates::get(&app.store, key, language).await?.ok_or(PageError::NotFound("template"))?;
    let exact = language.is_none_or(|language| language == best.language);
    let known = Known { key: best.key.clone(), id: best.template_id, current: exact.then(|| best.clone()) };
    Ok((known, best))
}

async fn show(
    State(app): State<AppState>,
    person: Person,
    Path(key): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let language = query.get("language").map(String::as_str).filter(|text| !text.is_empty());
    let (known, best) = find(&app, &key, language).await?;
    let mut fields = fields_of(&best);
    if known.current.is_none() {
        fields.set("language", language.filter(|text| *text != "new").unwrap_or_default());
    }
    let done = if query.contains_key("done") {
        "Saved. Campaigns written from now on use this version."
    } else {
        ""
    };
    edit_page(&app, &person, Some(known), fields, Faults::default(), done).await
}

fn fields_of(version: &TemplateVersion) -> Fields {
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let dlt = version.dlt.clone().unwrap_or_default();
    Fields::from_pairs(vec![
        field("key", &version.key),
        field("name", &version.name),
        field("category", version.category.as_str()),
        field("channel", version.channel.as_str()),
        field("language", &version.language),
        field("body", &version.body),
        field("dlt_entity_id", dlt.entity_id.as_deref().unwrap_or_default()),
        field("dlt_template_id", dlt.template_id.as_deref().unwrap_or_default()),
        field("dlt_header", dlt.header.as_deref().unwrap_or_default()),
        field("content_sid", version.content_sid.as_deref().unwrap_or_default()),
    ])
}

async fn create(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::Send)?;
    submit(&app, &person, None, fields).await
}

async fn save(
    State(app): State<AppState>,
    Path(key): Path<String>,
    Submitted { person, mut fields }: Submitted,
) -> PageResult {
    person.must(Permission::Send)?;
    let language = fields.text("language").to_lowercase();
    let (known, _) = find(&app, &key, Some(&language)).await?;
    fields.set("key", &known.key);
    submit(&app, &person, Some(known), fields).await
}

/// Fixes, checks or saves, by the button that was pressed.
async fn submit(app: &AppState, person: &Person, known: Option<Known>, mut fields: Fields) -> PageResult {
    match fields.text("do") {
        "fix" => {
            let fixed = meter::fixed(fields.raw("body"));
            fields.set("body", &fixed);
            return edit_page(
                app,
                person,
                known,
                fields,
                Faults::default(),
                "The text was changed below. It is not saved yet.",
            )
            .await;
        }
        "check" => return edit_page(app, person, known, fields, Faults::default(), "").await,
        _ => {}
    }
    let (parsed, mut faults) = parse(&fields);
    let key = fields.text("key").to_owned();
    if known.is_none() {
        check_key(app, &key, &mut faults).await?;
    }
    let Some(text) = parsed.filter(|_| faults.is_empty()) else {
        return edit_page(app, person, known, fields, faults, "").await;
    };
    let saved = templates::put(&app.store, &key, &text, &person.actor(), app.clock.now()).await?;
    Ok(Redirect::to(&view::href(
        &format!("/templates/{}", saved.key),
        &[("language", &saved.language), ("done", "1")],
    ))
    .into_response())
}

async fn check_key(app: &AppState, key: &str, faults: &mut Faults) -> PageResult<()> {
    let shaped = (2..=60).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !shaped || matches!(key, "new" | "meter") {
        faults.add("key", "Write 2 to 60 small letters, digits or _, for example fee_change");
    } else if templates::get(&app.store, key, None).await?.is_some() {
        faults.add("key", "There is a template with this key already; open it to change it");
    }
    Ok(())
}

fn parse(fields: &Fields) -> (Option<TemplateText>, Faults) {
    let mut faults = Faults::default();
    let name = fields.text("name");
    if name.is_empty() || name.chars().count() > 100 {
        faults.add("name", "Give the template a name of at most 100 characters");
    }
    let category = faults.take("category", Category::parse(fields.text("category")));
    let channel = faults.take("channel", Channel::parse(fields.text("channel")));
    let body = fields.text("body").replace("\r\n", "\n");
    faults.take("body", template::Template::parse(&body));
    let language = fields.text("language").to_lowercase();
    if !is_language(&language) {
        faults.add("language", "Write a language code, for example en or hi");
    }
    let given = |field: &str| Some(fields.text(field)).filter(|text| !text.is_empty()).map(str::to_owned);
    let dlt = Dlt {
        entity_id: given("dlt_entity_id"),
        template_id: given("dlt_template_id"),
        header: given("dlt_header"),
    };
    let content_sid = given("content_sid");
    if content_sid.as_ref().is_some_and(|sid| sid.len() != 34 || !sid.starts_with("HX")) {
        faults.add("content_sid", "A content SID is HX and 32 letters or digits");
    }
    let (Some(category), Some(channel)) = (category, channel) else { return (None, faults) };
    let text = TemplateText {
        name: name.to_owned(),
        category,
        channel,
        language: Some(language),
        body,
        dlt: (dlt != Dlt::default()).then_some(dlt),
        content_sid,
    };
    (Some(text), faults)
}
