//! Twilio's usage records by UTC day, and what of them is filed in the roll-ups.

crate::schema::step! {
    // Twilio's own figures, as it writes them: decimals as text, because they are compared exactly and never summed here.
    // `kind` is our word for a category that is filed; the others overlap with those.
    "CREATE TABLE usage_days (
        day DATE NOT NULL,
        category KEY_TEXT NOT NULL,
        kind KEY_TEXT,
        count BIGINT,
        usage TEXT,
        price TEXT NOT NULL,
        price_unit KEY_TEXT NOT NULL,
        as_of TEXT,
        read_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (day, category)
    ) CLUSTERED",
    // What of those days is in `daily_costs`: written and taken away in one transaction with it.
    "CREATE TABLE usage_costs (
        day DATE NOT NULL,
        item KEY_TEXT NOT NULL,
        direction KEY_TEXT NOT NULL,
        messages BIGINT NOT NULL,
        segments BIGINT NOT NULL,
        cost BIGINT NOT NULL,
        PRIMARY KEY (day, item, direction)
    ) CLUSTERED",
    // One row, locked by whoever files.
    "CREATE TABLE usage_state (
        id SMALLINT PRIMARY KEY,
        account KEY_TEXT NOT NULL,
        oldest_day DATE,
        backfilled BOOLEAN NOT NULL,
        read_at TIMESTAMPTZ
    )",
    "INSERT INTO usage_state (id, account, oldest_day, backfilled, read_at) VALUES (1, '', NULL, FALSE, NULL)",
    // The part of a booked rent that a usage record has brought meanwhile.
    "ALTER TABLE number_rents ADD COLUMN covered BIGINT NOT NULL DEFAULT 0",
    // Our messages of a UTC day, and the first there was.
    "CREATE INDEX messages_by_taken_at ON messages (taken_at, id) WHERE cost_day IS NOT NULL",
    "CREATE INDEX inbound_messages_by_received_at ON inbound_messages (received_at, id)",
}
