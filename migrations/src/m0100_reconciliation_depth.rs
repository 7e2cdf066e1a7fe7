//! When a day's messages were looked through one by one, and findings in the order in which they are read page by page.

crate::schema::step! {
    "ALTER TABLE reconciled_days ADD COLUMN listed_at TIMESTAMPTZ",
    "CREATE INDEX reconciliation_findings_in_order ON reconciliation_findings (state, day, kind, subject)",
    // The one above begins with its columns.
    "DROP INDEX reconciliation_findings_by_state",
}
