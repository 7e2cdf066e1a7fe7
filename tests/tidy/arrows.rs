//! Who may depend on whom: the arrows of `docs/ARCHITECTURE.md`, and nothing else.

use crate::sources::{assert_none, metadata};
use cargo_metadata::{DependencyKind, Package};

/// Each package with those of ours that it may use. A package that is not here may use none.
const ARROWS: &[(&str, &[&str])] = &[
    ("dakiya", &["core", "store", "twilio", "simulator", "scheduler", "web", "migrations"]),
    ("dakiya-web", &["core", "store", "scheduler", "twilio"]),
    ("dakiya-scheduler", &["core", "store", "twilio"]),
    ("dakiya-store", &["core", "migrations"]),
    ("dakiya-simulator", &["core", "twilio"]),
    ("dakiya-twilio", &["core"]),
    ("dakiya-tests", &["core", "store", "twilio", "simulator", "scheduler", "web", "migrations"]),
];

/// What tests beside the code may use more: the simulator is the only test double there is.
const TEST_ARROWS: &[(&str, &[&str])] =
    &[("dakiya-scheduler", &["simulator"]), ("dakiya-web", &["simulator"])];

/// Libraries that only some packages may know. Others go through those.
const KEEPERS: &[(&str, &[&str])] = &[
    ("sea-orm", &["dakiya-store"]),
    ("sea-orm-migration", &["dakiya-migrations"]),
    ("sqlx", &["dakiya-store", "dakiya-tests"]),
    ("reqwest", &["dakiya-twilio", "dakiya-simulator", "dakiya-tests"]),
    ("tokio-cron-scheduler", &["dakiya-scheduler"]),
    ("rlibphonenumber", &["dakiya-core"]),
    ("askama", &["dakiya-web"]),
];

/// `core` is pure: it knows no runtime, no network, no database and no source of randomness.
const NOT_IN_CORE: &[&str] =
    &["tokio", "futures", "axum", "reqwest", "sea-orm", "sqlx", "getrandom", "tracing"];

fn allowed(table: &[(&str, &[&'static str])], package: &str) -> Vec<&'static str> {
    let row = table.iter().find(|(name, _)| *name == package);
    row.map(|(_, targets)| targets.to_vec()).unwrap_or_default()
}

fn ours(name: &str) -> Option<&str> {
    name.strip_prefix("dakiya-")
}

#[test]
fn nothing_depends_against_the_arrows() {
    let metadata = metadata();
    let offences: Vec<String> = metadata.packages.iter().flat_map(forbidden_arrows).collect();
    assert_none(
        &offences,
        "These dependencies go against the arrows of docs/ARCHITECTURE.md; turn them round:",
    );
}

fn forbidden_arrows(package: &Package) -> Vec<String> {
    let may = allowed(ARROWS, &package.name);
    let in_tests = allowed(TEST_ARROWS, &package.name);
    let mut offences = Vec::new();
    for dependency in &package.dependencies {
        let Some(target) = ours(&dependency.name) else { continue };
        let fine = may.contains(&target)
            || dependency.kind == DependencyKind::Development && in_tests.contains(&target);
        if !fine {
            offences.push(format!("{} -> {target} ({:?})", package.name, dependency.kind));
        }
    }
    offences
}

#[test]
fn every_package_is_on_the_map() {
    let without_arrows = ["dakiya-core", "dakiya-migrations", "dakiya-xtask"];
    let known =
        |name: &str| without_arrows.contains(&name) || ARROWS.iter().any(|(package, _)| *package == name);
    let metadata = metadata();
    let names = metadata.packages.iter().map(|package| package.name.to_string());
    let strangers: Vec<String> = names.filter(|name| !known(name)).collect();
    assert_none(
        &strangers,
        "These packages have no place on the map; give them one in docs/ARCHITECTURE.md and here:",
    );
}

#[test]
fn each_library_stays_with_its_keeper() {
    let mut offences = Vec::new();
    for package in metadata().packages {
        for dependency in &package.dependencies {
            let keepers = KEEPERS.iter().find(|(library, _)| *library == dependency.name);
            let kept = keepers.is_none_or(|(_, packages)| packages.contains(&package.name.as_str()));
            if !kept && dependency.kind == DependencyKind::Normal {
                offences.push(format!("{} uses {}", package.name, dependency.name));
            }
        }
    }
    assert_none(&offences, "Only one crate knows each of these libraries; ask that crate instead:");
}

#[test]
fn core_is_pure() {
    let metadata = metadata();
    let core = metadata.packages.iter().find(|package| package.name == "dakiya-core").expect("core exists");
    let uses = core.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    let impure = uses.filter(|dependency| NOT_IN_CORE.contains(&dependency.name.as_str()));
    let offences: Vec<String> = impure.map(|dependency| dependency.name.clone()).collect();
    assert_none(
        &offences,
        "core takes time and randomness as arguments and does no I/O; move this out of core:",
    );
}
