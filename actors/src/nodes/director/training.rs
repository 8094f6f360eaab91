//! A training under way: a thread of its own that takes a share of a core, keeps checkpoints, and judges
//! what it has made.
//!
//! The same request gives the same version: its rows are a range of a topic, and everything random comes
//! from its seed. A training that was cut off goes on from its last checkpoint to the same weights.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_schema::DataType as ArrowType;
use config::{
    GateMetric, Infer, InferOutput, Learning, ModelSettings, Node, OperatorKind, TrainSettings,
};
use models::drift::DriftError;
use models::gate::{Answers, Candidate, Holdout, Measure, Rules, Verdict, judge};
use models::steward::{Control, Request};
use models::train::{Examples, Pace, Progress, Trained, Trainer};
use models::watch::{Calibration, Profile};
use models::{Matrix, ModelError, Tensor, load_bytes};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::rows::{RowsError, examples, slices};
use super::{topic, versions};
use crate::nodes::context::ShardContext;
use crate::nodes::infer;

/// Share of a core: the stream comes first.
const SHARE: f64 = 0.5;
/// How often the training is written down.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(5);

/// A training, seen from outside. Dropping it does not end it: [`Training::cancel`] does.
pub(super) struct Training {
    request: u64,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    cancelled: AtomicBool,
    outcome: Mutex<Option<Control>>,
    progress: Mutex<Option<Progress>>,
}

