//! Rules about how the crates fit together.

use toml::{Table, Value};

use super::source::repository;

/// Whom each crate may use. Never upward.
const EDGES: [(&str, &[&str]); 5] = [
    ("config", &[]),
    ("supervisors", &["config"]),
    ("models", &["config"]),
    ("actors", &["config", "supervisors", "models"]),
    ("runtime", &["config", "supervisors", "models", "actors"]),
];

const CRATES: [&str; 7] = [
    "config",
    "supervisors",
    "models",
    "actors",
    "runtime",
    "tests",
    "benches",
];

fn manifest(folder: &str) -> Table {
    let path = repository().join(folder).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).expect("every crate has a manifest");
    text.parse().expect("a manifest is TOML")
}

/// Names and values of a manifest's dependencies of all kinds.
fn dependencies(manifest: &Table) -> Vec<(String, Value)> {
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
    let entries = tables
        .iter()
        .filter_map(|kind| manifest.get(*kind)?.as_table());
    entries.flat_map(|table| table.clone()).collect()
}

/// Crates of ours that a manifest names but may not.
fn forbidden(name: &str, manifest: &Table) -> Vec<String> {
    let Some((_, allowed)) = EDGES.iter().find(|(from, _)| *from == name) else {
        return Vec::new();
    };
    let ours = |(to, _): &(String, Value)| CRATES.contains(&to.as_str());
    let bad = |to: &String| !allowed.contains(&to.as_str());
    dependencies(manifest)
        .into_iter()
        .filter(ours)
        .map(|(to, _)| to)
        .filter(bad)
        .collect()
}

#[test]
fn crates_use_only_those_below_them() {
    for (name, allowed) in EDGES {
        let found = forbidden(name, &manifest(name));
        assert!(
            found.is_empty(),
            "{name} uses {found:?}; it may use {allowed:?}: move the type down, or pass a trait object in"
        );
    }
}

#[test]
fn an_edge_upward_is_found() {
    let manifest = "[dev-dependencies]\nactors.workspace = true\nserde.workspace = true";
    let manifest = manifest.parse().expect("it is TOML");
    assert_eq!(forbidden("models", &manifest), ["actors"]);
    assert!(forbidden("runtime", &manifest).is_empty());
}

#[test]
fn versions_and_lints_live_in_the_workspace_only() {
    for name in CRATES {
        let manifest = manifest(name);
        for (dependency, value) in dependencies(&manifest) {
            let inherited = value.get("workspace").and_then(Value::as_bool);
            assert_eq!(
                inherited,
                Some(true),
                "{name}: give {dependency} its version in the workspace's Cargo.toml"
            );
        }
        let lints = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        assert_eq!(
            lints,
            Some(&Value::Boolean(true)),
            "{name}: add [lints] workspace = true"
        );
    }
}

/// Crates that the page's first columns name; `arrow-array, -buffer` means `arrow-buffer` too.
fn explained(page: &str) -> Vec<String> {
    let cells = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let mut names: Vec<String> = Vec::new();
    for cell in cells {
        let first = cell.split(", ").next().unwrap_or(cell);
        let family = first.split('-').next().unwrap_or(first);
        names.extend(cell.split(", ").map(|name| match name.strip_prefix('-') {
            Some(part) => format!("{family}-{part}"),
            None => name.to_owned(),
        }));
    }
    names
}

#[test]
fn every_dependency_is_used_by_a_crate_and_explained() {
    let workspace = manifest("");
    let declared = workspace["workspace"]["dependencies"].as_table();
    let page = repository().join("docs/dependencies.md");
    let explained = explained(&std::fs::read_to_string(page).expect("the page is there"));
    let used: Vec<String> = CRATES
        .iter()
        .flat_map(|folder| dependencies(&manifest(folder)))
        .map(|(name, _)| name)
        .collect();
    for name in declared
        .expect("there are some")
        .keys()
        .filter(|name| !CRATES.contains(&name.as_str()))
    {
        assert!(
            used.contains(name),
            "no crate uses {name}: remove it from the workspace's Cargo.toml"
        );
        assert!(
            explained.contains(name),
            "say in docs/dependencies.md why {name} is there"
        );
    }
}
