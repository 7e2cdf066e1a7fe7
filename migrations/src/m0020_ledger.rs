//! What each day cost, kept beside the log: roll-ups, months, rents, and what inbound messages cost.

crate::schema::step! {
    // The business day on which a message was last committed to being posted: the day its cost belongs to.
    "ALTER TABLE messages ADD COLUMN cost_day DATE",
    // The dollar's price that the estimate was reckoned with; none when no dollars were in it.
    "ALTER TABLE messages ADD COLUMN estimated_fx TEXT",
    // The budget that keeps a queued message waiting.
    "ALTER TABLE messages ADD COLUMN budget_hold KEY_TEXT",
    "CREATE INDEX messages_held_for_budget ON messages (budget_hold, id) WHERE budget_hold IS NOT NULL AND status = 0",
    // Messages from before this step; empty once they have their day.
    "CREATE INDEX messages_without_cost_day ON messages (id) WHERE taken_at IS NOT NULL AND cost_day IS NULL",
    // What has no category has -1, what has no template, campaign or rule has the nil id: a key cannot hold nulls.
    "CREATE TABLE daily_costs (
        day DATE NOT NULL,
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
        PRIMARY KEY (day, item, direction, category, template_id, campaign_id, reminder_rule_id, sender)
    ) CLUSTERED",
    "CREATE INDEX daily_costs_by_campaign ON daily_costs (campaign_id, day)",
    // One row per month, locked by whoever spends against its budget.
    "CREATE TABLE monthly_costs (
        month KEY_TEXT PRIMARY KEY,
        spent BIGINT NOT NULL
    )",
    "CREATE TABLE number_rents (
        month KEY_TEXT NOT NULL,
        channel SMALLINT NOT NULL,
        sender KEY_TEXT NOT NULL,
        day DATE NOT NULL,
        cost BIGINT NOT NULL,
        PRIMARY KEY (month, channel, sender)
    ) CLUSTERED",
    "ALTER TABLE inbound_messages ADD COLUMN cost_day DATE",
    "ALTER TABLE inbound_messages ADD COLUMN estimated_cost BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE inbound_messages ADD COLUMN actual_cost BIGINT",
    "ALTER TABLE inbound_messages ADD COLUMN twilio_price TEXT",
    "ALTER TABLE inbound_messages ADD COLUMN twilio_price_unit TEXT",
    "ALTER TABLE inbound_messages ADD COLUMN estimated_fx TEXT",
    "ALTER TABLE inbound_messages ADD COLUMN fx_rate TEXT",
    "ALTER TABLE inbound_messages ADD COLUMN price_check_at TIMESTAMPTZ",
    "ALTER TABLE inbound_messages ADD COLUMN price_checks INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX inbound_messages_to_price ON inbound_messages (price_check_at) WHERE price_check_at IS NOT NULL",
}
