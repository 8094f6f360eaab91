//! Commands that run nothing: validate, plan, graph, init, schema, completions.

use serde_json::Value;

use super::{card_fraud, fails, ok, payments, repository, text};
use crate::http::till;
use tests::daemon::run;

#[test]
fn validate_tells_all_problems_of_all_files_and_ends_with_78() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, from: &str, to: &str| {
        let whole = std::fs::read_to_string(till()).expect("the topology");
        let path = dir.path().join(name);
        std::fs::write(&path, whole.replace(from, to)).expect("written");
        text(&path)
    };
    let typo = write("typo.toml", "where = ", "wher = ");
    let column = write("column.toml", "total >= 100", "totl >= 100");
    let good = text(&till());
    assert!(ok(&["validate", &good, &card_fraud()]).contains("topology \"card-fraud\" is valid"));

    let (code, out, errors) = run(&["validate", &typo, &good, &column]);
    assert_eq!(code, 78);
    assert!(out.contains("topology \"till\" is valid"), "{out}");
    assert!(
        errors.contains("typo.toml:") && errors.contains("column.toml:"),
        "{errors}"
    );
    assert!(
        errors.contains("where") && errors.contains("total"),
        "hints: {errors}"
    );

    let (code, out, _) = run(&["validate", &typo, &good, &column, "--format", "json"]);
    assert_eq!(code, 78);
    let problems: Value = serde_json::from_str(&out).expect("JSON");
    let files: Vec<&str> = problems
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|problem| problem["location"]["file"].as_str())
        .collect();
    assert!(
        files.contains(&&*typo) && files.contains(&&*column),
        "{out}"
    );
    assert_eq!(ok(&["validate", &good, "--format", "json"]).trim(), "[]");
}

#[test]
fn plan_says_what_is_there_and_what_becomes_of_state() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = text(&dir.path().join("data"));
    let till = text(&till());
    let fresh = ok(&["plan", &till, "--data-dir", &data]);
    assert_eq!(fresh.matches("to create").count(), 4, "{fresh}");
    assert!(
        fresh.contains("begins without state") && fresh.contains("root"),
        "{fresh}"
    );
    assert!(
        !std::path::Path::new(&data).exists(),
        "a plan makes nothing"
    );

    ok(&[
        "run",
        &till,
        "--data-dir",
        &data,
        "--listen",
        "none",
        "--until-caught-up",
    ]);
    let used = ok(&["plan", &till, "--data-dir", &data, "--format", "json"]);
    let used: Value = serde_json::from_str(&used).expect("JSON");
    let topics = used["topics"].as_array().expect("topics");
    assert!(
        topics.iter().all(|topic| topic["state"] == "there"),
        "{topics:?}"
    );
    assert_eq!(used["state"][0]["operator"], "history");
    assert_eq!(used["state"][0]["state"], "kept");

    let renamed = std::fs::read_to_string(&till).expect("the topology");
    let renamed = renamed
        .replace("\"history\"", "\"past\"")
        .replace("partitions = 2", "partitions = 3");
    let other = text(&dir.path().join("other.toml"));
    std::fs::write(&other, renamed).expect("written");
    let plan = ok(&["plan", &other, "--data-dir", &data]);
    for told in [
        "no longer used",
        "begins without state",
        "differs in partitions",
    ] {
        assert!(plan.contains(told), "{told} in {plan}");
    }
    // What the plan said would not start does not, and the cure is told, once.
    let told = [
        " has 2 partitions, not 3",
        "hint: set the node's `partitions`",
    ];
    fails(
        &["run", &other, "--data-dir", &data, "--listen", "none"],
        69,
        &told,
    );
}

#[test]
fn graphs_name_every_node_in_each_language() {
    for example in ["card-fraud", "sensor-anomaly"] {
        let file = text(
            &repository()
                .join("examples")
                .join(example)
                .join("topology.toml"),
        );
        let json: Value =
            serde_json::from_str(&ok(&["graph", &file, "--format", "json"])).expect("JSON");
        let mermaid = ok(&["graph", &file]);
        let dot = ok(&["graph", &file, "--format", "dot"]);
        assert!(
            mermaid.starts_with("flowchart LR\n") && dot.starts_with("digraph "),
            "{mermaid}"
        );
        for node in json["nodes"].as_array().expect("nodes") {
            let id = node["id"].as_str().expect("an id");
            assert!(mermaid.contains(&format!("  {id}")), "{id} in {mermaid}");
            assert!(dot.contains(&format!("  \"{id}\" [")), "{id} in {dot}");
        }
    }
}

#[test]
fn what_init_writes_is_valid_runs_and_is_never_overwritten() {
    let dir = tempfile::tempdir().expect("a folder");
    let (made, data) = (
        text(&dir.path().join("mine")),
        text(&dir.path().join("data")),
    );
    let said = ok(&["init", &made]);
    let file = format!("{made}/topology.toml");
    assert!(said.contains(&format!("thalweg run {file}")), "{said}");
    ok(&["validate", &file]);
    let feed = "source.readings.feed={ kind = \"generator\", profile = \"sensor\", seed = 1, records = 5000 }";
    ok(&[
        "run",
        &file,
        "--data-dir",
        &data,
        "--listen",
        "none",
        "--until-caught-up",
        "--set",
        feed,
    ]);
    let topics = ok(&[
        "topic",
        "describe",
        "readings",
        "--data-dir",
        &data,
        "--format",
        "json",
    ]);
    let topic: Value = serde_json::from_str(&topics).expect("JSON");
    let ends = topic["partitions"].as_array().expect("partitions").iter();
    assert_eq!(
        ends.filter_map(|range| range[1].as_i64()).sum::<i64>(),
        5000
    );
    assert!(
        !ok(&["topic", "read", "alerts", "--data-dir", &data]).is_empty(),
        "something is odd"
    );
    fails(
        &["init", &made],
        2,
        &["is there already", "hint: remove it"],
    );
}

#[test]
fn schema_and_completions_are_printed() {
    let schema: Value = serde_json::from_str(&ok(&["schema"])).expect("JSON");
    assert!(schema["properties"]["source"].is_object(), "{schema}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            ok(&["completions", shell]).contains("dead-letter"),
            "{shell}"
        );
    }
}

#[test]
fn wrong_arguments_end_with_2_and_a_wrong_file_with_78() {
    let till = text(&till());
    fails(
        &["run", &till, "--listen", "0.0.0.0:80"],
        2,
        &["only loopback"],
    );
    fails(
        &["run", &till, "--listen", "here"],
        2,
        &["not an address such as"],
    );
    fails(
        &["topic", "read", "t", "--limit", "0"],
        2,
        &["a limit is a whole number from 1 on"],
    );
    fails(
        &["topic", "read", "t", "--from=-1"],
        2,
        &["an offset is a whole number from 0 on"],
    );
    fails(
        &["grpah", &till],
        2,
        &["a similar subcommand exists: 'graph'"],
    );
    for command in ["plan", "graph", "run"] {
        fails(&[command, "/nowhere/topology.toml"], 78, &["cannot read"]);
        fails(
            &[command, &till, "--set", "epoch.intervall=1s"],
            78,
            &["unknown key \"intervall\""],
        );
    }
    fails(
        &[
            "run",
            &card_fraud(),
            "--set",
            &payments(1),
            "--set",
            "name=Wrong Name",
        ],
        78,
        &["\"Wrong Name\" is not an id"],
    );
}
