//! Who is signed in, and what they may do.

pub mod password;
mod sessions;
mod sign_in;

pub(crate) use sessions::random_token;
pub(crate) use sign_in::routes;

use crate::AppState;
use crate::error::{PageError, PageResult};
use crate::forms;
use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use axum_extra::extract::CookieJar;
use dakiya_core::ids::UserId;
use dakiya_core::user::{Permission, Role};
use dakiya_store::audit::Actor;

/// The person a request comes from. As an extractor it sends strangers to the sign-in page.
#[derive(Clone)]
pub(crate) struct Person {
    /// Their id.
    pub(crate) id: UserId,
    /// With which they sign in.
    pub(crate) email: String,
    /// What they are here for.
    pub(crate) role: Role,
    /// What their forms must carry.
    pub(crate) csrf: String,
}

impl Person {
    /// Refuses what the role does not include.
    pub(crate) fn must(&self, permission: Permission) -> PageResult<()> {
        if self.role.may(permission) { Ok(()) } else { Err(PageError::Forbidden(permission)) }
    }

    /// Refuses a form that was not made for this session.
    pub(crate) fn check_token(&self, given: &str) -> PageResult<()> {
        if forms::tokens_agree(given, &self.csrf) { Ok(()) } else { Err(PageError::Forgery) }
    }

    /// As the audit log names them.
    pub(crate) fn actor(&self) -> Actor {
        Actor::User(self.id)
    }
}

impl FromRequestParts<AppState> for Person {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> PageResult<Self> {
        let jar = CookieJar::from_headers(&parts.headers);
        match sessions::person(app, &jar).await? {
            Some(person) => Ok(person),
            None => Err(PageError::SignIn { next: page_of(parts) }),
        }
    }
}

/// The page to come back to: the one asked for, or the dashboard after a form.
fn page_of(parts: &Parts) -> String {
    let shown = parts.method == Method::GET && !parts.headers.contains_key("hx-request");
    parts.uri.path_and_query().filter(|_| shown).map_or_else(|| "/".to_owned(), ToString::to_string)
}
