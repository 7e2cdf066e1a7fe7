//! What comes in: bodies, queries and paths, every fault of which becomes a problem document.

use super::body;
use super::problem::{Code, Problem};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::marker::PhantomData;

/// A JSON body. Unknown fields are refused where the type says so, which every body of the API does.
#[derive(Debug)]
pub struct Json<T, const LIMIT: u64 = { body::JSON_LIMIT }>(pub T);

impl<T: DeserializeOwned, S: Send + Sync, const LIMIT: u64> FromRequest<S> for Json<T, LIMIT> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        if !is_json(content_type(request.headers())) {
            return Err(not_json());
        }
        parse(&body::read(request.into_body(), LIMIT).await?).map(|Object(value)| Json(value))
    }
}

/// A JSON object. serde would read fields from a list as well, in the order they happen to be declared in.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Object)
    }
}

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let media_type = content_type(request.headers());
        let bytes = body::read(request.into_body(), body::JSON_LIMIT).await?;
        if bytes.is_empty() {
            return Ok(OptionalJson(T::default()));
        }
        if is_json(media_type) {
            parse(&bytes).map(|Object(value)| OptionalJson(value))
        } else {
            Err(not_json())
        }
    }
}

fn not_json() -> Problem {
    Problem::new(Code::UnsupportedMediaType, "send the body as application/json")
}

/// The media type of a request, in lower case and without parameters. Empty when there is none.
pub fn content_type(headers: &axum::http::HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type is JSON; a body without one is taken for it.
pub fn is_json(media_type: impl AsRef<str>) -> bool {
    let media_type = media_type.as_ref();
    media_type.is_empty()
        || media_type == "application/json"
        || (media_type.starts_with("application/") && media_type.ends_with("+json"))
}

/// Reads JSON: 400 when it is none, 422 with the field when it is not what was expected.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Problem::new(Code::MalformedJson, format!("the body is not UTF-8 at byte {}", error.valid_up_to()))
    })?;
    refuse_nul(text)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        problem_of(&path, error.into_inner())
    })?;
    deserializer.end().map_err(|error| Problem::new(Code::MalformedJson, error))?;
    Ok(value)
}

fn problem_of(path: &str, error: serde_json::Error) -> Problem {
    if !error.is_data() {
        return Problem::new(Code::MalformedJson, error);
    }
    let words = error.to_string();
    let message = words.rsplit_once(" at line ").map_or(words.as_str(), |(message, _)| message);
    Problem::field(&field_at(path, message), Code::InvalidRequest, in_plain_words(message))
}

/// What serde says in the words of a Rust programmer, for everybody: what was given, and what is wanted.
fn in_plain_words(message: &str) -> String {
    let typed = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if let Some((given, wanted)) = typed.and_then(|rest| rest.split_once(", expected ")) {
        return format!("{} was given; {} is wanted", given_words(given), wanted_words(wanted));
    }
    let names = |list: &str| list.trim_start_matches("one of ").replace('`', "");
    let known = |rest: &str| match rest.split_once(", expected ") {
        Some((_, list)) => format!("; known are {}", names(list)),
        None => String::new(),
    };
    match message {
        _ if message.starts_with("missing field `") => "is missing".to_owned(),
        _ if message.starts_with("duplicate field `") => "is given twice".to_owned(),
        _ => match message.strip_prefix("unknown field `") {
            Some(rest) => format!("there is no such field{}", known(rest)),
            None => message.to_owned(),
        },
    }
}

fn given_words(given: &str) -> String {
    match given {
        "sequence" => "a list".to_owned(),
        "map" => "an object".to_owned(),
        _ => {
            let bare = given.split_once(" `").map_or(given, |(_, value)| value.trim_end_matches('`'));
            bare.trim_start_matches("string ").to_owned()
        }
    }
}

fn wanted_words(wanted: &str) -> &str {
    match wanted {
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a string" | "a borrowed string" => "a text in quotes",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if wanted.starts_with("struct ") || wanted.starts_with("internally tagged") => "an object",
        _ => wanted,
    }
}

/// Where a fault is. serde names a missing or unknown field in its message alone, the path ends at its parent.
fn field_at(path: &str, message: &str) -> String {
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start))
        .and_then(|rest| rest.split('`').next());
    match (path, named) {
        (".", Some(name)) => name.to_owned(),
        (".", None) => "body".to_owned(),
        (path, Some(name)) if path != name && !path.ends_with(&format!(".{name}")) => {
            format!("{path}.{name}")
        }
        (path, _) => path.to_owned(),
    }
}

