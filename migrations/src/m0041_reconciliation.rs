//! What comparing our log with a vendor's records found, day by day.

crate::schema::step! {
    // One row per UTC day that was compared. Amounts are in the vendor's currency, exact, as text.
    "CREATE TABLE reconciled_days (
        day DATE PRIMARY KEY,
        at TIMESTAMPTZ NOT NULL,
        unit KEY_TEXT NOT NULL,
        fx_rate TEXT NOT NULL,
        vendor TEXT NOT NULL,
        ours TEXT NOT NULL,
        found TEXT NOT NULL,
        unexplained TEXT NOT NULL,
        vendor_messages BIGINT NOT NULL,
        our_messages BIGINT NOT NULL,
        unpriced BIGINT NOT NULL,
        listed BOOLEAN NOT NULL,
        complete BOOLEAN NOT NULL
    )",
    // `subject` is Twilio's id of a message, or the category that the amount is of.
    "CREATE TABLE reconciliation_findings (
        id UUID PRIMARY KEY,
        day DATE NOT NULL,
        kind KEY_TEXT NOT NULL,
        subject KEY_TEXT NOT NULL,
        message_id UUID,
        amount TEXT NOT NULL,
        state KEY_TEXT NOT NULL,
        note TEXT NOT NULL,
        found_at TIMESTAMPTZ NOT NULL,
        decided_at TIMESTAMPTZ,
        decided_by TEXT,
        UNIQUE (day, kind, subject)
    )",
    "CREATE INDEX reconciliation_findings_by_state ON reconciliation_findings (state, day)",
}
