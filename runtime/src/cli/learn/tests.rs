//! From a file of rows to a judged version, and to its measures.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::error::LearnError;
use super::{evaluate, train};

#[test]
fn the_command_line_as_a_whole_contradicts_itself_nowhere() {
    use clap::CommandFactory;
    crate::cli::Arguments::command().debug_assert();
    let of_version = [
        "thalweg",
        "evaluate",
        "--version",
        "3",
        "--from-file",
        "rows.csv",
    ];
    assert!(crate::cli::Arguments::try_parse_from(of_version).is_ok());
}

#[derive(Parser)]
struct Train {
    #[command(flatten)]
    arguments: train::TrainArguments,
}

#[derive(Parser)]
struct Evaluate {
    #[command(flatten)]
    arguments: evaluate::EvaluateArguments,
}

/// A folder with `rows.csv`: label `y` is 1 where `a` is above `b`, which `noise` of the rows turn over.
fn rows(noise: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = String::from("ts,a,b,country,y\n");
    // The latest rows first: only --time puts them in order.
    for row in (0..2_000_u32).rev() {
        let (a, b) = (row * 7_919 % 101, row * 104_729 % 97);
        let is_turned = row * 31 % 100 < noise;
        let label = if row % 50 == 0 {
            String::new()
        } else {
            u8::from((a > b) != is_turned).to_string()
        };
        let country = ["AT", "CH"][usize::from(row % 3 == 0)];
        let b = if row % 40 == 1 {
            String::new()
        } else {
            b.to_string()
        };
        writeln!(text, "{row},{a},{b},{country},{label}").expect("a text");
    }
    std::fs::write(folder.path().join("rows.csv"), text).expect("a file");
    folder
}

fn run(folder: &Path, flags: &[&str]) -> Result<train::Outcome, LearnError> {
    let (file, out) = (folder.join("rows.csv"), folder.join("model"));
    let (file, out) = (file.to_str().expect("text"), out.to_str().expect("text"));
    let common = ["train", "--from-file", file, "--out", out, "--time", "ts"];
    let arguments = common.iter().chain(flags).copied();
    train::carry_out(&Train::parse_from(arguments).arguments)
}

const LOGISTIC: [&str; 8] = [
    "--arch",
    "logistic",
    "--label",
    "y",
    "--features",
    "a,b",
    "--learning-rate",
    "0.01",
];

fn reasons(outcome: &train::Outcome) -> Vec<&str> {
    let reasons = outcome
        .verdict
        .reasons
        .iter()
        .filter(|reason| !reason.passed);
    reasons.map(|reason| reason.check.as_str()).collect()
}

#[test]
fn a_file_of_rows_becomes_a_judged_version() {
    let folder = rows(5);
    let outcome = run(folder.path(), &LOGISTIC).expect("an outcome");
    assert!(outcome.verdict.promoted, "{}", outcome.verdict.words());
    assert_eq!(outcome.unlabelled, 40);
    assert_eq!(
        (outcome.record.rows, outcome.record.holdout_rows),
        (1_568, 392)
    );
    // In the order of time, whatever the file's.
    assert_eq!(outcome.record.time.expect("times")[0], 1);
    assert!(outcome.record.time.expect("times")[1] < 1_700);
    let version = outcome.written.expect("a version");
    assert_eq!(version, folder.path().join("model/1"));
    let record = models::train::TrainingRecord::read(&folder.path().join("model"), 1);
    assert_eq!(record.expect("a record"), Some(outcome.record));
}

#[test]
fn a_model_that_is_no_better_than_the_champion_is_kept_and_refused() {
    let folder = rows(5);
    let topology = topology(folder.path());
    let file = folder.path().join("rows.csv");
    let train = || {
        let arguments = [
            "train",
            topology.to_str().expect("text"),
            "--from-file",
            file.to_str().expect("text"),
            "--time",
            "ts",
        ];
        train::carry_out(&Train::parse_from(arguments).arguments).expect("an outcome")
    };
    assert!(train().verdict.promoted);
    let second = train();
    assert_eq!(reasons(&second), ["better"]);
    assert_eq!(second.record.parent, Some(1));
    assert!(
        second
            .written
            .expect("a version")
            .join("model.onnx")
            .is_file()
    );
    // The refused version is not the champion of the next training.
    assert_eq!(train().record.parent, Some(1));
}

