//! Versions of a model in its folder.
//!
//! ```text
//! fraud/
//!   aliases.toml          champion = 3
//!   3/model.onnx
//!   3/model.toml          features = ["amount", …]
//!   4/model.onnx
//! ```

use std::path::{Path, PathBuf};

use config::{DeviceChoice, ModelSignatures, Monitor, Signature, VersionChoice};

use crate::ModelError;
use crate::settings::{self, Aliases};
use crate::steward::detector;
use crate::train::TrainingRecord;

/// The number of the version meant.
///
/// # Errors
/// If the folder cannot be read, or has no such version or alias; the message says what there is.
pub(crate) fn resolve(folder: &Path, choice: &VersionChoice) -> Result<u64, ModelError> {
    let versions = versions(folder)?;
    let missing = |what: String| ModelError::Version {
        folder: folder.into(),
        cause: format!("{what}; there is {}", listed(&versions)),
    };
    let number = match choice {
        VersionChoice::Latest => match newest(folder, &versions)? {
            Some(newest) => newest,
            None if versions.is_empty() => return Err(missing("it has no version".into())),
            None => return Err(missing("the gate refused every version that it has".into())),
        },
        VersionChoice::Number(number) => *number,
        VersionChoice::Alias(alias) => {
            let path = folder.join("aliases.toml");
            let aliases: Aliases = settings::read(&path)?.unwrap_or_default();
            match aliases.get(alias) {
                Some(&number) => number,
                None => return Err(missing(format!("aliases.toml has no alias \"{alias}\""))),
            }
        }
    };
    if versions.contains(&number) {
        Ok(number)
    } else {
        Err(missing(format!("it has no version {number}")))
    }
}

/// The highest version that the gate has not refused: what was judged worse is kept, with its numbers, and not served.
fn newest(folder: &Path, versions: &[u64]) -> Result<Option<u64>, ModelError> {
    for &version in versions.iter().rev() {
        let verdict = TrainingRecord::read(folder, version)?.and_then(|record| record.verdict);
        if verdict.is_none_or(|verdict| verdict.promoted) {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

/// The file of a version.
pub(crate) fn model_file(folder: &Path, version: u64) -> PathBuf {
    folder.join(version.to_string()).join("model.onnx")
}

/// Numbers of the folders that hold a model, ascending.
pub(crate) fn versions(folder: &Path) -> Result<Vec<u64>, ModelError> {
    let read = |source| ModelError::Read {
        path: folder.into(),
        source,
    };
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let name = entry.map_err(read)?.file_name();
        let number = name.to_str().and_then(|name| name.parse::<u64>().ok());
        // "03" and "+3" are not the folder of version 3.
        let number = number.filter(|number| name.to_str() == Some(&number.to_string()));
        versions.extend(number.filter(|&number| model_file(folder, number).is_file()));
    }
    versions.sort_unstable();
    Ok(versions)
}

fn listed(versions: &[u64]) -> String {
    if versions.is_empty() {
        return "none".into();
    }
    let numbers: Vec<String> = versions.iter().map(u64::to_string).collect();
    numbers.join(", ")
}

/// Reads signatures out of model folders, by loading the model as it will be run.
#[derive(Debug, Clone, Copy, Default)]
pub struct ModelFolders;

impl ModelSignatures for ModelFolders {
    fn signature(&self, folder: &Path, version: &VersionChoice) -> Result<Signature, String> {
        match crate::load(folder, version, DeviceChoice::Cpu) {
            Ok(loaded) => Ok(loaded.signature().clone()),
            Err(error) => Err(sentence(&error)),
        }
    }

    fn monitor(&self, monitor: &Monitor) -> Result<(), String> {
        match detector(monitor) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("monitor \"{}\": {error}", monitor.id)),
        }
    }
}

/// An error, its causes and its cure in one line.
fn sentence(error: &ModelError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    format!("{text}; {}", error.cure())
}

#[cfg(test)]
mod tests;
