//! `.env.sample` explains every variable that is read, and none that is not.

use crate::sources::{assert_none, product, root};
use std::collections::BTreeSet;

/// Read by tests, not by the product.
const OF_TESTS: &str = "DAKIYA_TEST_POSTGRES_URL";

/// Names of variables in a text.
fn variables(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let ours = |word: &&str| word.starts_with("DAKIYA_") || word.starts_with("TWILIO_");
    words.filter(ours).filter(|word| !word.ends_with('_')).map(str::to_owned).collect()
}

#[test]
fn the_sample_explains_every_variable() {
    let config =
        product().into_iter().find(|file| file.path == "crates/dakiya/src/config.rs").expect("config.rs");
    let mut read = variables(config.product_code());
    read.retain(|name| config.text.contains(&format!("\"{name}\"")));
    let sample = std::fs::read_to_string(root().join(".env.sample")).expect(".env.sample");
    let mut explained = variables(&sample);
    explained.remove(OF_TESTS);
    let missing: Vec<String> = read.difference(&explained).cloned().collect();
    assert_none(&missing, ".env.sample does not explain these variables:");
    let stale: Vec<String> = explained.difference(&read).cloned().collect();
    assert_none(&stale, ".env.sample explains variables that nothing reads:");
}