/// A topology with a model that has no version yet, and an operator that feeds it.
fn topology(folder: &Path) -> PathBuf {
    let path = folder.join("topology.toml");
    let text = "
version = 1
name = \"t\"
[[source]]
id = \"rows\"
topic = \"rows\"
format = \"json\"
[source.schema]
a = \"float64\"
b = \"float64\"
[[operator]]
id = \"score\"
kind = \"infer\"
input = \"rows\"
model = \"m\"
features = [\"a\", \"b\"]
outputs = { score = \"probabilities[1]\" }
[[model]]
id = \"m\"
path = \"models\"
[model.train]
arch = \"logistic\"
label = \"y\"
learning-rate = 0.01
[[sink]]
id = \"out\"
input = \"score\"
topic = \"scored\"
format = \"json\"
";
    std::fs::write(&path, text).expect("a file");
    path
}

#[test]
fn labels_of_pure_chance_give_a_refused_version() {
    let folder = rows(50);
    let outcome = run(folder.path(), &LOGISTIC).expect("an outcome");
    assert_eq!(reasons(&outcome), ["better"], "{}", outcome.verdict.words());
}

#[test]
fn a_version_is_measured_as_a_whole_and_by_slice() {
    let folder = rows(5);
    run(folder.path(), &LOGISTIC).expect("an outcome");
    let (file, path) = (folder.path().join("rows.csv"), folder.path().join("model"));
    let arguments = Evaluate::parse_from([
        "evaluate",
        "--from-file",
        file.to_str().expect("text"),
        "--path",
        path.to_str().expect("text"),
        "--version",
        "1",
        "--slice",
        "country",
    ]);
    let (model, reports) = evaluate::carry_out(&arguments.arguments).expect("reports");
    assert_eq!(model.version(), 1);
    let names: Vec<&str> = reports.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["all", "country=AT", "country=CH"]);
    assert_eq!(reports[0].1.rows, reports[1].1.rows + reports[2].1.rows);
    for (_, report) in &reports {
        assert!(
            report
                .get("accuracy")
                .is_some_and(|accuracy| accuracy > 0.9)
        );
    }
}

#[test]
fn an_autoencoder_needs_no_label_and_is_judged_by_one_if_there_is() {
    let folder = rows(5);
    let flags = [
        "--arch",
        "autoencoder",
        "--hidden",
        "1",
        "--features",
        "a,b",
        "--epochs",
        "3",
    ];
    let outcome = run(folder.path(), &flags).expect("an outcome");
    assert!(outcome.verdict.words().contains("only soundness"));
    let labelled: Vec<&str> = flags.iter().copied().chain(["--label", "y"]).collect();
    let outcome = run(folder.path(), &labelled).expect("an outcome");
    assert!(outcome.verdict.numbers.contains_key("challenger-roc-auc"));
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let folder = rows(5);
    let told = |flags: &[&str]| {
        let error = run(folder.path(), flags).err().expect("a refusal");
        error.to_string()
    };
    assert!(told(&["--label", "y"]).contains("nothing says how to train"));
    assert!(told(&["--arch", "mlp"]).contains("--label names its column"));
    let flags = ["--arch", "mlp", "--label", "z", "--features", "a"];
    assert!(told(&flags).contains("has no column \"z\"; it has ts, a, b, country, y"));
    let flags = ["--arch", "mlp", "--label", "y", "--features", "country"];
    assert!(
        told(&flags).contains("rows.csv line 2: \"country\" is \"AT\", no number")
            || told(&flags).contains("\"country\" is \"CH\", no number")
    );
}
