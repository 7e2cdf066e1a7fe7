//! Stored people, their tags, and the files they came from.

crate::schema::step! {
    "CREATE TABLE contacts (
        id UUID PRIMARY KEY,
        phone KEY_TEXT NOT NULL UNIQUE,
        name TEXT,
        name_key KEY_TEXT,
        language TEXT,
        attributes TEXT NOT NULL,
        consent_promotional_at TIMESTAMPTZ,
        unreachable_since TIMESTAMPTZ,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )",
    // For search by the beginning of a name, whatever its case.
    "CREATE INDEX contacts_by_name ON contacts (name_key, phone) WHERE name_key IS NOT NULL",
    // By phone, not by id: an audience of some tags is then read in the order of its numbers, straight from here.
    "CREATE TABLE contact_tags (
        tag KEY_TEXT NOT NULL,
        phone KEY_TEXT NOT NULL,
        PRIMARY KEY (tag, phone)
    ) CLUSTERED",
    "CREATE INDEX contact_tags_by_phone ON contact_tags (phone)",
    "CREATE TABLE imports (
        id UUID PRIMARY KEY,
        kind TEXT NOT NULL,
        file_name TEXT NOT NULL,
        header TEXT NOT NULL,
        accepted BIGINT NOT NULL,
        duplicates BIGINT NOT NULL,
        rejected BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL
    )",
    // Rows that were refused, with the reason, so that a person can download and repair them.
    "CREATE TABLE import_rejections (
        import_id UUID NOT NULL,
        position BIGINT NOT NULL,
        line BIGINT NOT NULL,
        column_name TEXT NOT NULL,
        value TEXT NOT NULL,
        code TEXT NOT NULL,
        message TEXT NOT NULL,
        cells TEXT NOT NULL,
        PRIMARY KEY (import_id, position)
    ) CLUSTERED",
}