/// Why there is no version.
#[derive(Debug, thiserror::Error)]
enum TrainingError {
    #[error("the labelled rows cannot be had")]
    Rows(#[from] RowsError),
    #[error("training failed")]
    Train(#[from] models::train::TrainError),
    #[error("a version cannot be loaded, judged or kept")]
    Model(#[from] ModelError),
    #[error("the model has no [model.train]")]
    NoSettings,
    #[error("what it was trained on cannot be counted")]
    Profile(#[from] DriftError),
    #[error("there is no folder for trained versions")]
    NoFolder,
}

impl Training {
    /// Starts it.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub(super) fn start(
        context: &Arc<ShardContext>,
        model: usize,
        request: Request,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let this = Self {
            request: request.id,
            shared: Arc::clone(&shared),
        };
        let job = Job {
            context: Arc::clone(context),
            settings: context.topology.models[model].clone(),
            request,
            shared,
        };
        context
            .threads
            .start_unwatched(&format!("train-{model}"), job.run())?;
        Ok(this)
    }

    /// Which request it answers.
    pub(super) fn request(&self) -> u64 {
        self.request
    }

    /// What came of it; `None` while it goes on, and for good once it is cancelled.
    pub(super) fn outcome(&self) -> Option<Control> {
        self.shared.outcome.lock().clone()
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Option<Progress> {
        *self.shared.progress.lock()
    }

    /// Ends it at its next step.
    pub(super) fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }
}

/// The work.
struct Job {
    context: Arc<ShardContext>,
    settings: ModelSettings,
    request: Request,
    shared: Arc<Shared>,
}

impl Job {
    async fn run(self) {
        let request = self.request.id;
        let outcome = match self.train().await {
            Ok(Some(verdict)) => Control::Trained { request, verdict },
            // Cancelled: nobody asks any more.
            Ok(None) => return,
            Err(error) => {
                let reason = with_causes(&error);
                tracing::warn!(model = self.settings.id.as_str(), reason, "training failed");
                Control::TrainingFailed { request, reason }
            }
        };
        *self.shared.outcome.lock() = Some(outcome);
    }

    /// Trains, keeps and judges; `None` if cancelled.
    async fn train(&self) -> Result<Option<Verdict>, TrainingError> {
        let settings = self.settings.train.clone();
        let settings = TrainSettings {
            seed: self.request.seed,
            ..settings.ok_or(TrainingError::NoSettings)?
        };
        let learning = self.settings.learning.as_ref();
        let learning = learning.ok_or(TrainingError::NoSettings)?;
        let folder = versions::folder(&self.context, &self.settings);
        let folder = folder.ok_or(TrainingError::NoFolder)?;
        if let Some(verdict) = versions::verdict(&folder, &self.request) {
            return Ok(Some(verdict));
        }
        let all = self.examples()?;
        let (past, holdout) = all.split(split(all.len(), learning.gate.holdout));
        let rows = (past.len(), holdout.len());
        let Some(trained) = self.steps(past, settings).await? else {
            return Ok(None);
        };
        let verdict = self.judge(&trained, &holdout, learning)?;
        let profile = self.profile(&trained, (&all, &holdout), learning)?;
        versions::keep(&folder, &trained, rows, &profile, &self.request, &verdict)?;
        if let Some(file) = self.checkpoint_file() {
            // It has served; one that stays is overwritten by the next training.
            drop(std::fs::remove_file(file));
        }
        Ok(Some(verdict))
    }

    fn examples(&self) -> Result<Examples, TrainingError> {
        let labelled = topic(&self.context, &self.settings, "labelled");
        let labelled = labelled.ok_or(TrainingError::NoFolder)?;
        let features = &self.settings.signature.features;
        let (log, topology) = (&*self.context.log, &self.context.topology);
        Ok(examples(log, topology, &labelled, features, &self.request)?)
    }

    /// Step by step, with pauses; `None` if cancelled.
    async fn steps(
        &self,
        past: Examples,
        settings: TrainSettings,
    ) -> Result<Option<Trained>, TrainingError> {
        let past = Arc::new(past);
        let mut trainer = self.resumed(&past, &settings)?;
        let pace = Pace::new(SHARE);
        let mut kept = Instant::now();
        loop {
            if self.shared.cancelled.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let began = Instant::now();
            let progress = trainer.step()?;
            *self.shared.progress.lock() = Some(progress);
            if progress.done {
                return Ok(Some(trainer.finish()?));
            }
            if kept.elapsed() > CHECKPOINT_EVERY {
                self.keep(&trainer.checkpoint()?);
                kept = Instant::now();
            }
            self.context
                .threads
                .sleep(pace.pause(began.elapsed()))
                .await;
        }
    }

    /// A trainer at the last checkpoint of this training, or at its beginning.
    fn resumed(
        &self,
        past: &Arc<Examples>,
        settings: &TrainSettings,
    ) -> Result<Trainer, TrainingError> {
        let checkpoint = self
            .checkpoint_file()
            .and_then(|file| std::fs::read(file).ok());
        if let Some(checkpoint) = checkpoint
            && let Ok(trainer) = Trainer::resume(Arc::clone(past), settings.clone(), &checkpoint)
        {
            return Ok(trainer);
        }
        Ok(Trainer::new(Arc::clone(past), settings.clone())?)
    }

    fn keep(&self, checkpoint: &[u8]) {
        let Some(file) = self.checkpoint_file() else {
            return;
        };
        let folder = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        // A torn checkpoint is no checkpoint: training then begins anew.
        if let Err(error) = folder.and_then(|()| std::fs::write(&file, checkpoint)) {
            tracing::warn!(%error, "the checkpoint of a training cannot be written");
        }
    }

    fn checkpoint_file(&self) -> Option<PathBuf> {
        let folder = versions::folder(&self.context, &self.settings)?;
        Some(folder.join(format!("training-{}.checkpoint", self.request.id)))
    }

    /// What the version was trained on and what it says of it; its confidence is learned from the rows that
    /// it has not seen.
    fn profile(
        &self,
        trained: &Trained,
        (all, holdout): (&Examples, &Examples),
        learning: &Learning,
    ) -> Result<Profile, TrainingError> {
        let model = load_bytes(&trained.onnx(), trained.features())?;
        let infer = self.infer().ok_or(TrainingError::NoSettings)?;
        let of = |rows: &Matrix| -> Result<Vec<(String, Vec<f64>)>, ModelError> {
            let outputs = model.infer(rows)?;
            let answers = infer.outputs.iter().filter_map(|output| {
                let values = numbers(&outputs, output, rows.rows)?;
                Some((output.name.to_string(), values))
            });
            Ok(answers.collect())
        };
        let rows = all.rows();
        let column = |at: usize| {
            let values = rows.values.iter().skip(at).step_by(rows.columns);
            values.map(|x| f64::from(*x)).collect::<Vec<f64>>()
        };
        let features = all.features().iter().enumerate();
        let features = features.map(|(at, name)| (name.clone(), column(at)));
        let columns: Vec<(String, Vec<f64>)> = features.chain(of(rows)?).collect();
        let outcomes: Vec<bool> = holdout.labels().iter().map(|label| *label > 0.5).collect();
        let scores = of(holdout.rows())?.into_iter().next();
        // Scores that are no chances, or too few rows: then nothing is estimated without labels.
        let calibration = scores
            .and_then(|(_, scores)| Calibration::of(&scores, &outcomes, learning.threshold).ok());
        let columns: Vec<(&str, Vec<f64>)> = columns
            .iter()
            .map(|(name, values)| (name.as_str(), values.clone()))
            .collect();
        Ok(Profile::of(&columns, calibration)?)
    }

    /// The operator that asks the model.
    fn infer(&self) -> Option<Infer> {
        let topology = &self.context.topology;
        let id = &self.settings.id;
        topology.nodes.iter().find_map(|node| match node {
            Node::Operator(operator) => match &operator.kind {
                OperatorKind::Infer(infer) if topology.models[infer.model].id == *id => {
                    Some(infer.clone())
                }
                _ => None,
            },
            Node::Source(_) | Node::Sink(_) => None,
        })
    }

    /// Champion against challenger on the rows that neither has seen.
    fn judge(
        &self,
        trained: &Trained,
        holdout: &Examples,
        learning: &Learning,
    ) -> Result<Verdict, TrainingError> {
        let challenger = load_bytes(&trained.onnx(), trained.features())?;
        let champion = versions::load(&self.context, &self.settings, self.request.champion)?;
        let names = (
            format!("version {}", self.request.champion),
            format!("version {}", self.request.version),
        );
        let (old, new) = (
            Answers::of(&champion, holdout.rows())?,
            Answers::of(&challenger, holdout.rows())?,
        );
        let candidate = |name, signature, answers| Candidate {
            name,
            signature: Some(signature),
            answers,
            latency: None,
        };
        let rules = Rules {
            margin: learning.gate.margin,
            slice_tolerance: learning.gate.slice_tolerance,
            seed: self.request.seed,
            ..Rules::of(measure(learning.gate.metric))
        };
        Ok(judge(
            &candidate(&names.0, champion.signature(), &old),
            &candidate(&names.1, challenger.signature(), &new),
            &Holdout {
                truths: holdout.labels(),
                slices: &slices(holdout, &learning.gate.slices),
            },
            &rules,
        ))
    }
}

/// An output as numbers; `None` for texts and vectors, which the feature log has not either.
fn numbers(outputs: &[Tensor], output: &InferOutput, rows: usize) -> Option<Vec<f64>> {
    let column = infer::column(
        outputs.get(output.tensor)?,
        rows,
        output.index,
        &output.data_type,
    );
    let numbers = arrow_cast::cast(&column.ok()?, &ArrowType::Float64).ok()?;
    let numbers = numbers.as_primitive_opt::<Float64Type>()?;
    #[expect(clippy::cast_possible_truncation, reason = "models answer in 32 bits")]
    let seen = |x: &f64| f64::from(*x as f32);
    Some(numbers.values().iter().map(seen).collect())
}

fn measure(metric: GateMetric) -> Measure {
    match metric {
        GateMetric::Accuracy => Measure::Accuracy,
        GateMetric::AveragePrecision => Measure::AveragePrecision,
        GateMetric::RocAuc => Measure::RocAuc,
        GateMetric::LogLoss => Measure::LogLoss,
        GateMetric::SquaredError => Measure::SquaredError,
    }
}

/// Rows of the past, of so many rows in the order of time.
fn split(rows: usize, holdout: f64) -> usize {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a number of rows"
    )]
    let past = (rows as f64 * (1.0 - holdout)).round() as usize;
    past.min(rows)
}

/// An error and its causes in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
