//! Who asked not to be messaged.
//!
//! `phone` is a number in E.164 or, once the person asked to be erased, `h:` and a keyed hash of it.

crate::schema::step! {
    // Append-only: what was asked, by whom, how we know.
    "CREATE TABLE opt_out_entries (
        id UUID PRIMARY KEY,
        phone KEY_TEXT NOT NULL,
        action TEXT NOT NULL,
        scope TEXT NOT NULL,
        source TEXT NOT NULL,
        evidence TEXT NOT NULL,
        actor_kind TEXT NOT NULL,
        actor_id UUID,
        actor_name TEXT,
        at TIMESTAMPTZ NOT NULL
    )",
    "CREATE INDEX opt_out_entries_by_phone ON opt_out_entries (phone, id)",
    // What is in force.
    "CREATE TABLE opt_outs (
        phone KEY_TEXT NOT NULL,
        scope TEXT NOT NULL,
        since TIMESTAMPTZ NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (phone, scope)
    ) CLUSTERED",
    // Whose number an opt-out link stands for; the link's token itself is not kept.
    "CREATE TABLE opt_out_links (
        token_hash BYTEA PRIMARY KEY,
        phone KEY_TEXT NOT NULL
    ) CLUSTERED",
    "CREATE INDEX opt_out_links_by_phone ON opt_out_links (phone)",
}
