//! Messages: the queue, the log and the account in one table; and what happened to each.
//!
//! Statuses are numbers here so that indexes stay small: 0 queued, 1 posting, 2 unknown, 3 accepted, 4 sent,
//! 5 delivered, 6 read, 7 undelivered, 8 failed, 9 rejected, 10 suppressed, 11 expired, 12 canceled.

crate::schema::step! {
    // No foreign keys on this path: each would cost a lookup per row, and nothing is ever deleted under a message.
    "CREATE TABLE messages (
        id UUID PRIMARY KEY,
        dedupe_key KEY_TEXT NOT NULL UNIQUE,
        campaign_id UUID,
        template_id UUID,
        template_version INTEGER,
        phone KEY_TEXT NOT NULL,
        channel SMALLINT NOT NULL,
        category SMALLINT NOT NULL,
        sender KEY_TEXT NOT NULL,
        body TEXT NOT NULL,
        encoding SMALLINT NOT NULL,
        segments INTEGER NOT NULL,
        estimated_cost BIGINT NOT NULL,
        actual_cost BIGINT,
        twilio_price TEXT,
        twilio_price_unit TEXT,
        twilio_segments INTEGER,
        fx_rate TEXT,
        status SMALLINT NOT NULL,
        suppressed_reason TEXT,
        twilio_sid KEY_TEXT UNIQUE,
        error_code INTEGER,
        attempts INTEGER NOT NULL,
        priority SMALLINT NOT NULL,
        due_at TIMESTAMPTZ NOT NULL,
        expires_at TIMESTAMPTZ,
        taken_at TIMESTAMPTZ,
        next_check_at TIMESTAMPTZ,
        checks INTEGER NOT NULL,
        api_key_id UUID,
        test BOOLEAN NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        sent_at TIMESTAMPTZ,
        delivered_at TIMESTAMPTZ,
        updated_at TIMESTAMPTZ NOT NULL
    )",
    // The queue: single messages by sender and urgency, campaigns each in their own line.
    "CREATE INDEX messages_due ON messages (sender, channel, priority, due_at, id) WHERE status = 0 AND campaign_id IS NULL",
    "CREATE INDEX messages_due_of_campaign ON messages (campaign_id, due_at, id) WHERE status = 0",
    // Whether something of a person or of a campaign is being posted, asked by whoever stops it.
    "CREATE INDEX messages_posting ON messages (phone, taken_at) WHERE status = 1",
    "CREATE INDEX messages_posting_of_campaign ON messages (campaign_id, taken_at) WHERE status = 1",
    "CREATE INDEX messages_to_check ON messages (next_check_at) WHERE next_check_at IS NOT NULL",
    // The log: each filter is a page from one index. Ids sort by the time they were made, so they stand for it.
    "CREATE INDEX messages_by_phone ON messages (phone, id)",
    "CREATE INDEX messages_by_template ON messages (template_id, id) WHERE template_id IS NOT NULL",
    "CREATE INDEX messages_by_campaign ON messages (campaign_id, id) WHERE campaign_id IS NOT NULL",
    "CREATE INDEX messages_by_status ON messages (status, id)",
    // A campaign's undelivered, failed, rejected, suppressed, expired and canceled: few among many.
    "CREATE INDEX messages_ended_badly ON messages (campaign_id, status, id) WHERE status > 6",
    "CREATE TABLE message_events (
        message_id UUID NOT NULL,
        id UUID NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        status SMALLINT NOT NULL,
        source TEXT NOT NULL,
        error_code INTEGER,
        note TEXT,
        PRIMARY KEY (message_id, id)
    ) CLUSTERED",
    "CREATE TABLE inbound_messages (
        id UUID PRIMARY KEY,
        twilio_sid KEY_TEXT NOT NULL UNIQUE,
        phone KEY_TEXT NOT NULL,
        recipient KEY_TEXT NOT NULL,
        channel SMALLINT NOT NULL,
        body TEXT NOT NULL,
        keyword TEXT,
        segments INTEGER NOT NULL,
        received_at TIMESTAMPTZ NOT NULL
    )",
    "CREATE INDEX inbound_messages_by_phone ON inbound_messages (phone, received_at)",
}
