//! What the versions in service were trained on: read beside them, or, of a version that does not say so,
//! made of the first rows that it answered.
//!
//! The first rows are so many of each partition of the feature log, in its order: every node finds the
//! same ones, whenever it looks.

use std::path::{Path, PathBuf};

use config::learning::columns::{LABEL, SHADOW, VERSION};
use config::{ModelSettings, Node, OperatorKind, TopicName, Topology};
use models::ModelError;
use models::drift::DriftError;
use models::watch::{FIRST_ROWS, Profile};
use serde_json::Value;

use super::{topic, versions};
use crate::log::{Log, LogError, LogRecord, TopicPartition};
use crate::nodes::context::ShardContext;

/// Records of one read.
const RECORDS: usize = 1_000;
const BYTES: usize = 8 << 20;

/// A profile cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProfilesError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("a profile cannot be read or written")]
    Model(#[from] ModelError),
    #[error("rows that have no profile")]
    Drift(#[from] DriftError),
}

/// Knows the profiles of a model that is watched.
pub(super) struct ProfileKeeper {
    model: usize,
    settings: ModelSettings,
    /// Of the feature log: features, then answers.
    names: Vec<String>,
    log: TopicName,
    gathering: Option<Gathering>,
}

impl ProfileKeeper {
    /// `None` for a model whose windows nobody compares. Reads what lies beside the versions: sketches
    /// of the last ones may be on their way.
    pub(super) fn new(context: &ShardContext, model: usize) -> Option<Self> {
        let settings = context.topology.models[model].clone();
        let names = watched_columns(&context.topology, model)?;
        let keeper = Self {
            model,
            names,
            log: topic(context, &settings, "log")?,
            settings,
            gathering: None,
        };
        for version in keeper.versions(context) {
            match keeper.read(context, version) {
                Ok(Some(profile)) => keeper.put(context, version, profile),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, version, "profile of a version"),
            }
        }
        Some(keeper)
    }

    /// Makes the profile of a version known, if it can be had now.
    ///
    /// # Errors
    /// If a file or the feature log cannot be read.
    pub(super) fn learn(
        &mut self,
        context: &ShardContext,
        version: u64,
    ) -> Result<(), ProfilesError> {
        let profiles = &context.profiles[self.model];
        if version == 0 || profiles.get(key(version)).is_some() {
            return Ok(());
        }
        if self.gathering.as_ref().is_none_or(|g| g.version != version) {
            if let Some(profile) = self.read(context, version)? {
                self.put(context, version, profile);
                return Ok(());
            }
            let gathering = Gathering::new(&*context.log, &self.log, version, self.names.len())?;
            self.gathering = Some(gathering);
        }
        let Some(gathering) = &mut self.gathering else {
            return Ok(());
        };
        if !gathering.read(&*context.log, &self.names)? {
            return Ok(());
        }
        let profile = gathering.profile(&self.names)?;
        self.gathering = None;
        tracing::info!(
            model = self.settings.id.as_str(),
            version,
            rows = profile.rows,
            "the version does not say what it was trained on: its first rows are the reference"
        );
        match own_file(context, &self.settings, version) {
            Some(file) => {
                write(&file, &profile)
                    .map_err(|source| ModelError::Write { path: file, source })?;
                // As every node and every later start will read it.
                if let Some(profile) = self.read(context, version)? {
                    self.put(context, version, profile);
                }
            }
            None => self.put(context, version, profile),
        }
        Ok(())
    }

    fn put(&self, context: &ShardContext, version: u64, profile: Profile) {
        context.profiles[self.model].put(key(version), profile);
    }

    /// What lies beside a version, or was made of its first rows.
    fn read(&self, context: &ShardContext, version: u64) -> Result<Option<Profile>, ModelError> {
        let own = versions::folder(context, &self.settings);
        let folders = own.iter().chain([&self.settings.path]);
        let beside = folders.map(|folder| folder.join(version.to_string()).join(Profile::FILE));
        for file in beside.chain(own_file(context, &self.settings, version)) {
            if let Some(profile) = Profile::read(&file)? {
                if profile.is_of(self.names.iter().map(String::as_str)) {
                    return Ok(Some(profile));
                }
                let file = file.display();
                tracing::warn!(%file, "the profile is not of the model's features and answers");
            }
        }
        Ok(None)
    }

    /// All that there are.
    fn versions(&self, context: &ShardContext) -> Vec<u64> {
        let own = versions::folder(context, &self.settings);
        let folders = own.iter().chain([&self.settings.path]);
        let entries = folders.filter_map(|folder| std::fs::read_dir(folder).ok());
        let names = entries.flatten().flatten().map(|entry| entry.file_name());
        let mut versions: Vec<u64> = names
            .filter_map(|name| name.to_str()?.parse().ok())
            .collect();
        versions.sort_unstable();
        versions
    }
}

