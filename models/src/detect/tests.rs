//! Detectors against naive definitions, and against themselves after a restore.

use config::{Detect, DetectMethod};
use proptest::prelude::*;

use super::half_space::{HalfSpace, Shape};
use super::knn::Knn;
use super::recent::Recent;
use super::tail::Tail;
use super::{Detector, Verdict};
use crate::random::Random;

fn settings(methods: Vec<DetectMethod>, width: usize) -> Detect {
    Detect {
        columns: (0..width).collect(),
        methods,
        threshold: 0.01,
        quiet: 20,
        warm_up: 50,
        memory: 100,
        added: ["score", "probability", "anomaly"].map(Into::into),
    }
}

const KNN: DetectMethod = DetectMethod::Knn {
    window: 3,
    neighbours: 2,
    history: 40,
};

fn methods() -> Vec<DetectMethod> {
    vec![DetectMethod::Ewma { alpha: 0.05 }, KNN]
}

const TREES: DetectMethod = DetectMethod::HalfSpaceTrees {
    trees: 5,
    depth: 4,
    window: 30,
};

/// With those that want several columns.
fn all_methods(width: usize) -> Vec<DetectMethod> {
    let network = DetectMethod::Autoencoder {
        code: 1,
        batch: 8,
        learning_rate: 0.01,
    };
    let mut all = methods();
    all.push(TREES);
    if width > 1 {
        all.push(network);
    }
    all
}

fn values(width: usize, rows: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut random = Random::new(seed);
    let row = |_| (0..width).map(|_| random.normal()).collect();
    (0..rows).map(row).collect()
}

fn restored(detector: &Detector) -> Detector {
    let standard = bincode::config::standard();
    let bytes = bincode::serde::encode_to_vec(detector, standard).unwrap();
    bincode::serde::decode_from_slice(&bytes, standard)
        .unwrap()
        .0
}

