//! Who calls: a bearer key, its scope, and whom it may reach.

use super::problem::{Code, Problem};
use crate::AppState;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use dakiya_core::api_key::{KeyKind, KeyScope};
use dakiya_core::ids::ApiKeyId;
use dakiya_store::api_keys;
use dakiya_store::audit::Actor;

/// The key of a request.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Which key.
    pub key: ApiKeyId,
    /// Whom it may reach.
    pub kind: KeyKind,
    /// What it may do.
    scope: KeyScope,
}

impl Caller {
    /// As the audit log knows it.
    pub fn actor(&self) -> Actor {
        Actor::ApiKey(self.key)
    }

    /// Refuses team and test keys what would reach people they must not reach.
    pub fn must_be_live(&self) -> Result<(), Problem> {
        match self.kind {
            KeyKind::Live => Ok(()),
            kind => Err(Problem::new(
                Code::InsufficientScope,
                format!("this lets messages go out to anybody; a {kind} key may not"),
            )),
        }
    }

    fn must_have(&self, needed: KeyScope) -> Result<(), Problem> {
        if self.scope.allows(needed) {
            return Ok(());
        }
        Err(Problem::new(
            Code::InsufficientScope,
            format!("this needs a key of scope {needed}; this one has {}", self.scope),
        ))
    }
}

/// Lets requests with a known key in; every other one ends here.
pub async fn require_key(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let secret = bearer(request.headers())?;
    let key = api_keys::authenticate(&app.store, secret, app.clock.now()).await?.ok_or_else(unknown)?;
    request.extensions_mut().insert(Caller { key: key.id, kind: key.kind, scope: key.scope });
    Ok(next.run(request).await)
}

fn bearer(headers: &header::HeaderMap) -> Result<&str, Problem> {
    let absent = || Problem::new(Code::Unauthorized, "send an API key: Authorization: Bearer <key>");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(absent)?;
    let (scheme, secret) =
        value.to_str().ok().and_then(|value| value.trim().split_once(' ')).ok_or_else(absent)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(secret.trim()) } else { Err(absent()) }
}

fn unknown() -> Problem {
    Problem::new(Code::Unauthorized, "this API key is not known here, or was revoked")
}

macro_rules! scopes {
    ($($(#[$meta:meta])* $name:ident needs $scope:ident),+ $(,)?) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name(#[allow(dead_code, reason = "to read, the scope is enough")] pub Caller);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                let caller = parts.extensions.get::<Caller>().copied().ok_or_else(unknown)?;
                caller.must_have(KeyScope::$scope)?;
                Ok(Self(caller))
            }
        }
    )+};
}

scopes! {
    /// A caller whose key may read.
    MayRead needs Read,
    /// A caller whose key may send.
    MaySend needs Send,
    /// A caller whose key may do everything.
    MayAdmin needs Admin,
}
