//! GST of months past, whatever is set later, and as it was when a month was closed.

crate::schema::step! {
    // What held in the months before one, and was changed in that one. Months after the last row have the rule of the
    // settings: without any row every month has, as it was until now.
    "CREATE TABLE past_gst (
        before_month KEY_TEXT PRIMARY KEY,
        mode KEY_TEXT NOT NULL,
        rate TEXT NOT NULL
    )",
    // Nothing stands for months that were closed before: theirs is the rule that held in them.
    "ALTER TABLE closed_months ADD COLUMN gst_mode KEY_TEXT",
    "ALTER TABLE closed_months ADD COLUMN gst_rate TEXT",
    "ALTER TABLE closed_months ADD COLUMN gst BIGINT",
}
