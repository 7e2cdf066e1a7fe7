//! The OpenAPI document as a page: plain HTML, no script, made once from the same document that programs read.

use super::DOCUMENT;
use crate::api::problem::Code;
use crate::view;
use askama::Template;
use axum::response::Response;
use serde_json::Value;
use std::sync::LazyLock;

#[derive(Template)]
#[template(path = "api/docs.html")]
struct DocsPage {
    asset_version: &'static str,
    introduction: String,
    groups: Vec<Group>,
    schemas: Vec<Schema>,
    codes: &'static [Code],
}

struct Group {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

struct Operation {
    anchor: String,
    method: String,
    path: String,
    summary: String,
    description: String,
    scope: String,
    parameters: Vec<Field>,
    bodies: Vec<Body>,
    answers: Vec<Answer>,
}

struct Field {
    name: String,
    place: String,
    kind: Kind,
    required: bool,
    description: String,
}

struct Body {
    media_type: String,
    kind: Kind,
}

struct Answer {
    status: String,
    description: String,
    kind: Option<Kind>,
}

struct Schema {
    name: String,
    description: String,
    fields: Vec<Field>,
    words: Vec<String>,
}

/// What a value is: words, and the schema they link to.
struct Kind {
    text: String,
    schema: Option<String>,
}

static PAGE: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(&*DOCUMENT).unwrap_or_default());

/// `GET /api/docs`
pub(crate) async fn docs() -> Response {
    let document = &*PAGE;
    view::html(&DocsPage {
        asset_version: crate::assets::version(),
        introduction: text(&document["info"]["description"]),
        groups: groups(document),
        schemas: each(&document["components"]["schemas"])
            .map(|(name, schema)| schema_of(name, schema))
            .collect(),
        codes: Code::ALL,
    })
}

fn groups(document: &Value) -> Vec<Group> {
    let operations = || {
        each(&document["paths"]).flat_map(|(path, item)| {
            each(item)
                .filter(|(_, operation)| operation.is_object())
                .map(move |(method, operation)| (path, method, operation))
        })
    };
    let tags = document["tags"].as_array().into_iter().flatten();
    tags.map(|tag| Group {
        name: text(&tag["name"]),
        description: text(&tag["description"]),
        operations: operations()
            .filter(|(_, _, operation)| operation["tags"][0] == tag["name"])
            .map(|(path, method, operation)| operation_of(path, method, operation))
            .collect(),
    })
    .filter(|group| !group.operations.is_empty())
    .collect()
}

fn operation_of(path: &str, method: &str, operation: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    Operation {
        anchor: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        scope: text(&operation["security"][0]["api_key"][0]),
        parameters: parameters
            .map(|parameter| Field {
                name: text(&parameter["name"]),
                place: text(&parameter["in"]),
                kind: kind_of(&parameter["schema"]),
                required: parameter["required"] == true,
                description: text(&parameter["description"]),
            })
            .collect(),
        bodies: each(&operation["requestBody"]["content"])
            .map(|(media_type, content)| Body {
                media_type: media_type.to_owned(),
                kind: kind_of(&content["schema"]),
            })
            .collect(),
        answers: each(&operation["responses"])
            .map(|(status, response)| Answer {
                status: status.to_owned(),
                description: text(&response["description"]),
                kind: each(&response["content"]).next().map(|(_, content)| kind_of(&content["schema"])),
            })
            .collect(),
    }
}

fn schema_of(name: &str, schema: &Value) -> Schema {
    let required = |field: &str| {
        schema["required"].as_array().is_some_and(|names| names.iter().any(|name| name == field))
    };
    Schema {
        name: name.to_owned(),
        description: text(&schema["description"]),
        fields: each(&schema["properties"])
            .map(|(field, property)| Field {
                name: field.to_owned(),
                place: String::new(),
                kind: kind_of(property),
                required: required(field),
                description: text(&property["description"]),
            })
            .collect(),
        words: schema["enum"].as_array().into_iter().flatten().map(text).collect(),
    }
}

fn kind_of(schema: &Value) -> Kind {
    if let Some(name) = schema["$ref"].as_str().and_then(|address| address.rsplit('/').next()) {
        return Kind { text: name.to_owned(), schema: Some(name.to_owned()) };
    }
    let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array()).or(schema["allOf"].as_array());
    if let Some(choices) = choices {
        let mut kinds: Vec<Kind> = choices.iter().map(kind_of).collect();
        kinds.sort_by_key(|kind| kind.text == "null");
        let text = kinds.iter().map(|kind| kind.text.as_str()).collect::<Vec<_>>().join(" or ");
        return Kind { text, schema: kinds.into_iter().find_map(|kind| kind.schema) };
    }
    let names: Vec<&str> = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect(),
    };
    if names.contains(&"array") {
        let items = kind_of(&schema["items"]);
        return Kind { text: format!("list of {}", items.text), ..items };
    }
    if names.contains(&"object") && schema["additionalProperties"].is_object() {
        let values = kind_of(&schema["additionalProperties"]);
        return Kind { text: format!("object of {}", values.text), ..values };
    }
    Kind { text: names.join(" or "), schema: None }
}

fn each(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// A text of the document; its Markdown is no more than code marks, which a table needs none of.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('`', "")
}
