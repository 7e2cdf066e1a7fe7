//! Budgets by month, what is reserved against them, and what they hold back.

crate::schema::step! {
    "CREATE TABLE budgets (
        month KEY_TEXT PRIMARY KEY,
        amount BIGINT NOT NULL,
        stop BOOLEAN NOT NULL,
        warn_at TEXT NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL,
        updated_by TEXT NOT NULL
    )",
    // Each warning is given once.
    "CREATE TABLE budget_warnings (
        month KEY_TEXT NOT NULL,
        basis KEY_TEXT NOT NULL,
        percent INTEGER NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (month, basis, percent)
    ) CLUSTERED",
    // The part of `reserved` whose messages are not posted yet, and the month whose budget it is set aside from.
    "ALTER TABLE campaigns ADD COLUMN waiting_cost BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE campaigns ADD COLUMN budget_month KEY_TEXT",
    // The budget that keeps a campaign waiting: a month, or `campaign` for its own.
    "ALTER TABLE campaigns ADD COLUMN budget_hold KEY_TEXT",
    "UPDATE campaigns SET waiting_cost = CASE WHEN NOT expanded AND state IN ('scheduled', 'sending', 'paused')
        THEN estimated_cost - expanded_cost ELSE 0 END + COALESCE((SELECT CAST(SUM(messages.estimated_cost) AS BIGINT)
        FROM messages WHERE messages.campaign_id = campaigns.id AND messages.status = 0), 0)
        WHERE reserved <> 0",
    "UPDATE campaigns SET budget_month = substr(CAST(predicted_start AS TEXT), 1, 7) WHERE predicted_start IS NOT NULL",
    "CREATE INDEX campaigns_reserving ON campaigns (budget_month) WHERE waiting_cost <> 0",
    "CREATE INDEX campaigns_held_for_budget ON campaigns (budget_hold) WHERE budget_hold IS NOT NULL",
}
