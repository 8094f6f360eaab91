//! Trained versions on the log, so that a node that did not train a version can serve it.
//!
//! A version's files go to `<topology>.<model>.versions` in the transaction that tells the steward of it:
//! whoever hears of a version finds it there. Each file is cut into parts that brokers take; a record behind
//! them says what there is. The topic is compacted, and keys are of one version only, so all versions stay.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use config::TopicName;
use models::ModelError;
use models::train::install;
use serde::{Deserialize, Serialize};

use crate::log::{Log, LogError, LogRecord, TopicPartition};

/// Bytes of a part: below what brokers take with their settings as they come.
const PART: usize = 512 << 10;
/// Records and bytes of one read.
const RECORDS: usize = 100;
const BYTES: usize = 16 << 20;

/// A version cannot be sent, or had.
#[derive(Debug, thiserror::Error)]
pub(in crate::nodes) enum ArtefactError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("version {0} is not on topic \"{1}\", whole")]
    Missing(u64, TopicName),
    #[error("a version's file cannot be read")]
    Read(#[from] std::io::Error),
    #[error(transparent)]
    Install(#[from] ModelError),
}

/// What a version consists of: the record behind its parts.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Manifest {
    /// Length of each file in bytes.
    files: BTreeMap<String, usize>,
}

/// The records of a version that lies in this folder.
///
/// # Errors
/// If a file cannot be read.
pub(super) fn records(
    folder: &Path,
    version: u64,
    now_ms: i64,
) -> Result<Vec<LogRecord>, ArtefactError> {
    let mut manifest = Manifest::default();
    let mut records = Vec::new();
    let record = |key: String, value: Bytes| LogRecord::new(Some(key.into()), Some(value), now_ms);
    for entry in std::fs::read_dir(folder.join(version.to_string()))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let bytes = Bytes::from(std::fs::read(entry.path())?);
        for (nth, from) in (0..bytes.len()).step_by(PART).enumerate() {
            let part = bytes.slice(from..bytes.len().min(from + PART));
            records.push(record(format!("{version}/{name}/{nth}"), part));
        }
        manifest.files.insert(name, bytes.len());
    }
    let manifest = serde_json::to_vec(&manifest).unwrap_or_default();
    records.push(record(version.to_string(), manifest.into()));
    Ok(records)
}

/// Puts a version from the topic into this folder.
///
/// # Errors
/// If the topic has it not, or not whole, or it cannot be written.
pub(in crate::nodes) fn fetch(
    log: &dyn Log,
    topic: &TopicName,
    folder: &Path,
    version: u64,
) -> Result<(), ArtefactError> {
    let at = TopicPartition::new(topic.clone(), 0);
    let (mut parts, mut manifest) = (BTreeMap::new(), None);
    let prefix = format!("{version}/");
    let mut next = 0;
    loop {
        let fetched = log.read(&at, next, RECORDS, BYTES)?;
        for record in &fetched.records {
            let key = std::str::from_utf8(record.key.as_deref().unwrap_or_default());
            let (Ok(key), Some(value)) = (key, &record.value) else {
                continue;
            };
            if let Some(part) = key.strip_prefix(&prefix) {
                let part = part.rsplit_once('/');
                if let Some((name, Ok(nth))) = part.map(|(n, nth)| (n, nth.parse::<usize>())) {
                    parts.insert((name.to_owned(), nth), value.clone());
                }
            } else if *key == prefix[..prefix.len() - 1] {
                manifest = serde_json::from_slice::<Manifest>(value).ok();
            }
        }
        if fetched.records.is_empty() && fetched.next_offset <= next {
            break;
        }
        next = fetched.next_offset;
    }
    let missing = || ArtefactError::Missing(version, topic.clone());
    let manifest = manifest.ok_or_else(missing)?;
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    for (name, length) in &manifest.files {
        let whole = joined(&parts, name, *length).filter(|_| is_name(name));
        files.push((name, whole.ok_or_else(missing)?));
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, file)| (*name, &**file)).collect();
    install(folder, version, &files)?;
    Ok(())
}

/// A file of this length from its parts, `None` if some are lost. More parts may be there: of the same
/// version, made before in another way.
fn joined(parts: &BTreeMap<(String, usize), Bytes>, name: &str, length: usize) -> Option<Vec<u8>> {
    let mut file = Vec::new();
    let mut nth = 0;
    while file.len() < length {
        file.extend_from_slice(parts.get(&(name.to_owned(), nth))?);
        nth += 1;
    }
    (file.len() == length).then_some(file)
}

/// Whether it names a file in the version's folder and nothing outside it.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::TopicSpec;
    use crate::log::memory::MemoryLog;

    fn topic(log: &MemoryLog) -> TopicName {
        let name = TopicName::parse("t.m.versions").expect("a name");
        let spec = TopicSpec {
            name: name.clone(),
            partitions: 1,
            compacted: true,
            retention_ms: None,
            retention_bytes: None,
        };
        log.ensure_topic(&spec).expect("created");
        name
    }

    fn send(log: &MemoryLog, topic: &TopicName, records: Vec<LogRecord>) {
        let mut producer = log.producer("test").expect("a producer");
        producer.begin().expect("begun");
        let at = TopicPartition::new(topic.clone(), 0);
        producer.send(&at, records).expect("sent");
        producer.commit().expect("committed");
    }

    #[test]
    fn a_version_comes_out_of_the_log_as_it_went_in_however_large_its_files() {
        let (here, there) = (
            tempfile::tempdir().expect("a folder"),
            tempfile::tempdir().expect("a folder"),
        );
        let large: Vec<u8> = (0..PART * 11 + 7).map(|byte| (byte % 251) as u8).collect();
        let files: [(&str, &[u8]); 3] =
            [("model.onnx", &large), ("model.toml", b"x"), ("none", b"")];
        install(here.path(), 2, &files).expect("a version");
        install(here.path(), 12, &[("model.onnx", b"another")]).expect("a version");
        let log = MemoryLog::new();
        let topic = topic(&log);
        for version in [2, 12] {
            send(
                &log,
                &topic,
                records(here.path(), version, 1).expect("records"),
            );
        }
        fetch(&log, &topic, there.path(), 2).expect("fetched");
        for (name, bytes) in files {
            let found = std::fs::read(there.path().join("2").join(name)).expect("a file");
            assert_eq!(found, bytes, "{name}");
        }
        let missing = fetch(&log, &topic, there.path(), 1).expect_err("not there");
        assert_eq!(
            missing.to_string(),
            "version 1 is not on topic \"t.m.versions\", whole"
        );
    }

    #[test]
    fn a_version_of_which_a_part_is_lost_or_that_names_files_elsewhere_is_not_installed() {
        let folder = tempfile::tempdir().expect("a folder");
        let lost = vec![LogRecord::new(
            Some("3".into()),
            Some(r#"{"files":{"model.onnx":5}}"#.into()),
            1,
        )];
        let elsewhere = vec![
            LogRecord::new(Some("4/../x/0".into()), Some("y".into()), 1),
            LogRecord::new(Some("4".into()), Some(r#"{"files":{"../x":1}}"#.into()), 1),
        ];
        let log = MemoryLog::new();
        let topic = topic(&log);
        send(&log, &topic, lost);
        send(&log, &topic, elsewhere);
        for version in [3, 4] {
            let fetched = fetch(&log, &topic, folder.path(), version);
            assert!(
                matches!(fetched, Err(ArtefactError::Missing(..))),
                "{version}"
            );
        }
    }
}
