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

pub(crate) fn measure(folder: &Path, seeds: u64) -> Result<(), Failure> {
    let table = Table::read(&folder.join("shuttle.csv.gz"), None)?;
    let positive: Vec<bool> = table.column("anomaly")?.iter().map(|x| *x == 1.0).collect();
    let rows = features(&table)?;
    println!("shuttle: {} rows", rows.rows);
    println!("detector | first 10,000 rows, ROC-AUC (AP) | all rows, ROC-AUC (AP)");
    told("largest absolute z", &largest_z(&rows), &positive);
    for (hidden, trimmed) in [
        (vec![4], false),
        (vec![4], true),
        (vec![2], true),
        (vec![16, 4, 16], false),
        (vec![16, 4, 16], true),
        (vec![16, 2, 16], true),
    ] {
        let name = if trimmed { ", trimmed" } else { "" };
        for seed in 1..=seeds {
            let scores = stream(&rows, &hidden, trimmed, seed)?;
            let name = format!("autoencoder {hidden:?}{name}, seed {seed}");
            told(&name, &scores, &positive);
        }
    }
    Ok(())
}

fn features(table: &Table) -> Result<Matrix, Failure> {
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
/// With `trimmed`, the tenth of the past with the highest scores is left out of a second training: what is strange
/// should not be learned, and no label says which rows are.
fn stream(rows: &Matrix, hidden: &[usize], trimmed: bool, seed: u64) -> Result<Vec<f32>, Failure> {
    let mut said: Vec<f32> = largest_z(rows)[..WARM_UP].to_vec();
    let mut at = WARM_UP;
    while at < rows.rows {
        let mut past = part(rows, at.saturating_sub(HISTORY)..at);
        let mut model = autoencoder(&past, hidden, seed)?;
        if trimmed {
            let usual = scores(&model, &past)?;
            let bound = quantile(&usual, 0.9);
            past = part(&past, (0..past.rows).filter(|row| usual[*row] <= bound));
            model = autoencoder(&past, hidden, seed)?;
        }
        // Scores of one model beside those of the next: in units of the median of its past.
        let median = quantile(&scores(&model, &past)?, 0.5).max(f32::MIN_POSITIVE);
        let until = (2 * at).min(rows.rows);
        let next = scores(&model, &part(rows, at..until))?;
        said.extend(next.iter().map(|score| score / median));
        at = until;
    }
    Ok(said)
}

fn autoencoder(past: &Matrix, hidden: &[usize], seed: u64) -> Result<LoadedModel, Failure> {
    let architecture = Architecture::Autoencoder {
        hidden: hidden.to_vec(),
    };
    let settings = TrainSettings {
        seed,
        batch: 64,
        epochs: 20,
        ..TrainSettings::of(architecture, None)
    };
    fit(past.clone(), Vec::new(), settings)
}

fn quantile(scores: &[f32], share: f64) -> f32 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted[((sorted.len() as f64 * share) as usize).min(sorted.len() - 1)]
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

fn told(name: &str, scores: &[f32], positive: &[bool]) {
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
