//! The scorer against what the official one gives.

use serde_json::Value;

use super::data::path;
use super::{
    Counts, PROFILES, Rows, Series, at, best, golden_ewma, golden_lcg, normalised, series,
};

fn scored<'a>(series: &'a [Series], rows: &'a [Rows]) -> Vec<(&'a Series, &'a [f64])> {
    let rows = rows.iter().map(Vec::as_slice);
    series.iter().zip(rows).collect()
}

fn assert_near(what: &str, found: f64, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (found - expected).abs() < 1e-9,
        "{what}: {found}, not {expected}"
    );
}

fn check(name: &str, series: &[Series], rows: &[Rows]) {
    let golden: Value =
        serde_json::from_slice(&std::fs::read(path("scorer_golden.json")).unwrap()).unwrap();
    let golden = &golden["detectors"][name];
    let scored = scored(series, rows);
    let threshold = golden["fixed_threshold"].as_f64().unwrap();
    for profile in PROFILES {
        let expected = &golden["profiles"][profile.name];
        let found = best(&scored, profile);
        // The official scorer writes 1.1 for no alarm at all.
        let above_all = found.threshold.min(1.1);
        assert_near("threshold", above_all, &expected["best_threshold"]);
        assert_near("best", found.raw, &expected["best_raw"]);
        let score = normalised(series, profile, found.raw);
        assert_near("normalised", score, &expected["best_normalised"]);
        let fixed = scored.iter().map(|one| at(*one, profile, threshold).raw);
        assert_near("fixed", fixed.sum(), &expected["fixed_raw"]);
    }
    for one in &scored {
        let expected = &golden["series_at_fixed_threshold_standard"][&one.0.name];
        let Counts {
            raw,
            true_positives,
            false_positives,
            true_negatives,
            false_negatives,
            ..
        } = at(*one, PROFILES[0], threshold);
        assert_near(&one.0.name, raw, &expected["raw"]);
        let counted = [
            true_positives,
            false_positives,
            true_negatives,
            false_negatives,
        ];
        let expected = ["tp", "fp", "tn", "fn"].map(|count| expected[count].as_u64().unwrap());
        assert_eq!(
            counted.map(|count| count as u64),
            expected,
            "{}",
            one.0.name
        );
    }
}

#[test]
fn the_scorer_gives_what_the_official_one_gives() {
    let Some(series) = series() else { return };
    check("lcg", &series, &golden_lcg(&series));
    let ewma: Vec<Rows> = series.iter().map(golden_ewma).collect();
    check("ewma", &series, &ewma);
}

#[test]
fn one_alarm_at_the_begin_of_each_window_is_a_hundred_and_none_is_nothing() {
    let series = [Series {
        name: "made".into(),
        values: vec![0.0; 1_000],
        windows: vec![(300, 399), (600, 699)],
    }];
    let mut perfect = vec![0.0; 1_000];
    (perfect[300], perfect[600]) = (1.0, 1.0);
    for (rows, expected) in [(perfect, 100.0), (vec![0.0; 1_000], 0.0)] {
        for profile in PROFILES {
            let found = best(&scored(&series, std::slice::from_ref(&rows)), profile);
            let score = normalised(&series, profile, found.raw);
            assert!((score - expected).abs() < 1e-9, "{score}");
        }
    }
}
