//! What a campaign's approval was priced with, and how much of its money is set aside for messages that still wait: a
//! canceled campaign gives that back at once, however long it takes to write it into each of them.

crate::schema::step! {
    // Micro-rupees of one segment, or one WhatsApp message. Approvals before this step kept no price.
    "ALTER TABLE campaigns ADD COLUMN unit_price BIGINT",
    "ALTER TABLE campaigns ADD COLUMN waiting_cost BIGINT NOT NULL DEFAULT 0",
    // Only what waits is read, from its own index.
    "UPDATE campaigns SET waiting_cost = (SELECT CAST(COALESCE(SUM(messages.estimated_cost), 0) AS BIGINT) FROM messages \
     WHERE messages.status = 0 AND messages.campaign_id = campaigns.id) WHERE state <> 'draft'",
}
