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
    // `waiting_cost` is the part of `reserved` whose messages are not posted yet: now also of those not written down.
    "UPDATE campaigns SET waiting_cost = waiting_cost + estimated_cost - expanded_cost
        WHERE NOT expanded AND state IN ('scheduled', 'sending', 'paused')",
    // The month whose budget it is set aside from.
    "ALTER TABLE campaigns ADD COLUMN budget_month KEY_TEXT",
    // The budget that keeps a campaign waiting: a month, or `campaign` for its own.
    "ALTER TABLE campaigns ADD COLUMN budget_hold KEY_TEXT",
    "UPDATE campaigns SET budget_month = substr(CAST(predicted_start AS TEXT), 1, 7) WHERE predicted_start IS NOT NULL",
    "CREATE INDEX campaigns_reserving ON campaigns (budget_month) WHERE waiting_cost <> 0",
    "CREATE INDEX campaigns_held_for_budget ON campaigns (budget_hold) WHERE budget_hold IS NOT NULL",
}
