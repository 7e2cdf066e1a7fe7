//! What the coming runs of reminders will cost, kept because reading a million payments takes longer than a page may.

crate::schema::step! {
    "CREATE TABLE reminder_commitments (
        month KEY_TEXT NOT NULL,
        channel SMALLINT NOT NULL,
        category SMALLINT NOT NULL,
        cost BIGINT NOT NULL,
        PRIMARY KEY (month, channel, category)
    ) CLUSTERED",
    // One row: of when these figures are, how long they took, and until when somebody is making new ones.
    "CREATE TABLE reminder_commitments_made (
        id SMALLINT PRIMARY KEY,
        at TIMESTAMPTZ,
        took_seconds BIGINT NOT NULL,
        claimed_until TIMESTAMPTZ
    )",
    "INSERT INTO reminder_commitments_made (id, at, took_seconds, claimed_until) VALUES (1, NULL, 0, NULL)",
}
