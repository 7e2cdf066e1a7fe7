//! Who signs in.

use super::{Tab, tabs};
use crate::AppState;
use crate::auth::{Person, password};
use crate::error::{PageError, PageResult};
use crate::forms::{Faults, Fields, Submitted};
use crate::view::{self, Frame, Section, role_words};
use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use dakiya_core::ids::UserId;
use dakiya_core::time::Timestamp;
use dakiya_core::user::{Permission, Role};
use dakiya_store::StoreError;
use dakiya_store::audit::Actor;
use dakiya_store::users::{self, User};
use std::collections::HashMap;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/settings/users", get(list).post(add))
        .route("/settings/users/{id}", get(edit).post(save))
}

/// A user as the pages show them.
struct UserRow {
    id: UserId,
    email: String,
    role: &'static str,
    role_word: &'static str,
    active: bool,
    is_self: bool,
    created_at: Timestamp,
}

impl UserRow {
    fn of(user: User, person: &Person) -> UserRow {
        UserRow {
            id: user.id,
            email: user.email,
            role: role_words(user.role),
            role_word: user.role.as_str(),
            active: user.active,
            is_self: user.id == person.id,
            created_at: user.created_at,
        }
    }
}

/// Each role as a choice. Only an owner makes owners.
fn roles(person: &Person) -> Vec<(&'static str, &'static str)> {
    Role::ALL
        .iter()
        .filter(|role| may_give(person, **role))
        .map(|role| (role.as_str(), role_words(*role)))
        .collect()
}

fn may_give(person: &Person, role: Role) -> bool {
    role != Role::Owner || person.role == Role::Owner
}

#[derive(Template)]
#[template(path = "settings/users.html")]
struct UsersPage {
    frame: Frame,
    tabs: Vec<Tab>,
    users: Vec<UserRow>,
    roles: Vec<(&'static str, &'static str)>,
    fields: Fields,
    faults: Faults,
    done: &'static str,
}

async fn page(
    app: &AppState,
    person: &Person,
    fields: Fields,
    faults: Faults,
    done: &'static str,
) -> PageResult {
    person.must(Permission::ManageSettings)?;
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let users = users::list(&app.store).await?.into_iter().map(|user| UserRow::of(user, person)).collect();
    let frame = Frame::of(app, person, Section::Settings).await?;
    let page = UsersPage {
        frame,
        tabs: tabs("/settings/users", true),
        users,
        roles: roles(person),
        fields,
        faults,
        done,
    };
    Ok((status, view::html(&page)).into_response())
}

async fn list(
    State(app): State<AppState>,
    person: Person,
    Query(query): Query<HashMap<String, String>>,
) -> PageResult {
    let done = match query.get("done").map(String::as_str) {
        Some("added") => "User added. They can sign in now.",
        Some("saved") => "User saved.",
        _ => "",
    };
    let fields = Fields::from_pairs(vec![("role".to_owned(), Role::Viewer.as_str().to_owned())]);
    page(&app, &person, fields, Faults::default(), done).await
}

async fn add(State(app): State<AppState>, Submitted { person, fields }: Submitted) -> PageResult {
    person.must(Permission::ManageSettings)?;
    let mut faults = Faults::default();
    let email = fields.text("email").to_lowercase();
    if !looks_like_an_address(&email) {
        faults.add("email", "Write an e-mail address, for example asha@example.in");
    }
    let role = given_role(&person, &fields, &mut faults);
    let hash = if faults.is_empty() {
        faults.take("password", password::hash(fields.raw("password").to_owned()).await)
    } else {
        None
    };
    let (Some(role), Some(hash)) = (role, hash) else { return page(&app, &person, fields, faults, "").await };
    match users::add(&app.store, &email, role, &hash, &person.actor(), app.clock.now()).await {
        Ok(_) => Ok(Redirect::to("/settings/users?done=added").into_response()),
        Err(StoreError::Conflict(detail)) => {
            faults.add("email", detail);
            page(&app, &person, fields, faults, "").await
        }
        Err(error) => Err(error.into()),
    }
}

/// The role a form gives, if this person may give it.
fn given_role(person: &Person, fields: &Fields, faults: &mut Faults) -> Option<Role> {
    let role = faults.take("role", Role::parse(fields.text("role")))?;
    if !may_give(person, role) {
        faults.add("role", "Only an owner makes somebody an owner");
        return None;
    }
    Some(role)
}

fn looks_like_an_address(text: &str) -> bool {
    let shaped = text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !host.starts_with('.') && !host.ends_with('.')
    });
    shaped
        && text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | '"' | ','))
}

#[derive(Template)]
#[template(path = "settings/user.html")]
struct UserPage {
    frame: Frame,
    user: UserRow,
    roles: Vec<(&'static str, &'static str)>,
    faults: Faults,
}

/// Somebody else, whom this person may change.
async fn other(app: &AppState, person: &Person, id: &str) -> PageResult<User> {
    person.must(Permission::ManageSettings)?;
    let id: UserId = id.parse().map_err(|_| PageError::NotFound("user"))?;
    let user = users::get(&app.store, id).await?.ok_or(PageError::NotFound("user"))?;
    if user.id == person.id || !may_give(person, user.role) {
        return Err(PageError::Conflict(
            "Nobody changes their own role here, and only an owner changes an owner. Ask another owner."
                .to_owned(),
        ));
    }
    Ok(user)
}

async fn edit(State(app): State<AppState>, person: Person, Path(id): Path<String>) -> PageResult {
    let user = other(&app, &person, &id).await?;
    user_page(&app, &person, user, Faults::default()).await
}

async fn user_page(app: &AppState, person: &Person, user: User, faults: Faults) -> PageResult {
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let frame = Frame::of(app, person, Section::Settings).await?;
    let page = UserPage { frame, user: UserRow::of(user, person), roles: roles(person), faults };
    Ok((status, view::html(&page)).into_response())
}

async fn save(
    State(app): State<AppState>,
    Path(id): Path<String>,
    Submitted { person, fields }: Submitted,
) -> PageResult {
    let user = other(&app, &person, &id).await?;
    let (actor, now) = (person.actor(), app.clock.now());
    let mut faults = Faults::default();
    let role = given_role(&person, &fields, &mut faults);
    let hash = match fields.raw("password") {
        "" => None,
        new => faults.take("password", password::hash(new.to_owned()).await),
    };
    let Some(role) = role.filter(|_| faults.is_empty()) else {
        return user_page(&app, &person, user, faults).await;
    };
    match change(&app, &user, role, fields.has("active"), hash, &actor, now).await {
        Ok(()) => Ok(Redirect::to("/settings/users?done=saved").into_response()),
        Err(StoreError::Conflict(detail)) => {
            faults.add("role", detail);
            user_page(&app, &person, user, faults).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes down what differs, so that the audit log names only that.
async fn change(
    app: &AppState,
    user: &User,
    role: Role,
    active: bool,
    hash: Option<String>,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    if role != user.role {
        users::set_role(&app.store, user.id, role, actor, now).await?;
    }
    if active != user.active {
        users::set_active(&app.store, user.id, active, actor, now).await?;
    }
    match hash {
        Some(hash) => users::set_password(&app.store, user.id, &hash, actor, now).await,
        None => Ok(()),
    }
}
