//! Shuttle (`data/shuttle/README.md`): an autoencoder scores each row, trained on the rows before it, anomalies
//! included and no label ever used. It is trained anew whenever the past has doubled.

use std::path::Path;

use config::{Architecture, TrainSettings};
use models::evaluate::Ranking;
use models::{LoadedModel, Matrix};
use thalweg_benches::Failure;

use crate::fitting::{fit, part, scores};
use crate::table::Table;

/// Rows before the first training; they are scored by their largest absolute z.
const WARM_UP: usize = 250;
/// Rows of the past that a training takes, at most: the latest ones.
const HISTORY: usize = 16_000;
/// Small steps and few epochs: a code that is trained longer learns to rebuild the anomalies too.
const RATE: f64 = 5e-4;

/// What is tried.
#[derive(Clone, Copy)]
struct Shape<'a> {
    hidden: &'a [usize],
    trimmed: bool,
    epochs: usize,
    seed: u64,
}

pub(crate) fn measure(folder: &Path, seeds: u64) -> Result<(), Failure> {
    let table = Table::read(&folder.join("shuttle.csv.gz"), None)?;
    let positive: Vec<bool> = table.column("anomaly")?.iter().map(|x| *x == 1.0).collect();
    let rows = features(&table)?;
    println!("shuttle: {} rows", rows.rows);
    println!("detector | first 10,000 rows, ROC-AUC (AP) | all rows, ROC-AUC (AP)");
    told("largest absolute z", &largest_z(&rows), &positive);
    for (hidden, trimmed, epochs) in [
        (vec![4], true, 2),
        (vec![2], true, 2),
        (vec![1], true, 2),
        (vec![4], false, 2),
        (vec![1], true, 20),
        (vec![2], true, 20),
    ] {
        let name = if trimmed { ", trimmed" } else { "" };
        for seed in 1..=seeds {
            let shape = Shape {
                hidden: &hidden,
                trimmed,
                epochs,
                seed,
            };
            let scores = stream(&rows, shape)?;
            let name = format!("autoencoder {hidden:?}, {epochs} epochs{name}, seed {seed}");
            told(&name, &scores, &positive);
        }
    }
    Ok(())
}

pub(crate) fn features(table: &Table) -> Result<Matrix, Failure> {
    let names: Vec<String> = (1..=9).map(|at| format!("f{at}")).collect();
    let columns: Result<Vec<Vec<f64>>, Failure> =
        names.iter().map(|name| table.column(name)).collect();
    let columns = columns?;
    let mut values = Vec::new();
    for row in 0..table.rows() {
        values.extend(columns.iter().map(|column| column[row] as f32));
    }
    Ok(Matrix {
        rows: table.rows(),
        columns: columns.len(),
        values,
    })
}

/// Scores every row in order by a model of the rows before it.
///
/// With [`Shape::trimmed`], the tenth of the past with the highest scores is left out of a second training: what is strange
/// should not be learned, and no label says which rows are.
fn stream(rows: &Matrix, shape: Shape<'_>) -> Result<Vec<f32>, Failure> {
    let of_warm_up = &largest_z(rows)[..WARM_UP];
    let usual = sorted(of_warm_up.to_vec());
    let mut said: Vec<f32> = of_warm_up.iter().map(|z| rank(&usual, *z)).collect();
    let mut at = WARM_UP;
    while at < rows.rows {
        let past = part(rows, at.saturating_sub(HISTORY)..at);
        let until = (2 * at).min(rows.rows);
        let next = part(rows, at..until);
        let model = model_of(&past, shape)?;
        let usual = sorted(scores(&model, &past)?);
        said.extend(
            scores(&model, &next)?
                .iter()
                .map(|score| rank(&usual, *score)),
        );
        at = until;
    }
    Ok(said)
}

/// One autoencoder, trained on the past.
fn model_of(past: &Matrix, shape: Shape<'_>) -> Result<LoadedModel, Failure> {
    let model = autoencoder(past, shape)?;
    if !shape.trimmed {
        return Ok(model);
    }
    let of_past = scores(&model, past)?;
    let bound = sorted(of_past.clone())[past.rows * 9 / 10];
    let kept = (0..past.rows).filter(|row| of_past[*row] <= bound);
    autoencoder(&part(past, kept), shape)
}

fn sorted(mut scores: Vec<f32>) -> Vec<f32> {
    scores.sort_by(f32::total_cmp);
    scores
}

/// Share of the past's scores that are not higher, so that the scores of one model can stand beside those of the next;
/// beyond all of them, one and the logarithm of how far.
fn rank(past: &[f32], score: f32) -> f32 {
    let below = past.partition_point(|usual| *usual <= score);
    let highest = past[past.len() - 1].max(f32::MIN_POSITIVE);
    let beyond = if score > highest {
        (score / highest).ln()
    } else {
        0.0
    };
    below as f32 / past.len() as f32 + beyond
}

fn autoencoder(past: &Matrix, shape: Shape<'_>) -> Result<LoadedModel, Failure> {
    let architecture = Architecture::Autoencoder {
        hidden: shape.hidden.to_vec(),
    };
    let settings = TrainSettings {
        seed: shape.seed,
        batch: 64,
        epochs: shape.epochs,
        learning_rate: RATE,
        ..TrainSettings::of(architecture, None)
    };
    fit(past.clone(), Vec::new(), settings)
}

/// The baseline: the largest distance from a column's mean so far, in its deviations so far.
fn largest_z(rows: &Matrix) -> Vec<f32> {
    let mut moments = vec![(0.0_f64, 0.0_f64); rows.columns];
    let mut said = Vec::with_capacity(rows.rows);
    for at in 0..rows.rows {
        let count = at as f64;
        let mut largest = 0.0_f64;
        for (x, (mean, squares)) in rows.row(at).iter().zip(&mut moments) {
            let distance = f64::from(*x) - *mean;
            let deviation = (*squares / count.max(1.0)).sqrt();
            if deviation > 0.0 {
                largest = largest.max(distance.abs() / deviation);
            }
            // Welford's update.
            *mean += distance / (count + 1.0);
            *squares += distance * (f64::from(*x) - *mean);
        }
        said.push(largest as f32);
    }
    said
}

pub(crate) fn told(name: &str, scores: &[f32], positive: &[bool]) {
    let figures = |rows: usize| {
        let ranking = Ranking::new(&scores[..rows], &positive[..rows]);
        let figure = |of: fn(&Ranking) -> Option<f64>| {
            100.0 * ranking.as_ref().and_then(of).unwrap_or(f64::NAN)
        };
        format!(
            "{:.2} ({:.1})",
            figure(Ranking::roc_auc),
            figure(Ranking::average_precision)
        )
    };
    println!("{name} | {} | {}", figures(10_000), figures(scores.len()));
}
