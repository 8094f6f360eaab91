//! Decisions of the gate, false promotions among equal models, arms, and peeking.

mod sequential;

use std::time::Duration;

use config::{Element, Signature, TensorSpec};
use proptest::prelude::*;

use super::*;
use crate::random::Random;

/// Labels of which a fifth is positive.
fn truths(rows: usize, random: &mut Random) -> Vec<f32> {
    (0..rows).map(|_| f32::from(random.unit() < 0.2)).collect()
}

/// Probabilities of a model that sees the truth through noise: the more skill, the better.
fn answers(truths: &[f32], skill: f64, random: &mut Random) -> Answers {
    let mut numbers = Vec::new();
    for truth in truths {
        let logit = skill * (f64::from(*truth) - 0.5) + random.normal() - 0.5;
        let probability = (1.0 / (1.0 + (-logit).exp())) as f32;
        numbers.extend([1.0 - probability, probability]);
    }
    Answers { width: 2, numbers }
}

fn candidate(answers: &Answers) -> Candidate<'_> {
    Candidate {
        name: "version 1",
        signature: None,
        answers,
        latency: None,
    }
}

fn judged(champion: &Answers, challenger: &Answers, truths: &[f32], rules: &Rules) -> Verdict {
    let holdout = Holdout {
        truths,
        slices: &[],
    };
    judge(
        &candidate(champion),
        &candidate(challenger),
        &holdout,
        rules,
    )
}

/// The checks that were not passed.
fn failed(verdict: &Verdict) -> Vec<&str> {
    let failed = verdict.reasons.iter().filter(|reason| !reason.passed);
    failed.map(|reason| reason.check.as_str()).collect()
}

const MEASURES: [Measure; 4] = [
    Measure::Accuracy,
    Measure::AveragePrecision,
    Measure::RocAuc,
    Measure::LogLoss,
];

#[test]
fn a_better_model_is_promoted_by_every_measure() {
    let mut random = Random::new(1);
    let truths = truths(2_000, &mut random);
    let (old, new) = (
        answers(&truths, 1.0, &mut random),
        answers(&truths, 3.0, &mut random),
    );
    for measure in MEASURES {
        let verdict = judged(&old, &new, &truths, &Rules::of(measure));
        assert!(verdict.promoted, "{}", verdict.words());
        let verdict = judged(&new, &old, &truths, &Rules::of(measure));
        assert_eq!(failed(&verdict), ["better"], "{}", verdict.words());
    }
}

#[test]
fn the_champion_itself_is_not_promoted() {
    let mut random = Random::new(2);
    let truths = truths(500, &mut random);
    let same = answers(&truths, 2.0, &mut random);
    for measure in MEASURES {
        let verdict = judged(&same, &same, &truths, &Rules::of(measure));
        assert_eq!(failed(&verdict), ["better"], "{}", verdict.words());
    }
}

#[test]
fn a_gain_below_the_margin_is_not_enough() {
    let mut random = Random::new(3);
    let truths = truths(2_000, &mut random);
    let (old, new) = (
        answers(&truths, 1.0, &mut random),
        answers(&truths, 3.0, &mut random),
    );
    for measure in MEASURES {
        let rules = Rules {
            margin: 0.9,
            ..Rules::of(measure)
        };
        assert!(!judged(&old, &new, &truths, &rules).promoted);
    }
}

#[test]
fn a_model_that_is_worse_on_a_slice_is_refused_and_the_slice_named() {
    let mut random = Random::new(4);
    let truths = truths(2_000, &mut random);
    let old = answers(&truths, 1.0, &mut random);
    let mut new = answers(&truths, 6.0, &mut random);
    // In the last two hundred rows it says the opposite.
    for row in new.numbers.chunks_exact_mut(2).skip(1_800) {
        row.swap(0, 1);
    }
    let slices = [
        ("country=AT".to_owned(), (0..1_800).collect()),
        ("country=CH".to_owned(), (1_800..2_000).collect()),
        ("country=LI".to_owned(), (1_990..2_000).collect()),
    ];
    let holdout = Holdout {
        truths: &truths,
        slices: &slices,
    };
    let verdict = judge(
        &candidate(&old),
        &candidate(&new),
        &holdout,
        &Rules::of(Measure::Accuracy),
    );
    assert_eq!(
        failed(&verdict),
        ["slice country=CH"],
        "{}",
        verdict.words()
    );
    assert!(verdict.words().starts_with("refused: accuracy "));
}

