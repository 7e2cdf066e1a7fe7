//! Search by the beginning of a number or a name: ranges that an index answers.

/// The beginnings in E.164 that a text may mean, if it looks like part of a number.
pub(crate) fn phone_beginnings(text: &str) -> Option<Vec<String>> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let like_a_number = text.chars().all(|c| c.is_ascii_digit() || "+-() .".contains(c));
    match (like_a_number && !digits.is_empty(), text.trim_start().starts_with('+')) {
        (false, _) => None,
        (true, true) => Some(vec![format!("+{digits}")]),
        // People leave the country out; a leading 0 is how it is dialled at home.
        (true, false) => Some(vec![format!("+{digits}"), format!("+91{}", digits.trim_start_matches('0'))]),
    }
}

/// The first text after all that begin with `prefix`.
pub(crate) fn after_prefix(prefix: &str) -> String {
    format!("{prefix}\u{10ffff}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_as_people_write_them() {
        assert_eq!(phone_beginnings("+91 98765"), Some(vec!["+9198765".to_owned()]));
        assert_eq!(phone_beginnings("098765"), Some(vec!["+098765".to_owned(), "+9198765".to_owned()]));
        assert_eq!(phone_beginnings("Asha"), None);
        assert_eq!(phone_beginnings("  "), None);
        assert_eq!(phone_beginnings("24x7 Motors"), None);
    }
}
