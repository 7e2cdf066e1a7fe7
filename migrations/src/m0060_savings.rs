//! What was done about wasted money, and what there was before it: so that the saving can be measured.

crate::schema::step! {
    // Of a template: which language's text was changed to which version. Of a number: whose, by contact, so that nothing
    // is left of somebody who is erased. `expected` is what the finder promised a month.
    "CREATE TABLE savings_fixes (
        id UUID PRIMARY KEY,
        kind KEY_TEXT NOT NULL,
        template_id UUID,
        language TEXT,
        version INTEGER,
        contact_id UUID,
        expected BIGINT NOT NULL,
        segment_price BIGINT NOT NULL,
        before_messages BIGINT NOT NULL,
        before_segments BIGINT NOT NULL,
        counted_from DATE NOT NULL,
        at TIMESTAMPTZ NOT NULL,
        by_name TEXT NOT NULL
    )",
}
