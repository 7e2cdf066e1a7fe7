//! Submitted forms: where they may come from, what they say, and what is wrong with it.

use crate::AppState;
use crate::auth::Person;
use crate::error::PageError;
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use subtle::ConstantTimeEq;
use url::Url;

/// The hidden field that proves a form is ours.
pub(crate) const CSRF_FIELD: &str = "csrf";

/// A form whose origin and token were checked before anything in it was read.
pub(crate) struct Submitted {
    /// Who submitted it.
    pub(crate) person: Person,
    /// What it says.
    pub(crate) fields: Fields,
}

impl FromRequest<AppState> for Submitted {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        let person =
            <Person as axum::extract::FromRequestParts<AppState>>::from_request_parts(&mut parts, app)
                .await?;
        let fields = Fields::from_request(Request::from_parts(parts, body), app).await?;
        person.check_token(fields.text(CSRF_FIELD))?;
        Ok(Submitted { person, fields })
    }
}

/// The fields of a form, in their order; a name may repeat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Fields as a test or a handler puts them together.
    pub(crate) fn from_pairs(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// A field without surrounding space; empty when it is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// A field exactly as it was sent; empty when it is missing.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value.as_str())
    }

    /// Every value of a repeated field that says something.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0
            .iter()
            .filter(|(field, value)| field == name && !value.trim().is_empty())
            .map(|(_, value)| value.trim().to_owned())
            .collect()
    }

    /// Whether a box was ticked or a button of this name pressed.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// Replaces a field.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(field, _)| field != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }
}

impl FromRequest<AppState> for Fields {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &AppState) -> Result<Self, PageError> {
        let body = Bytes::from_request(request, app)
            .await
            .map_err(|_| PageError::TooLarge { limit_mebibytes: 2 })?;
        serde_urlencoded::from_bytes(&body).map(Fields).map_err(|_| {
            PageError::BadRequest(
                "The form is not in the shape that browsers send. Reload the page and try again.".to_owned(),
            )
        })
    }
}

/// What is wrong with a form, field by field, in the order of the page.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<(String, String)>);

impl Faults {
    /// Notes what is wrong with a field and what to do.
    pub(crate) fn add(&mut self, field: impl Into<String>, message: impl ToString) {
        self.0.push((field.into(), sentence(&message.to_string())));
    }

    /// The value, or its fault noted.
    pub(crate) fn take<T, E: std::fmt::Display>(&mut self, field: &str, result: Result<T, E>) -> Option<T> {
        result.map_err(|error| self.add(field, error)).ok()
    }

    /// Nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much is wrong.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is wrong with one field; empty when nothing is.
    pub(crate) fn of(&self, field: &str) -> &str {
        self.0.iter().find(|(name, _)| name == field).map_or("", |(_, message)| message.as_str())
    }

    /// Everything, for the summary.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &(String, String)> {
        self.0.iter()
    }
}

/// Errors of `core` begin in lower case; beside a field they are sentences.
fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// Compares a form's token with the session's without telling how much of it was right.
pub(crate) fn tokens_agree(given: &str, expected: &str) -> bool {
    bool::from(given.as_bytes().ct_eq(expected.as_bytes()))
}

/// Refuses a change that another site's page asks for. Browsers say where a request comes from; programs that say
/// nothing still need the form's token.
pub(crate) async fn same_origin(State(app): State<AppState>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if safe || comes_from_us(request.headers(), &app.config.public_url) {
        next.run(request).await
    } else {
        PageError::Forgery.into_response()
    }
}

fn comes_from_us(headers: &HeaderMap, public_url: &Url) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, None) => true,
        (None, Some(origin)) => {
            let ours = public_url.origin().ascii_serialization();
            let host = origin.split_once("://").map_or("", |(_, host)| host);
            origin == ours || (!host.is_empty() && text(header::HOST.as_str()) == Some(host))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_form_on_another_site_is_refused() {
        let ours = Url::parse("https://post.example.in").unwrap();
        for (given, fine) in [
            (headers(&[("sec-fetch-site", "same-origin")]), true),
            (headers(&[("sec-fetch-site", "cross-site"), ("origin", "https://post.example.in")]), false),
            (headers(&[("sec-fetch-site", "same-site")]), false),
            (headers(&[("origin", "https://post.example.in")]), true),
            (headers(&[("origin", "http://localhost:8001"), ("host", "localhost:8001")]), true),
            (headers(&[("origin", "https://evil.example"), ("host", "post.example.in")]), false),
            (headers(&[("origin", "null"), ("host", "post.example.in")]), false),
            (headers(&[]), true),
        ] {
            assert_eq!(comes_from_us(&given, &ours), fine, "{given:?}");
        }
    }

    #[test]
    fn repeated_fields_keep_all_their_values() {
        let fields: Fields = Fields(serde_urlencoded::from_str("tag=a&tag=b+c&tag=&name=+Asha+").unwrap());
        assert_eq!(fields.all("tag"), ["a", "b c"]);
        assert_eq!(fields.text("name"), "Asha");
        assert!(!fields.has("phone"));
    }
}
