//! Files that are not what they should be.

use std::fs;
use std::path::Path;

use config::{DeviceChoice, Signature};
use proptest::prelude::*;

use crate::onnx::cases;
use crate::{LoadedModel, Matrix, ModelError, load_file};

/// Writes the bytes as a model, loads it and, if that works, asks it.
fn try_bytes(folder: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let path = folder.join("model.onnx");
    fs::write(&path, bytes).expect("written");
    let model = load_file(&path)?;
    let columns = model.columns();
    let rows = Matrix {
        rows: 3,
        columns,
        values: vec![0.25; 3 * columns],
    };
    model.infer(&rows).map(|_| ())
}

fn bytes_of(name: &str) -> Vec<u8> {
    fs::read(cases::fixtures().join(name).join("model.onnx")).expect("a model")
}

const SMALL: [&str; 8] = [
    "network_softmax",
    "network_softmax_before_13",
    "network_batch_norm",
    "network_fixed_batch",
    "trees_modern",
    "svm",
    "linear",
    "constants",
];

#[test]
fn a_model_in_the_place_of_another_gives_what_that_one_gives_and_nothing_else() {
    let load = || load_file(&cases::fixtures().join("trained_mlp/model.onnx")).expect("a model");
    let whole = load();
    let names = |model: &LoadedModel| -> Vec<String> {
        let outputs = model.signature().outputs.iter();
        outputs.map(|output| output.name.clone()).collect()
    };
    assert_eq!(names(&whole), ["label", "probabilities"]);
    let champion = Signature {
        outputs: whole.signature().outputs[1..].to_vec(),
        ..whole.signature().clone()
    };
    let rows = Matrix {
        rows: 3,
        columns: whole.columns(),
        values: vec![0.25; 3 * whole.columns()],
    };
    let all = whole.infer(&rows).expect("answers");
    let stands_in = load().in_place_of(&champion);
    assert_eq!(names(&stands_in), ["probabilities"]);
    assert_eq!(stands_in.infer(&rows).expect("answers"), all[1..]);
    // Another model altogether stays what it is.
    let other = Signature::default();
    assert_eq!(names(&load().in_place_of(&other)).len(), 2);
}

#[test]
fn a_file_cut_short_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in SMALL {
        let bytes = bytes_of(name);
        for length in (0..bytes.len()).step_by(bytes.len() / 40 + 1) {
            let result = try_bytes(folder.path(), &bytes[..length]);
            assert!(result.is_err(), "{name} cut to {length} bytes");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_file_with_bytes_changed_never_panics(
        name in prop::sample::select(&SMALL[..]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut bytes = bytes_of(name);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Whether it still is a model is not the question.
        let _ = try_bytes(folder.path(), &bytes);
    }
}

#[test]
fn an_operator_that_is_not_supported_is_named_at_load() {
    let mut bytes = bytes_of("network_softmax");
    let at = bytes
        .windows(4)
        .position(|window| window == b"Tanh")
        .expect("its operator");
    bytes[at..at + 4].copy_from_slice(b"Tanz");
    let folder = tempfile::tempdir().expect("a folder");
    let error = try_bytes(folder.path(), &bytes).expect_err("a refusal");
    let ModelError::Unsupported {
        operator,
        domain,
        opset,
        ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (operator.as_str(), domain.as_str(), *opset),
        ("Tanz", "ai.onnx", 17)
    );
    assert!(
        error
            .to_string()
            .contains("uses Tanz of ai.onnx opset 17, which is not supported")
    );
}

#[test]
fn a_model_of_text_is_refused_with_its_input() {
    let error = load_file(&cases::fixtures().join("preprocessing/model.onnx")).expect_err("text");
    assert!(error.to_string().contains("takes text"), "{error}");
}

#[test]
fn a_gpu_that_is_not_there_is_an_error_and_auto_takes_the_cpu() {
    use crate::device::Device;
    assert!(Device::choose(DeviceChoice::Auto).is_ok());
    if cfg!(not(feature = "gpu")) {
        let error = Device::choose(DeviceChoice::Gpu).expect_err("built without");
        assert!(error.to_string().contains("built without the feature gpu"));
    }
}

#[test]
fn inputs_side_by_side_share_the_columns_of_a_row() {
    let case = cases::fixtures().join("network_two_inputs");
    let model = load_file(&case.join("model.onnx")).expect("a model");
    let inputs = cases::tensors(&case, "input").into_iter();
    let [a, b] = <[_; 2]>::try_from(
        inputs
            .map(|value| value.into_numbers().expect("numbers"))
            .collect::<Vec<_>>(),
    )
    .expect("two");
    let mut values = Vec::new();
    for row in 0..a.shape()[0] {
        values.extend_from_slice(&a.values()[row * 2..row * 2 + 2]);
        values.extend_from_slice(&b.values()[row * 3..row * 3 + 3]);
    }
    let rows = Matrix {
        rows: a.shape()[0],
        columns: 5,
        values,
    };
    let answer = model.infer(&rows).expect("an answer").remove(0);
    let expected = cases::tensors(&case, "output")
        .remove(0)
        .into_numbers()
        .expect("numbers");
    let crate::TensorData::Float32(answer) = answer.data else {
        panic!("floats")
    };
    for (a, e) in answer.iter().zip(expected.values()) {
        assert!((a - e).abs() <= 1e-6 + 1e-5 * e.abs(), "{a} {e}");
    }
}
