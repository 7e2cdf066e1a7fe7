//! Campaigns and the people each goes to.

crate::schema::step! {
    "CREATE TABLE campaigns (
        id UUID PRIMARY KEY,
        name TEXT NOT NULL,
        template_id UUID NOT NULL,
        template_version INTEGER NOT NULL,
        channel SMALLINT NOT NULL,
        sender KEY_TEXT NOT NULL,
        audience TEXT NOT NULL,
        send_at TIMESTAMPTZ,
        segments_per_second INTEGER,
        budget BIGINT,
        state TEXT NOT NULL,
        quote TEXT,
        approved_at TIMESTAMPTZ,
        approved_by TEXT,
        recipients_revision BIGINT NOT NULL,
        recipients_count BIGINT NOT NULL,
        expanded_through KEY_TEXT,
        expanded BOOLEAN NOT NULL,
        expanded_cost BIGINT NOT NULL,
        wake_at TIMESTAMPTZ,
        served_at TIMESTAMPTZ NOT NULL,
        estimated_cost BIGINT NOT NULL,
        reserved BIGINT NOT NULL,
        actual_cost BIGINT NOT NULL,
        predicted_start TIMESTAMPTZ,
        predicted_finish TIMESTAMPTZ,
        paused_reason TEXT,
        created_at TIMESTAMPTZ NOT NULL,
        created_by TEXT NOT NULL,
        started_at TIMESTAMPTZ,
        finished_at TIMESTAMPTZ
    )",
    // `wake_at` is when `take` looks at a campaign next, `served_at` when it last did: a sleeping campaign costs nothing,
    // and those that waited longest come first.
    "CREATE INDEX campaigns_by_state ON campaigns (state, wake_at)",
    "CREATE TABLE recipients (
        campaign_id UUID NOT NULL,
        phone KEY_TEXT NOT NULL,
        language TEXT,
        variables TEXT NOT NULL,
        from_contacts BOOLEAN NOT NULL,
        PRIMARY KEY (campaign_id, phone)
    ) CLUSTERED",
    "CREATE INDEX recipients_by_phone ON recipients (phone)",
    // Kept in the transaction of every change of status, so that pages never count the log.
    "CREATE TABLE campaign_counts (
        campaign_id UUID NOT NULL,
        status SMALLINT NOT NULL,
        count BIGINT NOT NULL,
        PRIMARY KEY (campaign_id, status)
    ) CLUSTERED",
}
