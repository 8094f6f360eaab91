//! This machine: the data directory, its room, and what models run on.

use std::path::{Path, PathBuf};
use std::process::Command;

use actors::log::LogError;
use config::{ByteSize, DeviceChoice, Topology};

use super::Finding;
use crate::daemon::{DaemonError, DirectoryLock};

/// With less room than this, compaction and restores may fail at a bad moment.
const ROOM_LEAST: ByteSize = ByteSize(1 << 30);

pub(super) fn look(topology: &Topology, data_dir: &Path) -> Vec<Finding> {
    let mut findings = vec![directory(data_dir)];
    findings.push(room(data_dir));
    findings.extend(devices(topology));
    findings
}

fn directory(data_dir: &Path) -> Finding {
    const CHECK: &str = "data directory";
    let shown = data_dir.display();
    // What is not there yet is made by the first run: then its nearest folder must be writable.
    let folder = existing(data_dir);
    let probed = match folder == data_dir {
        true => DirectoryLock::take(data_dir).map(drop),
        false => Ok(()),
    };
    let cure = "choose a folder that can be written, with --data-dir or THALWEG_DATA_DIR";
    match probed {
        Err(DaemonError::Log(LogError::Locked(_))) => {
            return Finding::ok(CHECK, format!("{shown} is in use by a daemon"));
        }
        Err(error) => return Finding::problem(CHECK, with_cause(&error), cure),
        Ok(()) => {}
    }
    let probe = folder.join(format!(".thalweg-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => Finding::ok(CHECK, format!("{shown} can be written")),
        Err(error) => Finding::problem(CHECK, format!("{shown} cannot be written: {error}"), cure),
    }
}

/// The path itself, or the nearest folder above it that is there.
fn existing(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match whole == path || path.exists() {
        true if path.exists() => path.to_owned(),
        _ => {
            let above = whole.ancestors().find(|above| above.is_dir());
            above.unwrap_or(Path::new("/")).to_owned()
        }
    }
}

fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// The standard library does not tell free space; POSIX has a command for it.
fn room(data_dir: &Path) -> Finding {
    const CHECK: &str = "disk";
    let folder = existing(data_dir);
    let told = Command::new("df").arg("-Pk").arg(&folder).output();
    let text = told.map(|told| String::from_utf8_lossy(&told.stdout).into_owned());
    match text.ok().as_deref().and_then(free) {
        None => Finding::warning(
            CHECK,
            "free space is not known",
            "look at it with the system's own tools",
        ),
        Some(free) if free < ROOM_LEAST => Finding::warning(
            CHECK,
            format!("{free} free at {}", folder.display()),
            format!("make room: at least {ROOM_LEAST}"),
        ),
        Some(free) => Finding::ok(CHECK, format!("{free} free")),
    }
}

/// Free bytes in what `df -Pk` prints: the fourth column of the last line, in KiB.
fn free(df: &str) -> Option<ByteSize> {
    let line = df.lines().last()?;
    let kib: u64 = line.split_whitespace().nth(3)?.parse().ok()?;
    let bytes = kib.checked_mul(1024)?;
    // As people read it: whole units.
    let unit = [1 << 30, 1 << 20].into_iter().find(|unit| bytes >= *unit);
    Some(ByteSize(unit.map_or(bytes, |unit| bytes / unit * unit)))
}

fn devices(topology: &Topology) -> Option<Finding> {
    const CHECK: &str = "models";
    let wanted = |choice| topology.models.iter().any(|model| model.device == choice);
    if topology.models.is_empty() {
        return None;
    }
    let found = models::gpu_available();
    Some(match found {
        Ok(()) => Finding::ok(CHECK, "a GPU is there, for models of device gpu or auto"),
        Err(error) if wanted(DeviceChoice::Gpu) => Finding::problem(
            CHECK,
            error.to_string(),
            "set device = \"auto\", or build with `--features gpu` on a machine with a GPU",
        ),
        Err(_) => Finding::ok(CHECK, "they run on the CPU"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_the_fourth_column_of_df() {
        let df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                  /dev/vda1 100 60 3145828 60% /a folder\n";
        assert_eq!(free(df), Some(ByteSize(3 << 30)));
        assert_eq!(free("df: no such thing"), None);
        assert_eq!(free(""), None);
    }

    #[test]
    fn a_directory_that_is_in_use_is_well_and_one_that_cannot_be_is_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let states = |path: &Path| directory(path).state;
        assert_eq!(states(&dir.path().join("new/one")), super::super::State::Ok);
        assert!(!dir.path().join("new").exists(), "nothing is made");
        let held = DirectoryLock::take(dir.path()).expect("free");
        assert!(directory(dir.path()).message.contains("in use"));
        drop(held);
        let file = dir.path().join("file");
        std::fs::write(&file, b"").expect("written");
        assert_eq!(states(&file), super::super::State::Problem);
    }
}
