//! Dated exchange rates, the history of rate cards, and prices that wait for a click.

crate::schema::step! {
    "CREATE TABLE fx_rates (
        valid_from DATE PRIMARY KEY,
        rate TEXT NOT NULL,
        source TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        created_by TEXT NOT NULL
    )",
    // A row that was changed or taken out stays, retired: what was reckoned with it can be explained.
    "ALTER TABLE rate_rows ADD COLUMN created_at TIMESTAMPTZ",
    "ALTER TABLE rate_rows ADD COLUMN created_by TEXT",
    "ALTER TABLE rate_rows ADD COLUMN retired_at TIMESTAMPTZ",
    "ALTER TABLE rate_rows ADD COLUMN retired_by TEXT",
    "CREATE TABLE rate_proposals (
        id UUID PRIMARY KEY,
        card_key KEY_TEXT NOT NULL REFERENCES rate_cards (key),
        proposal TEXT NOT NULL,
        source TEXT NOT NULL,
        fetched_at TIMESTAMPTZ NOT NULL,
        decided_at TIMESTAMPTZ,
        decided_by TEXT,
        applied BOOLEAN
    )",
    "CREATE INDEX rate_proposals_open ON rate_proposals (id) WHERE decided_at IS NULL",
}
