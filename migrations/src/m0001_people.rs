//! People who sign in, keys that call the API, and what they did.

crate::schema::step! {
    "CREATE TABLE users (
        id UUID PRIMARY KEY,
        email KEY_TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        disabled_at TIMESTAMPTZ
    )",
    // Only the hash of a session's token is kept: who reads the database cannot sign in with it.
    "CREATE TABLE sessions (
        token_hash KEY_TEXT PRIMARY KEY,
        user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
        csrf_token TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        last_seen_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL
    )",
    "CREATE INDEX sessions_by_user ON sessions (user_id)",
    // One row per e-mail address and per network address that failed to sign in.
    "CREATE TABLE login_attempts (
        key KEY_TEXT PRIMARY KEY,
        failures INTEGER NOT NULL,
        last_failure_at TIMESTAMPTZ NOT NULL,
        locked_until TIMESTAMPTZ
    )",
    "CREATE TABLE api_keys (
        id UUID PRIMARY KEY,
        name TEXT NOT NULL,
        prefix TEXT NOT NULL,
        key_hash BYTEA NOT NULL UNIQUE,
        scope TEXT NOT NULL,
        kind TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        last_used_at TIMESTAMPTZ,
        revoked_at TIMESTAMPTZ
    )",
    // Append-only. The actor is a user, an API key (both by id) or a part of Dakiya (by name).
    "CREATE TABLE audit_log (
        id UUID PRIMARY KEY,
        at TIMESTAMPTZ NOT NULL,
        actor_kind TEXT NOT NULL,
        actor_id UUID,
        actor_name TEXT,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        detail TEXT NOT NULL
    )",
    // A request without an answer yet has no status.
    "CREATE TABLE idempotency_keys (
        owner KEY_TEXT NOT NULL,
        key KEY_TEXT NOT NULL,
        request_hash BYTEA NOT NULL,
        status INTEGER,
        body TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (owner, key)
    )",
    "CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at)",
    // One row each: what the owner set, whether anything may be sent, and this installation's own secret.
    "CREATE TABLE settings (
        id SMALLINT PRIMARY KEY CHECK (id = 1),
        settings TEXT NOT NULL,
        version BIGINT NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )",
    "CREATE TABLE sending_state (
        id SMALLINT PRIMARY KEY CHECK (id = 1),
        stopped_at TIMESTAMPTZ,
        stop_reason TEXT,
        held_at TIMESTAMPTZ,
        hold_reason TEXT
    )",
    "INSERT INTO sending_state (id) VALUES (1)",
    "CREATE TABLE installation (
        id SMALLINT PRIMARY KEY CHECK (id = 1),
        secret_key BYTEA NOT NULL
    )",
}
