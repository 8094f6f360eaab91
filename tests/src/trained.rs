//! Versions for tests, trained by the code that the daemon trains with.

use std::path::Path;
use std::sync::Arc;

use config::{Architecture, TrainSettings};
use models::Matrix;
use models::train::{Examples, Trainer, TrainingRecord, publish};

/// Publishes version 1 of a logistic regression over columns of these names, trained on rows with their
/// labels.
///
/// # Panics
/// If the rows are no examples, or the version cannot be written.
pub fn first_version(
    folder: &Path,
    features: &[&str],
    rows: impl Iterator<Item = (Vec<f32>, bool)>,
    learning_rate: f64,
) {
    let (values, labels): (Vec<Vec<f32>>, Vec<bool>) = rows.unzip();
    let rows = Matrix {
        rows: labels.len(),
        columns: features.len(),
        values: values.concat(),
    };
    let labels = labels.into_iter().map(|label| f32::from(u8::from(label)));
    let names = features.iter().map(|name| (*name).to_owned()).collect();
    let examples = Examples::try_new(names, rows, labels.collect());
    let settings = TrainSettings {
        learning_rate,
        ..TrainSettings::of(Architecture::Logistic, Some("label".into()))
    };
    let mut trainer = Trainer::new(Arc::new(examples.expect("rows")), settings).expect("a trainer");
    while !trainer.step().expect("a step").done {}
    let trained = trainer.finish().expect("a model");
    let record = TrainingRecord::of(&trained, "by hand");
    publish(folder, 1, &trained, &record, &[]).expect("published");
}