/// The columns that a model's `sketch` counts.
fn watched_columns(topology: &Topology, model: usize) -> Option<Vec<String>> {
    topology.nodes.iter().find_map(|node| match node {
        Node::Operator(operator) => match &operator.kind {
            OperatorKind::Sketch(sketch) if sketch.model == model => {
                let columns = sketch.columns.iter();
                Some(columns.map(|(name, _)| name.to_string()).collect())
            }
            _ => None,
        },
        Node::Source(_) | Node::Sink(_) => None,
    })
}

/// Where the profile lies that was made of a version's first rows.
fn own_file(context: &ShardContext, settings: &ModelSettings, version: u64) -> Option<PathBuf> {
    let folder = versions::folder(context, settings)?.join("profiles");
    Some(folder.join(format!("{version}.json")))
}

/// Whole or not at all.
fn write(file: &Path, profile: &Profile) -> std::io::Result<()> {
    let partial = file.with_extension("partial");
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&partial, profile.to_bytes())?;
    std::fs::rename(&partial, file)
}

fn key(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// The first rows of a version, as far as they have been found.
struct Gathering {
    version: u64,
    parts: Vec<Gathered>,
    /// Rows of each partition.
    quota: usize,
    width: usize,
}

struct Gathered {
    at: TopicPartition,
    next: i64,
    /// Row by row.
    values: Vec<f64>,
}

impl Gathering {
    fn new(log: &dyn Log, topic: &TopicName, version: u64, width: usize) -> Result<Self, LogError> {
        let partitions = log.partitions(topic)?.unwrap_or(1).max(1);
        let parts = (0..partitions).map(|partition| Gathered {
            at: TopicPartition::new(topic.clone(), partition),
            next: 0,
            values: Vec::new(),
        });
        Ok(Self {
            version,
            parts: parts.collect(),
            quota: FIRST_ROWS.div_ceil(partitions as usize),
            width,
        })
    }

    /// Reads on; true once there are enough of every partition.
    fn read(&mut self, log: &dyn Log, names: &[String]) -> Result<bool, LogError> {
        let wanted = self.quota * self.width;
        let mut is_done = true;
        for part in &mut self.parts {
            while part.values.len() < wanted {
                let fetched = log.read(&part.at, part.next, RECORDS, BYTES)?;
                let is_end = fetched.records.is_empty();
                part.next = part.next.max(fetched.next_offset);
                for record in &fetched.records {
                    if part.values.len() < wanted
                        && let Some(row) = row(record, self.version, names)
                    {
                        part.values.extend(row);
                    }
                }
                if is_end {
                    is_done = false;
                    break;
                }
            }
        }
        Ok(is_done)
    }

    fn profile(&self, names: &[String]) -> Result<Profile, DriftError> {
        let parts = self.parts.iter();
        let values: Vec<f64> = parts.flat_map(|part| part.values.iter().copied()).collect();
        let column = |at: usize| {
            values
                .iter()
                .skip(at)
                .step_by(self.width)
                .copied()
                .collect()
        };
        let columns = names.iter().enumerate();
        let columns: Vec<(&str, Vec<f64>)> = columns
            .map(|(at, name)| (name.as_str(), column(at)))
            .collect();
        Profile::of(&columns, None)
    }
}

/// The numbers of a row of this version, as the model saw them: of 32 bits, NaN for what is missing.
fn row(record: &LogRecord, version: u64, names: &[String]) -> Option<Vec<f64>> {
    let value: Value = serde_json::from_slice(record.value.as_deref()?).ok()?;
    let is_row = value[VERSION].as_u64() == Some(version)
        && value[LABEL].is_null()
        && value[SHADOW].as_bool() != Some(true);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "features are numbers of 32 bits"
    )]
    let number = |name: &String| {
        value[name]
            .as_f64()
            .map_or(f64::NAN, |x| f64::from(x as f32))
    };
    is_row.then(|| names.iter().map(number).collect())
}
