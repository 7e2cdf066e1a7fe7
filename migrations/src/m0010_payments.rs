//! What customers owe, what came of it, and the sums per due date.
//!
//! Statuses are numbers here so that indexes stay small: 0 open, 1 partly paid, 2 paid, 3 canceled.

crate::schema::step! {
    // `revision` counts the changes, so that whoever prepared something for a payment can see that it is stale.
    "CREATE TABLE payments (
        id UUID PRIMARY KEY,
        reference KEY_TEXT NOT NULL UNIQUE,
        phone KEY_TEXT NOT NULL,
        name TEXT,
        name_key KEY_TEXT,
        language TEXT,
        amount BIGINT NOT NULL,
        paid BIGINT NOT NULL,
        due_on DATE NOT NULL,
        pay_url TEXT,
        link_expired_at TIMESTAMPTZ,
        variables TEXT NOT NULL,
        status SMALLINT NOT NULL,
        settled_at TIMESTAMPTZ,
        revision BIGINT NOT NULL,
        created_at TIMESTAMPTZ NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )",
    // Lists, and the planner, read payments by due date. What is owed has an index of its own, because what is paid
    // or canceled piles up beside it; so have the few that are paid in part.
    "CREATE INDEX payments_owed ON payments (due_on, reference) WHERE status < 2",
    "CREATE INDEX payments_partly_paid ON payments (due_on, reference) WHERE status = 1",
    "CREATE INDEX payments_settled ON payments (status, due_on, reference) WHERE status > 1",
    "CREATE INDEX payments_by_phone ON payments (phone, reference)",
    "CREATE INDEX payments_by_name ON payments (name_key, reference) WHERE name_key IS NOT NULL",
    "CREATE TABLE payment_tags (
        tag KEY_TEXT NOT NULL,
        payment_id UUID NOT NULL,
        PRIMARY KEY (tag, payment_id)
    ) CLUSTERED",
    "CREATE INDEX payment_tags_by_payment ON payment_tags (payment_id)",
    // What happened to a payment, append-only. By reference and not by id: a provider may tell of a payment before
    // the list that holds it is imported. `link` is the provider's id of the pay link, under which sums are told.
    "CREATE TABLE payment_events (
        reference KEY_TEXT NOT NULL,
        id UUID NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        kind TEXT NOT NULL,
        amount BIGINT,
        source TEXT NOT NULL,
        external_id KEY_TEXT,
        link KEY_TEXT,
        actor_kind TEXT NOT NULL,
        actor_id UUID,
        actor_name TEXT,
        PRIMARY KEY (reference, id)
    ) CLUSTERED",
    "CREATE UNIQUE INDEX payment_events_once ON payment_events (source, external_id) WHERE external_id IS NOT NULL",
    // Kept in the transaction of every change, so that pages never add payments up.
    "CREATE TABLE payment_days (
        due_on DATE NOT NULL,
        status SMALLINT NOT NULL,
        payments BIGINT NOT NULL,
        amount BIGINT NOT NULL,
        paid BIGINT NOT NULL,
        PRIMARY KEY (due_on, status)
    ) CLUSTERED",
}
