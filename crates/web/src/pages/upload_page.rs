//! What checking an uploaded file found, and the choice between fixing it and going on without the bad rows.

use crate::error::PageResult;
use crate::filters;
use crate::forms::Faults;
use crate::uploads::Upload;
use crate::view::{self, Frame};
use askama::Template;
use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio_util::io::ReaderStream;

/// Where an import lives, and what its pages say.
pub(crate) struct Import {
    pub(crate) title: &'static str,
    /// The page to upload on.
    pub(crate) form_href: String,
    pub(crate) back: String,
    pub(crate) back_words: String,
    /// Name and meaning of each column.
    pub(crate) columns: Vec<(&'static str, &'static str)>,
    /// What happens to people in bad rows.
    pub(crate) consequence: &'static str,
    /// Which of several rows about the same thing counts.
    pub(crate) repeats: &'static str,
    /// An example of such a file.
    pub(crate) sample: &'static str,
}

#[derive(Template)]
#[template(path = "imports/upload.html")]
struct UploadForm {
    frame: Frame,
    import: Import,
    faults: Faults,
}

/// The page to upload on; with a fault, the answer to a file that cannot be read.
pub(crate) fn form(frame: Frame, import: Import, fault: &str) -> Response {
    let mut faults = Faults::default();
    if !fault.is_empty() {
        faults.add("file", fault);
    }
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    (status, view::html(&UploadForm { frame, import, faults })).into_response()
}

/// The page to upload on, for a file that is not where its address says.
pub(crate) fn gone(frame: Frame, import: Import) -> Response {
    let told = "This file does not wait here any more: it was imported already, or Dakiya was restarted since. If its \
                rows are missing, upload it again";
    let mut faults = Faults::default();
    faults.add("file", told);
    (StatusCode::NOT_FOUND, view::html(&UploadForm { frame, import, faults })).into_response()
}

#[derive(Template)]
#[template(path = "imports/checked.html")]
struct CheckedPage<'a> {
    frame: Frame,
    import: Import,
    upload: &'a Upload,
    /// The upload's own address.
    base: String,
}

/// The page about a checked file.
pub(crate) fn checked(frame: Frame, import: Import, upload: &Upload) -> Response {
    let base = format!("{}/{}", import.form_href, upload.id);
    view::html(&CheckedPage { frame, import, upload, base })
}

/// The bad rows with their reasons.
pub(crate) fn bad_rows(upload: &Upload) -> PageResult {
    let name: String = upload
        .checked
        .file_name
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    Ok(csv_file(&format!("{name}-bad-rows.csv"), Body::from_stream(ReaderStream::new(upload.bad_rows()?))))
}

/// A CSV file to be saved.
pub(crate) fn csv_file(name: &str, body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}

/// Which of several rows about one person counts.
pub(crate) const FIRST_COUNTS: &str = "Of rows with the same number, the first one counts.";
