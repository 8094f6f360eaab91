//! The laws of the house that can be read off the source. Each message says what to do instead.

use std::path::{Path, PathBuf};

/// Files that are longer than they should be. It may only shrink.
const LONG: [&str; 0] = [];
const LINES_MAX: usize = 400;

/// Looks at one file, given its path from the root and its text; says what is wrong.
type Rule = fn(&str, &str) -> Option<&'static str>;

const RULES: [Rule; 9] = [
    head,
    length,
    burn,
    sled,
    rdkafka,
    pure_operators,
    leftovers,
    raw_metrics,
    machine,
];

fn head(path: &str, text: &str) -> Option<&'static str> {
    let first = text.lines().next().unwrap_or_default();
    (path.ends_with(".rs") && !first.starts_with("//!"))
        .then_some("begin the file with //!: what it is, its invariant, who calls it")
}

fn length(path: &str, text: &str) -> Option<&'static str> {
    (text.lines().count() > LINES_MAX && !LONG.contains(&path))
        .then_some("split the file: a second subject hides in it")
}

fn burn(path: &str, text: &str) -> Option<&'static str> {
    (names(text, "burn") && !path.starts_with("models/"))
        .then_some("only models/ names Burn: ask for what you need there")
}

fn sled(path: &str, text: &str) -> Option<&'static str> {
    let home = path.starts_with("actors/src/state/sled_store")
        || path.starts_with("actors/src/log/embedded");
    (names(text, "sled") && !home)
        .then_some("only state/sled_store and log/embedded name sled: go through their traits")
}

fn rdkafka(path: &str, text: &str) -> Option<&'static str> {
    let home = path.starts_with("actors/src/log/") || path.starts_with("tests/");
    (names(text, "rdkafka") && !home).then_some("only actors/src/log names rdkafka: go through Log")
}

fn pure_operators(path: &str, text: &str) -> Option<&'static str> {
    let pure = path.starts_with("actors/src/operators/") || path == "actors/src/watermark.rs";
    let impure = ["tokio", "ractor", "rdkafka", "sled"]
        .iter()
        .any(|name| names(text, name))
        || text.contains("crate::clock");
    (pure && impure)
        .then_some("operators and watermarks are pure: take what you need as an argument")
}

fn leftovers(path: &str, text: &str) -> Option<&'static str> {
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X:"].concat(),
    ];
    let ignored = text.lines().any(|line| line.trim() == "#[ignore]");
    (path.ends_with(".rs") && (ignored || marks.iter().any(|mark| text.contains(mark.as_str()))))
        .then_some("finish it, or open an issue: nothing unfinished stands in the code")
}

fn raw_metrics(path: &str, text: &str) -> Option<&'static str> {
    let raw = ["counter!(", "gauge!(", "histogram!("]
        .iter()
        .any(|name| text.contains(name));
    (raw && !path.ends_with("nodes/metrics.rs") && path.starts_with("actors/"))
        .then_some("name the metric in nodes/metrics.rs, with unit, help and labels")
}

fn machine(path: &str, text: &str) -> Option<&'static str> {
    let places = ["/root", "/home"].map(|place| format!("\"{place}/"));
    (path.ends_with(".rs") && places.iter().any(|place| text.contains(place.as_str())))
        .then_some("no path of a machine in the source")
}

/// Whether a crate is used: its name as a path, or imported. Comments do not count.
fn names(text: &str, name: &str) -> bool {
    text.lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
        .any(|line| {
            line.contains(&format!("{name}::"))
                && !line.contains(&format!("::{name}::"))
                && !line.contains(&format!("_{name}::"))
        })
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
    {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && name != "fixtures" {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_source_keeps_the_laws_of_the_house() {
    let root = root();
    let mut files = Vec::new();
    for crate_dir in [
        "config",
        "supervisors",
        "models",
        "actors",
        "runtime",
        "tests",
        "benches",
    ] {
        sources(&root.join(crate_dir), &mut files);
    }
    assert!(files.len() > 150, "the source is found");
    let mut broken = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("text");
        let path = file
            .strip_prefix(&root)
            .expect("below the root")
            .display()
            .to_string();
        // This file names everything that is forbidden.
        if path == "tests/system/tidy.rs" {
            continue;
        }
        broken.extend(
            RULES
                .iter()
                .filter_map(|rule| Some(format!("{path}: {}", rule(&path, &text)?))),
        );
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn crates_depend_downward_only() {
    let allowed: [(&str, &[&str]); 5] = [
        ("config", &[]),
        ("supervisors", &["config"]),
        ("models", &["config"]),
        ("actors", &["config", "supervisors", "models"]),
        ("runtime", &["config", "supervisors", "models", "actors"]),
    ];
    for (name, below) in allowed {
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).expect("text");
        let (_, dependencies) = manifest.split_once("[dependencies]").expect("dependencies");
        let dependencies = dependencies.split("\n[").next().unwrap_or_default();
        for (other, _) in allowed {
            let uses = dependencies
                .lines()
                .any(|line| line.starts_with(&format!("{other}.")));
            assert!(
                !uses || below.contains(&other),
                "{name} may depend on {below:?} only, not on {other}: move what is needed down"
            );
        }
    }
}

#[test]
fn each_rule_catches_what_it_forbids() {
    let long = "//! x\n".repeat(LINES_MAX + 1);
    let forbidden: [(Rule, &str, &str); 9] = [
        (head, "config/src/a.rs", "use std::fmt;\n"),
        (length, "config/src/a.rs", &long),
        (
            burn,
            "actors/src/a.rs",
            "//! x\nuse burn::tensor::Tensor;\n",
        ),
        (
            sled,
            "actors/src/nodes/a.rs",
            "//! x\nlet db = sled::open(p);\n",
        ),
        (
            rdkafka,
            "runtime/src/a.rs",
            "//! x\nuse rdkafka::ClientConfig;\n",
        ),
        (
            pure_operators,
            "actors/src/operators/a.rs",
            "//! x\nuse tokio::sync::mpsc;\n",
        ),
        (
            leftovers,
            "models/src/a.rs",
            "//! x\n#[ignore]\nfn a() {}\n",
        ),
        (
            raw_metrics,
            "actors/src/nodes/a.rs",
            "//! x\ncounter!(\"a\").increment(1);\n",
        ),
        (machine, "tests/src/a.rs", "//! x\nlet p = \"/root/x\";\n"),
    ];
    for (rule, path, text) in forbidden {
        assert!(rule(path, text).is_some(), "{path}: {text}");
    }
    let fine =
        "//! burn, sled and tokio in a comment.\n// sled::open would be wrong here.\nfn a() {}\n";
    for rule in RULES {
        assert_eq!(rule("actors/src/operators/a.rs", fine), None);
    }
}
