//! Trainings from end to end: what is learned, that it is repeatable, and what is refused.

mod fixtures;
mod refusals;

use std::sync::Arc;

use config::{Architecture, ClassWeights, TrainSettings};
use proptest::prelude::*;

use super::{Examples, OffsetRange, TrainError, Trained, Trainer, TrainingRecord, publish};
use crate::random::Random;
use crate::{LoadedModel, Matrix, TensorData, gate, load_bytes};

fn names(count: usize) -> Vec<String> {
    (1..=count).map(|at| format!("f{at}")).collect()
}

fn examples(columns: usize, values: Vec<f32>, labels: Vec<f32>) -> Arc<Examples> {
    let rows = Matrix {
        rows: values.len() / columns,
        columns,
        values,
    };
    Arc::new(Examples::try_new(names(columns), rows, labels).expect("usable rows"))
}

/// Rows of normal numbers, each column at its own place and scale, and a label made of them.
fn drawn(rows: usize, columns: usize, label: impl Fn(&[f32], &mut Random) -> f32) -> Arc<Examples> {
    let mut random = Random::new(11);
    let mut values = Vec::new();
    let mut labels = Vec::new();
    for _ in 0..rows {
        let row: Vec<f32> = (0..columns).map(|_| random.normal() as f32).collect();
        labels.push(label(&row, &mut random));
        let place = |(at, x): (usize, &f32)| (x * 10.0_f32.powi(at as i32)) + 100.0 * at as f32;
        values.extend(row.iter().enumerate().map(place));
    }
    examples(columns, values, labels)
}

/// Whether the first two numbers have the same sign: no line divides it.
fn exclusive_or(rows: usize) -> Arc<Examples> {
    drawn(rows, 3, |row, _| f32::from(row[0] * row[1] > 0.0))
}

fn mlp(hidden: &[usize]) -> Architecture {
    Architecture::Mlp {
        hidden: hidden.to_vec(),
    }
}

fn settings(architecture: Architecture) -> TrainSettings {
    TrainSettings {
        epochs: 40,
        batch: 64,
        learning_rate: 0.01,
        ..TrainSettings::of(architecture, Some("y".into()))
    }
}

fn train(examples: &Arc<Examples>, settings: TrainSettings) -> Result<Trained, TrainError> {
    let mut trainer = Trainer::new(Arc::clone(examples), settings)?;
    while !trainer.step()?.done {}
    trainer.finish()
}

fn served(trained: &Trained) -> LoadedModel {
    load_bytes(&trained.onnx(), trained.features()).expect("an export that our executor runs")
}

/// One output of a model for all rows.
fn output(model: &LoadedModel, name: &str, rows: &Matrix) -> Vec<f32> {
    let outputs = &model.signature().outputs;
    let at = outputs.iter().position(|output| output.name == name);
    let mut answers = model.infer(rows).expect("answers");
    match answers.swap_remove(at.expect("the output")).data {
        TensorData::Float32(values) => values,
        TensorData::Int64(values) => values.iter().map(|&value| value as f32).collect(),
        TensorData::String(_) => panic!("no model here gives texts"),
    }
}

fn accuracy(model: &LoadedModel, examples: &Examples) -> f64 {
    let labels = output(model, "label", examples.rows());
    let pairs = labels.iter().zip(examples.labels());
    pairs.filter(|(said, truth)| said == truth).count() as f64 / examples.len() as f64
}

#[test]
fn a_perceptron_learns_what_no_line_divides() {
    let rows = exclusive_or(1_000);
    let network = served(&train(&rows, settings(mlp(&[16]))).expect("a model"));
    assert!(accuracy(&network, &rows) > 0.95);
    let line = served(&train(&rows, settings(Architecture::Logistic)).expect("a model"));
    assert!(accuracy(&line, &rows) < 0.6);
}

#[test]
fn probabilities_of_a_logistic_regression_are_those_of_the_law_behind_the_labels() {
    let chance = |row: &[f32]| 1.0 / (1.0 + (-(1.5 * row[0] - row[1] + 0.5)).exp());
    let rows = drawn(5_000, 2, |row, random| {
        f32::from((random.unit() as f32) < chance(row))
    });
    let model = served(&train(&rows, settings(Architecture::Logistic)).expect("a model"));
    let probabilities = output(&model, "probabilities", rows.rows());
    for (at, pair) in probabilities.chunks_exact(2).enumerate() {
        let row = rows.rows().row(at);
        let truth = chance(&[row[0], (row[1] - 100.0) / 10.0]);
        assert!((pair[1] - truth).abs() < 0.06, "{} and {truth}", pair[1]);
        assert!((pair[0] + pair[1] - 1.0).abs() < 1e-6);
    }
}

