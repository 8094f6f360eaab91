//! Measures against scikit-learn, river and definitions written out (`models/tests/metrics/make.py`).

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::Value;

use super::*;

static EXPECTED: LazyLock<Value> = LazyLock::new(|| {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/metrics/expected.json");
    let text = std::fs::read_to_string(path).expect("the fixture");
    serde_json::from_str(&text).expect("JSON")
});

fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list.iter().map(|x| x.as_f64().expect("a number")).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|x| x as f32).collect()
}

fn classes(value: &Value) -> Vec<usize> {
    numbers(value).into_iter().map(|x| x as usize).collect()
}

fn close(what: &str, measured: Option<f64>, expected: &Value) {
    let (measured, expected) = (measured.expect(what), expected.as_f64().expect(what));
    assert!(
        (measured - expected).abs() < 1e-9,
        "{what}: {measured}, expected {expected}"
    );
}

#[test]
fn scores_of_two_classes_measure_as_in_scikit_learn() {
    let case = &EXPECTED["binary"];
    let (scores, truths) = (floats(&case["score"]), classes(&case["truth"]));
    let positive: Vec<bool> = truths.iter().map(|truth| *truth == 1).collect();
    let ranking = Ranking::new(&scores, &positive).expect("scores");
    close("roc-auc", ranking.roc_auc(), &case["roc-auc"]);
    close(
        "average-precision",
        ranking.average_precision(),
        &case["average-precision"],
    );
    close(
        "precision-at-20",
        ranking.precision_at(20),
        &case["precision-at-20"],
    );
    close("recall-at-20", ranking.recall_at(20), &case["recall-at-20"]);
    let mut confusion = Confusion::new(2);
    for (truth, said) in truths.iter().zip(classes(&case["said"])) {
        confusion.add(*truth, said);
    }
    close("accuracy", confusion.accuracy(), &case["accuracy"]);
    close(
        "balanced",
        confusion.balanced_accuracy(),
        &case["balanced-accuracy"],
    );
    close("kappa", confusion.kappa(), &case["kappa"]);
    close("precision", confusion.precision(1), &case["precision"]);
    close("recall", confusion.recall(1), &case["recall"]);
    close("f1", confusion.f1(1), &case["f1"]);
}

#[test]
fn probabilities_measure_as_in_scikit_learn() {
    let case = &EXPECTED["binary"];
    let (mut scores, mut moved) = (ProbabilityScores::default(), ProbabilityScores::default());
    for (score, truth) in numbers(&case["score"]).iter().zip(numbers(&case["truth"])) {
        scores.add(*score, truth > 0.5);
        moved.add(score + 0.001, truth > 0.5);
    }
    close("log-loss", scores.log_loss(), &case["log-loss"]);
    close("brier", scores.brier(), &case["brier"]);
    close(
        "calibration",
        moved.calibration_error(),
        &case["calibration-error-moved"],
    );
}

#[test]
fn a_report_of_classes_is_that_of_scikit_learn() {
    let case = &EXPECTED["classes"];
    let truths = classes(&case["truth"]);
    let report = Report::of_classes(&floats(&case["probabilities"]), 3, &truths);
    for name in ["accuracy", "balanced-accuracy", "kappa", "log-loss"] {
        close(name, report.get(name), &case[name]);
    }
    let binary = &EXPECTED["binary"];
    let scores = floats(&binary["score"]);
    let pairs: Vec<f32> = scores.iter().flat_map(|p| [1.0 - p, *p]).collect();
    let report = Report::of_classes(&pairs, 2, &classes(&binary["truth"]));
    for name in ["accuracy", "f1", "roc-auc", "average-precision", "brier"] {
        close(name, report.get(name), &binary[name]);
    }
}

#[test]
fn a_report_of_numbers_is_that_of_scikit_learn() {
    let case = &EXPECTED["values"];
    let report = Report::of_values(&floats(&case["said"]), &floats(&case["truth"]));
    for name in ["mean-absolute-error", "root-mean-squared-error"] {
        close(name, report.get(name), &case[name]);
    }
}

#[test]
fn a_stream_measures_as_in_river_all_along() {
    let case = &EXPECTED["prequential"];
    let window = case["window"].as_u64().expect("a number") as usize;
    let factor = case["factor"].as_f64().expect("a number");
    let mut stream = Prequential::new(2, window, factor);
    let rows = classes(&case["truth"])
        .into_iter()
        .zip(classes(&case["said"]));
    let mut after = case["after"].as_array().expect("a list").iter();
    let mut next = after.next();
    for (at, (truth, said)) in rows.enumerate() {
        stream.add(truth, said);
        let Some(expected) = next.filter(|expected| expected["row"] == at + 1) else {
            continue;
        };
        for (name, measured) in [
            ("accuracy", stream.all().accuracy()),
            ("kappa", stream.all().kappa()),
            ("accuracy-windowed", stream.windowed().accuracy()),
            (
                "balanced-accuracy-windowed",
                stream.windowed().balanced_accuracy(),
            ),
            ("accuracy-faded", stream.faded().accuracy()),
            ("no-change", stream.no_change()),
            ("kappa-temporal", stream.kappa_temporal()),
            ("kappa-temporal-windowed", stream.kappa_temporal_windowed()),
        ] {
            close(&format!("{name} after {at}"), measured, &expected[name]);
        }
        next = after.next();
    }
    assert!(next.is_none());
}

