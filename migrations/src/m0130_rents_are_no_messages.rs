//! A rent that Twilio's records have was counted as a message: its money stays, its count goes.

crate::schema::step! {
    "UPDATE daily_costs SET messages = 0, segments = 0, priced = 0
        WHERE item = 'number' AND sender = 'usage records'",
    "UPDATE month_lines SET messages = 0, segments = 0, priced = 0
        WHERE item = 'number' AND sender = 'usage records'",
}
