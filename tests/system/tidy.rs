//! The house rules that can be read off the source. Each says what to do instead.
//!
//! A rule is a value with one example that it must catch and one that it must spare, so no rule can
//! go blind unnoticed. [`rules`] look at one file each, [`workspace`] at how the crates fit together.

mod rules;
mod source;
mod text;
mod workspace;

use self::rules::RULES;
use self::source::{Source, sources};

/// Longer than this, a file has more than one subject.
const LINES_MAX: usize = 400;

/// Files that are too long, with their length when they came on this list. It may only shrink.
const TOO_LONG: [(&str, usize); 0] = [];

/// Files that break a rule, by the rule's name, and were there before it. It may only shrink.
const KNOWN: [(&str, &str); 1] = [
    // A measurement; its place is `benches/`.
    ("every test runs", "actors/src/feeds/generator/tests.rs"),
];

#[test]
fn the_source_keeps_the_rules() {
    let sources = sources();
    assert!(sources.len() > 150, "only {} files found", sources.len());
    let mut findings = Vec::new();
    for rule in RULES {
        for source in &sources {
            let lines = rule.broken_in(source);
            let (path, name) = (&source.path, rule.name);
            let known = KNOWN.contains(&(name, path.as_str()));
            if known && lines.is_empty() {
                findings.push(format!("{path}: cured; strike it off KNOWN"));
            } else if !known {
                let told = |line| format!("{path}:{line}: {name}; {}", rule.instead);
                findings.extend(lines.iter().map(told));
            }
        }
    }
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn every_rule_catches_its_example_and_spares_its_counterexample() {
    for rule in RULES {
        let (path, text) = rule.caught;
        let found = !rule.broken_in(&Source::new(path, text)).is_empty();
        assert!(found, "\"{}\" does not catch:\n{path}: {text}", rule.name);
        let (path, text) = rule.spared;
        let found = !rule.broken_in(&Source::new(path, text)).is_empty();
        assert!(!found, "\"{}\" catches:\n{path}: {text}", rule.name);
    }
}

#[test]
fn no_file_is_too_long_and_those_that_are_shrink() {
    let findings = length_findings(&sources(), &TOO_LONG);
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

#[test]
fn a_file_that_is_too_long_grows_or_was_cured_is_found() {
    let lines = |path: &str, count: usize| Source::new(path, &"\n".repeat(count));
    let listed = [("a.rs", 450), ("b.rs", 450), ("c.rs", 450)];
    let sources = [
        lines("a.rs", 450),
        lines("b.rs", 451),
        lines("c.rs", 400),
        lines("d.rs", 401),
    ];
    let findings = length_findings(&sources, &listed).join("\n");
    assert!(!findings.contains("a.rs"), "{findings}");
    for (path, hint) in [("b.rs", "grew"), ("c.rs", "strike"), ("d.rs", "split")] {
        let found = findings
            .lines()
            .any(|line| line.contains(path) && line.contains(hint));
        assert!(found, "{path}: {findings}");
    }
}

fn length_findings(sources: &[Source], too_long: &[(&str, usize)]) -> Vec<String> {
    let length = |path: &str| {
        sources
            .iter()
            .find(|s| s.path == path)
            .map_or(0, Source::lines)
    };
    let mut findings = Vec::new();
    for (path, listed) in too_long {
        match length(path) {
            now if now <= LINES_MAX => findings.push(format!("{path}: strike it off TOO_LONG")),
            now if now > *listed => {
                findings.push(format!(
                    "{path}: grew from {listed} to {now} lines; split it"
                ));
            }
            _ => {}
        }
    }
    let listed = |source: &&Source| !too_long.iter().any(|(path, _)| *path == source.path);
    for source in sources.iter().filter(|s| s.is_rust()).filter(listed) {
        if source.lines() > LINES_MAX {
            let (path, lines) = (&source.path, source.lines());
            findings.push(format!("{path}: {lines} lines; split it by subject"));
        }
    }
    findings
}
