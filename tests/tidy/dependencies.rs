//! Every dependency is there for a reason, and the reason is written down.

use crate::sources::{assert_none, below, metadata, root};
use cargo_metadata::DependencyKind;
use std::collections::BTreeSet;

fn direct_dependencies() -> BTreeSet<String> {
    let names =
        metadata().packages.into_iter().flat_map(|package| package.dependencies).map(|found| found.name);
    names.filter(|name| !name.starts_with("dakiya")).collect()
}

/// The names in the first cell of the tables' rows.
fn explained() -> BTreeSet<String> {
    let text =
        std::fs::read_to_string(root().join("docs/dependencies.md")).expect("docs/dependencies.md exists");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split_once(" |")).map(|(cell, _)| format!("`{cell}"));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let explained = explained();
    let unexplained: Vec<String> = direct_dependencies().difference(&explained).cloned().collect();
    assert_none(&unexplained, "Say in docs/dependencies.md why these are needed, or drop them:");
}

#[test]
fn no_reason_outlives_its_dependency() {
    let used = direct_dependencies();
    let stale: Vec<String> = explained().difference(&used).cloned().collect();
    assert_none(&stale, "Nothing depends on these any more; take them out of docs/dependencies.md:");
}

#[test]
fn every_dependency_is_used_where_it_is_declared() {
    let metadata = metadata();
    let mut unused = Vec::new();
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().expect("a manifest lies in a folder").as_str();
        let folder = folder.strip_prefix(root().to_str().expect("a path of text")).unwrap_or(folder);
        let code: String =
            below(&[folder.trim_start_matches('/')], &["rs"]).into_iter().map(|file| file.text).collect();
        for dependency in package.dependencies.iter().filter(|found| found.kind != DependencyKind::Build) {
            let name = dependency.rename.as_ref().unwrap_or(&dependency.name).replace('-', "_");
            if !code.contains(&name) {
                unused.push(format!("{}: {name}", package.name));
            }
        }
    }
    assert_none(&unused, "These packages name a dependency that their code does not:");
}

#[test]
fn no_version_is_kept_for_nobody() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("the workspace's manifest");
    let table = manifest.split("[workspace.dependencies]").nth(1).expect("shared versions");
    let rows = table.lines().skip(1).take_while(|line| !line.starts_with('['));
    let names = rows.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name.to_owned());
    let used = direct_dependencies();
    let unused: Vec<String> =
        names.filter(|name| !name.starts_with("dakiya") && !used.contains(name)).collect();
    assert_none(&unused, "The workspace's manifest has versions that no package uses; take them out:");
}
