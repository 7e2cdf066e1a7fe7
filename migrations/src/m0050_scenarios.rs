//! What-if months that are kept by name, and the index that leads from a rule's figure to its messages.

crate::schema::step! {
    "CREATE TABLE scenarios (
        key KEY_TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        rate_card KEY_TEXT,
        scenario TEXT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        updated_by TEXT NOT NULL
    )",
    // The setup guide's own. It ships once: who deletes it does not get it back.
    r#"INSERT INTO scenarios (key, name, rate_card, scenario, created_at, updated_at, updated_by) VALUES (
        'setup-guide', 'Setup guide: 1,000 requests, 3 texts each', 'setup-guide',
        '{"requests_per_month":1000,"sms_per_request":3,"phone_numbers":1}',
        '2026-11-22 00:00:00+00:00', '2026-11-22 00:00:00+00:00', 'Dakiya'
    )"#,
    "CREATE INDEX messages_by_rule ON messages (reminder_rule_id, id) WHERE reminder_rule_id IS NOT NULL",
}