/// PostgreSQL cannot keep the character NUL, and no message has use for it.
fn refuse_nul(text: &str) -> Result<(), Problem> {
    if !text.contains("\\u0000") {
        return Ok(());
    }
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| problem_of(".", error))?;
    match nul_in(&value, String::new()) {
        Some(field) => {
            Err(Problem::field(&field, Code::InvalidRequest, "has the character NUL, which cannot be sent"))
        }
        None => Ok(()),
    }
}

fn nul_in(value: &serde_json::Value, path: String) -> Option<String> {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0').then_some(path),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| nul_in(item, format!("{path}[{at}]")))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, value)| {
            let inner = if path.is_empty() {
                name.replace('\0', "")
            } else {
                format!("{path}.{}", name.replace('\0', ""))
            };
            if name.contains('\0') { Some(inner) } else { nul_in(value, inner) }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A query string. Parameters without a value are as good as absent; unknown and repeated ones are refused.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let mut kept = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs {
            if name.contains('\0') || value.contains('\0') {
                return Err(Problem::field(
                    &name.replace('\0', ""),
                    Code::InvalidRequest,
                    "has the character NUL",
                ));
            }
            if !value.is_empty() {
                kept.append_pair(&name, &value);
            }
        }
        serde_urlencoded::from_str(&kept.finish()).map(Query).map_err(|error| {
            let message = error.to_string();
            Problem::field(&field_at(".", &message), Code::InvalidRequest, in_plain_words(&message))
        })
    }
}

/// The variable parts of a path. What cannot be one names nothing, so it is not found.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.path().contains("%00") {
            return Err(Problem::new(Code::NotFound, "no address has the character NUL"));
        }
        let axum::extract::Path(value) = axum::extract::Path::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(Code::NotFound, "nothing can have this id"))?;
        Ok(Path(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code, reason = "only its being read matters")]
        to: String,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[allow(dead_code, reason = "only its being read matters")]
        recipients: Vec<Object<Inner>>,
    }

    fn refused(text: &[u8]) -> (Code, Vec<String>) {
        let problem = parse::<Object<Outer>>(text).unwrap_err();
        (problem.code(), problem.errors().iter().map(|error| error.field.clone()).collect())
    }

    #[test]
    fn every_fault_of_a_body_names_its_field() {
        for (text, field) in [
            (r#"{}"#, "recipients"),
            (r#"{"recipients":1}"#, "recipients"),
            (r#"{"recipients":[{"to":"a"},{"to":5}]}"#, "recipients[1].to"),
            (r#"{"recipients":[{}]}"#, "recipients[0].to"),
            (r#"{"recipients":[{"to":"a","x":1}]}"#, "recipients[0].x"),
            (r#"{"recipients":[],"drop table":1}"#, "drop table"),
            (r#"[]"#, "body"),
            (r#"[[]]"#, "body"),
            (r#"{"recipients":[["9845011234"]]}"#, "recipients[0]"),
            (r#""x""#, "body"),
            (r#"null"#, "body"),
            (r#"{"recipients":[{"to":"a\u0000b"}]}"#, "recipients[0].to"),
        ] {
            assert_eq!(refused(text.as_bytes()), (Code::InvalidRequest, vec![field.to_owned()]), "{text}");
        }
    }

    #[test]
    fn a_fault_is_told_without_the_words_of_a_programming_language() {
        for (said, told) in [
            ("invalid type: integer `1499`, expected a string", "1499 was given; a text in quotes is wanted"),
            ("invalid type: string \"x\", expected i32", "\"x\" was given; a whole number is wanted"),
            (
                "invalid value: integer `-1`, expected u32",
                "-1 was given; a whole number, 0 or more is wanted",
            ),
            ("invalid type: null, expected struct Thing", "null was given; an object is wanted"),
            ("invalid type: sequence, expected a boolean", "a list was given; true or false is wanted"),
            ("missing field `to`", "is missing"),
            ("unknown field `x`, expected one of `to`, `body`", "there is no such field; known are to, body"),
            ("unknown field `x`, expected `to`", "there is no such field; known are to"),
            ("\"much\" is not an amount", "\"much\" is not an amount"),
        ] {
            assert_eq!(in_plain_words(said), told);
        }
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for text in [
            &b""[..],
            b"{",
            b"{\"recipients\":[]} x",
            b"\xff\xfe",
            b"{\"recipients\":[{\"to\":\"\\ud800\"}]}",
            b"\0",
        ] {
            assert_eq!(
                refused(text).0,
                Code::MalformedJson,
                "{:?}",
                String::from_utf8_lossy(&text[..text.len().min(40)])
            );
        }
    }

    #[test]
    fn a_backslash_before_u0000_is_no_nul() {
        assert!(parse::<Object<Outer>>(br#"{"recipients":[{"to":"\\u0000"}]}"#).is_ok());
    }
}