#[test]
fn answers_that_are_no_numbers_or_always_the_same_are_refused() {
    let mut random = Random::new(5);
    let truths = truths(500, &mut random);
    let old = Answers::constant(&[0.5, 0.5], 500);
    let good = answers(&truths, 4.0, &mut random);
    for bad in [f32::NAN, f32::INFINITY] {
        let mut new = good.clone();
        new.numbers[77] = bad;
        let verdict = judged(&old, &new, &truths, &Rules::of(Measure::LogLoss));
        assert!(failed(&verdict).contains(&"numbers"));
        assert!(!verdict.promoted);
    }
    let constant = Answers::constant(&[0.8, 0.2], 500);
    let verdict = judged(&old, &constant, &truths, &Rules::of(Measure::LogLoss));
    assert!(failed(&verdict).contains(&"constant"));
}

#[test]
fn a_first_model_has_to_beat_a_constant() {
    let mut random = Random::new(6);
    let truths = truths(1_000, &mut random);
    let constant = Answers::constant(&[0.8, 0.2], 1_000);
    let rules = Rules::of(Measure::AveragePrecision);
    let learned = answers(&truths, 2.0, &mut random);
    assert!(judged(&constant, &learned, &truths, &rules).promoted);
    let blind = answers(&truths, 0.0, &mut random);
    assert!(!judged(&constant, &blind, &truths, &rules).promoted);
}

#[test]
fn a_slow_model_and_one_of_another_signature_are_refused() {
    let mut random = Random::new(7);
    let truths = truths(500, &mut random);
    let (old, new) = (
        answers(&truths, 0.5, &mut random),
        answers(&truths, 4.0, &mut random),
    );
    let signature = |features: usize| Signature {
        inputs: vec![TensorSpec {
            name: "features".into(),
            element: Element::Float32,
            shape: vec![None, Some(features)],
        }],
        ..Signature::default()
    };
    let (three, four) = (signature(3), signature(4));
    let rules = Rules {
        latency_max: Some(Duration::from_millis(2)),
        ..Rules::of(Measure::RocAuc)
    };
    let verdict = |latency, signature| {
        let champion = Candidate {
            signature: Some(&three),
            ..candidate(&old)
        };
        let challenger = Candidate {
            signature: Some(signature),
            latency: Some(latency),
            ..candidate(&new)
        };
        let holdout = Holdout {
            truths: &truths,
            slices: &[],
        };
        judge(&champion, &challenger, &holdout, &rules)
    };
    let (fast, slow) = (Duration::from_millis(1), Duration::from_millis(3));
    assert!(verdict(fast, &three).promoted);
    assert_eq!(failed(&verdict(slow, &three)), ["latency"]);
    assert_eq!(failed(&verdict(fast, &four)), ["signature"]);
}

#[test]
fn what_cannot_be_judged_is_refused_and_without_labels_only_soundness_counts() {
    let mut random = Random::new(8);
    let few = truths(99, &mut random);
    let (old, new) = (
        answers(&few, 0.0, &mut random),
        answers(&few, 5.0, &mut random),
    );
    let rules = Rules::of(Measure::RocAuc);
    assert_eq!(failed(&judged(&old, &new, &few, &rules)), ["rows"]);
    let negatives = vec![0.0; 200];
    let (old, new) = (
        answers(&negatives, 0.0, &mut random),
        answers(&negatives, 5.0, &mut random),
    );
    let verdict = judged(&old, &new, &negatives, &rules);
    assert!(verdict.words().contains("lack a class"));
    assert!(judged(&old, &new, &[], &rules).promoted);
}

#[test]
fn a_verdict_reads_back_as_it_was_written() {
    let mut random = Random::new(9);
    let truths = truths(300, &mut random);
    let (old, new) = (
        answers(&truths, 1.0, &mut random),
        answers(&truths, 3.0, &mut random),
    );
    let verdict = judged(&old, &new, &truths, &Rules::of(Measure::RocAuc));
    let text = toml::to_string(&verdict).expect("TOML");
    assert_eq!(
        toml::from_str::<Verdict>(&text).expect("a verdict"),
        verdict
    );
}

