//! Wrong topologies, one of each kind: `tests/wrong/*.toml`, each beginning with what must be found.
//!
//! A line `#! code | line | message | hint` names one problem: its code, its line (0: none), and
//! parts of its message and hint. Nothing else may be found.

use std::path::{Path, PathBuf};

use crate::Problem;
use crate::code::Code;
use crate::fixtures::load_str;

struct Expected {
    code: String,
    line: usize,
    message: String,
    hint: String,
}

impl Expected {
    fn parse(line: &str) -> Self {
        let mut parts = line.split('|').map(|part| part.trim().to_owned());
        let mut next = || parts.next().unwrap_or_default();
        Self {
            code: next(),
            line: next().parse().expect("a line number"),
            message: next(),
            hint: next(),
        }
    }

    fn is(&self, problem: &Problem) -> bool {
        problem.code == self.code
            && problem.location.as_ref().map_or(0, |place| place.line) == self.line
            && problem.message.contains(&self.message)
            && problem
                .hint
                .as_deref()
                .unwrap_or_default()
                .contains(&self.hint)
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong");
    let entries = std::fs::read_dir(folder).expect("the folder is part of the repository");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

#[test]
fn each_wrong_topology_is_told_what_is_wrong_with_it_and_nothing_else() {
    let mut failures = Vec::new();
    for file in files() {
        let text = std::fs::read_to_string(&file).expect("a text");
        let expected: Vec<Expected> = text
            .lines()
            .filter_map(|line| line.strip_prefix("#!"))
            .map(Expected::parse)
            .collect();
        assert!(!expected.is_empty(), "{} expects nothing", file.display());
        match load_str(&text) {
            Ok(_) => failures.push(format!("{}: loads", file.display())),
            Err(problems) => {
                let as_told = expected.iter().all(|e| problems.0.iter().any(|p| e.is(p)));
                if !as_told || problems.0.len() != expected.len() {
                    failures.push(format!("{}:\n{problems}", file.display()));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn there_are_wrong_topologies_of_more_than_40_kinds_and_of_nearly_every_code() {
    let texts: Vec<String> = files()
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("a text"))
        .collect();
    assert!(texts.len() > 40);
    // These need files beside the topology, or `--set`: they are tested in `load`.
    let elsewhere = [Code::INCLUDE, Code::OVERRIDE];
    for (code, _) in Code::ALL
        .iter()
        .filter(|(code, _)| !elsewhere.contains(code))
    {
        let line = format!("#! {} |", code.0);
        assert!(texts.iter().any(|text| text.contains(&line)), "{}", code.0);
    }
}
