//! The OpenAPI document, made from the code, and a page that shows it.

mod page;

pub(crate) use page::docs;

use crate::api::problem::Document;
use axum::Json;
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;
use utoipa::openapi::content::{Content, ContentBuilder};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, Ref, RefOr};
use utoipa::{OpenApi as _, ToSchema};

/// The document of this build.
static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(|| complete(crate::api::describe()));

/// `GET /api/openapi.json`
pub(crate) async fn document() -> Response {
    Json(&*DOCUMENT).into_response()
}

/// What the document says before any address is added.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Dakiya",
        description = "Plans, prices, paces and sends SMS and WhatsApp messages, and accounts for every rupee afterwards. \
                       Money is a decimal string in INR, times are RFC 3339, refusals are problem documents (RFC 9457). \
                       Writes take an Idempotency-Key: the same key and body get the first answer again.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "Messages", description = "One message to one number."),
        (name = "Estimates", description = "What a send would do and cost."),
        (name = "Campaigns", description = "One template to many people, approved once."),
        (name = "Contacts", description = "Stored people."),
        (name = "Payments", description = "What customers owe, and reminders ask for."),
        (name = "Reminders", description = "Rules that ask for payments around their due dates, and their runs."),
        (name = "Opt-outs", description = "Who asked not to be messaged."),
        (name = "Templates", description = "Texts with placeholders, in immutable versions."),
        (name = "Senders", description = "Where messages come from."),
        (name = "Settings", description = "Business settings."),
        (name = "Sending", description = "The switch that stops everything."),
        (name = "Finance", description = "What things cost."),
    ),
)]
struct Introduction;

/// The document that addresses are added to.
pub(crate) fn introduction() -> OpenApi {
    Introduction::openapi()
}

/// Adds what holds for every operation: the key it needs, and the ways it may refuse.
fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_with(Components::new);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key; its scope is read, send or admin, each including the ones before it."))
        .build();
    components.add_security_scheme("api_key", SecurityScheme::Http(bearer));
    let mut schemas = Vec::new();
    Document::schemas(&mut schemas);
    schemas.push((Document::name().into_owned(), <Document as utoipa::PartialSchema>::schema()));
    components.schemas.extend(schemas);
    for (path, item) in &mut document.paths.paths {
        let named = path.contains('{');
        for (is_write, operation) in operations(item) {
            add_refusals(operation, named);
            if is_write {
                add_idempotency_key(operation);
                add_still_answered(operation);
            }
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let writes = [&mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
    let writes = writes.into_iter().filter_map(Option::as_mut).map(|operation| (true, operation));
    item.get.as_mut().map(|operation| (false, operation)).into_iter().chain(writes)
}

const PROBLEM: &str = "application/problem+json";

fn problem() -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(Document::name()))).build()
}

fn add_refusals(operation: &mut Operation, named: bool) {
    let mut refusals = vec![
        ("401", "No API key, or one that is not known"),
        ("403", "The API key may not do this"),
        ("422", "Something in the request is not valid; `errors` names the fields"),
    ];
    if named {
        refusals.push(("404", "There is no such thing"));
    }
    if operation.request_body.is_some() {
        refusals.extend([
            ("400", "The body is not JSON"),
            ("413", "The body is too large"),
            ("415", "This kind of body is not read here"),
        ]);
    }
    for (status, description) in refusals {
        let mut response = ResponseBuilder::new().description(description).content(PROBLEM, problem());
        if status == "401" {
            response = response.header("WWW-Authenticate", HeaderBuilder::new().build());
        }
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.build().into());
    }
}

fn add_idempotency_key(operation: &mut Operation) {
    let key = ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .description(Some("1 to 255 visible characters. The same key and body get the first answer again; the same key with another body is refused."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).max_length(Some(255))))
        .build();
    operation.parameters.get_or_insert_default().push(key.into());
}

/// Beside whatever else an operation answers with a 409.
fn add_still_answered(operation: &mut Operation) {
    let still = "the first request with this Idempotency-Key is still being answered (`request_in_progress`)";
    let conflict =
        operation.responses.responses.entry("409".to_owned()).or_insert_with(|| {
            ResponseBuilder::new().description("").content(PROBLEM, problem()).build().into()
        });
    let RefOr::T(conflict) = conflict else { return };
    conflict.description = match conflict.description.as_str() {
        "" => format!("T{}", &still[1..]),
        other => format!("{other}; or {still}"),
    };
    conflict.content.entry(PROBLEM.to_owned()).or_insert_with(|| problem().into());
}
