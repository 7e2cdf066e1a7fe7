//! A page that says what will happen, in numbers, before anything does.

use crate::view::{self, Frame};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The question, its consequences and the button.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct Confirm {
    pub(crate) frame: Frame,
    pub(crate) title: String,
    pub(crate) consequences: Vec<String>,
    /// Where the form goes.
    pub(crate) action: String,
    /// Verb, object and number.
    pub(crate) button: String,
    pub(crate) button_class: &'static str,
    /// Where to go when the answer is no.
    pub(crate) back: String,
    pub(crate) back_words: &'static str,
    /// Asks for a reason under this label; empty: asks for none.
    pub(crate) reason_label: &'static str,
    /// What is wrong with the reason given.
    pub(crate) fault: &'static str,
    /// Fields that go along.
    pub(crate) hidden: Vec<(&'static str, String)>,
}

impl Confirm {
    /// The page; with a fault it is the answer to a form that was not good enough.
    pub(crate) fn into_page(self) -> Response {
        let status = if self.fault.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
        (status, view::html(&self)).into_response()
    }
}
