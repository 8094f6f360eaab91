//! Estimates against NannyML's on the same rows (committed with the script that made them), and against outcomes.

use serde::Deserialize;

use super::*;
use crate::drift::detector::tests::Dice;

#[derive(Deserialize)]
struct Case {
    seed: u64,
    classes: usize,
    power: i32,
    calibrated: Vec<bool>,
    accuracy: f64,
    precision: f64,
    recall: f64,
    f1: f64,
    roc_auc: f64,
}

/// Rows as `rows` in make_cbpe.py makes them: scores, the model's answers, and outcomes.
struct Rows {
    scores: Vec<f64>,
    predicted: Vec<usize>,
    outcomes: Vec<usize>,
}

fn rows(dice: &mut Dice, count: usize, classes: usize, power: i32, is_later: bool) -> Rows {
    let (mut scores, mut predicted, mut outcomes) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        if classes == 2 {
            let u = dice.roll();
            let score = if is_later { 0.2 + 0.6 * u } else { u };
            scores.push(score);
            predicted.push(usize::from(score >= 0.5));
            outcomes.push(usize::from(dice.roll() < score.powi(power)));
            continue;
        }
        let mut row: Vec<f64> = (0..classes).map(|_| 0.02 + dice.roll()).collect();
        if is_later {
            row[0] *= 2.0;
        }
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|x| *x /= sum);
        let best = (1..classes).fold(
            0,
            |best, class| if row[class] > row[best] { class } else { best },
        );
        let all: f64 = row.iter().map(|x| x.powi(power)).sum();
        let mut left = dice.roll() * all;
        let mut outcome = 0;
        while outcome + 1 < classes && left >= row[outcome].powi(power) {
            left -= row[outcome].powi(power);
            outcome += 1;
        }
        scores.extend(row);
        predicted.push(best);
        outcomes.push(outcome);
    }
    Rows {
        scores,
        predicted,
        outcomes,
    }
}

fn positive(classes: &[usize]) -> Vec<bool> {
    classes.iter().map(|class| *class == 1).collect()
}

fn fitted(known: &Rows, classes: usize) -> Cbpe {
    match classes {
        2 => Cbpe::fit_binary(&known.scores, &positive(&known.outcomes)).unwrap(),
        classes => Cbpe::fit_classes(classes, &known.scores, &known.outcomes).unwrap(),
    }
}

/// Calibrates the classes that NannyML did.
fn fitted_as(known: &Rows, classes: usize, calibrated: &[bool]) -> Cbpe {
    let columns = calibrated.len();
    let class = |(class, calibrated): (usize, &bool)| {
        let positive = if classes == 2 { 1 } else { class };
        let is_class: Vec<bool> = known
            .outcomes
            .iter()
            .map(|outcome| *outcome == positive)
            .collect();
        calibrated.then(|| calibrator(&column(&known.scores, columns, class), &is_class))
    };
    let calibrators = calibrated.iter().enumerate().map(class).collect();
    Cbpe { calibrators }
}

fn estimate(cbpe: &Cbpe, later: &Rows, classes: usize) -> Estimate {
    match classes {
        2 => cbpe
            .estimate_binary(&later.scores, &positive(&later.predicted))
            .unwrap(),
        _ => cbpe
            .estimate_classes(&later.scores, &later.predicted)
            .unwrap(),
    }
}

#[test]
fn estimates_are_nannymls_within_half_a_point() {
    let lines = include_str!("../../../tests/fixtures/drift/cbpe.jsonl").lines();
    let cases: Vec<Case> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let mut dice = Dice(case.seed);
        let known = rows(&mut dice, 3_000, case.classes, case.power, false);
        let later = rows(&mut dice, 2_000, case.classes, case.power, true);
        let as_nannyml = fitted_as(&known, case.classes, &case.calibrated);
        if case.power > 1 {
            assert_eq!(
                fitted(&known, case.classes),
                as_nannyml,
                "both calibrate what needs it"
            );
        }
        let ours = estimate(&as_nannyml, &later, case.classes);
        for (name, ours, theirs) in [
            ("accuracy", ours.accuracy, case.accuracy),
            ("precision", ours.precision, case.precision),
            ("recall", ours.recall, case.recall),
            ("f1", ours.f1, case.f1),
            ("roc_auc", ours.roc_auc.unwrap(), case.roc_auc),
        ] {
            let seed = case.seed;
            assert!(
                (ours - theirs).abs() < 0.005,
                "{name} of {seed}: {ours}, NannyML {theirs}"
            );
        }
    }
}

#[test]
fn the_accuracy_expected_is_about_the_accuracy_that_comes_true() {
    for power in [1, 2, 3] {
        let mut dice = Dice(77);
        let known = rows(&mut dice, 10_000, 2, power, false);
        let later = rows(&mut dice, 10_000, 2, power, true);
        let right = later
            .predicted
            .iter()
            .zip(&later.outcomes)
            .filter(|(a, b)| a == b)
            .count();
        let expected = estimate(&fitted(&known, 2), &later, 2).accuracy;
        let came = right as f64 / 10_000.0;
        assert!(
            (expected - came).abs() < 0.02,
            "{power}: {expected}, came {came}"
        );
    }
}

#[test]
fn a_model_that_never_says_yes_has_no_precision_and_certain_scores_no_curve() {
    let scores: Vec<f64> = (0..400).map(|i| f64::from(i) / 400.0).collect();
    let outcomes: Vec<bool> = (0..400).map(|i| i >= 200).collect();
    let cbpe = Cbpe::fit_binary(&scores, &outcomes).unwrap();
    let found = cbpe.estimate_binary(&[0.1, 0.2], &[false, false]).unwrap();
    assert_eq!((found.precision, found.recall, found.f1), (0.0, 0.0, 0.0));
    assert_eq!((found.accuracy, found.roc_auc), (1.0, None));
}

#[test]
fn measures_of_two_rows_are_those_worked_out_by_hand() {
    let cbpe = Cbpe {
        calibrators: vec![None],
    };
    let found = cbpe.estimate_binary(&[0.1, 0.9], &[false, true]).unwrap();
    // True positives 0.9, false ones 0.1, and the same for negatives. The curve runs over (0.1, 0.9): under it lie
    // 0.1 · 0.9 / 2 and 0.9 · (0.9 + 1) / 2.
    for measure in [found.accuracy, found.precision, found.recall, found.f1] {
        assert!((measure - 0.9).abs() < 1e-12, "{found:?}");
    }
    assert!((found.roc_auc.unwrap() - 0.9).abs() < 1e-12, "{found:?}");
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    assert!(Cbpe::fit_binary(&[0.5; 10], &[true; 10]).is_err());
    assert!(Cbpe::fit_binary(&[0.5; 300], &[true; 299]).is_err());
    assert!(Cbpe::fit_binary(&[1.5; 300], &[true; 300]).is_err());
    assert!(Cbpe::fit_classes(3, &[0.3; 900], &[3; 300]).is_err());
    let cbpe = Cbpe::fit_classes(3, &[0.3; 900], &[1; 300]).unwrap();
    assert!(cbpe.estimate_binary(&[0.5], &[true]).is_err());
    assert!(cbpe.estimate_classes(&[f64::NAN; 3], &[0]).is_err());
}
