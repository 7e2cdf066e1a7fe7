//! Signing in and out, and changing one's own password.

use super::{Person, password, sessions};
use crate::AppState;
use crate::error::{PageError, PageResult};
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section};
use askama::Template;
use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{get, post};
use axum_extra::extract::CookieJar;
use dakiya_store::{login_throttle, users};
use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

/// Sign-in, sign-out and the person's own password.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/sign-in", get(show).post(sign_in))
        .route("/sign-out", post(sign_out))
        .route("/account", get(account).post(change_password))
}

#[derive(Template)]
#[template(path = "sign_in/sign_in.html")]
struct SignInPage<'a> {
    asset_version: &'static str,
    brand: &'a str,
    simulator: bool,
    /// Nobody can sign in yet.
    no_users: bool,
    next: &'a str,
    email: &'a str,
    fault: &'a str,
}

async fn show(State(app): State<AppState>, Query(query): Query<HashMap<String, String>>) -> PageResult {
    let next = query.get("next").map_or("/", String::as_str);
    sign_in_page(&app, local(next), "", "").await
}

async fn sign_in_page(app: &AppState, next: &str, email: &str, fault: &str) -> PageResult {
    let no_users = users::list(&app.store).await?.is_empty();
    let page = SignInPage {
        asset_version: crate::assets::version(),
        brand: &app.config.brand,
        simulator: app.config.simulated_people.is_some(),
        no_users,
        next,
        email,
        fault,
    };
    let status = if fault.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, view::html(&page)).into_response())
}

/// One sentence for a wrong address and a wrong password, and as long a wait: neither tells who has an account.
const WRONG: &str = "This e-mail address and password do not belong together. Check both and try again.";

async fn sign_in(
    State(app): State<AppState>,
    Peer(peer): Peer,
    jar: CookieJar,
    fields: Fields,
) -> PageResult {
    let (email, next) = (fields.text("email").to_lowercase(), local(fields.text("next")));
    let now = app.clock.now();
    let doors = doors(&email, peer);
    for door in &doors {
        if let Some(until) = login_throttle::locked_until(&app.store, door, now).await? {
            return Err(PageError::Throttled { minutes: (until - now).num_minutes() + 1 });
        }
    }
    let user = users::get_by_email(&app.store, &email).await?.filter(|user| user.active);
    let known = user.as_ref().map(|user| user.password_hash.clone());
    let matches = password::verify(fields.raw("password").to_owned(), known).await;
    let Some(user) = user.filter(|_| matches) else {
        for door in &doors {
            login_throttle::record_failure(&app.store, door, now).await?;
        }
        tracing::info!("a sign-in was refused");
        return sign_in_page(&app, next, &email, WRONG).await;
    };
    login_throttle::clear(&app.store, &email).await?;
    sessions::end(&app, &jar).await?;
    let cookie = sessions::begin(&app, user.id).await?;
    Ok((jar.add(cookie), Redirect::to(next)).into_response())
}

/// What is locked after too many failures: the account, and the machine that tries. A private address is a proxy or
/// an office, and would lock everyone out.
fn doors(email: &str, peer: Option<IpAddr>) -> Vec<String> {
    let public = peer.filter(|address| match address {
        IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()),
    });
    std::iter::once(email.to_owned()).chain(public.map(|address| address.to_string())).collect()
}

/// The address a request came from, when the server knows it.
struct Peer(Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Peer(parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip())))
    }
}

/// Only pages of ours may be led to after signing in.
fn local(next: &str) -> &str {
    let ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if ours { next } else { "/" }
}

async fn sign_out(State(app): State<AppState>, jar: CookieJar, _: Submitted) -> PageResult {
    let forgotten = sessions::end(&app, &jar).await?;
    Ok((jar.add(forgotten), Redirect::to("/sign-in")).into_response())
}

#[derive(Template)]
#[template(path = "sign_in/account.html")]
struct AccountPage {
    frame: Frame,
    faults: Faults,
    done: &'static str,
}

async fn account(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = if query.contains_key("done") {
        "Your password was changed. Everywhere else you were signed in, you were signed out."
    } else {
        ""
    };
    let frame = Frame::of(&app, &person, Section::Account).await?;
    Ok(view::html(&AccountPage { frame, faults: Faults::default(), done }))
}

async fn change_password(
    State(app): State<AppState>,
    jar: CookieJar,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    let mut faults = Faults::default();
    let user = users::get(&app.store, person.id).await?.ok_or(PageError::NotFound("user"))?;
    if !password::verify(fields.raw("current").to_owned(), Some(user.password_hash)).await {
        faults.add("current", "This is not your present password");
    }
    if fields.raw("new") != fields.raw("again") {
        faults.add("again", "The two new passwords differ; type the new one twice");
    }
    let hashed = if faults.is_empty() {
        faults.take("new", password::hash(fields.raw("new").to_owned()).await)
    } else {
        None
    };
    let Some(hashed) = hashed else {
        let frame = Frame::of(&app, &person, Section::Account).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, view::html(&AccountPage { frame, faults, done: "" }))
            .into_response());
    };
    users::set_password(&app.store, person.id, &hashed, &person.actor(), app.clock.now()).await?;
    let cookie = sessions::begin(&app, person.id).await?;
    Ok((jar.add(cookie), Redirect::to("/account?done=1")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_in_front_does_not_lock_everyone_out() {
        assert_eq!(doors("a@b.in", "10.0.0.7".parse().ok()), ["a@b.in"]);
        assert_eq!(doors("a@b.in", "203.0.113.9".parse().ok()), ["a@b.in", "203.0.113.9"]);
    }

    #[test]
    fn signing_in_never_leads_to_another_site() {
        for next in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "",
            "javascript:alert(1)",
            "/\n/evil",
        ] {
            assert_eq!(local(next), "/", "{next:?}");
        }
        assert_eq!(local("/messages?status=failed"), "/messages?status=failed");
    }
}
