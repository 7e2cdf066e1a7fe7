//! Every way a page can fail, as a page with a next step. The only place where pages get their HTTP statuses.

use crate::view;
use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use dakiya_core::table::TableError;
use dakiya_core::user::Permission;
use dakiya_scheduler::CommandError;
use dakiya_scheduler::QuoteError;
use dakiya_store::StoreError;
use dakiya_store::campaigns::CampaignError;
use std::any::Any;

/// What a page's handler answers with.
pub(crate) type PageResult<T = Response> = Result<T, PageError>;

/// Why there is no page. Nothing in it may repeat a phone number, a text or a secret.
#[derive(Debug)]
pub(crate) enum PageError {
    /// Nobody is signed in; come back to `next` afterwards.
    SignIn {
        /// The page that was asked for.
        next: String,
    },
    /// Nothing with this name exists.
    NotFound(&'static str),
    /// The role does not include this.
    Forbidden(Permission),
    /// The form was not ours, or too old.
    Forgery,
    /// The address or form says something that no link or form of ours says.
    BadRequest(String),
    /// It no longer fits the state things are in.
    Conflict(String),
    /// More than this page takes.
    TooLarge {
        /// What it takes, in mebibytes.
        limit_mebibytes: usize,
    },
    /// Too many tries.
    Throttled {
        /// Until another try makes sense.
        minutes: i64,
    },
    /// A fault of ours, logged where it happened.
    Internal,
}

impl PageError {
    /// A fault of ours: logged whole, told in one sentence.
    pub(crate) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a page failed");
        Self::Internal
    }
}

impl From<CampaignError> for PageError {
    fn from(error: CampaignError) -> Self {
        match error {
            CampaignError::NotFound(_) => Self::NotFound("campaign"),
            CampaignError::Store(error) => error.into(),
            other => Self::Conflict(sentence(&other)),
        }
    }
}

impl From<CommandError> for PageError {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Campaign(error) => error.into(),
            CommandError::Quote(error) => error.into(),
            other => Self::Conflict(sentence(&other)),
        }
    }
}

impl From<QuoteError> for PageError {
    fn from(error: QuoteError) -> Self {
        match error {
            QuoteError::UnknownCampaign(_) => Self::NotFound("campaign"),
            QuoteError::Store(error) => error.into(),
            other => Self::Conflict(sentence(&other)),
        }
    }
}

/// An error as a sentence on a page.
fn sentence(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    characters
        .next()
        .map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), characters.as_str()))
}

/// A file that was readable a moment ago.
impl From<TableError> for PageError {
    fn from(error: TableError) -> Self {
        Self::internal(&error)
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound { what, .. } => Self::NotFound(what),
            StoreError::Conflict(detail) => Self::Conflict(detail),
            StoreError::NulCharacter => Self::BadRequest(
                "The text holds a character that cannot be kept (U+0000). Leave it out.".to_owned(),
            ),
            StoreError::Cursor(_) => Self::BadRequest(
                "The list cannot be continued from there. Start again at its first page.".to_owned(),
            ),
            other => Self::internal(&other),
        }
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    asset_version: &'static str,
    title: &'static str,
    detail: String,
    next_step: &'static str,
    next_href: &'static str,
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let home = ("Go to the dashboard", "/");
        let (status, title, detail, (next_step, next_href)) = match self {
            PageError::SignIn { next } => return Redirect::to(&view::sign_in_href(&next)).into_response(),
            PageError::NotFound(what) => {
                (StatusCode::NOT_FOUND, "Page not found", format!("There is no such {what}. It may have been removed, or the address is mistyped."), home)
            }
            PageError::Forbidden(permission) => (StatusCode::FORBIDDEN, "You may not open this page", who_to_ask(permission), home),
            PageError::Forgery => (
                StatusCode::FORBIDDEN,
                "This form can no longer be used",
                "It was opened before you signed in again, or it did not come from Dakiya. Nothing was changed. Go back, reload the page and try again.".to_owned(),
                home,
            ),
            PageError::BadRequest(detail) => (StatusCode::BAD_REQUEST, "This request cannot be read", detail, home),
            PageError::Conflict(detail) => (StatusCode::CONFLICT, "This has changed meanwhile", detail, home),
            PageError::TooLarge { limit_mebibytes } => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "This file is too large",
                format!("Files may have up to {limit_mebibytes} MB. Nothing was imported. Split the file into parts and upload them one after the other."),
                home,
            ),
            PageError::Throttled { minutes } => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tries",
                format!("Signing in is locked for this address for about {minutes} minutes. If you forgot your password, ask whoever installed Dakiya to run: dakiya user reset-password EMAIL"),
                ("Back to sign-in", "/sign-in"),
            ),
            PageError::Internal => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "This page failed",
                "The fault is on our side and was written to the log. Try again in a minute; if it stays, tell whoever installed Dakiya.".to_owned(),
                home,
            ),
        };
        let page = ErrorPage { asset_version: crate::assets::version(), title, detail, next_step, next_href };
        (status, view::html(&page)).into_response()
    }
}

/// Which colleague can do what this person may not.
fn who_to_ask(permission: Permission) -> String {
    let (what, whom) = match permission {
        Permission::View => ("see this", "an owner"),
        Permission::Send => ("write and send messages", "an admin or an owner"),
        Permission::ManageOptOuts => ("change opt-outs", "compliance, an admin or an owner"),
        Permission::ManageMoney => ("change budgets and rates", "finance or an owner"),
        Permission::ExportMoney => ("export figures of money", "finance, an admin or an owner"),
        Permission::ManageSettings => ("change users, senders, limits and keys", "an admin or an owner"),
        Permission::StopSending => ("stop or resume all sending", "compliance, an admin or an owner"),
    };
    format!("Your role may not {what}. Ask {whom} to do it, or to change your role under Settings, Users.")
}

/// Any address that is not in the route table.
pub(crate) async fn no_such_page() -> PageError {
    PageError::NotFound("page")
}

/// A bug: one page fails, the server goes on.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    PageError::Internal.into_response()
}
