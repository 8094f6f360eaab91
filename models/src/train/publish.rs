//! A version is put into its model's folder whole, or not at all.
//!
//! Everything is written into `<folder>/.<version>.partial`, synced, and renamed to `<folder>/<version>`: whoever
//! lists versions sees the folder with all its files, and a crash leaves at most a `.partial` that the next attempt
//! removes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{Trained, TrainingRecord};
use crate::settings::ModelFile;
use crate::{ModelError, registry};

/// The number that the next version of a model gets: one after the highest there is, 1 in a new folder.
///
/// # Errors
/// If the folder is there and cannot be read.
pub fn next_version(folder: &Path) -> Result<u64, ModelError> {
    if !folder.exists() {
        return Ok(1);
    }
    let versions = registry::versions(folder)?;
    Ok(versions.last().map_or(1, |newest| newest + 1))
}

/// Writes a version: `model.onnx`, `model.toml` and the files named beside them. The model's folder is made if it is
/// not there. Returns the version's folder.
///
/// # Errors
/// If there is such a version, or something cannot be written.
pub fn publish(
    folder: &Path,
    version: u64,
    trained: &Trained,
    record: &TrainingRecord,
    beside: &[(&str, &[u8])],
) -> Result<PathBuf, ModelError> {
    let target = folder.join(version.to_string());
    let text = model_toml(trained, record).map_err(|cause| ModelError::Settings {
        path: target.join("model.toml"),
        cause,
    })?;
    let onnx = trained.onnx();
    let mut files: Vec<(&str, &[u8])> =
        vec![("model.onnx", &onnx), ("model.toml", text.as_bytes())];
    files.extend(beside);
    install(folder, version, &files)?;
    Ok(target)
}

/// Writes the files of a version that was made elsewhere: all of them or none.
///
/// # Errors
/// If there is such a version, or something cannot be written.
pub fn install(folder: &Path, version: u64, files: &[(&str, &[u8])]) -> Result<(), ModelError> {
    write(folder, version, files).map_err(|source| ModelError::Write {
        path: folder.join(version.to_string()),
        source,
    })
}

fn model_toml(trained: &Trained, record: &TrainingRecord) -> Result<String, String> {
    let training = toml::Table::try_from(record).map_err(|error| error.to_string())?;
    let file = ModelFile {
        features: trained.features().to_vec(),
        description: trained.description(),
        training,
    };
    toml::to_string(&file).map_err(|error| error.to_string())
}

fn write(folder: &Path, version: u64, files: &[(&str, &[u8])]) -> io::Result<()> {
    let target = folder.join(version.to_string());
    if target.exists() {
        let cause = "there is such a version already";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, cause));
    }
    fs::create_dir_all(folder)?;
    let partial = folder.join(format!(".{version}.partial"));
    match fs::remove_dir_all(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    fs::create_dir(&partial)?;
    for (name, bytes) in files {
        let mut file = File::create(partial.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()?;
    }
    File::open(&partial)?.sync_all()?;
    fs::rename(&partial, &target)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_there_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("fraud");
        assert_eq!(next_version(&folder).expect("a number"), 1);
        // What a crash left.
        fs::create_dir_all(folder.join(".1.partial")).expect("a folder");
        fs::write(folder.join(".1.partial/model.onnx"), "half").expect("a file");
        assert_eq!(next_version(&folder).expect("a number"), 1);
        write(&folder, 1, &[("model.onnx", b"whole"), ("profile", b"p")]).expect("a version");
        assert_eq!(
            fs::read(folder.join("1/model.onnx")).expect("a file"),
            b"whole"
        );
        assert!(!folder.join(".1.partial").exists());
        assert_eq!(next_version(&folder).expect("a number"), 2);
    }

    #[test]
    fn a_version_is_never_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), 3, &[("model.onnx", b"first")]).expect("a version");
        let error = write(folder.path(), 3, &[("model.onnx", b"second")]).expect_err("a refusal");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let kept = fs::read(folder.path().join("3/model.onnx")).expect("a file");
        assert_eq!(kept, b"first");
    }
}