#[test]
fn a_linear_regression_finds_the_line() {
    let rows = drawn(2_000, 2, |row, _| 3.0 * row[0] - 200.0 * row[1] + 1_000.0);
    let model = served(&train(&rows, settings(Architecture::Linear)).expect("a model"));
    let values = output(&model, "value", rows.rows());
    for (value, truth) in values.iter().zip(rows.labels()) {
        assert!((value - truth).abs() < 2.0, "{value} and {truth}");
    }
}

#[test]
fn an_autoencoder_scores_rows_beside_the_others_higher() {
    // Five numbers that all follow one hidden one.
    let mut random = Random::new(5);
    let mut values = Vec::new();
    for _ in 0..2_000 {
        let hidden = random.normal();
        let noisy = |random: &mut Random| (hidden + 0.1 * random.normal()) as f32;
        values.extend((0..5).map(|_| noisy(&mut random)));
    }
    let rows = examples(5, values, Vec::new());
    let shape = Architecture::Autoencoder {
        hidden: vec![8, 1, 8],
    };
    let mut settings = settings(shape);
    settings.label = None;
    let model = served(&train(&rows, settings).expect("a model"));
    let usual = output(&model, "score", rows.rows());
    let mean = usual.iter().sum::<f32>() / usual.len() as f32;
    let strange = Matrix {
        rows: 1,
        columns: 5,
        values: vec![1.0, -1.0, 1.0, -1.0, 1.0],
    };
    assert!(output(&model, "score", &strange)[0] > 10.0 * mean);
}

#[test]
fn a_missing_feature_counts_as_its_mean() {
    let rows = drawn(500, 2, |row, _| f32::from(row[0] + row[1] > 0.0));
    let model = served(&train(&rows, settings(mlp(&[8]))).expect("a model"));
    let training = 400;
    let column = (0..training).map(|row| f64::from(rows.rows().row(row)[1]));
    let mean = (column.sum::<f64>() / training as f64) as f32;
    let row = |second: f32| Matrix {
        rows: 1,
        columns: 2,
        values: vec![0.7, second],
    };
    let filled = output(&model, "probabilities", &row(f32::NAN));
    assert_eq!(filled, output(&model, "probabilities", &row(mean)));
}

#[test]
fn balanced_weights_find_more_of_a_rare_class() {
    let rows = drawn(4_000, 1, |row, random| {
        f32::from(f64::from(row[0]) > 1.8 + random.normal())
    });
    let found = |class_weights: ClassWeights| {
        let settings = TrainSettings {
            class_weights,
            ..settings(Architecture::Logistic)
        };
        let model = served(&train(&rows, settings).expect("a model"));
        output(&model, "label", rows.rows()).iter().sum::<f32>()
    };
    let (equal, balanced) = (found(ClassWeights::Equal), found(ClassWeights::Balanced));
    assert!(balanced > 2.0 * equal, "{balanced} and {equal}");
    let given = found(ClassWeights::Given(vec![1.0, 1.0]));
    assert_eq!(given, equal);
}

#[test]
fn rows_and_seed_decide_every_bit() {
    let rows = exclusive_or(600);
    let model = |seed| {
        let settings = TrainSettings {
            seed,
            epochs: 5,
            ..settings(mlp(&[8, 4]))
        };
        train(&rows, settings).expect("a model").onnx()
    };
    assert_eq!(model(1), model(1));
    assert_ne!(model(1), model(2));
}

#[test]
fn training_stops_when_the_validation_loss_no_longer_falls_and_keeps_the_best_weights() {
    // Labels of pure chance: whatever is learned makes the validation loss worse.
    let rows = drawn(400, 3, |_, random| f32::from(random.unit() < 0.5));
    let settings = TrainSettings {
        epochs: 1_000,
        patience: 3,
        ..settings(mlp(&[32]))
    };
    let progress = train(&rows, settings).expect("a model").progress();
    let (loss, epoch) = progress.best.expect("a best epoch");
    assert_eq!(progress.epoch, epoch + 3);
    assert!(loss <= progress.validation_loss.expect("validation rows"));
}

