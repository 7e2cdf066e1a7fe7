//! Runs of reminder rules that nobody would look for any more because their time was moved to one that had passed, until
//! it is decided about each.

crate::schema::step! {
    "CREATE TABLE moved_reminder_runs (
        rule_id UUID NOT NULL,
        step INTEGER NOT NULL,
        due_on DATE NOT NULL,
        PRIMARY KEY (rule_id, step, due_on)
    ) CLUSTERED",
}
