//! Models for other programs to answer with.

use super::*;

/// With `BLESS` in the environment: writes `model.onnx` of the fixtures `trained_*`; `models/tests/fixtures/make_trained.py` then records what ONNX
/// Runtime answers to them.
#[test]
fn the_fixtures_are_made_anew_where_that_is_asked_for() {
    if std::env::var_os("BLESS").is_none() {
        return;
    }
    let folder = crate::onnx::cases::fixtures();
    let write = |name: &str, trained: &Trained| {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("model.onnx"), trained.onnx()).expect("a file");
    };
    let short = |architecture| TrainSettings {
        epochs: 20,
        ..settings(architecture)
    };
    let rows = exclusive_or(1_000);
    write(
        "trained_mlp",
        &train(&rows, short(mlp(&[8, 4]))).expect("a model"),
    );
    let three = drawn(1_000, 2, |row, _| {
        f32::from(row[0] > 0.0) + f32::from(row[1] > 0.0)
    });
    let logistic = train(&three, short(Architecture::Logistic)).expect("a model");
    write("trained_logistic", &logistic);
    let line = drawn(1_000, 2, |row, _| row[0] - row[1]);
    write(
        "trained_linear",
        &train(&line, short(Architecture::Linear)).expect("a model"),
    );
    let shape = Architecture::Autoencoder {
        hidden: vec![4, 2, 4],
    };
    write(
        "trained_autoencoder",
        &train(&rows, short(shape)).expect("a model"),
    );
}