#[test]
fn the_latest_rows_are_only_measured_on() {
    // The last fifth says the opposite: a model that had seen it would be torn.
    let rows = drawn(1_000, 1, |row, _| f32::from(row[0] > 0.0));
    let (early, late) = rows.split(800);
    let flipped = late.labels().iter().map(|label| 1.0 - label);
    let labels = early.labels().iter().copied().chain(flipped).collect();
    let torn = examples(1, rows.rows().values.clone(), labels);
    let settings = TrainSettings {
        epochs: 1,
        batch: 16,
        ..settings(Architecture::Logistic)
    };
    let model = served(&train(&torn, settings).expect("a model"));
    assert!(accuracy(&model, &early) > 0.98);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_training_continued_from_a_checkpoint_gives_the_same_weights(stops in prop::collection::vec(1_usize..12, 1..4)) {
        let rows = exclusive_or(300);
        let settings = TrainSettings { epochs: 4, patience: 2, ..settings(mlp(&[6])) };
        let whole = train(&rows, settings.clone()).expect("a model");
        let mut trainer = Trainer::new(Arc::clone(&rows), settings.clone()).expect("a trainer");
        for steps in stops {
            for _ in 0..steps {
                trainer.step().expect("a step");
            }
            let bytes = trainer.checkpoint().expect("a checkpoint");
            let before = trainer.progress();
            trainer = Trainer::resume(Arc::clone(&rows), settings.clone(), &bytes).expect("a trainer");
            prop_assert_eq!(trainer.progress(), before);
        }
        while !trainer.step().expect("a step").done {}
        prop_assert_eq!(trainer.finish().expect("a model"), whole);
    }

    #[test]
    fn a_damaged_checkpoint_is_refused(at in any::<prop::sample::Index>(), byte in 1_u8..) {
        let rows = exclusive_or(64);
        let settings = settings(mlp(&[4]));
        let mut trainer = Trainer::new(Arc::clone(&rows), settings.clone()).expect("a trainer");
        trainer.step().expect("a step");
        let mut bytes = trainer.checkpoint().expect("a checkpoint");
        let at = at.index(bytes.len());
        bytes[at] ^= byte;
        let error = Trainer::resume(rows, settings, &bytes).expect_err("a refusal");
        let is_checkpoint = matches!(error, TrainError::Checkpoint { .. });
        prop_assert!(is_checkpoint);
    }
}

#[test]
fn a_checkpoint_of_other_rows_or_settings_is_refused() {
    let rows = exclusive_or(64);
    let settings = settings(mlp(&[4]));
    let trainer = Trainer::new(Arc::clone(&rows), settings.clone()).expect("a trainer");
    let bytes = trainer.checkpoint().expect("a checkpoint");
    let mut other = settings.clone();
    other.seed += 1;
    assert!(Trainer::resume(Arc::clone(&rows), other, &bytes).is_err());
    assert!(Trainer::resume(exclusive_or(65), settings.clone(), &bytes).is_err());
    assert!(Trainer::resume(rows, settings, &bytes).is_ok());
}

#[test]
fn a_published_version_is_loaded_from_its_folder_with_its_record() {
    let rows = exclusive_or(200);
    let trained = train(&rows, settings(mlp(&[4]))).expect("a model");
    let mut record = TrainingRecord::of(&trained, "by hand");
    record.file = Some("payments.csv".into());
    record.parent = Some(6);
    record.metrics.insert("roc-auc".into(), 0.75);
    record.partitions = vec![OffsetRange {
        partition: 1,
        from: 5,
        until: 205,
    }];
    record.profile = Some("profile.bin".into());
    let verdict = judge_alone(&trained, &rows);
    record.verdict = Some(verdict);
    let folder = tempfile::tempdir().expect("a folder");
    let path = publish(
        folder.path(),
        7,
        &trained,
        &record,
        &[("profile.bin", b"profile")],
    );
    assert!(path.expect("a version").join("profile.bin").is_file());
    let read = TrainingRecord::read(folder.path(), 7).expect("a record");
    assert_eq!(read, Some(record));
    let choice = config::VersionChoice::Number(7);
    let loaded = crate::load(folder.path(), &choice, config::DeviceChoice::Cpu).expect("a model");
    assert_eq!(loaded.signature().features, names(3));
    assert_eq!(
        loaded.description(),
        "Multilayer perceptron [4] that predicts \"y\", trained on 200 rows."
    );
    let answers = |model: &LoadedModel| output(model, "probabilities", rows.rows());
    assert_eq!(answers(&loaded), answers(&served(&trained)));
}

/// The verdict on a model against a constant.
fn judge_alone(trained: &Trained, rows: &Examples) -> gate::Verdict {
    let answers = gate::Answers::of(&served(trained), rows.rows()).expect("answers");
    let constant = gate::Answers::constant(&[0.5, 0.5], rows.len());
    let candidate = |name, answers| gate::Candidate {
        name,
        signature: None,
        answers,
        latency: None,
    };
    let holdout = gate::Holdout {
        truths: rows.labels(),
        slices: &[],
    };
    gate::judge(
        &candidate("a constant", &constant),
        &candidate("the model", &answers),
        &holdout,
        &gate::Rules::of(gate::Measure::LogLoss),
    )
}
