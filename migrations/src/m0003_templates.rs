//! Templates, their immutable versions, and the senders messages go out from.

crate::schema::step! {
    "CREATE TABLE templates (
        id UUID PRIMARY KEY,
        key KEY_TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        category SMALLINT NOT NULL,
        channel SMALLINT NOT NULL,
        default_language TEXT NOT NULL,
        latest_version INTEGER NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )",
    // Versions count over all languages of a template: "as of version n" names one text per language.
    "CREATE TABLE template_versions (
        id UUID PRIMARY KEY,
        template_id UUID NOT NULL REFERENCES templates (id),
        language KEY_TEXT NOT NULL,
        version INTEGER NOT NULL,
        category SMALLINT NOT NULL,
        channel SMALLINT NOT NULL,
        body TEXT NOT NULL,
        dlt TEXT,
        content_sid TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        created_by TEXT NOT NULL,
        UNIQUE (template_id, version)
    )",
    "CREATE INDEX template_versions_by_language ON template_versions (template_id, language, version)",
    // One number may speak both channels, so the channel belongs to the key.
    "CREATE TABLE senders (
        channel SMALLINT NOT NULL,
        address KEY_TEXT NOT NULL,
        kind TEXT NOT NULL,
        segments_per_second INTEGER NOT NULL,
        promotional BOOLEAN NOT NULL,
        monthly_rent BIGINT,
        position INTEGER NOT NULL,
        PRIMARY KEY (channel, address)
    )",
    // Where each pace stands, in microseconds since 1970: the start of the next free slot.
    "CREATE TABLE paces (
        key KEY_TEXT PRIMARY KEY,
        next_slot BIGINT NOT NULL
    )",
}
