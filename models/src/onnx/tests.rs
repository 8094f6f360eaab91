//! Whole models against ONNX Runtime's answers.

use std::path::Path;

use super::{cases, plan};
use crate::device::Device;

/// Runs a case; the message of what differs.
fn run(case: &Path, tolerance: (f32, f32)) -> Result<(), String> {
    let path = case.join("model.onnx");
    let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
    let plan = plan(&bytes, &path, &Device::cpu()).map_err(|error| error.to_string())?;
    let answers = plan
        .run(cases::tensors(case, "input"))
        .map_err(|error| error.to_string())?;
    let expected = cases::tensors(case, "output");
    if answers.len() != expected.len() {
        return Err(format!(
            "{} outputs, expected {}",
            answers.len(),
            expected.len()
        ));
    }
    for (number, (answer, expected)) in answers.into_iter().zip(expected).enumerate() {
        cases::compare(answer, expected, tolerance)
            .map_err(|difference| format!("output {number}: {difference}"))?;
    }
    Ok(())
}

/// Models with operators that are not run yet.
fn is_beyond(name: &str) -> bool {
    let recurrent_or_convolutional = ["lstm", "gru", "cnn1d"];
    recurrent_or_convolutional
        .iter()
        .any(|part| name.contains(part))
        || name == "sk_knn_iris"
}

#[test]
fn shared_models_answer_as_onnx_runtime_does() {
    let Some(folder) = cases::shared() else {
        return;
    };
    let mut differences = Vec::new();
    for case in cases::cases(&folder) {
        let name = cases::name(&case);
        if !is_beyond(name)
            && let Err(difference) = run(&case, (1e-5, 1e-6))
        {
            differences.push(format!("{name}: {difference}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
