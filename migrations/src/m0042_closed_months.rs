//! Months whose figures are frozen.

crate::schema::step! {
    "CREATE TABLE closed_months (
        month KEY_TEXT PRIMARY KEY,
        spent BIGINT NOT NULL,
        note TEXT NOT NULL,
        closed_at TIMESTAMPTZ NOT NULL,
        closed_by TEXT NOT NULL
    )",
    // The month's roll-up as it was then: nothing changes it.
    "CREATE TABLE closed_lines (
        month KEY_TEXT NOT NULL,
        item KEY_TEXT NOT NULL,
        direction KEY_TEXT NOT NULL,
        category SMALLINT NOT NULL,
        template_id UUID NOT NULL,
        campaign_id UUID NOT NULL,
        reminder_rule_id UUID NOT NULL,
        sender KEY_TEXT NOT NULL,
        messages BIGINT NOT NULL,
        segments BIGINT NOT NULL,
        failed BIGINT NOT NULL,
        priced BIGINT NOT NULL,
        estimated BIGINT NOT NULL,
        actual BIGINT NOT NULL,
        outstanding BIGINT NOT NULL,
        volume_difference BIGINT NOT NULL,
        segments_difference BIGINT NOT NULL,
        rate_difference BIGINT NOT NULL,
        fx_difference BIGINT NOT NULL,
        failure_difference BIGINT NOT NULL,
        PRIMARY KEY (month, item, direction, category, template_id, campaign_id, reminder_rule_id, sender)
    ) CLUSTERED",
}
