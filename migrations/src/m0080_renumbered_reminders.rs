//! Reminders that waited when the number of their payment was corrected, until each is written for the new one.

crate::schema::step! {
    "CREATE TABLE renumbered_reminders (message_id UUID PRIMARY KEY)",
}
