//! `thalweg drift`: the commands of docs/drift.md with the answers printed there, and what is refused.

use std::path::Path;
use std::process::Command;

use super::topic::feed;
use super::{fails, ok, repository, text};
use tests::crash::binary;
use tests::daemon::{run, told};

/// Each `sh` block of docs/drift.md, with the `text` block right behind it, if there is one.
fn examples() -> Vec<(String, Option<String>)> {
    let page = std::fs::read_to_string(repository().join("docs/drift.md")).expect("a page");
    let blocks = page.split("```sh\n").skip(1);
    let example = |block: &str| {
        let (commands, rest) = block.split_once("```").expect("a block ends");
        let answer = rest.trim_start().strip_prefix("```text\n");
        let answer = answer.and_then(|rest| rest.split_once("```"));
        (commands.to_owned(), answer.map(|(text, _)| text.to_owned()))
    };
    blocks.map(example).collect()
}

fn shell(commands: &str, folder: &Path) -> String {
    let thalweg = binary().expect("a binary");
    let commands = commands.replace("target/release/thalweg", &text(&thalweg));
    let output = Command::new("sh")
        .args(["-ec", &commands])
        .current_dir(folder)
        .output();
    let (code, out, errors) = told(output.expect("a shell"));
    assert_eq!(code, 0, "{commands}: {errors}");
    out
}

#[test]
fn the_commands_of_the_drift_page_answer_as_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let examples = examples();
    assert!(examples.len() >= 4, "{examples:?}");
    for (commands, answer) in examples {
        let out = shell(&commands, folder.path());
        if let Some(answer) = answer {
            assert_eq!(out, answer, "{commands}");
        }
    }
}

#[test]
fn numbers_come_from_a_file_a_column_or_standard_input_and_are_counted_from_zero() {
    let folder = tempfile::tempdir().expect("a folder");
    let step = |i: usize| usize::from(i >= 300) * 5;
    let lines: String = (0..600).map(|i| format!("{}\n", step(i))).collect();
    let rows: String = (0..600).map(|i| format!("r{i},{}\n", step(i))).collect();
    let (plain, table) = (folder.path().join("plain"), folder.path().join("table.csv"));
    std::fs::write(&plain, &lines).expect("written");
    std::fs::write(&table, format!("id,x\n{rows}")).expect("written");
    let adwin = ["drift", "--detector", "adwin"];
    let expected = ok(&[&adwin[..], &[&text(&plain)]].concat());
    assert_eq!(expected, "319\n");
    assert_eq!(
        ok(&[&adwin[..], &["--column", "x", &text(&table)]].concat()),
        expected
    );
    assert_eq!(feed(&[&adwin[..], &["-"]].concat(), &lines), expected);
    let json = ok(&[&adwin[..], &["--format", "json", &text(&plain)]].concat());
    let report: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(report["drift"], serde_json::json!([319]));
    assert_eq!(report["values"], 600);
}

#[test]
fn a_column_that_never_changes_prints_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("zeros");
    std::fs::write(&file, "0\n".repeat(500)).expect("written");
    assert_eq!(ok(&["drift", "--detector", "ddm", &text(&file)]), "");
}

#[test]
fn what_cannot_be_watched_is_refused_with_line_cause_and_cure() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        text(&path)
    };
    let drift = |rest: &[&str], code, says: &[&str]| {
        fails(&[&["drift", "--detector"], rest].concat(), code, says);
    };
    let good = file("good", "0\n1\n");
    drift(
        &["cusum", &good],
        2,
        &["there is no detector \"cusum\"", "hint: choose adwin"],
    );
    drift(
        &["adwin", "--set", "gamma=1", &good],
        2,
        &["has no parameter \"gamma\"", "--list"],
    );
    drift(
        &["adwin", "--set", "delta=7", &good],
        2,
        &["delta = 7 is not a number above 0"],
    );
    drift(
        &["adwin", "--set", "delta", &good],
        2,
        &["\"delta\" is not NAME=VALUE"],
    );
    drift(
        &["ddm", "--input", "value", &good],
        2,
        &["watches errors (0 or 1)"],
    );
    drift(&["adwin", "/nowhere"], 69, &["cannot read \"/nowhere\""]);
    let bad = file("bad", "1\n\n0\nmany\n");
    drift(
        &["ddm", &bad],
        65,
        &["line 4: \"many\" is not a number", "one number a line"],
    );
    let half = file("half", "1\n0.5\n");
    drift(&["ddm", &half], 65, &["line 2: 0.5 is not an error"]);
    let nan = file("nan", "1\nNaN\n");
    drift(
        &["kswin", &nan],
        65,
        &["line 2: NaN is not a finite number"],
    );
    let table = file("table.csv", "id,x\n1,2\n");
    drift(&["adwin", &table], 65, &["line 1", "--column NAME"]);
    drift(
        &["adwin", "--column", "y", &table],
        65,
        &["no column \"y\"; it has id, x"],
    );
    drift(
        &["adwin", "--calibrate", "0.001", &good],
        2,
        &["2 values", "collect more"],
    );
    let (code, _, errors) = run(&["drift"]);
    assert_eq!(code, 2, "{errors}");
}
