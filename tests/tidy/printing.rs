//! Libraries are silent: they return values and trace; only the binary speaks on a terminal.

use crate::sources::{assert_none, product};

const PRINTING: &[&str] = &["println!(", "eprintln!(", "print!(", "eprint!(", "dbg!("];

#[test]
fn libraries_do_not_print() {
    let mut offences = Vec::new();
    for file in product().iter().filter(|file| !file.path.starts_with("crates/dakiya/")) {
        for (number, line) in file.code_lines() {
            if PRINTING.iter().any(|printing| line.contains(printing)) {
                offences.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    assert_none(&offences, "Return it or trace it; only the binary prints:");
}
