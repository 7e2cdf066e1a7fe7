//! Every module says what it is for before it does anything.

use crate::sources::{assert_none, rust};

#[test]
fn every_module_begins_by_saying_what_it_is_for() {
    let silent = rust().into_iter().filter(|file| !file.text.starts_with("//! "));
    let offences: Vec<String> = silent.map(|file| file.path).collect();
    assert_none(
        &offences,
        "The first line of each of these must be a `//!` sentence that says what the module is for:",
    );
}

#[test]
fn no_module_is_a_placeholder() {
    let empty = rust().into_iter().filter(|file| file.text.starts_with("//! placeholder"));
    let offences: Vec<String> = empty.map(|file| file.path).collect();
    assert_none(&offences, "These modules hold nothing; write or delete them:");
}
