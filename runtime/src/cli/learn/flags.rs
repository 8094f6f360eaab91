//! Flags that say how a model is trained, over what `[model.train]` says.

use clap::ValueEnum;
use config::{Architecture, ClassWeights, TrainSettings};

use super::error::LearnError;

/// How a model is trained, where it differs from `[model.train]`.
#[derive(Debug, clap::Args)]
pub(super) struct TrainFlags {
    /// Shape of the model
    #[arg(long, value_enum)]
    arch: Option<Arch>,
    /// Sizes of the hidden layers of mlp and autoencoder
    #[arg(long, value_name = "SIZE,…", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=4_096))]
    hidden: Vec<u16>,
    /// Passes over the training rows, at most
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    epochs: Option<u16>,
    /// Rows of a step
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    batch: Option<u32>,
    /// Step size of AdamW
    #[arg(long, value_parser = within::<1, 1_000_000_000>)]
    learning_rate: Option<f64>,
    /// Decoupled weight decay of AdamW
    #[arg(long, value_parser = within::<0, 1_000_000_000>)]
    weight_decay: Option<f64>,
    /// Epochs without a better loss on the validation rows before training ends
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    patience: Option<u16>,
    /// What an error on each class counts: `balanced`, or a number for each class
    #[arg(long, value_name = "balanced|WEIGHT,…", value_parser = class_weights)]
    class_weights: Option<ClassWeights>,
    /// Share of the training rows, the latest ones, that only tell when to stop
    #[arg(long, value_parser = within::<0, 500_000_000>)]
    validation: Option<f64>,
    /// Decides the first weights and the order of the rows
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Arch {
    Logistic,
    Linear,
    Mlp,
    Autoencoder,
}

/// A number from `LOW` to `HIGH` billionths.
pub(super) fn within<const LOW: u64, const HIGH: u64>(text: &str) -> Result<f64, String> {
    let (low, high) = (LOW as f64 / 1e9, HIGH as f64 / 1e9);
    let number = text.parse().ok();
    let number = number.filter(|number| (low..=high).contains(number));
    number.ok_or_else(|| format!("a number within {low} to {high} is wanted"))
}

fn class_weights(text: &str) -> Result<ClassWeights, String> {
    if text == "balanced" {
        return Ok(ClassWeights::Balanced);
    }
    let weights: Option<Vec<f64>> = text.split(',').map(|weight| weight.parse().ok()).collect();
    let weights = weights.filter(|weights| weights.iter().all(|w| (1e-6..=1e6).contains(w)));
    weights
        .map(ClassWeights::Given)
        .ok_or_else(|| "balanced, or a number within 0.000001 to 1000000 for each class".into())
}

impl TrainFlags {
    /// What `[model.train]` says, with what the flags say otherwise.
    ///
    /// # Errors
    /// If neither says which shape, or which label a shape needs that learns from one.
    pub(super) fn over(
        &self,
        file: Option<TrainSettings>,
        label: Option<&String>,
    ) -> Result<TrainSettings, LearnError> {
        let label = label.cloned();
        let mut settings = match (self.arch, file) {
            (Some(arch), Some(file)) => TrainSettings {
                architecture: self.architecture(arch),
                ..file
            },
            (Some(arch), None) => TrainSettings::of(self.architecture(arch), None),
            (None, Some(file)) => file,
            (None, None) => {
                let cause =
                    "nothing says how to train: add [model.train] to the topology, or --arch";
                return Err(LearnError::Usage(cause.into()));
            }
        };
        if !self.hidden.is_empty()
            && let Architecture::Mlp { hidden } | Architecture::Autoencoder { hidden } =
                &mut settings.architecture
        {
            *hidden = self.widths();
        }
        let is_supervised = settings.architecture.is_supervised();
        settings.label = label.or(settings.label).filter(|_| is_supervised);
        if is_supervised && settings.label.is_none() {
            let cause = "the model learns from a label: --label names its column";
            return Err(LearnError::Usage(cause.into()));
        }
        set(&mut settings.epochs, self.epochs.map(usize::from));
        set(&mut settings.batch, self.batch.map(|batch| batch as usize));
        set(&mut settings.learning_rate, self.learning_rate);
        set(&mut settings.weight_decay, self.weight_decay);
        set(&mut settings.patience, self.patience.map(usize::from));
        set(&mut settings.class_weights, self.class_weights.clone());
        set(&mut settings.validation, self.validation);
        set(&mut settings.seed, self.seed);
        Ok(settings)
    }

    fn widths(&self) -> Vec<usize> {
        self.hidden.iter().copied().map(usize::from).collect()
    }

    fn architecture(&self, arch: Arch) -> Architecture {
        let hidden = |silent: &[usize]| match self.hidden.is_empty() {
            true => silent.to_vec(),
            false => self.widths(),
        };
        match arch {
            Arch::Logistic => Architecture::Logistic,
            Arch::Linear => Architecture::Linear,
            Arch::Mlp => Architecture::Mlp {
                hidden: hidden(&[64, 32]),
            },
            Arch::Autoencoder => Architecture::Autoencoder {
                hidden: hidden(&[16, 4, 16]),
            },
        }
    }
}

fn set<T>(value: &mut T, flag: Option<T>) {
    if let Some(flag) = flag {
        *value = flag;
    }
}
