//! Elec2, prequential (`data/elec2/README.md`): every row is predicted first and learned from afterwards. A network is
//! trained anew on the latest rows every so many rows, and answers until the next one.

use std::path::Path;

use config::{Architecture, TrainSettings};
use models::Matrix;
use models::evaluate::Prequential;
use thalweg_benches::Failure;

use crate::fitting::{fit, part, scores};
use crate::table::Table;

/// Half-hours of a day.
const DAY: usize = 48;
/// The window of the windowed accuracy.
const WINDOW: usize = 1_000;
/// Until so many rows are labelled the last label is predicted.
const WARM_UP: usize = 500;

/// What a row's features are.
#[derive(Clone, Copy)]
enum Inputs {
    /// The six columns as they are.
    Raw,
    /// And the distance of the price to its mean over the day before, which a rolling operator gives.
    RollingMean,
    /// And the labels of the last row, and of the rows a day and a week before.
    Labels,
}

pub(crate) fn measure(folder: &Path, seeds: u64) -> Result<(), Failure> {
    let table = Table::read(&folder.join("elec2.csv.gz"), None)?;
    let labels: Vec<f32> = table.column("class")?.iter().map(|x| *x as f32).collect();
    println!("elec2: {} rows", table.rows());
    println!(
        "model | accuracy % | kappa % | kappa-temporal % | accuracy in the last {WINDOW} rows %"
    );
    let mut no_change = vec![0.0];
    no_change.extend_from_slice(&labels[..labels.len() - 1]);
    told("no change", &labels, &no_change);
    let mlp = Architecture::Mlp {
        hidden: vec![32, 16],
    };
    for (name, inputs, architecture) in [
        ("logistic, raw inputs", Inputs::Raw, Architecture::Logistic),
        ("mlp 32-16, raw inputs", Inputs::Raw, mlp.clone()),
        (
            "logistic, rolling mean of the price",
            Inputs::RollingMean,
            Architecture::Logistic,
        ),
        (
            "mlp 32-16, rolling mean of the price",
            Inputs::RollingMean,
            mlp.clone(),
        ),
        (
            "mlp 32-16, earlier labels and rolling mean",
            Inputs::Labels,
            mlp,
        ),
    ] {
        let features = features(&table, &labels, inputs)?;
        for seed in 1..=seeds {
            let said = stream(&features, &labels, &architecture, seed)?;
            told(&format!("{name}, seed {seed}"), &labels, &said);
        }
    }
    Ok(())
}

/// Predicts every row in order, learning from the rows before it only.
fn stream(
    features: &Matrix,
    labels: &[f32],
    architecture: &Architecture,
    seed: u64,
) -> Result<Vec<f32>, Failure> {
    let (every, history) = (7 * DAY, 60 * DAY);
    let mut said = vec![0.0];
    said.extend_from_slice(&labels[..WARM_UP - 1]);
    for at in (WARM_UP..labels.len()).step_by(every) {
        let past = at.saturating_sub(history)..at;
        let settings = TrainSettings {
            seed,
            batch: 128,
            epochs: 60,
            learning_rate: 3e-3,
            patience: 6,
            ..TrainSettings::of(architecture.clone(), Some("class".into()))
        };
        let model = fit(
            part(features, past.clone()),
            labels[past].to_vec(),
            settings,
        )?;
        let next = at..(at + every).min(labels.len());
        let scores = scores(&model, &part(features, next))?;
        said.extend(scores.iter().map(|score| f32::from(*score >= 0.5)));
    }
    Ok(said)
}

fn features(table: &Table, labels: &[f32], inputs: Inputs) -> Result<Matrix, Failure> {
    let names = [
        "period",
        "nswprice",
        "nswdemand",
        "vicprice",
        "vicdemand",
        "transfer",
    ];
    let columns: Result<Vec<Vec<f64>>, Failure> =
        names.map(|name| table.column(name)).into_iter().collect();
    let columns = columns?;
    let price = &columns[1];
    let mut values = Vec::new();
    let mut width = 0;
    for row in 0..table.rows() {
        let before = values.len();
        values.extend(columns.iter().map(|column| column[row] as f32));
        if matches!(inputs, Inputs::RollingMean | Inputs::Labels) {
            let past = &price[row.saturating_sub(DAY - 1)..=row];
            let mean = past.iter().sum::<f64>() / past.len() as f64;
            values.push((price[row] - mean) as f32);
        }
        if matches!(inputs, Inputs::Labels) {
            for back in [1, DAY, 7 * DAY] {
                let label = row.checked_sub(back).map(|earlier| labels[earlier]);
                values.push(label.unwrap_or(f32::NAN));
            }
        }
        width = values.len() - before;
    }
    Ok(Matrix {
        rows: table.rows(),
        columns: width,
        values,
    })
}

fn told(name: &str, labels: &[f32], said: &[f32]) {
    let mut stream = Prequential::new(2, WINDOW, 0.999);
    for (truth, said) in labels.iter().zip(said) {
        stream.add(*truth as usize, *said as usize);
    }
    let percent = |x: Option<f64>| 100.0 * x.unwrap_or(f64::NAN);
    println!(
        "{name} | {:.2} | {:.2} | {:.2} | {:.2}",
        percent(stream.all().accuracy()),
        percent(stream.all().kappa()),
        percent(stream.kappa_temporal()),
        percent(stream.windowed().accuracy()),
    );
}
