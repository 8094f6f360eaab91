//! Models and files that several tests share.

use std::path::{Path, PathBuf};

use crate::{
    Element, LoadOptions, ModelSignatures, Monitor, Problems, Signature, TensorSpec, Topology,
    VersionChoice, load, load_text,
};

/// The models that test topologies name, by the last part of their path.
pub(crate) struct Models;

impl ModelSignatures for Models {
    fn monitor(&self, monitor: &Monitor) -> Result<(), String> {
        let known = monitor
            .parameters
            .iter()
            .all(|(name, _)| &**name == "delta");
        match &*monitor.detector {
            "adwin" if known => Ok(()),
            "adwin" => Err("adwin has no such parameter".into()),
            other => Err(format!("there is no detector \"{other}\"")),
        }
    }

    fn signature(&self, folder: &Path, _: &VersionChoice) -> Result<Signature, String> {
        let tensor = |name: &str, element, shape: &[Option<usize>]| TensorSpec {
            name: name.into(),
            element,
            shape: shape.to_vec(),
        };
        let float = Element::Float32;
        match folder.file_name().and_then(|name| name.to_str()) {
            // A classifier as skl2onnx writes it.
            Some("fraud") => Ok(Signature {
                inputs: vec![tensor("X", float, &[None, Some(12)])],
                outputs: vec![
                    tensor("label", Element::Int64, &[None]),
                    tensor("probabilities", float, &[None, Some(2)]),
                ],
                features: Vec::new(),
            }),
            // A network with the names of its features, and an output of free size.
            Some("named") => Ok(Signature {
                inputs: vec![tensor("X", float, &[None, Some(2)])],
                outputs: vec![
                    tensor("y", float, &[None, Some(1)]),
                    tensor("attention", float, &[None, None]),
                    tensor("words", Element::String, &[None, Some(3)]),
                ],
                features: vec!["amount".into(), "hour".into()],
            }),
            Some("ffnn") => Ok(Signature {
                inputs: vec![tensor("input", float, &[None, Some(784)])],
                outputs: vec![tensor("output", float, &[None, Some(10)])],
                features: Vec::new(),
            }),
            Some("pair") => Ok(Signature {
                inputs: vec![
                    tensor("a", float, &[None, Some(1)]),
                    tensor("b", float, &[None, Some(1)]),
                ],
                outputs: vec![tensor("y", float, &[None, Some(1)])],
                features: Vec::new(),
            }),
            _ => Err(format!("no model at {}", folder.display())),
        }
    }
}

/// Nothing is set but `SECRET`, `BROKERS` and `EMPTY`.
pub(crate) fn environment(name: &str) -> Option<String> {
    match name {
        "SECRET" => Some("hunter2-hunter2".into()),
        "BROKERS" => Some("one:9092, two:9092".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

/// Loads a text as `dir/topology.toml`.
pub(crate) fn load_str(text: &str) -> Result<Topology, Problems> {
    load_with(text, &[])
}

/// Loads a text with overrides.
pub(crate) fn load_with(text: &str, overrides: &[(&str, &str)]) -> Result<Topology, Problems> {
    let options = LoadOptions {
        overrides: overrides
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect(),
        environment: &environment,
        models: &Models,
    };
    load_text(Path::new("dir/topology.toml"), text, &options)
}

/// Loads a file.
pub(crate) fn load_file(path: &Path) -> Result<Topology, Problems> {
    let options = LoadOptions {
        overrides: Vec::new(),
        environment: &environment,
        models: &Models,
    };
    load(path, &options)
}

/// The three topologies beside the repository, if they are there.
pub(crate) fn shared() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/topologies");
    let names = ["card-fraud", "pixels", "sensor-anomaly"];
    let paths: Vec<PathBuf> = names.map(|name| folder.join(format!("{name}.toml"))).into();
    if paths.iter().all(|path| path.exists()) {
        return paths;
    }
    eprintln!("SKIPPED: there is no {}", folder.display());
    Vec::new()
}
