//! A training, step by step: the caller owns the thread, the pace and the decision to stop.
//!
//! Invariant: rows, settings and the number of steps done decide every bit of the weights, on one kind of machine
//! (matrix products may round otherwise on a processor with other vector instructions). A training continued from a
//! checkpoint is the same training.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{Device as BurnDevice, Tensor};
use config::TrainSettings;

use super::checkpoint::State;
use super::descent::Descent;
use super::run::{EpochEnd, Run};
use super::scaling::Scaling;
use super::targets::Targets;
use super::{Examples, Progress, TrainError, Trained, loss};
use crate::arch::{self, Network, on_device};
use crate::device::Device;
use crate::random::Random;
use crate::xxh64::xxh64;

/// Rows to learn from, at least.
const ROWS_MIN: usize = 32;
/// A weight beyond this has exploded: inputs are standardised, and outputs are logits or standardised numbers.
const WEIGHT_MAX: f32 = 1e6;
/// Rows of a block when the loss on the validation rows is computed.
const BLOCK: usize = 1_024;

/// A training under way.
pub struct Trainer {
    examples: Arc<Examples>,
    settings: TrainSettings,
    /// Rows before this number are learned from, the later ones only measured on.
    split: usize,
    scaling: Scaling,
    targets: Targets,
    device: BurnDevice,
    network: Network,
    descent: Descent,
    run: Run,
    /// The current epoch's order of the training rows.
    order: Vec<u32>,
}

impl Trainer {
    /// Prepares a training: splits off the validation tail, fits the standardisation on the rest, draws first weights.
    ///
    /// # Errors
    /// If there are too few rows, a class is missing, or settings and rows do not fit.
    pub fn new(examples: Arc<Examples>, settings: TrainSettings) -> Result<Self, TrainError> {
        let split = split(examples.len(), settings.validation);
        if split < ROWS_MIN {
            return Err(TrainError::TooFewRows {
                given: split,
                needed: ROWS_MIN,
            });
        }
        if settings.batch == 0 || settings.epochs == 0 {
            return Err(TrainError::Settings {
                cause: "a batch has a row and a training an epoch at least".into(),
            });
        }
        let targets = Targets::of(&settings, &examples, 0..split)?;
        let scaling = Scaling::fit(examples.rows(), 0..split);
        let columns = examples.features().len();
        let widths = arch::widths(&settings.architecture, targets.task(), columns);
        let mut random = Random::new(settings.seed);
        let layers = arch::initial(&widths, &mut random);
        let device = Device::cpu().training();
        let network = Network::new(&layers, &device);
        let descent = Descent::new(&settings, network.parameters.len());
        let run = Run::new(random);
        Ok(Self {
            order: run.order(split),
            examples,
            settings,
            split,
            scaling,
            targets,
            device,
            network,
            descent,
            run,
        })
    }

    /// Goes on where a checkpoint was made, with the same rows and settings.
    ///
    /// # Errors
    /// If the checkpoint is damaged or of another training; else as [`Trainer::new`].
    pub fn resume(
        examples: Arc<Examples>,
        settings: TrainSettings,
        checkpoint: &[u8],
    ) -> Result<Self, TrainError> {
        let mut trainer = Self::new(examples, settings)?;
        let refused = |cause: &str| TrainError::Checkpoint {
            cause: cause.into(),
        };
        let state = State::decode(checkpoint)?;
        if state.fingerprint != trainer.fingerprint() {
            return Err(refused("it is of other rows or settings"));
        }
        if !state.layers.iter().all(arch::Dense::is_sound)
            || state.run.position > trainer.split as u64
        {
            return Err(refused("it contradicts itself"));
        }
        trainer.network = Network::new(&state.layers, &trainer.device);
        let plain = trainer.device.clone().inner();
        (trainer.descent)
            .restore(state.moments, &trainer.network, &plain)
            .map_err(|cause| refused(&cause))?;
        trainer.order = state.run.order(trainer.split);
        trainer.run = state.run;
        Ok(trainer)
    }

    /// The training as bytes.
    ///
    /// # Errors
    /// If the device fails.
    pub fn checkpoint(&self) -> Result<Vec<u8>, TrainError> {
        let state = State {
            fingerprint: self.fingerprint(),
            run: self.run.clone(),
            layers: self.network.layers().map_err(device)?,
            moments: self.descent.moments().map_err(device)?,
        };
        state.encode()
    }

    /// Learns from the next batch; at the end of an epoch also measures the validation loss. Once the training has
    /// ended it does nothing.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] if the loss or a weight is no number or beyond measure.
    pub fn step(&mut self) -> Result<Progress, TrainError> {
        if self.run.done {
            return Ok(self.progress());
        }
        let from = usize::try_from(self.run.position).unwrap_or(usize::MAX);
        let until = (from + self.settings.batch).min(self.split);
        let rows = self.order[from..until].iter().map(|row| *row as usize);
        let loss = self.loss(&self.network.parameters, rows.collect(), &self.device);
        (self.descent)
            .step(&mut self.network, &loss)
            .map_err(device)?;
        let loss = self.finite(loss)?;
        self.run.learned(until - from, loss);
        if until == self.split {
            self.end_epoch()?;
        }
        Ok(self.progress())
    }

