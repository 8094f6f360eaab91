//! Shuttle once more, by the `detect` operator's detectors: nothing is trained before, every row is judged by the
//! rows before it and then learned, anomalies included.

use std::path::Path;
use std::time::Instant;

use config::{Detect, DetectMethod};
use models::detect::Detector;
use thalweg_benches::Failure;

use crate::shuttle::{features, told};
use crate::table::Table;

pub(crate) fn measure(folder: &Path) -> Result<(), Failure> {
    let table = Table::read(&folder.join("shuttle.csv.gz"), None)?;
    let positive: Vec<bool> = table.column("anomaly")?.iter().map(|x| *x == 1.0).collect();
    let rows = features(&table)?;
    println!("shuttle, online: {} rows", rows.rows);
    println!("detector | first 10,000 rows, ROC-AUC (AP) | all rows, ROC-AUC (AP) | rows/s");
    for method in methods() {
        let settings = settings(method, rows.columns);
        let mut detector = Detector::new(&settings, 1);
        let begun = Instant::now();
        let (mut raw, mut surprise) = (Vec::new(), Vec::new());
        for row in rows.values.chunks_exact(rows.columns) {
            let values: Vec<f64> = row.iter().map(|value| f64::from(*value)).collect();
            let verdict = detector.row(&settings, &values);
            raw.push(verdict.score as f32);
            surprise.push(-verdict.probability.log10() as f32);
        }
        let rate = rows.rows as f64 / begun.elapsed().as_secs_f64();
        println!("{method:?}: {rate:.0} rows/s");
        told("  raw score", &raw, &positive);
        told("  tail probability", &surprise, &positive);
    }
    Ok(())
}

fn methods() -> Vec<DetectMethod> {
    let knn = |neighbours, history| DetectMethod::Knn {
        window: 1,
        neighbours,
        history,
    };
    let autoencoder = |code, batch, learning_rate| DetectMethod::Autoencoder {
        code,
        batch,
        learning_rate,
    };
    let trees = |trees, depth, window| DetectMethod::HalfSpaceTrees {
        trees,
        depth,
        window,
    };
    vec![
        DetectMethod::Ewma { alpha: 0.01 },
        DetectMethod::Ewma { alpha: 0.001 },
        knn(1, 1_000),
        knn(1, 4_000),
        knn(20, 4_000),
        knn(200, 4_000),
        trees(25, 8, 250),
        trees(25, 8, 1_000),
        trees(50, 10, 1_000),
        autoencoder(2, 32, 0.001),
        autoencoder(2, 64, 0.000_5),
        autoencoder(1, 32, 0.001),
    ]
}

fn settings(method: DetectMethod, width: usize) -> Detect {
    Detect {
        columns: (0..width).collect(),
        methods: vec![method],
        threshold: 0.005,
        quiet: 0,
        warm_up: 100,
        memory: 10_000,
        added: ["score", "probability", "anomaly"].map(Into::into),
    }
}
