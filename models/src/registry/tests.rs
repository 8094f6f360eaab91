//! Folders as people lay them out.

use std::fs;
use std::path::Path;

use config::{ModelSignatures, VersionChoice};

use super::{ModelFolders, resolve};
use crate::onnx::cases;

/// A folder with these versions of a real model.
fn folder(versions: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let model = cases::fixtures().join("network_sigmoid/model.onnx");
    for version in versions {
        fs::create_dir(folder.path().join(version)).expect("a folder");
        fs::copy(&model, folder.path().join(version).join("model.onnx")).expect("a copy");
    }
    folder
}

fn alias(name: &str) -> VersionChoice {
    VersionChoice::Alias(name.into())
}

fn refusal(folder: &Path, choice: &VersionChoice) -> String {
    resolve(folder, choice).expect_err("a refusal").to_string()
}

#[test]
fn the_latest_version_is_the_highest_number() {
    let folder = folder(&["9", "10", "2"]);
    fs::create_dir(folder.path().join("11")).expect("a folder without a model");
    fs::create_dir(folder.path().join("notes")).expect("a folder that is no version");
    assert_eq!(
        resolve(folder.path(), &VersionChoice::Latest).expect("a version"),
        10
    );
}

#[test]
fn a_version_that_the_gate_refused_is_not_the_latest() {
    let folder = folder(&["1", "2", "3"]);
    let refused = "[training]\ntrainer = \"thalweg\"\n[training.verdict]\npromoted = false\nnumbers = {}\nreasons = []\n";
    let resolved = || resolve(folder.path(), &VersionChoice::Latest);
    fs::write(folder.path().join("3/model.toml"), refused).expect("written");
    assert_eq!(resolved().expect("a version"), 2);
    // Whoever means it can have it.
    let meant = resolve(folder.path(), &VersionChoice::Number(3));
    assert_eq!(meant.expect("a version"), 3);
    for version in ["1", "2"] {
        fs::write(folder.path().join(version).join("model.toml"), refused).expect("written");
    }
    let error = resolved().expect_err("a refusal").to_string();
    assert!(error.contains("the gate refused every version that it has; there is 1, 2, 3"));
}

#[test]
fn an_alias_names_a_version_that_must_be_there() {
    let folder = folder(&["3", "4"]);
    fs::write(
        folder.path().join("aliases.toml"),
        "champion = 3\ngone = 7\n",
    )
    .expect("written");
    assert_eq!(
        resolve(folder.path(), &alias("champion")).expect("a version"),
        3
    );
    assert!(refusal(folder.path(), &alias("gone")).contains("no version 7; there is 3, 4"));
    assert!(refusal(folder.path(), &alias("other")).contains("no alias \"other\""));
}

#[test]
fn what_is_missing_is_said_with_what_there_is() {
    let empty = folder(&[]);
    assert!(
        refusal(empty.path(), &VersionChoice::Latest).contains("it has no version; there is none")
    );
    let one = folder(&["1"]);
    assert!(refusal(one.path(), &VersionChoice::Number(2)).contains("no version 2; there is 1"));
    let absent = one.path().join("absent");
    assert!(refusal(&absent, &VersionChoice::Latest).contains("cannot read"));
}

#[test]
fn settings_that_break_the_rules_are_refused_with_their_place() {
    let folder = folder(&["1"]);
    let settings = folder.path().join("1/model.toml");
    let signature = || ModelFolders.signature(folder.path(), &VersionChoice::Latest);
    fs::write(&settings, "features = [\"a\", \"b\"]\n").expect("written");
    assert!(
        signature()
            .expect_err("2 of 5")
            .contains("lists 2 features, the model takes 5")
    );
    fs::write(&settings, "feature = []\n").expect("written");
    assert!(
        signature()
            .expect_err("a typo")
            .contains("unknown field `feature`")
    );
    fs::write(folder.path().join("aliases.toml"), "champion = \"3\"\n").expect("written");
    assert!(refusal(folder.path(), &alias("champion")).contains("aliases.toml"));
}

#[test]
fn a_signature_tells_names_types_and_sizes() {
    let folder = folder(&["1"]);
    let features = "features = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n[training]\nseed = 7\n";
    fs::write(folder.path().join("1/model.toml"), features).expect("written");
    let signature = ModelFolders
        .signature(folder.path(), &VersionChoice::Latest)
        .expect("a signature");
    assert_eq!(signature.features, ["a", "b", "c", "d", "e"]);
    assert_eq!(signature.inputs[0].name, "x");
    assert_eq!(signature.inputs[0].shape, [None, Some(5)]);
    assert_eq!(signature.outputs[0].name, "a2");
    assert_eq!(signature.outputs[0].shape, [None, Some(1)]);
}
