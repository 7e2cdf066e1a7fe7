//! Sums of payments in paise: in micro-rupees the largest payments of one day were more than the database can add up.

crate::schema::step! {
    "ALTER TABLE payment_days RENAME COLUMN amount TO amount_paise",
    "ALTER TABLE payment_days RENAME COLUMN paid TO paid_paise",
    // From the payments themselves: on SQLite a sum that was too large had become a rounded one.
    "DELETE FROM payment_days",
    "INSERT INTO payment_days (due_on, status, payments, amount_paise, paid_paise)
        SELECT due_on, status, COUNT(*), CAST(SUM(amount / 10000) AS BIGINT), CAST(SUM(paid / 10000) AS BIGINT)
        FROM payments GROUP BY due_on, status",
}
