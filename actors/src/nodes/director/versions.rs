//! Where versions lie: those that came with the topology in the model's folder, those that were trained
//! here in the data directory.

use std::path::{Path, PathBuf};

use config::{ModelSettings, VersionChoice};
use models::gate::Verdict;
use models::steward::Request;
use models::train::{OffsetRange, Trained, TrainingRecord, publish};
use models::watch::Profile;
use models::{LoadedModel, ModelError};

use super::artefacts;
use crate::nodes::context::ShardContext;

/// Loads a version, of whichever folder has it. One that another node has trained is fetched from the log.
///
/// # Errors
/// If it is nowhere, or cannot be loaded.
pub(in crate::nodes) fn load(
    context: &ShardContext,
    settings: &ModelSettings,
    version: u64,
) -> Result<LoadedModel, ModelError> {
    let choice = VersionChoice::Number(version);
    let has = |folder: &Path| folder.join(version.to_string()).is_dir();
    let own = folder(context, settings);
    if let Some(own) = own
        .as_deref()
        .filter(|own| !has(own) && !has(&settings.path))
        && let Some(topic) = context.topology.versions_topic(&settings.id)
    {
        // What is in neither folder is told by loading it, with where it was looked for.
        if let Err(error) = artefacts::fetch(&*context.log, &topic, own, version) {
            tracing::warn!(%error, version, model = settings.id.as_str(), "a version cannot be fetched");
        }
    }
    let folder = own.as_deref().filter(|own| has(own));
    let model = models::load(folder.unwrap_or(&settings.path), &choice, settings.device)?;
    Ok(model.in_place_of(&settings.signature))
}

/// The folder of the versions that were trained here.
pub(in crate::nodes) fn folder(
    context: &ShardContext,
    settings: &ModelSettings,
) -> Option<PathBuf> {
    let models = context.models_dir.as_ref()?;
    Some(models.join(settings.id.as_str()))
}

/// Publishes a version with the story of its making.
///
/// # Errors
/// If it cannot be written.
pub(super) fn keep(
    folder: &Path,
    trained: &Trained,
    rows: (usize, usize),
    profile: &Profile,
    request: &Request,
    verdict: &Verdict,
) -> Result<(), ModelError> {
    let range = OffsetRange {
        partition: 0,
        from: request.from,
        until: request.to + 1,
    };
    let (past, holdout) = rows;
    let mut record = TrainingRecord::of(trained, &request.reason);
    (record.rows, record.holdout_rows) = (past, holdout);
    record.parent = Some(request.champion);
    record.partitions = vec![range];
    record.verdict = Some(verdict.clone());
    record.profile = Some(Profile::FILE.into());
    let profile = profile.to_bytes();
    let beside = [(Profile::FILE, profile.as_slice())];
    publish(folder, request.version, trained, &record, &beside)?;
    Ok(())
}

/// What the gate said of a version that is there already: a crash came between its publishing and the
/// steward's hearing of it.
pub(super) fn verdict(folder: &Path, request: &Request) -> Option<Verdict> {
    let record = TrainingRecord::read(folder, request.version)
        .ok()
        .flatten()?;
    let same = record
        .partitions
        .first()
        .is_some_and(|range| (range.from, range.until) == (request.from, request.to + 1));
    record.verdict.filter(|_| same)
}
