//! Files on their way into the database in short transactions, consent with its evidence, and indexes for two filters.

crate::schema::step! {
    // Nothing was ever written to these.
    "DROP TABLE import_rejections",
    "DROP TABLE imports",
    // A file too large for one transaction. Before it is decided nothing of it is there; from then on all of it will be.
    "CREATE TABLE imports (
        id UUID PRIMARY KEY,
        kind TEXT NOT NULL,
        campaign_id UUID,
        actor_kind TEXT NOT NULL,
        actor_id UUID,
        actor_name TEXT,
        started_at TIMESTAMPTZ NOT NULL,
        decided_at TIMESTAMPTZ,
        accepted BIGINT NOT NULL
    )",
    // Its rows in the order of the file, thousands to a batch. A batch goes away in the transaction that applies it.
    "CREATE TABLE import_batches (
        import_id UUID NOT NULL,
        position BIGINT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (import_id, position)
    )",
    // How we know that a person agreed to promotional messages.
    "ALTER TABLE contacts ADD COLUMN consent_evidence TEXT",
    // Opt-outs of a scope from a source, by number.
    "CREATE INDEX opt_outs_by_scope ON opt_outs (scope, source, phone)",
    // Messages that ended with an error, of all and of a campaign: few among many.
    "CREATE INDEX messages_by_error ON messages (error_code, id) WHERE error_code IS NOT NULL",
    "CREATE INDEX messages_by_error_of_campaign ON messages (campaign_id, error_code, id)
        WHERE error_code IS NOT NULL AND campaign_id IS NOT NULL",
}
