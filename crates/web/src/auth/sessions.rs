//! Sessions: 32 random bytes in a cookie, their hash in the database.

use super::Person;
use crate::AppState;
use crate::error::{PageError, PageResult};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dakiya_core::ids::UserId;
use dakiya_store::sessions::{self, NewSession};
use sha2::{Digest, Sha256};

/// Signed in for this long at most, whatever happens meanwhile.
const LIFETIME: chrono::Duration = chrono::Duration::days(7);

/// A browser keeps a `__Host-` cookie only over https, and only for this very host.
fn cookie_name(app: &AppState) -> &'static str {
    if is_https(app) { "__Host-dakiya" } else { "dakiya" }
}

fn is_https(app: &AppState) -> bool {
    app.config.public_url.scheme() == "https"
}

/// Begins a session and gives the cookie that carries it.
pub(super) async fn begin(app: &AppState, user: UserId) -> PageResult<Cookie<'static>> {
    let token = random_token()?;
    let now = app.clock.now();
    let session = NewSession {
        token_hash: hash(&token),
        user_id: user,
        csrf_token: random_token()?,
        expires_at: now + LIFETIME * i32::try_from(app.clock.speed()).unwrap_or(i32::MAX),
    };
    sessions::create(&app.store, session, now).await?;
    Ok(cookie(app, token))
}

/// Ends the session of a request, and gives the cookie that makes the browser forget it.
pub(super) async fn end(app: &AppState, jar: &CookieJar) -> PageResult<Cookie<'static>> {
    if let Some(given) = jar.get(cookie_name(app)) {
        sessions::delete(&app.store, &hash(given.value())).await?;
    }
    let mut forgotten = cookie(app, String::new());
    forgotten.make_removal();
    Ok(forgotten)
}

/// Who a request's cookie stands for, if its session still runs.
pub(super) async fn person(app: &AppState, jar: &CookieJar) -> PageResult<Option<Person>> {
    let Some(given) = jar.get(cookie_name(app)) else { return Ok(None) };
    let found = sessions::find(&app.store, &hash(given.value()), app.clock.now()).await?;
    Ok(found.map(|session| Person {
        id: session.user.id,
        email: session.user.email,
        role: session.user.role,
        csrf: session.csrf_token,
    }))
}

fn cookie(app: &AppState, value: String) -> Cookie<'static> {
    Cookie::build((cookie_name(app), value))
        .path("/")
        .http_only(true)
        .secure(is_https(app))
        .same_site(SameSite::Lax)
        .build()
}

/// 256 random bits.
pub(crate) fn random_token() -> PageResult<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| PageError::internal(&error))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token))
}
