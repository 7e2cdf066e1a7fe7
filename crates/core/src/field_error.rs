//! What is wrong with one field of a form or request.

/// One field, its fault as a word for programs and as a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// The field, nested ones with a point: `gst.rate`.
    pub field: String,
    /// The fault as a word: `out_of_range`.
    pub code: &'static str,
    /// What to do about it.
    pub message: String,
}

impl FieldError {
    /// A fault of a field.
    pub fn new(field: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self { field: field.to_owned(), code, message: message.into() }
    }
}
