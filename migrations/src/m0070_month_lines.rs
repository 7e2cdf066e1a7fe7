//! The lines of each month, added up as they come: a month is read without adding up its days.

crate::schema::step! {
    // As `daily_costs`, with a month in place of a day, written in one transaction with it.
    "CREATE TABLE month_lines (
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
    "INSERT INTO month_lines (month, item, direction, category, template_id, campaign_id, reminder_rule_id, sender,
        messages, segments, failed, priced, estimated, actual, outstanding,
        volume_difference, segments_difference, rate_difference, fx_difference, failure_difference)
     SELECT substr(CAST(day AS TEXT), 1, 7), item, direction, category, template_id, campaign_id, reminder_rule_id, sender,
        SUM(messages), SUM(segments), SUM(failed), SUM(priced), SUM(estimated), SUM(actual), SUM(outstanding),
        SUM(volume_difference), SUM(segments_difference), SUM(rate_difference), SUM(fx_difference), SUM(failure_difference)
     FROM daily_costs
     GROUP BY 1, item, direction, category, template_id, campaign_id, reminder_rule_id, sender",
}
