//! A person with a browser that runs no scripts: cookies, forms and redirects.

use crate::api::Answer;
use crate::http_client;
use std::sync::{Mutex, PoisonError};

/// Somebody who visits the pages.
pub struct Visitor {
    base: String,
    http: reqwest::Client,
    cookie: Mutex<Option<String>>,
}

impl Visitor {
    /// Somebody who is not signed in.
    pub fn new(base: &str) -> Visitor {
        Visitor { base: base.to_owned(), http: http_client(), cookie: Mutex::new(None) }
    }

    /// Signs in.
    pub async fn sign_in(&self, email: &str, password: &str) {
        let answer = self.post("/sign-in", &[("email", email), ("password", password)]).await;
        assert_eq!(answer.status, 303, "signing in leads on: {}", answer.text);
    }

    /// Opens a page.
    pub async fn open(&self, path: &str) -> Answer {
        self.send(self.http.get(self.address(path))).await
    }

    /// Fills in the form of a page and submits it: the page's own hidden token goes along.
    pub async fn submit(&self, page: &str, action: &str, fields: &[(&str, &str)]) -> Answer {
        let shown = self.open(page).await;
        let token = hidden(&shown.text, "csrf")
            .unwrap_or_else(|| panic!("{page} has no form of ours: {}", shown.text));
        let mut all = vec![("csrf", token.as_str())];
        all.extend_from_slice(fields);
        self.post(action, &all).await
    }

    /// Posts a form as it is.
    pub async fn post(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.http.post(self.address(action)).form(fields)).await
    }

    /// Saves a file as it is: its bytes.
    pub async fn download(&self, path: &str) -> Vec<u8> {
        let mut request = self.http.get(self.address(path));
        if let Some(cookie) = &*self.cookie.lock().unwrap_or_else(PoisonError::into_inner) {
            request = request.header("cookie", cookie);
        }
        let response = request.send().await.expect("the server answers");
        assert_eq!(response.status(), 200, "{path}");
        response.bytes().await.expect("a file").to_vec()
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> Answer {
        if let Some(cookie) = &*self.cookie.lock().unwrap_or_else(PoisonError::into_inner) {
            request = request.header("cookie", cookie);
        }
        let answer = Answer::of(request).await;
        if let Some(set) = answer.headers.get("set-cookie").and_then(|set| set.to_str().ok()) {
            let pair = set.split(';').next().unwrap_or_default().to_owned();
            *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = Some(pair);
        }
        answer
    }
}

/// The value of a hidden field.
fn hidden(html: &str, name: &str) -> Option<String> {
    let start = html.find(&format!("name=\"{name}\""))?;
    let rest = &html[start..];
    let value = rest.split_once("value=\"")?.1;
    Some(value.split_once('"')?.0.to_owned())
}
