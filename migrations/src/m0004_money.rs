//! Rate cards: dated prices. Money everywhere is integer micro-rupees.

crate::schema::step! {
    "CREATE TABLE rate_cards (
        key KEY_TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        updated_at TIMESTAMPTZ NOT NULL
    )",
    "CREATE TABLE rate_rows (
        id UUID PRIMARY KEY,
        card_key KEY_TEXT NOT NULL REFERENCES rate_cards (key),
        item TEXT NOT NULL,
        direction TEXT NOT NULL,
        category SMALLINT,
        route TEXT NOT NULL,
        unit TEXT NOT NULL,
        charges TEXT NOT NULL,
        valid_from DATE NOT NULL,
        source TEXT NOT NULL,
        confidence TEXT NOT NULL
    )",
    "CREATE INDEX rate_rows_by_card ON rate_rows (card_key, id)",
}
