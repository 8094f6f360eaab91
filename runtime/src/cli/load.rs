//! How every command loads its topology.

use config::{KafkaSettings, LoadOptions, LogSettings, ModelSignatures, Problems, Topology};
use models::ModelFolders;

use super::{LogArguments, TopologyArguments, code, warn};
use crate::access::{Access, AccessError};

/// Loads and checks a topology file.
///
/// # Errors
/// All that is wrong with it.
pub(super) fn load(arguments: &TopologyArguments) -> Result<Topology, Problems> {
    load_with(arguments, &ModelFolders)
}

/// As [`load`], with what models take and give from elsewhere than their folders.
///
/// # Errors
/// As [`load`].
pub(super) fn load_with(
    arguments: &TopologyArguments,
    models: &dyn ModelSignatures,
) -> Result<Topology, Problems> {
    let overrides = overrides(&arguments.set);
    let environment = |name: &str| std::env::var(name).ok();
    let options = LoadOptions {
        overrides,
        environment: &environment,
        models,
    };
    config::load(&arguments.file, &options)
}

/// Loads a topology file or prints what is wrong with it.
pub(super) fn load_or_explain(arguments: &TopologyArguments) -> Result<Topology, u8> {
    load(arguments).map_err(|problems| {
        warn(&problems.to_string());
        code::CONFIGURATION
    })
}

/// Opens the log that the arguments name; the topology too, if they name one.
///
/// # Errors
/// If the topology file is wrong, or the log cannot be reached.
pub(super) fn open(arguments: &LogArguments) -> Result<(Access, Option<Topology>), AccessError> {
    let (log, topology) = named(arguments)?;
    let access = Access::of(&log, &arguments.data.data_dir)?;
    Ok((access, topology))
}

/// As [`open`], but an embedded log is made if there is none.
///
/// # Errors
/// As [`open`].
pub(super) fn create(arguments: &LogArguments) -> Result<Access, AccessError> {
    match named(arguments)?.0 {
        LogSettings::Embedded => Access::create(&arguments.data.data_dir),
        LogSettings::Kafka(kafka) => Access::cluster(&kafka),
    }
}

fn named(arguments: &LogArguments) -> Result<(LogSettings, Option<Topology>), AccessError> {
    if let Some(file) = &arguments.topology {
        let (file, set) = (file.clone(), Vec::new());
        let topology = load(&TopologyArguments { file, set })?;
        return Ok((topology.log.clone(), Some(topology)));
    }
    let Some(brokers) = &arguments.brokers else {
        return Ok((LogSettings::Embedded, None));
    };
    let brokers = brokers.split(',').map(|broker| broker.trim().to_owned());
    let kafka = KafkaSettings::of(brokers.collect());
    Ok((LogSettings::Kafka(kafka), None))
}

fn overrides(set: &[String]) -> Vec<(String, String)> {
    let pair = |text: &String| {
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        (key.to_owned(), value.to_owned())
    };
    set.iter().map(pair).collect()
}
