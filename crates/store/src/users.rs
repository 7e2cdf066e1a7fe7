//! People who sign in.

use crate::audit::{self, Actor};
use crate::column::Stored;
use crate::entities::users;
use crate::sql::{Sql, for_update};
use crate::{Store, StoreError};
use dakiya_core::ids::UserId;
use dakiya_core::time::{Timestamp, to_micros};
use dakiya_core::user::Role;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// A person who signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// In lower case.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Argon2's string; never shown, never logged.
    pub password_hash: String,
    /// False: may not sign in any more.
    pub active: bool,
    /// When they were added.
    pub created_at: Timestamp,
}

/// Without the password's hash.
impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("role", &self.role)
            .field("active", &self.active)
            .finish()
    }
}

impl From<users::Model> for User {
    fn from(row: users::Model) -> Self {
        Self {
            id: row.id.0,
            email: row.email,
            role: row.role.0,
            password_hash: row.password_hash,
            active: row.disabled_at.is_none(),
            created_at: row.created_at,
        }
    }
}

/// Nobody keeps more people than this on a page; the list is not continued.
const MOST_LISTED: u64 = 1_000;

/// E-mail addresses are compared without regard to case.
fn folded(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Adds a person. The hash is made by the caller, off the async threads.
pub async fn add(
    store: &Store,
    email: &str,
    role: Role,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<User, StoreError> {
    let row = users::Model {
        id: Stored(store.new_id(now)),
        email: folded(email),
        role: Stored(role),
        password_hash: password_hash.to_owned(),
        created_at: to_micros(now),
        disabled_at: None,
    };
    let tx = store.write().await?;
    if by_email(&*tx, email).await?.is_some() {
        return Err(StoreError::Conflict(format!("there is a user {} already", row.email)));
    }
    users::Entity::insert(users::ActiveModel::from(row.clone())).exec_without_returning(&*tx).await?;
    audit::record(store, &*tx, actor, now, "user.added", &row.email, role.as_str()).await?;
    tx.commit().await?;
    Ok(row.into())
}

/// A person by id.
pub async fn get(store: &Store, id: UserId) -> Result<Option<User>, StoreError> {
    Ok(users::Entity::find_by_id(Stored(id)).one(store.read()).await?.map(User::from))
}

/// A person by e-mail address, in whatever case.
pub async fn get_by_email(store: &Store, email: &str) -> Result<Option<User>, StoreError> {
    by_email(store.read(), email).await
}

async fn by_email<C: ConnectionTrait>(db: &C, email: &str) -> Result<Option<User>, StoreError> {
    Ok(users::Entity::find().filter(users::Column::Email.eq(folded(email))).one(db).await?.map(User::from))
}

/// Everyone, by e-mail address.
pub async fn list(store: &Store) -> Result<Vec<User>, StoreError> {
    let rows =
        users::Entity::find().order_by_asc(users::Column::Email).limit(MOST_LISTED).all(store.read()).await?;
    Ok(rows.into_iter().map(User::from).collect())
}

/// Sets a person's password and signs them out everywhere.
pub async fn set_password(
    store: &Store,
    id: UserId,
    password_hash: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let user = locked(&*tx, id).await?;
    Sql::new("UPDATE users SET password_hash = ")
        .bind(password_hash)
        .text(" WHERE id = ")
        .bind(Stored(id))
        .execute(&*tx)
        .await?;
    sign_out_everywhere(&*tx, id).await?;
    audit::record(store, &*tx, actor, now, "user.password_changed", user.email, "").await?;
    tx.commit().await
}

/// Gives a person another role. The last owner keeps theirs.
pub async fn set_role(
    store: &Store,
    id: UserId,
    role: Role,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let user = locked(&*tx, id).await?;
    if role != Role::Owner {
        keep_an_owner(&*tx, &user).await?;
    }
    Sql::new("UPDATE users SET role = ")
        .bind(Stored(role))
        .text(" WHERE id = ")
        .bind(Stored(id))
        .execute(&*tx)
        .await?;
    audit::record(
        store,
        &*tx,
        actor,
        now,
        "user.role_changed",
        user.email,
        format!("{} → {role}", user.role),
    )
    .await?;
    tx.commit().await
}

/// Lets a person sign in, or no longer; who may not is signed out at once. The last owner always may.
pub async fn set_active(
    store: &Store,
    id: UserId,
    active: bool,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let tx = store.write().await?;
    let user = locked(&*tx, id).await?;
    if !active {
        keep_an_owner(&*tx, &user).await?;
        sign_out_everywhere(&*tx, id).await?;
    }
    let disabled_at = (!active).then(|| to_micros(now));
    Sql::new("UPDATE users SET disabled_at = ")
        .bind(disabled_at)
        .text(" WHERE id = ")
        .bind(Stored(id))
        .execute(&*tx)
        .await?;
    let action = if active { "user.enabled" } else { "user.disabled" };
    audit::record(store, &*tx, actor, now, action, user.email, "").await?;
    tx.commit().await
}

async fn locked<C: ConnectionTrait>(tx: &C, id: UserId) -> Result<User, StoreError> {
    let found = users::Entity::find_by_id(Stored(id)).one(tx).await?;
    found.map(User::from).ok_or_else(|| StoreError::not_found("user", id))
}

/// Refuses what would leave nobody who may do everything. Locks the owners, so that two of them cannot each leave
/// at the same moment, relying on the other.
async fn keep_an_owner<C: ConnectionTrait>(tx: &C, leaving: &User) -> Result<(), StoreError> {
    let owners = Sql::new("SELECT id FROM users WHERE disabled_at IS NULL AND role = ")
        .bind(Stored(Role::Owner))
        .text(for_update(tx))
        .all(tx)
        .await?;
    if leaving.role == Role::Owner && leaving.active && owners.len() <= 1 {
        return Err(StoreError::Conflict(
            "this is the last owner; make somebody else an owner first".to_owned(),
        ));
    }
    Ok(())
}

async fn sign_out_everywhere<C: ConnectionTrait>(tx: &C, id: UserId) -> Result<(), StoreError> {
    Sql::new("DELETE FROM sessions WHERE user_id = ").bind(Stored(id)).execute(tx).await?;
    Ok(())
}