proptest! {
    // A case is a thousand rows through four methods.
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_detector_that_was_written_and_read_goes_on_as_if_nothing_had_been(
        seed: u64, width in 1usize..4, cut in 0usize..400,
    ) {
        let settings = settings(all_methods(width), width);
        let mut whole = Detector::new(&settings, 7);
        let mut cut_off = Detector::new(&settings, 7);
        for (at, row) in values(width, 400, seed).iter().enumerate() {
            if at == cut || at == cut / 2 {
                cut_off = restored(&cut_off);
                prop_assert!(cut_off.fits(&settings));
            }
            prop_assert_eq!(whole.row(&settings, row), cut_off.row(&settings, row));
        }
        prop_assert_eq!(whole, cut_off);
    }

    #[test]
    fn the_nearest_are_those_that_all_distances_give(
        seed: u64, width in 1usize..4, window in 1usize..20, neighbours in 1usize..5,
    ) {
        let rows = values(width, 120, seed);
        let history = 60;
        let mut knn = Knn::new(window, neighbours, history, width);
        for at in 0..rows.len() {
            let found = knn.row(&rows[at]);
            let expected = nearest(&rows[..=at], window, neighbours, history);
            match (found, expected) {
                (Some(found), Some(expected)) => prop_assert!((found - expected).abs() < 1e-9 * expected.max(1.0), "{found} {expected}"),
                (found, expected) => prop_assert_eq!(found, expected),
            }
        }
    }

    #[test]
    fn the_mass_of_a_row_is_that_of_the_rows_that_went_its_way(seed: u64, width in 1usize..4) {
        let shape = Shape { trees: 3, depth: 5, window: 40 };
        let rows = values(width, 200, seed);
        let mut forest = HalfSpace::new(shape, width, seed);
        for (at, row) in rows.iter().enumerate() {
            let found = forest.row(row);
            // The profile is the last whole window; the first has none.
            let expected = (at / 40).checked_sub(1).map(|window| {
                let profile = &rows[40 * window..40 * (window + 1)];
                inverse_mass(&forest, profile, row)
            });
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_record_is_higher_than_all_of_the_rows_within_the_span(
        surprises in prop::collection::vec(0u8..10, 1..200), span in 0usize..30,
    ) {
        let mut recent = Recent::default();
        for (at, surprise) in surprises.iter().enumerate() {
            let before = &surprises[at.saturating_sub(span)..at];
            let expected = before.iter().all(|other| other < surprise);
            prop_assert_eq!(recent.row(at as u64, f64::from(*surprise), span), expected);
        }
    }
}

/// By the definition, from all rows so far; deviations as in `spread`, by weights of each row.
fn nearest(rows: &[Vec<f64>], window: usize, neighbours: usize, history: usize) -> Option<f64> {
    let width = rows[0].len();
    let scales: Vec<f64> = (0..width)
        .map(|column| deviation(rows, column, history))
        .collect();
    let newest = rows.len().checked_sub(window)?;
    let first = rows.len().saturating_sub(history + window);
    let mut distances: Vec<f64> = Vec::new();
    for start in first..=newest {
        if start + window > newest {
            continue;
        }
        let mut square = 0.0;
        for at in 0..window {
            for column in 0..width {
                let difference = rows[start + at][column] - rows[newest + at][column];
                square += (difference / scales[column]).powi(2);
            }
        }
        distances.push(square.sqrt());
    }
    distances.sort_by(f64::total_cmp);
    distances.truncate(neighbours);
    let count = distances.len() as f64;
    (!distances.is_empty()).then(|| distances.iter().sum::<f64>() / count)
}

/// By the definition: of each tree, the rows of the profile that are in the row's node, from the root down to the
/// first node with at most a tenth of them.
fn inverse_mass(forest: &HalfSpace, profile: &[Vec<f64>], row: &[f64]) -> f64 {
    let mut mass = 0.0;
    for tree in 0..3 {
        let way = forest.way(tree, row);
        let ways: Vec<Vec<usize>> = profile
            .iter()
            .map(|other| forest.way(tree, other))
            .collect();
        for depth in 0..=5 {
            let together = ways
                .iter()
                .filter(|other| other[..=depth] == way[..=depth])
                .count();
            if depth == 5 || together <= 4 {
                mass += (together << depth) as f64;
                break;
            }
        }
    }
    (3 * 40 * 32) as f64 / (mass + 1.0)
}

/// Of the rows weighted by 1 / max(n, history) when they came, each weight shrunk by those after it.
fn deviation(rows: &[Vec<f64>], column: usize, history: usize) -> f64 {
    if rows[0].len() == 1 {
        return 1.0;
    }
    let mut weights: Vec<f64> = Vec::new();
    for n in 1..=rows.len() {
        let alpha = 1.0 / n.min(history) as f64;
        weights.iter_mut().for_each(|weight| *weight *= 1.0 - alpha);
        weights.push(alpha);
    }
    let weighted = |of: &dyn Fn(f64) -> f64| -> f64 {
        let values = rows.iter().map(|row| of(row[column]));
        values
            .zip(&weights)
            .map(|(value, weight)| value * weight)
            .sum()
    };
    let mean = weighted(&|value| value);
    weighted(&|value| (value - mean).powi(2)).sqrt().max(1e-6)
}

#[test]
fn a_score_is_as_rare_as_its_rank_says_and_beyond_the_highest_rarer_still() {
    let mut tail = Tail::new(10_000);
    let mut random = Random::new(5);
    for _ in 0..9_000 {
        tail.row(1.0 - random.unit());
    }
    let mut probability = |score: f64| 10f64.powf(-tail.clone().row(score));
    for (score, expected) in [(0.1, 0.9), (0.5, 0.5), (0.9, 0.1), (0.97, 0.03)] {
        let found = probability(score);
        // A bucket is 2 % wide.
        assert!((found - expected).abs() < 0.03, "{score}: {found}");
    }
    let rising = [0.97, 1.1, 1.5, 10.0, 1e6].map(&mut probability);
    assert!(
        rising.windows(2).all(|pair| pair[0] > pair[1]),
        "{rising:?}"
    );
    assert!(probability(0.0) == 1.0);
}

#[test]
fn the_tail_of_a_power_law_is_continued_as_the_law_has_it() {
    // P(score > x) = x^-2, from 1 on.
    let mut tail = Tail::new(100_000);
    let mut random = Random::new(6);
    for _ in 0..100_000 {
        tail.row((1.0 - random.unit()).powf(-0.5));
    }
    for score in [20.0f64, 100.0, 1_000.0] {
        let found = tail.clone().row(score);
        let expected = 2.0 * score.log10();
        assert!(
            (found - expected).abs() < 0.1 * expected,
            "{score}: {found} {expected}"
        );
    }
}

#[test]
fn the_past_is_forgotten_by_halves() {
    let mut tail = Tail::new(1_000);
    for _ in 0..1_000 {
        tail.row(100.0);
    }
    for _ in 0..30_000 {
        tail.row(1.0);
    }
    let surprise = tail.clone().row(100.0);
    assert!(surprise > 3.0, "{surprise}");
    assert!(tail.fits(1_000));
}

#[test]
fn a_spike_in_a_wave_is_one_anomaly_and_so_is_a_wave_that_stops() {
    let settings = settings(methods(), 1);
    for strange in ["spike", "still"] {
        let mut detector = Detector::new(&settings, 1);
        let mut random = Random::new(3);
        let found: Vec<usize> = (0..600)
            .filter(|at| {
                let wave = (*at as f64 / 8.0).sin() + 0.05 * random.normal();
                let value = match strange {
                    "spike" if *at == 500 => 9.0,
                    "still" if *at >= 500 => 0.9,
                    _ => wave,
                };
                detector.row(&settings, &[value]).anomaly
            })
            .collect();
        let near = found.iter().filter(|at| (500..520).contains(*at)).count();
        assert!(near >= 1, "{strange}: {found:?}");
        assert!(found.len() <= near + 3, "{strange}: {found:?}");
    }
}

#[test]
fn a_constant_series_is_never_an_anomaly_until_it_changes() {
    // Of two methods, one in three hundred rows: with a memory of fewer nothing is so rare.
    let settings = Detect {
        memory: 1_000,
        ..settings(methods(), 1)
    };
    let mut detector = Detector::new(&settings, 1);
    let verdicts: Vec<Verdict> = (0..300).map(|_| detector.row(&settings, &[5.0])).collect();
    assert!(verdicts.iter().all(|verdict| !verdict.anomaly));
    assert!(detector.row(&settings, &[5.5]).anomaly);
}

#[test]
fn what_is_of_other_settings_does_not_fit() {
    let one = settings(methods(), 1);
    let mut detector = Detector::new(&one, 1);
    for row in values(1, 100, 2) {
        detector.row(&one, &row);
    }
    assert!(restored(&detector).fits(&one));
    assert!(!detector.fits(&settings(methods(), 2)));
    assert!(!detector.fits(&settings(vec![KNN], 1)));
    assert!(!detector.fits(&Detect { memory: 99, ..one }));
}

#[test]
fn half_spaces_and_a_network_see_a_row_that_breaks_what_its_columns_have_in_common() {
    let network = DetectMethod::Autoencoder {
        code: 1,
        batch: 16,
        learning_rate: 0.01,
    };
    let forest = DetectMethod::HalfSpaceTrees {
        trees: 25,
        depth: 8,
        window: 250,
    };
    for method in [network, forest] {
        let settings = settings(vec![method], 2);
        let mut detector = Detector::new(&settings, 1);
        let mut random = Random::new(9);
        for _ in 0..3_000 {
            let x = random.normal();
            detector.row(&settings, &[x, x + 0.1 * random.normal()]);
        }
        // Neither value is unusual; that they come together is.
        let usual = detector.clone().row(&settings, &[1.2, 1.2]);
        let strange = detector.row(&settings, &[1.2, -1.2]);
        assert!(
            strange.score > 3.0 * usual.score,
            "{method:?}: {usual:?} {strange:?}"
        );
        assert!(strange.probability < 0.05, "{method:?}: {strange:?}");
    }
}
