//! Rate cards that were removed: they are offered nowhere, and their rows stay to explain what was reckoned with them.

crate::schema::step! {
    "ALTER TABLE rate_cards ADD COLUMN removed_at TIMESTAMPTZ",
    "ALTER TABLE rate_cards ADD COLUMN removed_by TEXT",
}
