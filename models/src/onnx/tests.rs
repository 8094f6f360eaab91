//! Whole models against ONNX Runtime's answers.

use std::path::Path;

use super::{cases, plan};
use crate::device::Device;

/// Runs a case on the CPU; the message of what differs.
fn run(case: &Path, tolerance: (f32, f32)) -> Result<(), String> {
    run_on(&Device::cpu(), case, tolerance)
}

fn run_on(device: &Device, case: &Path, tolerance: (f32, f32)) -> Result<(), String> {
    let path = case.join("model.onnx");
    let bytes = std::fs::read(&path).map_err(|error| error.to_string())?;
    let plan = plan(&bytes, &path, device).map_err(|error| error.to_string())?;
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
    let mut differences = Vec::new();
    for (number, (answer, expected)) in answers.into_iter().zip(expected).enumerate() {
        if let Err(difference) = cases::compare(answer, expected, tolerance) {
            differences.push(format!("{}: {difference}", plan.output_names()[number]));
        }
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("; "))
    }
}

#[test]
fn committed_models_answer_as_onnx_runtime_does() {
    let mut differences = Vec::new();
    for case in cases::cases(&cases::fixtures()) {
        if let Err(difference) = run(&case, (1e-5, 1e-6)) {
            differences.push(format!("{}: {difference}", cases::name(&case)));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn models_trained_here_answer_as_onnx_runtime_does() {
    let mut differences = Vec::new();
    let mut cases = cases::cases(&cases::fixtures());
    cases.retain(|case| cases::name(case).starts_with("trained_"));
    assert_eq!(cases.len(), 4);
    for case in cases {
        if let Err(difference) = run(&case, (1e-6, 1e-6)) {
            differences.push(format!("{}: {difference}", cases::name(&case)));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
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

/// The adapter may be a software one: the kernels are the same.
#[cfg(feature = "gpu")]
#[test]
fn networks_answer_the_same_on_an_adapter() {
    let Some(device) = Device::any_adapter() else {
        eprintln!("SKIPPED: wgpu finds no adapter on this machine");
        return;
    };
    let networks = cases::cases(&cases::fixtures()).into_iter();
    let networks = networks.filter(|case| cases::name(case).starts_with("network_"));
    for case in networks.chain(cases::shared().map(|folder| folder.join("bench_ffnn_784"))) {
        run_on(&device, &case, (1e-4, 1e-5)).expect(cases::name(&case));
    }
}

/// ONNX's own node tests, which its Python package writes:
///
/// ```text
/// THALWEG_NODE_TESTS=folder cargo test -p thalweg-models node_tests
/// ```
#[test]
fn node_tests_of_supported_operators_pass() {
    let Ok(folder) = std::env::var("THALWEG_NODE_TESTS") else {
        eprintln!("SKIPPED: THALWEG_NODE_TESTS names no folder of ONNX's node tests");
        return;
    };
    let index = std::fs::read(Path::new(&folder).join("index.json")).expect("an index");
    let index: serde_json::Value = serde_json::from_slice(&index).expect("JSON");
    let (mut passed, mut unsupported, mut differences) = (0, 0, Vec::new());
    for case in index.as_array().expect("a list") {
        let name = case["name"].as_str().expect("a name");
        #[expect(
            clippy::cast_possible_truncation,
            reason = "tolerances are small numbers"
        )]
        let tolerance = |key: &str| case[key].as_f64().expect("a tolerance") as f32;
        match run(
            &Path::new(&folder).join(name),
            (tolerance("rtol"), tolerance("atol")),
        ) {
            Ok(()) => passed += 1,
            // Nor are empty tensors, truth values in reductions, and models without inputs.
            Err(_)
                if ["_empty_set", "_bool", "test_constant"]
                    .iter()
                    .any(|part| name.contains(part)) =>
            {
                unsupported += 1;
            }
            Err(text) if text.contains("not supported") => unsupported += 1,
            Err(text) => differences.push(format!("{name}: {text}")),
        }
    }
    eprintln!(
        "{passed} passed, {unsupported} not supported, {} differ",
        differences.len()
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