#[test]
fn card_precision_is_that_of_its_definition() {
    let case = &EXPECTED["cards"];
    let payments = case["payments"].as_array().expect("a list").iter();
    let payments: Vec<Payment> = payments
        .map(|row| Payment {
            day: row[0].as_i64().expect("a day"),
            card: row[1].as_u64().expect("a card"),
            score: row[2].as_f64().expect("a score") as f32,
            is_fraud: row[3].as_bool().expect("a label"),
        })
        .collect();
    let k = case["k"].as_u64().expect("a number") as usize;
    close(
        "card precision",
        card_precision(&payments, k),
        &case["card-precision"],
    );
}

#[test]
fn what_cannot_be_said_of_the_rows_is_not_said() {
    let all_negative = Ranking::new(&[0.1, 0.2], &[false, false]).expect("scores");
    assert_eq!(all_negative.roc_auc(), None);
    assert_eq!(all_negative.average_precision(), None);
    assert!(Ranking::new(&[f32::NAN], &[true]).is_none());
    assert_eq!(Confusion::new(2).accuracy(), None);
    assert_eq!(ProbabilityScores::default().log_loss(), None);
    assert_eq!(card_precision(&[], 100), None);
    let constant = Prequential::new(2, 10, 0.9);
    assert_eq!(constant.kappa_temporal(), None);
}

#[test]
fn one_sure_error_does_not_make_the_log_loss_infinite() {
    let mut scores = ProbabilityScores::default();
    scores.add(0.0, true);
    assert!(scores.log_loss().is_some_and(f64::is_finite));
}

#[test]
fn live_measures_follow_the_window_and_keep_their_memory_bounded() {
    let mut live = Live::new(0.5, 50);
    // First everything wrong, then everything right.
    for at in 0..200 {
        let is_positive = at % 3 == 0;
        live.add(
            if is_positive == (at >= 100) { 0.9 } else { 0.1 },
            is_positive,
        );
    }
    let report = live.report();
    assert_eq!(report.get("roc-auc-windowed"), Some(1.0));
    assert_eq!(report.get("accuracy-windowed"), Some(1.0));
    assert_eq!(report.get("accuracy"), Some(0.5));
    assert!(live.window.len() == 50 && live.window.capacity() < 200);
}

#[test]
fn slices_beyond_the_bound_share_one() {
    let mut slices = Slices::new(Errors::default());
    for at in 0..1_000 {
        slices.slice(&at.to_string()).add(0.0, 1.0);
    }
    assert!(slices.iter().count() <= 257);
    let others = slices
        .iter()
        .find(|(name, _)| *name == Slices::<Errors>::OTHERS);
    assert!(others.is_some());
}

proptest! {
    #[test]
    fn the_roc_auc_is_the_share_of_pairs_in_order(rows in prop::collection::vec((0_u8..12, any::<bool>()), 1..60)) {
        let scores: Vec<f32> = rows.iter().map(|(score, _)| f32::from(*score) / 12.0).collect();
        let positive: Vec<bool> = rows.iter().map(|(_, positive)| *positive).collect();
        let (mut pairs, mut right) = (0.0, 0.0);
        for (a, is_positive) in &rows {
            for (b, is_negative) in rows.iter().map(|(b, positive)| (b, !positive)) {
                if *is_positive && is_negative {
                    pairs += 1.0;
                    right += if a > b { 1.0 } else if a == b { 0.5 } else { 0.0 };
                }
            }
        }
        let measured = Ranking::new(&scores, &positive).expect("scores").roc_auc();
        prop_assert_eq!(measured.is_some(), pairs > 0.0);
        if let Some(measured) = measured {
            prop_assert!((measured - right / pairs).abs() < 1e-12);
        }
    }

    #[test]
    fn weights_count_a_row_as_often_as_they_say(rows in prop::collection::vec((0_u8..6, any::<bool>(), 0_u8..4), 1..40)) {
        let of = |rows: Vec<(u8, bool)>| {
            let scores: Vec<f32> = rows.iter().map(|(score, _)| f32::from(*score)).collect();
            let positive: Vec<bool> = rows.iter().map(|(_, positive)| *positive).collect();
            Ranking::new(&scores, &positive).expect("scores")
        };
        let once = of(rows.iter().map(|(score, positive, _)| (*score, *positive)).collect());
        let repeated = of(rows.iter().flat_map(|(s, p, times)| vec![(*s, *p); usize::from(*times)]).collect());
        let weight = |row: usize| f64::from(rows[row].2);
        for (weighted, counted) in [
            (once.roc_auc_of(weight), repeated.roc_auc()),
            (once.average_precision_of(weight), repeated.average_precision()),
        ] {
            prop_assert_eq!(weighted.is_some(), counted.is_some());
            prop_assert!((weighted.unwrap_or(0.0) - counted.unwrap_or(0.0)).abs() < 1e-12);
        }
    }
}
