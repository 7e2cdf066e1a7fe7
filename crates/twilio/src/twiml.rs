//! Answers to inbound webhooks.

/// The content type of an answer; Twilio refuses others (12300).
pub const CONTENT_TYPE: &str = "text/xml; charset=utf-8";

/// An answer that sends nothing.
pub const EMPTY: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

/// An answer that replies with one message. Characters that XML cannot carry are dropped.
pub fn reply(text: &str) -> String {
    let mut xml = String::from(r#"<?xml version="1.0" encoding="UTF-8"?><Response><Message>"#);
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '\t' | '\n' | '\r' => xml.push(c),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            _ => xml.push(c),
        }
    }
    xml.push_str("</Message></Response>");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_control_characters_are_dropped() {
        let expected = include_str!("../tests/data/fixtures/twiml_message.xml");
        assert_eq!(reply("Thanks & see you <soon>\u{7}"), expected.trim_end());
        assert_eq!(EMPTY, include_str!("../tests/data/fixtures/twiml_empty.xml").trim_end());
    }
}
