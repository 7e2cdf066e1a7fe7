//! One thing has one name. `docs/GLOSSARY.md` gives it, and the names that people might use instead.

use crate::sources::{assert_none, below, root};

/// A name that is not used, and the one that is.
struct Synonym {
    instead_of: String,
    say: String,
}

/// The rows of the glossary: `| word | meaning | not |`, the last one a comma-separated list.
fn synonyms() -> Vec<Synonym> {
    let text = std::fs::read_to_string(root().join("docs/GLOSSARY.md")).expect("the glossary exists");
    let mut synonyms = Vec::new();
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| word")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [say, _meaning, not] = cells[..] else {
            panic!("the glossary's row \"{row}\" has not three cells")
        };
        for name in not.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            synonyms.push(Synonym { instead_of: name.to_lowercase(), say: say.to_owned() });
        }
    }
    assert!(synonyms.len() > 10, "the glossary lists the names that are not used");
    synonyms
}

#[test]
fn one_thing_has_one_name() {
    let synonyms = synonyms();
    let mut files = below(&["crates", "migrations", "templates", "docs"], &["rs", "html", "md"]);
    files.retain(|file| file.path != "docs/GLOSSARY.md");
    let mut offences = Vec::new();
    for file in &files {
        for (index, line) in file.text.lines().enumerate() {
            let line = line.to_lowercase();
            for synonym in synonyms.iter().filter(|synonym| holds_word(&line, &synonym.instead_of)) {
                let Synonym { instead_of, say } = synonym;
                offences.push(format!("{}:{}: \"{instead_of}\"; say {say}", file.path, index + 1));
            }
        }
    }
    assert_none(&offences, "The glossary has another word for these:");
}

/// Whether a line holds a phrase that no letter continues on either side; a plural counts.
fn holds_word(line: &str, phrase: &str) -> bool {
    line.match_indices(phrase).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let rest = &line[start + phrase.len()..];
        let after = rest.strip_prefix('s').unwrap_or(rest).chars().next();
        // `tracing_subscriber` is a name of somebody else's.
        let letter = |found: Option<char>| found.is_some_and(|c| c.is_alphabetic() || c == '_' || c == '-');
        !letter(before) && !letter(after)
    })
}

#[test]
fn a_word_inside_another_word_is_not_found() {
    assert!(holds_word("every subscriber gets", "subscriber"));
    assert!(holds_word("our subscribers", "subscriber"));
    assert!(!holds_word("tracing_subscriber::fmt", "subscriber"));
}