/// Promotions among pairs of equally good models that err independently.
fn false_promotions(measure: Measure, rows: usize, runs: u64) -> u64 {
    let promotes = |seed: &u64| {
        let mut random = Random::new(*seed);
        let truths = truths(rows, &mut random);
        let (old, new) = (
            answers(&truths, 2.0, &mut random),
            answers(&truths, 2.0, &mut random),
        );
        let rules = Rules {
            replicates: 200,
            seed: *seed,
            ..Rules::of(measure)
        };
        judged(&old, &new, &truths, &rules).promoted
    };
    (0..runs).filter(promotes).count() as u64
}

#[test]
fn of_equal_models_at_most_alpha_are_promoted_by_average_precision() {
    let promoted = false_promotions(Measure::AveragePrecision, 200, 100);
    assert!(promoted <= 5, "{promoted} of 100");
}

#[test]
fn mcnemar_is_the_exact_binomial_test() {
    // scipy.stats.binomtest(k, n, 0.5).pvalue
    for (first, second, p_value) in [
        (0, 0, 1.0),
        (5, 5, 1.0),
        (1, 9, 0.021484375),
        (10, 25, 0.016673847800120715),
        (480, 600, 0.0002895729029358247),
    ] {
        let ours = mcnemar(first, second);
        assert!((ours - p_value).abs() < 1e-9, "{first} {second}: {ours}");
    }
    assert!(mcnemar(1_000, 2_000) > 0.0);
}

#[test]
fn shares_of_a_million_keys_are_within_three_sigma() {
    for share in [0.05, 0.25, 0.5] {
        let keys = 0..1_000_000_u32;
        let tried = keys.filter(|key| arm(&key.to_le_bytes(), "fraud-7", share) == Arm::Challenger);
        let sigma = (1e6 * share * (1.0 - share)).sqrt();
        let off = tried.count() as f64 - 1e6 * share;
        assert!(off.abs() < 3.0 * sigma, "{share}: {off} off, sigma {sigma}");
    }
}

#[test]
fn a_key_keeps_the_arm_that_it_has_had_since_this_was_written() {
    // xxhash.xxh64(key, seed=xxhash.xxh64("fraud-7").intdigest()).intdigest() / 2**64 of the Python package xxhash.
    for (key, place) in PLACES {
        assert_eq!(
            arm(key.as_bytes(), "fraud-7", place + 1e-9),
            Arm::Challenger
        );
        assert_eq!(arm(key.as_bytes(), "fraud-7", place - 1e-9), Arm::Champion);
    }
}

const PLACES: &[(&str, f64)] = &[
    ("", 0.8910239243039396),
    ("card-4711", 0.0635576264641203),
    ("4999", 0.1049201567204484),
    (
        "a key of more than thirty-two bytes, to be sure",
        0.25831302328655137,
    ),
];

#[test]
fn salts_draw_different_keys() {
    let both = (0..100_000_u32).filter(|key| {
        let tried = |salt| arm(&key.to_le_bytes(), salt, 0.1) == Arm::Challenger;
        tried("a") && tried("b")
    });
    // One percent if they are independent.
    let both = both.count();
    assert!((880..1_120).contains(&both), "{both}");
}

proptest! {
    #[test]
    fn a_growing_share_moves_no_key_out_of_the_challengers_arm(
        key in prop::collection::vec(any::<u8>(), 0..40),
        a in 0.0_f64..=1.0,
        b in 0.0_f64..=1.0,
    ) {
        let (less, more) = (a.min(b), a.max(b));
        if arm(&key, "salt", less) == Arm::Challenger {
            prop_assert_eq!(arm(&key, "salt", more), Arm::Challenger);
        }
        prop_assert_eq!(arm(&key, "salt", 0.0), Arm::Champion);
        prop_assert_eq!(arm(&key, "salt", 1.0), Arm::Challenger);
        prop_assert_eq!(arm(&key, "salt", f64::NAN), Arm::Champion);
    }
}

/// Runs of equal arms, looked at after every observation, that are ever told apart.
fn false_stops(runs: u64, observations: usize, chance: f64) -> u64 {
    let stops = |seed: &u64| {
        let mut random = Random::new(*seed);
        let mut test = SequentialTest::new(0.05);
        (0..observations).any(|_| {
            let arm = if random.unit() < 0.25 {
                Arm::Challenger
            } else {
                Arm::Champion
            };
            test.observe(arm, f64::from(random.unit() < chance));
            test.difference() != Difference::Open
        })
    };
    (0..runs).filter(stops).count() as u64
}
