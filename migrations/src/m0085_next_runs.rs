//! The next runs of reminder rules, kept with what they will cost; and payments of money that were taken back.

crate::schema::step! {
    // Whom each of a rule's next runs reaches and what it costs, so that no page reckons it for many payments.
    "CREATE TABLE reminder_next_runs (
        rule_id UUID NOT NULL,
        step INTEGER NOT NULL,
        due_on DATE NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        suppressed TEXT NOT NULL,
        will_send BIGINT NOT NULL,
        cost BIGINT NOT NULL,
        PRIMARY KEY (rule_id, step, due_on)
    ) CLUSTERED",
    // Figures kept before have no runs beside them: they are made anew.
    "UPDATE reminder_commitments_made SET at = NULL WHERE id = 1",
    "CREATE INDEX reminder_runs_held ON reminder_runs (at) WHERE state = 'held'",
    "CREATE INDEX recurring_runs_held ON recurring_runs (at) WHERE state = 'held'",
    // Which earlier event this one takes back: each is taken back once.
    "ALTER TABLE payment_events ADD COLUMN takes_back UUID",
    "CREATE UNIQUE INDEX payment_events_taken_back ON payment_events (reference, takes_back) WHERE takes_back IS NOT NULL",
}
