//! Reminder rules, their runs, holidays, recurring campaigns, and the reminders among the messages.

crate::schema::step! {
    // `planned_through` is how far a rule's runs were looked for; everything due later is still to be planned.
    "CREATE TABLE reminder_rules (
        id UUID PRIMARY KEY,
        key KEY_TEXT NOT NULL UNIQUE,
        rule TEXT NOT NULL,
        enabled BOOLEAN NOT NULL,
        planned_through TIMESTAMPTZ NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )",
    // One row for each time a step reaches the payments of one due date. `after_reference` is how far through them the
    // planner came, so that it can be cut off anywhere and go on.
    "CREATE TABLE reminder_runs (
        rule_id UUID NOT NULL,
        step INTEGER NOT NULL,
        due_on DATE NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        state TEXT NOT NULL,
        reason TEXT,
        send_at TIMESTAMPTZ,
        after_reference KEY_TEXT,
        unlimited BOOLEAN NOT NULL,
        matched BIGINT NOT NULL,
        suppressed TEXT NOT NULL,
        will_send BIGINT NOT NULL,
        cost BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        finished_at TIMESTAMPTZ,
        PRIMARY KEY (rule_id, step, due_on)
    ) CLUSTERED",
    "CREATE INDEX reminder_runs_planning ON reminder_runs (at) WHERE state = 'planning'",
    "CREATE INDEX reminder_runs_by_time ON reminder_runs (at, rule_id)",
    "CREATE INDEX reminder_runs_of_rule ON reminder_runs (rule_id, at)",
    "CREATE TABLE holidays (
        day DATE PRIMARY KEY,
        name TEXT NOT NULL
    )",
    "CREATE TABLE recurring_campaigns (
        id UUID PRIMARY KEY,
        key KEY_TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        cron TEXT NOT NULL,
        zone TEXT NOT NULL,
        template_id UUID NOT NULL,
        template_version INTEGER NOT NULL,
        channel SMALLINT NOT NULL,
        sender KEY_TEXT NOT NULL,
        audience TEXT NOT NULL,
        segments_per_second INTEGER,
        cost_cap BIGINT NOT NULL,
        catch_up BOOLEAN NOT NULL,
        enabled BOOLEAN NOT NULL,
        next_at TIMESTAMPTZ,
        approved_by TEXT NOT NULL,
        approved_at TIMESTAMPTZ NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )",
    "CREATE INDEX recurring_campaigns_next ON recurring_campaigns (next_at) WHERE enabled",
    "CREATE TABLE recurring_runs (
        recurring_id UUID NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        campaign_id UUID,
        state TEXT NOT NULL,
        reason TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        PRIMARY KEY (recurring_id, at)
    ) CLUSTERED",
    "CREATE INDEX recurring_runs_begun ON recurring_runs (at) WHERE state = 'begun'",
    // A message that reminds: of which payment, by which step of which rule. `payment_text` is its text with the
    // payment's own placeholders open, `payment_revision` what the payment was when they were filled last, and
    // `fallback_at` when it is asked whether the same has to be said by text message.
    "ALTER TABLE messages ADD COLUMN payment_id UUID",
    "ALTER TABLE messages ADD COLUMN reminder_rule_id UUID",
    "ALTER TABLE messages ADD COLUMN reminder_step INTEGER",
    "ALTER TABLE messages ADD COLUMN payment_due_on DATE",
    "ALTER TABLE messages ADD COLUMN payment_revision BIGINT",
    "ALTER TABLE messages ADD COLUMN payment_text TEXT",
    "ALTER TABLE messages ADD COLUMN fallback_at TIMESTAMPTZ",
    "CREATE INDEX messages_of_payment ON messages (payment_id, id) WHERE payment_id IS NOT NULL",
    "CREATE INDEX messages_of_run ON messages (reminder_rule_id, reminder_step, payment_due_on) WHERE reminder_rule_id IS NOT NULL",
    "CREATE INDEX messages_reminding ON messages (id) WHERE payment_id IS NOT NULL",
    "CREATE INDEX payments_by_settling ON payments (settled_at) WHERE status = 2",
    "CREATE INDEX messages_to_follow ON messages (fallback_at) WHERE fallback_at IS NOT NULL",
}
