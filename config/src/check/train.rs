//! `[model.train]`: shape, sizes and steps of a training.

use super::Context;
use crate::code::Code;
use crate::files::Finding;
use crate::raw::{self, Key};
use crate::{Architecture, ClassWeights, TrainSettings};

/// Hidden layers, at most: what streams need is shallow, and deeper ones train badly without more than is here.
const LAYERS_MAX: usize = 8;
/// Numbers of a hidden layer, at most; two such layers are 64 MiB of weights.
const WIDTH_MAX: usize = 4_096;
/// Classes that weights are given for, at most.
const CLASSES_MAX: usize = 1_000;

/// Checks the table; `None` only if something was reported.
pub(crate) fn check(table: &Key<raw::Train>, cx: &Context<'_>) -> Option<TrainSettings> {
    let raw = table.get()?;
    let architecture = architecture(raw, cx)?;
    let label = label(table, raw, &architecture, cx)?;
    let silent = TrainSettings::of(architecture, label);
    Some(TrainSettings {
        epochs: within(raw.epochs.as_ref(), silent.epochs, 1, 10_000, cx)?,
        batch: within(raw.batch.as_ref(), silent.batch, 1, 65_536, cx)?,
        learning_rate: within(
            raw.learning_rate.as_ref(),
            silent.learning_rate,
            1e-9,
            1.0,
            cx,
        )?,
        weight_decay: within(raw.weight_decay.as_ref(), silent.weight_decay, 0.0, 1.0, cx)?,
        patience: within(raw.patience.as_ref(), silent.patience, 1, 10_000, cx)?,
        class_weights: class_weights(raw, cx)?,
        validation: within(raw.validation.as_ref(), silent.validation, 0.0, 0.5, cx)?,
        seed: match &raw.seed {
            None => silent.seed,
            Some(seed) => *seed.get()?,
        },
        ..silent
    })
}

/// A number within bounds, or what holds where the file is silent.
fn within<T>(key: Option<&Key<T>>, silent: T, low: T, high: T, cx: &Context<'_>) -> Option<T>
where
    T: Copy + PartialOrd + std::fmt::Display,
{
    match key {
        None => Some(silent),
        Some(key) => cx.within(key, low, high),
    }
}

fn architecture(raw: &raw::Train, cx: &Context<'_>) -> Option<Architecture> {
    let arch = *raw.arch.get()?;
    if let (raw::Arch::Logistic | raw::Arch::Linear, Some(hidden)) = (arch, &raw.hidden) {
        let message = "a model without hidden layers has no sizes of them";
        cx.report(
            Finding::at(hidden.span, Code::CONFLICT, message)
                .hint("arch = \"mlp\" has hidden layers"),
        );
        return None;
    }
    let hidden = |silent: &[usize]| match &raw.hidden {
        None => Some(silent.to_vec()),
        Some(list) => widths(list, cx),
    };
    Some(match arch {
        raw::Arch::Logistic => Architecture::Logistic,
        raw::Arch::Linear => Architecture::Linear,
        raw::Arch::Mlp => Architecture::Mlp {
            hidden: hidden(&[64, 32])?,
        },
        raw::Arch::Autoencoder => Architecture::Autoencoder {
            hidden: hidden(&[16, 4, 16])?,
        },
    })
}

fn widths(list: &Key<Vec<Key<usize>>>, cx: &Context<'_>) -> Option<Vec<usize>> {
    let widths = list.get()?;
    if widths.is_empty() || widths.len() > LAYERS_MAX {
        let message = format!(
            "{} hidden layers; there are 1 to {LAYERS_MAX}",
            widths.len()
        );
        cx.report(Finding::at(list.span, Code::INVALID_VALUE, message));
        return None;
    }
    let widths = widths.iter().map(|width| cx.within(width, 1, WIDTH_MAX));
    widths.collect()
}

/// The label's column: a model learns from one, an autoencoder has none.
fn label(
    table: &Key<raw::Train>,
    raw: &raw::Train,
    architecture: &Architecture,
    cx: &Context<'_>,
) -> Option<Option<String>> {
    match (&raw.label, architecture.is_supervised()) {
        (Some(label), true) => Some(Some(label.get()?.clone())),
        (None, false) => Some(None),
        (None, true) => {
            let message = format!(
                "\"{}\" learns from a label, and no column is named",
                architecture.word()
            );
            cx.report(
                Finding::at(table.span, Code::MISSING_KEY, message)
                    .hint("label = \"…\" names the column with the true class or number"),
            );
            None
        }
        (Some(label), false) => {
            let message = "an autoencoder learns without labels";
            cx.report(Finding::at(label.span, Code::CONFLICT, message).hint("leave label out"));
            None
        }
    }
}

fn class_weights(raw: &raw::Train, cx: &Context<'_>) -> Option<ClassWeights> {
    let Some(key) = &raw.class_weights else {
        return Some(ClassWeights::Equal);
    };
    if let Some(raw::Arch::Linear | raw::Arch::Autoencoder) = raw.arch.get() {
        let message = "only models of classes (logistic, mlp) have class weights";
        cx.report(Finding::at(key.span, Code::CONFLICT, message));
        return None;
    }
    let weights = match key.get()? {
        raw::ClassWeights::Text(raw::Balanced::Balanced) => return Some(ClassWeights::Balanced),
        raw::ClassWeights::List(weights) => weights,
    };
    if !(2..=CLASSES_MAX).contains(&weights.len()) {
        let message = format!(
            "{} weights; there are 2 to {CLASSES_MAX} classes",
            weights.len()
        );
        cx.report(Finding::at(key.span, Code::INVALID_VALUE, message));
        return None;
    }
    let weights = weights.iter().map(|weight| cx.within(weight, 1e-6, 1e6));
    weights.collect::<Option<_>>().map(ClassWeights::Given)
}
