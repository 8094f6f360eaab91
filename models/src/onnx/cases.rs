//! Models with answers that others computed: `NAME/model.onnx`, `NAME/test_data_set_0/{input,output}_N.pb`, the layout
//! of ONNX's own backend tests.

use std::path::{Path, PathBuf};

use prost::Message;

use super::initializer;
use super::proto::TensorProto;
use super::value::Value;

/// The folder of shared models with ONNX Runtime's answers; `None` (said on stderr) where it is absent.
pub(crate) fn shared() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/onnx/models");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no shared models at {}", folder.display());
    None
}

/// Folder of the committed models.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Folders of the cases, sorted by name.
pub(crate) fn cases(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder of cases");
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    cases.retain(|case| case.join("model.onnx").is_file());
    cases.sort();
    cases
}

/// A case's name.
pub(crate) fn name(case: &Path) -> &str {
    case.file_name()
        .and_then(|name| name.to_str())
        .expect("a name")
}

/// The inputs (`what` = input) or expected outputs (output) of a case.
pub(crate) fn tensors(case: &Path, what: &str) -> Vec<Value> {
    let file = |number: usize| case.join(format!("test_data_set_0/{what}_{number}.pb"));
    let files = (0..).map(file).take_while(|file| file.is_file());
    files
        .map(|file| {
            let bytes = std::fs::read(&file).expect("a tensor file");
            let proto = TensorProto::decode(&*bytes).expect("a tensor");
            initializer::read(&proto).expect("a supported tensor")
        })
        .collect()
}

/// Compares an answer with what is expected: floats within `absolute + relative * |expected|`, all else exactly.
pub(crate) fn compare(answer: Value, expected: Value, tolerance: (f32, f32)) -> Result<(), String> {
    if answer.shape() != expected.shape() {
        return Err(format!(
            "shape {:?}, expected {:?}",
            answer.shape(),
            expected.shape()
        ));
    }
    match (answer, expected) {
        (Value::Float(answer), Value::Float(expected)) => {
            let (answer, expected) = (answer.into_host(), expected.into_host());
            let (answer, expected) = (answer.expect("floats"), expected.expect("floats"));
            let (relative, absolute) = tolerance;
            for (at, (a, e)) in answer.values().iter().zip(expected.values()).enumerate() {
                let near = (a - e).abs() <= absolute + relative * e.abs();
                if !near && a != e && !(a.is_nan() && e.is_nan()) {
                    return Err(format!("element {at} is {a}, expected {e}"));
                }
            }
            Ok(())
        }
        (Value::Int(answer), Value::Int(expected)) => same(answer.values(), expected.values()),
        (Value::Bool(answer), Value::Bool(expected)) => same(answer.values(), expected.values()),
        (Value::Text(answer), Value::Text(expected)) => same(answer.values(), expected.values()),
        (answer, expected) => Err(format!("{}, expected {}", answer.kind(), expected.kind())),
    }
}

fn same<T: PartialEq + std::fmt::Debug>(answer: &[T], expected: &[T]) -> Result<(), String> {
    if answer == expected {
        Ok(())
    } else {
        Err(format!("{answer:?}, expected {expected:?}"))
    }
}
