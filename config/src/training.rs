//! How a model is trained: the checked form of `[model.train]`, and what holds where it is silent.

/// What shape of model is trained, how, and on which label.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainSettings {
    /// Shape of the model.
    pub architecture: Architecture,
    /// Passes over the training rows, at most.
    pub epochs: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Step size of AdamW, in (0, 1].
    pub learning_rate: f64,
    /// Decoupled weight decay of AdamW, in [0, 1].
    pub weight_decay: f64,
    /// Epochs without a better loss on the validation rows before training ends.
    pub patience: usize,
    /// What an error on each class counts.
    pub class_weights: ClassWeights,
    /// Share of the rows, the latest ones, that training only measures itself on; in [0, 0.5].
    pub validation: f64,
    /// Decides the first weights and the order of the rows.
    pub seed: u64,
    /// The column to be predicted; none for an autoencoder.
    pub label: Option<String>,
}

/// Shape of a model that can be trained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Architecture {
    /// Logistic regression over two or more classes.
    Logistic,
    /// Linear regression of a number.
    Linear,
    /// Classes by a multilayer perceptron: dense layers with ReLU between them.
    Mlp {
        /// Sizes of the hidden layers, the input's side first.
        hidden: Vec<usize>,
    },
    /// Rows rebuilt through a bottleneck; the anomaly score is the error of the rebuilding.
    Autoencoder {
        /// Sizes of the hidden layers, the code among them.
        hidden: Vec<usize>,
    },
}

/// What an error on each class counts.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeights {
    /// Every row the same.
    Equal,
    /// Classes the same: a row counts inversely to its class's frequency.
    Balanced,
    /// A weight for each class, the first for class 0.
    Given(Vec<f64>),
}

impl Architecture {
    /// Its word in a topology file.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Logistic => "logistic",
            Self::Linear => "linear",
            Self::Mlp { .. } => "mlp",
            Self::Autoencoder { .. } => "autoencoder",
        }
    }

    /// Whether it learns from labels.
    #[must_use]
    pub fn is_supervised(&self) -> bool {
        !matches!(self, Self::Autoencoder { .. })
    }
}

impl TrainSettings {
    /// What holds for a shape where nothing else is said.
    #[must_use]
    pub fn of(architecture: Architecture, label: Option<String>) -> Self {
        Self {
            architecture,
            label,
            // Early stopping ends most trainings sooner; a hundred passes bound the others.
            epochs: 100,
            // The most that a mini-batch gains from on a CPU (docs/benchmarks.md, "Training").
            batch: 256,
            // The usual step of Adam, and a decay that no label's signal drowns in.
            learning_rate: 1e-3,
            weight_decay: 1e-4,
            // A validation loss wobbles for a few epochs before it falls again.
            patience: 10,
            class_weights: ClassWeights::Equal,
            validation: 0.2,
            seed: 1,
        }
    }
}
