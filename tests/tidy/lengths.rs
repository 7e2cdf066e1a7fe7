//! Files stay short. Those that are longer today are listed with their length, which may only shrink.

use crate::sources::{below, root};
use std::collections::BTreeMap;

/// Lines. What is longer usually holds a second noun.
const LIMIT: usize = 400;

const LIST: &str = "tests/tidy/long_files.txt";

fn listed() -> BTreeMap<String, usize> {
    let text = std::fs::read_to_string(root().join(LIST)).expect("the list of long files exists");
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|line| {
        let (path, lines) =
            line.split_once(' ').unwrap_or_else(|| panic!("{LIST}: \"{line}\" is not `path lines`"));
        (path.to_owned(), lines.trim().parse().expect("a number of lines"))
    })
    .collect()
}

#[test]
fn no_file_grows_beyond_its_length() {
    let listed = listed();
    let mut faults = Vec::new();
    let files = below(&["crates", "migrations", "tests", "templates"], &["rs", "html", "js"]);
    for file in &files {
        let lines = file.text.lines().count();
        match listed.get(&file.path) {
            None if lines > LIMIT => {
                faults.push(format!("{}: {lines} lines, more than {LIMIT}; split it", file.path))
            }
            Some(most) if lines > *most => {
                faults.push(format!("{}: grew from {most} to {lines} lines", file.path))
            }
            Some(most) if lines <= LIMIT || lines < *most => {
                faults.push(format!("{}: shrank from {most} to {lines} lines; say so in {LIST}", file.path));
            }
            _ => {}
        }
    }
    for path in listed.keys() {
        if !files.iter().any(|file| file.path == *path) {
            faults.push(format!("{path}: gone; take it out of {LIST}"));
        }
    }
    assert!(faults.is_empty(), "File lengths only shrink:\n\n{}\n", faults.join("\n"));
}
