//! The text of the project, file by file.

use cargo_metadata::{Metadata, MetadataCommand};
use std::path::{Path, PathBuf};

/// One file of the project.
pub struct Source {
    /// From the root of the workspace, with forward slashes.
    pub path: String,
    /// Everything in it.
    pub text: String,
}

impl Source {
    /// What is compiled into the product: the text up to the file's own tests.
    pub fn product_code(&self) -> &str {
        let end = self.text.find("\n#[cfg(test)]\nmod tests").unwrap_or(self.text.len());
        &self.text[..end]
    }

    /// Lines of product code that are not comments, with their numbers.
    pub fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.product_code().lines().enumerate();
        lines.map(|(index, line)| (index + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace")
}

/// What cargo knows of our packages.
pub fn metadata() -> Metadata {
    let manifest = root().join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().expect("cargo metadata answers")
}

/// Every Rust file of ours.
pub fn rust() -> Vec<Source> {
    below(&["crates", "migrations", "tests"], &["rs"])
}

/// Rust files of the product: tests, measurements and developer tasks left out.
pub fn product() -> Vec<Source> {
    let mut files = rust();
    files.retain(|file| {
        let ours = file.path.starts_with("crates/") && !file.path.starts_with("crates/xtask/");
        ours && file.path.contains("/src/") && !file.path.ends_with("/tests.rs")
    });
    files
}

/// Files below these folders that end so, vendored ones left out.
pub fn below(folders: &[&str], extensions: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut paths);
    }
    paths.sort();
    let wanted =
        |path: &PathBuf| extensions.iter().any(|end| path.extension().is_some_and(|found| found == *end));
    paths.into_iter().filter(wanted).map(|path| read(&path)).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != "vendor" {
            walk(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> Source {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let below_root = path.strip_prefix(root()).expect("found below the root");
    Source { path: below_root.to_string_lossy().replace('\\', "/"), text }
}

/// Fails with every offence on a line of its own, and what to do about them.
pub fn assert_none(offences: &[String], advice: &str) {
    assert!(offences.is_empty(), "{advice}\n\n{}\n", offences.join("\n"));
}