    /// How far the training is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let run = &self.run;
        let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let is_between = run.done || (run.position == 0 && run.epochs_done > 0);
        let steps = self.split.div_ceil(self.settings.batch);
        Progress {
            epoch: whole(run.epochs_done) + usize::from(!is_between),
            epochs: self.settings.epochs,
            step: if is_between {
                steps
            } else {
                whole(run.position).div_ceil(self.settings.batch)
            },
            steps,
            rows_seen: run.rows_seen,
            training_loss: run.training_loss,
            validation_loss: run.validation_loss,
            best: (run.best.as_ref()).map(|best| (best.loss, whole(best.epoch))),
            done: run.done,
        }
    }

    /// The model with the weights of the best epoch.
    ///
    /// # Errors
    /// [`TrainError::Unfinished`] if the training has not ended.
    pub fn finish(self) -> Result<Trained, TrainError> {
        let progress = self.progress();
        let Some(best) = self.run.best.filter(|_| self.run.done) else {
            return Err(TrainError::Unfinished {
                epoch: progress.epoch,
                epochs: progress.epochs,
            });
        };
        Ok(Trained::new(
            &self.examples,
            self.settings,
            self.scaling,
            &self.targets,
            best.layers,
            progress,
        ))
    }

    /// Ends an epoch: checks the weights, measures, keeps the best.
    fn end_epoch(&mut self) -> Result<(), TrainError> {
        let layers = self.network.layers().map_err(device)?;
        let largest = layers.iter().map(arch::Dense::largest);
        if let Some(largest) = largest.into_iter().find(|w| w.is_nan() || *w > WEIGHT_MAX) {
            return Err(self.diverged(format!("a weight is {largest}")));
        }
        let validation_loss = self.validation_loss()?;
        let (epochs, patience) = (self.settings.epochs, self.settings.patience);
        let end = EpochEnd {
            layers,
            validation_loss,
        };
        self.run.end_epoch(end, epochs, patience, self.split);
        self.order = self.run.order(self.split);
        Ok(())
    }

    /// Mean loss over the validation rows; none without such rows.
    fn validation_loss(&self) -> Result<Option<f64>, TrainError> {
        let rows = self.examples.len() - self.split;
        if rows == 0 {
            return Ok(None);
        }
        let (frozen, plain) = (self.network.frozen(), self.device.clone().inner());
        let mut sum = 0.0;
        for from in (self.split..self.examples.len()).step_by(BLOCK) {
            let block: Range<usize> = from..(from + BLOCK).min(self.examples.len());
            let count = block.len();
            let loss = self.loss(&frozen, block.collect(), &plain);
            sum += self.finite(loss)? * count as f64;
        }
        Ok(Some(sum / rows as f64))
    }

    /// Mean loss of some rows under some parameters.
    fn loss(&self, parameters: &[Tensor<2>], rows: Vec<usize>, device: &BurnDevice) -> Tensor<1> {
        let columns = self.examples.features().len();
        let width = self.targets.width(columns);
        let mut values = Vec::with_capacity(rows.len() * columns);
        let mut wanted = Vec::with_capacity(rows.len() * width);
        for &row in &rows {
            self.scaling
                .push(self.examples.rows().row(row), &mut values);
            if let Some(label) = self.examples.labels().get(row) {
                self.targets.push(*label, &mut wanted);
            }
        }
        let inputs = on_device(values, [rows.len(), columns], device);
        let wanted = match self.targets {
            Targets::Rebuild => inputs.clone(),
            Targets::Classes(_) | Targets::Value { .. } => {
                on_device(wanted, [rows.len(), width], device)
            }
        };
        let outputs = arch::forward(parameters, inputs);
        loss::mean(self.targets.task(), outputs, wanted)
    }

    fn finite(&self, loss: Tensor<1>) -> Result<f64, TrainError> {
        let loss = loss
            .try_into_scalar::<f32>()
            .map_err(|error| device(error.to_string()))?;
        if loss.is_finite() {
            Ok(f64::from(loss))
        } else {
            Err(self.diverged(format!("the loss is {loss}")))
        }
    }

    fn diverged(&self, cause: String) -> TrainError {
        TrainError::Diverged {
            epoch: self.progress().epoch,
            cause,
        }
    }

    /// Of all that decides the weights.
    fn fingerprint(&self) -> u64 {
        let settings = format!("{:?}", self.settings);
        xxh64(settings.as_bytes(), self.examples.fingerprint())
    }
}

/// The number of rows to learn from, when a share of the latest ones only measures.
fn split(rows: usize, validation: f64) -> usize {
    let measured = (rows as f64 * validation.clamp(0.0, 0.5)).round();
    rows - (measured as usize).min(rows)
}

fn device(cause: String) -> TrainError {
    TrainError::Device { cause }
}

impl std::fmt::Debug for Trainer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trainer")
            .field("settings", &self.settings)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}
